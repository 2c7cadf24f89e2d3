"""Markdown for a browser: a small, safe part of GitHub's; whatever else is written stands there as text.

Paragraphs, headings, lists, quotes, tables, code, bold, italics and links to web addresses. Protects: every character
is escaped unless it is part of these; no HTML passes, no address but http and https, and comments are dropped.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_LIMIT = 65_536  # characters, as GitHub's
_LONGEST = 5_000  # characters of a line that may be more than words
_DEEPEST = 6  # of quotes, lists and emphasis within each other

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})\s*([\w+-]*)[^`]*")
_HEADING = re.compile(r" {0,3}(#{1,6})\s+(.*?)\s*#*\s*")
_ITEM = re.compile(r"( {0,3})(?:[-*+]|(\d{1,9})[.)])( {1,4})(?=\S)")
_RULE = re.compile(r" {0,3}([-*_])(?:\s*\1){2,}\s*")
_TABLE = re.compile(r"\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*")
_CELL = re.compile(r"(?<!\\)\|")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)

_INLINE = re.compile(
    r"\\(?P<escaped>[!-/:-@\[-`{-~])"
    r"|(?<!`)(?P<ticks>`+)(?!`)(?P<code>.+?)(?<!`)(?P=ticks)(?!`)"
    r"|(?P<entity>&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]\w{1,30});)"
    r"|(?P<comment><!--.*?-->)"
    r"|\*\*(?P<strong>(?:\\.|`[^`]*`|[^*\\`])+?)\*\*"
    r"|(?<![\w*])(?P<mark>[*_])(?P<em>(?=\S)(?:\\.|`[^`]*`|[^*_\\`])+?)(?P=mark)(?!\w)"
    r"|\[(?P<words>(?:\\.|[^\[\]\\])+)\]\((?P<address>https?://[^\s()<>\"'`]+)\)"
    r"|(?P<bare>https?://[^\s<>\"'`|)\]*]*[^\s<>\"'`|)\]*.,;:!?])"
    r"|(?P<line>\n)",
    re.DOTALL,
)


Block = tuple[str, int]  # HTML, and the line at which the next block begins


@dataclass(frozen=True, slots=True)
class Place:
    """Where the reading stands: at a line of a text, so deep inside of lists and quotes."""

    lines: Sequence[str]
    at: int
    depth: int
    inside: bool  # of a paragraph, which not everything may interrupt

    @property
    def line(self) -> str:
        """The line itself."""
        return self.lines[self.at]


def render(text: str) -> str:
    """Return Markdown as HTML that is safe to show."""
    return _blocks(text[:_LIMIT].replace("\r\n", "\n").split("\n"), 0)


def inline(text: str, depth: int = 0) -> str:
    """Return the inside of a paragraph."""
    parts: list[str] = []
    at = 0
    for found in _INLINE.finditer(text):
        parts += [html.escape(text[at : found.start()]), _piece(found, depth)]
        at = found.end()
    return "".join([*parts, html.escape(text[at:])])


def _piece(found: re.Match[str], depth: int) -> str:
    """Return one thing that means something; too deep inside others it means nothing any more."""
    if depth > _DEEPEST:
        return html.escape(found[0])
    if found["escaped"]:
        return html.escape(found["escaped"])
    if found["ticks"]:
        return f"<code>{html.escape(_padless(found['code']))}</code>"
    if found["entity"]:
        return html.escape(html.unescape(found["entity"]))
    if found["comment"]:
        return ""
    if found["strong"]:
        return f"<strong>{inline(found['strong'], depth + 1)}</strong>"
    if found["em"]:
        return f"<em>{inline(found['em'], depth + 1)}</em>"
    if found["words"]:
        return _link(found["address"], inline(found["words"], depth + 1) if "://" not in found["words"] else "")
    if found["bare"]:
        return _link(found["bare"], "")
    return "<br>\n"


def _link(address: str, words: str) -> str:
    shown = html.escape(address)
    return f'<a href="{shown}" rel="noopener noreferrer nofollow">{words or shown}</a>'


def _padless(code: str) -> str:
    """Return a code span's content without the spaces that keep ticks apart."""
    return code[1:-1] if code.strip() and code.startswith(" ") and code.endswith(" ") else code


def _blocks(lines: Sequence[str], depth: int) -> str:
    """Return a run of lines as blocks."""
    parts: list[str] = []
    paragraph: list[str] = []
    at = 0
    while at < len(lines):
        block = _block(Place(lines, at, depth, bool(paragraph)))
        if block is None and lines[at].strip():
            paragraph.append(lines[at].strip())
            at += 1
            continue
        parts.append(_paragraph(paragraph))
        paragraph = []
        shown, at = block or ("", at + 1)
        parts.append(shown)
    return "\n".join(part for part in [*parts, _paragraph(paragraph)] if part)


def _block(place: Place) -> Block | None:
    """Return the block that begins at a line, None for a paragraph or nothing."""
    if place.depth > _DEEPEST or len(place.line) > _LONGEST:
        return None
    return next((block for begins in _BLOCKS if (block := begins(place)) is not None), None)


def _paragraph(lines: Sequence[str]) -> str:
    shown = inline("\n".join(lines)).strip()
    return f"<p>{shown}</p>" if shown else ""


def _comment(place: Place) -> Block | None:
    """Drop a comment; what follows it on its last line is a paragraph."""
    if not place.line.lstrip().startswith("<!--"):
        return None
    rest = "\n".join(place.lines[place.at :])
    found = _COMMENT.search(rest)
    end = found.end() if found else len(rest)
    return _paragraph([rest[end:].partition("\n")[0]]), place.at + rest[:end].count("\n") + 1


