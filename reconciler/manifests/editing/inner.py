"""Texts inside a field, such as a configuration file in a ConfigMap: find one key's value and replace it on its line.

The format is known by the name of the field that holds the text: YAML, JSON, `key = value` lines with or without
sections, or environment lines. Everything else is refused. Protects invariant 5 one level further down: the new text
is parsed again, and may differ in that one key only.
"""

from __future__ import annotations

import json
import re
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from reconciler.manifests.editing.page import Page
from reconciler.manifests.editing.parts import MappingNode, arrange, refuse, refuse_generated, scan
from reconciler.manifests.editing.replace import own_scalar, refuse_stale, refuse_unwritable, replacement
from reconciler.manifests.editing.splices import edited
from reconciler.manifests.editing.walk import find_place, is_null, scalar_at
from reconciler.model.objects import format_path
from reconciler.plain import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.model.action import FieldChange
    from reconciler.model.objects import FieldPath


class Format(Enum):
    """How a text is read."""

    YAML = ("yaml", "yml")
    JSON = ("json",)
    LINES = ("properties", "ini", "cfg", "cnf", "conf")
    ENVIRONMENT = ("env",)


class Replaced(NamedTuple):
    """A run of characters in a text, and what takes its place."""

    start: int
    end: int
    token: str


class _Line(NamedTuple):
    """A line that gives a key a value; the quotes, if any, stand outside of start and end."""

    names: tuple[str, ...]  # the section, where there is one, and the key
    value: str
    start: int
    end: int


_ASSIGNMENT = re.compile(r"(?P<key>[^\s=:#;!\[][^\s=:]*)[ ]*(?P<sign>[=:]|(?=[ ]|$))[ ]*(?P<value>.*)")
_EXPORT = re.compile(r"export +")
_SECTION = re.compile(r"\[([^\[\]]+)\]\s*")
_QUOTED = re.compile(r"(?P<quote>[\"'])(?P<value>[^\"'\\$`]*)(?P=quote)")
_WORD = re.compile(r"[A-Za-z0-9_./+@:,=-]+")  # nothing that any reader expands or unescapes
_WORDS = re.compile(rf"{_WORD.pattern}(?: +{_WORD.pattern})*")


def format_of(name: str) -> Format:
    """Return the format of a text by the name of its field."""
    suffix = name.rpartition(".")[2].lower()
    known = next((kind for kind in Format if suffix in kind.value), None)
    if known is None:
        refuse("inner_format", f"the format of a text called {name} is not known", "edit it by hand")
    return known


def read_inner(text: str, kind: Format, names: Sequence[str], path: FieldPath) -> str | None:
    """Return the value of a key in a text, or None when it does not have it."""
    if kind in (Format.YAML, Format.JSON):
        part = scalar_at(find_place(_root(_page(text)), tuple(names)), path)
        return None if part is None or is_null(part) else part.value
    line = _only_line(text, kind, names, path)
    return None if line is None else line.value


def replace_inner(text: str, kind: Format, names: Sequence[str], change: FieldChange, after: str) -> Replaced:
    """Return what to replace in a text to give one of its keys a new value; the result is proven right."""
    if kind in (Format.YAML, Format.JSON):
        return _in_yaml(text, kind, tuple(names), change, after)
    return _in_lines(text, kind, names, change, after)


def _page(text: str) -> Page:
    refuse_generated(text)
    return Page(text, scan(text))


def _root(page: Page) -> MappingNode:
    roots = arrange(page.parts)
    if len(roots) != 1 or not isinstance(roots[0], MappingNode):
        refuse("inner_format", "the text in the field is not one document with keys", "edit it by hand")
    return roots[0]


def _in_yaml(text: str, kind: Format, names: tuple[str, ...], change: FieldChange, after: str) -> Replaced:
    page = _page(text)
    part = own_scalar(scalar_at(find_place(_root(page), names), change.path), change)
    edit = replacement(part, change, after)
    if edit.token == text[edit.start : edit.end]:
        return Replaced(edit.start, edit.end, edit.token)
    new = edited(page, [edit], max_changed_lines=1)
    if kind is Format.JSON:
        _refuse_other_json(text, new, names, edit.token)
    return Replaced(edit.start, edit.end, edit.token)