def _fenced(place: Place) -> Block | None:
    opened = _FENCE.fullmatch(place.line)
    if opened is None:
        return None
    fence, at = opened[1], place.at + 1
    content: list[str] = []
    while at < len(place.lines) and not _closes(place.lines[at].strip(), fence):
        content.append(place.lines[at])
        at += 1
    shown = [_diff_line(line) if opened[2] == "diff" else html.escape(line) for line in content]
    return f"<pre><code>{chr(10).join(shown)}</code></pre>", at + 1


def _closes(line: str, fence: str) -> bool:
    return set(line) == {fence[0]} and len(line) >= len(fence)


def _diff_line(line: str) -> str:
    kinds = {"+": "added", "-": "removed", "@": "hunk"}
    kind = "head" if line.startswith(("+++", "---")) else kinds.get(line[:1])
    return f'<span class="{kind}">{html.escape(line)}</span>' if kind else html.escape(line)


def _heading(place: Place) -> Block | None:
    found = _HEADING.fullmatch(place.line)
    if found is None:
        return None
    level = min(len(found[1]) + 1, 6)  # the page's own title is the first
    return f"<h{level}>{inline(found[2])}</h{level}>", place.at + 1


def _rule(place: Place) -> Block | None:
    return ("<hr>", place.at + 1) if not place.inside and _RULE.fullmatch(place.line) else None


def _quote(place: Place) -> Block | None:
    within: list[str] = []
    at = place.at
    while at < len(place.lines) and place.lines[at].lstrip().startswith(">"):
        within.append(place.lines[at].lstrip()[1:].removeprefix(" "))
        at += 1
    return (f"<blockquote>{_blocks(within, place.depth + 1)}</blockquote>", at) if within else None


def _table(place: Place) -> Block | None:
    lines, at = place.lines, place.at
    if place.inside or "|" not in place.line or at + 1 >= len(lines) or not _TABLE.fullmatch(lines[at + 1]):
        return None
    head = _cells(place.line)
    if len(head) != len(_cells(lines[at + 1])):
        return None
    end = at + 2
    while end < len(lines) and "|" in lines[end]:
        end += 1
    top = "".join(f'<th scope="col">{inline(cell)}</th>' for cell in head)
    rows = "".join(f"<tr>{_row(_cells(line), len(head))}</tr>\n" for line in lines[at + 2 : end])
    return f'<div class="wide"><table><thead><tr>{top}</tr></thead>\n<tbody>\n{rows}</tbody></table></div>', end


def _row(cells: list[str], width: int) -> str:
    return "".join(f"<td>{inline(cell)}</td>" for cell in (cells + [""] * width)[:width])


def _cells(line: str) -> list[str]:
    text = line.strip().removeprefix("|")
    text = text[:-1] if text.endswith("|") and not text.endswith("\\|") else text
    return [cell.strip() for cell in _CELL.split(text)]


@dataclass(frozen=True, slots=True)
class _Series:
    """What the items of one list have in common: numbers or not, and how far in their content stands."""

    numbered: bool
    width: int

    def item(self, line: str) -> str | None:
        """Return what an item of this list says on its first line, None when the line begins none."""
        found = None if _RULE.fullmatch(line) else _ITEM.match(line)
        belongs = found is not None and bool(found[2]) == self.numbered and len(found[1]) < self.width
        return line[found.end() :] if found is not None and belongs else None

    def deeper(self, line: str) -> str | None:
        """Return a line that stands below an item's content, without what is in front of it."""
        spaces = len(line) - len(line.lstrip(" "))
        return line[min(spaces, self.width) :] if spaces > 1 and line.strip() else None

    def goes_on(self, lines: Sequence[str], at: int) -> bool:
        """Tell whether the list goes on after an empty line."""
        return at < len(lines) and (self.item(lines[at]) is not None or self.deeper(lines[at]) is not None)


def _list(place: Place) -> Block | None:
    first = _ITEM.match(place.line)
    if first is None or _RULE.fullmatch(place.line) or (place.inside and first[2] not in (None, "1")):
        return None
    items, at = _items(place.lines, place.at, _Series(bool(first[2]), first.end()))
    loose = any("" in item for item in items)
    start = f' start="{int(first[2])}"' if first[2] and int(first[2]) != 1 else ""
    kind = "ol" if first[2] else "ul"
    shown = "".join(f"<li>{_item(item, place.depth, loose=loose)}</li>\n" for item in items)
    return f"<{kind}{start}>\n{shown}</{kind}>", at


def _items(lines: Sequence[str], at: int, series: _Series) -> tuple[list[list[str]], int]:
    """Return the items of a list, each as its lines, and where the list ends."""
    items: list[list[str]] = []
    while at < len(lines):
        line, begun, deeper = lines[at], series.item(lines[at]), series.deeper(lines[at])
        if begun is not None:
            items.append([begun])
        elif deeper is not None:
            items[-1].append(deeper)
        elif line.strip() and lines[at - 1].strip() and _block(Place(lines, at, 0, inside=True)) is None:
            items[-1].append(line)  # a paragraph goes on, however far to the left
        elif not line.strip() and series.goes_on(lines, at + 1):
            items[-1].append("")
        else:
            break
        at += 1
    return items, at


def _item(lines: Sequence[str], depth: int, *, loose: bool) -> str:
    shown = _blocks(lines, depth + 1)
    if shown.startswith("<p>") and not loose:
        return shown.removeprefix("<p>").replace("</p>", "", 1)
    return shown


_BLOCKS: tuple[Callable[[Place], Block | None], ...] = (_comment, _fenced, _heading, _rule, _quote, _table, _list)