def _refuse_other_json(before: str, after: str, names: tuple[str, ...], token: str) -> None:
    """Read both texts as JSON, too: YAML takes more for JSON than its readers do."""
    try:
        expected, actual, value = json.loads(before), json.loads(after), json.loads(token)
    except (ValueError, RecursionError):
        refuse("inner_format", "the text in the field is not valid JSON, or would not be", "edit it by hand")
    holder: Any = expected
    for name in names[:-1]:
        holder = holder[name]
    holder[names[-1]] = value
    if expected != actual:
        _refuse_unproven()


def _in_lines(text: str, kind: Format, names: Sequence[str], change: FieldChange, after: str) -> Replaced:
    line = _only_line(text, kind, names, change.path)
    if line is None:
        refuse("missing_field", f"{format_path(change.path)} is not in the text", "run `reconciler plan` again")
    refuse_stale(line.value, change)
    refuse_unwritable(after, change.path)
    quoted = text[line.start - 1] in "\"'" and text[line.end : line.end + 1] == text[line.start - 1]
    if not (_QUOTED.fullmatch(f"'{after}'") if quoted else _bare(kind).fullmatch(after)):
        message = f"the new value of {format_path(change.path)} could be read as something else in that text"
        refuse("inner_value", message, "edit it by hand")
    new = text[: line.start] + after + text[line.end :]
    expected = [(e.names, after if e.start == line.start else e.value) for e in _lines(text, kind)]
    if [(e.names, e.value) for e in _lines(new, kind)] != expected or new.count("\n") != text.count("\n"):
        _refuse_unproven()
    return Replaced(line.start, line.end, after)


def _only_line(text: str, kind: Format, names: Sequence[str], path: FieldPath) -> _Line | None:
    """Return the one line that sets a key; a key without a section may stand in any, but only once."""
    depth = len(names)
    found = [line for line in _lines(text, kind) if line.names[-depth:] == tuple(names)]
    if len(found) > 1:
        refuse("inner_ambiguous", f"{counted(len(found), 'line')} set {format_path(path)}", "keep one")
    if found and found[0].start < 0:
        refuse("inner_value", f"the value of {format_path(path)} is quoted, escaped or continued", "edit it by hand")
    return found[0] if found else None


def _lines(text: str, kind: Format) -> list[_Line]:
    """Return what the lines of a text set; a value that cannot be told for sure has a negative start."""
    section: tuple[str, ...] = ()
    found: list[_Line] = []
    at = indent = 0
    continues = False
    for line in text.split("\n"):
        start, at = at, at + len(line) + 1
        bare = line.strip()
        comment = not continues and bare[:1] in tuple("#;!")
        heading = _SECTION.fullmatch(bare)
        if heading and kind is Format.LINES and not continues:
            section, indent = (heading[1].strip(),), len(line)
        elif bare and not comment and not continues:
            deeper, indent = found and len(line) - len(line.lstrip()) > indent, len(line) - len(line.lstrip())
            if deeper:  # some readers take it for more of the value before
                found[-1] = found[-1]._replace(start=-1)
            found += [each._replace(start=-1) if deeper else each for each in _assigned(line, start, section, kind)]
        continues = line.endswith("\\") and not comment
    return found


def _assigned(line: str, start: int, section: tuple[str, ...], kind: Format) -> Iterator[_Line]:
    begin = len(line) - len(line.lstrip())
    exported = _EXPORT.match(line, begin) if kind is Format.ENVIRONMENT else None
    match = _ASSIGNMENT.fullmatch(line, exported.end() if exported else begin)
    if match is None:
        return
    value, first = match["value"].rstrip(), start + match.start("value")
    if value[:1] in ('"', "'") and value.count(value[0]) == 1:
        refuse("inner_value", "a value in the text seems to span several lines", "edit it by hand")
    names = (*section, match["key"])
    quoted = _QUOTED.fullmatch(value)
    if not match["sign"] or (kind is Format.ENVIRONMENT and match["sign"] != "="):
        yield _Line(names, value, -1, -1)
    elif quoted:
        yield _Line(names, quoted["value"], first + 1, first + 1 + len(quoted["value"]))
    elif _bare(kind).fullmatch(value):
        yield _Line(names, value, first, first + len(value))
    else:
        yield _Line(names, value, -1, -1)


def _bare(kind: Format) -> re.Pattern[str]:
    """Return what a value without quotes may be; a shell ends one at a space."""
    return _WORD if kind is Format.ENVIRONMENT else _WORDS


def _refuse_unproven() -> NoReturn:
    refuse("recheck_failed", "the edit of the text in the field cannot be proven right", "edit it by hand")
