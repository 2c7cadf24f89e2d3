"""A patch as a person reads and edits it: rows with line numbers, what changed within a line, and fields for values."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_HUNK = re.compile(r"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@ ?(.*)")
# A line of YAML whose value stands in it: what is before the value, the value, and a comment after it.
_VALUED = re.compile(r"(?P<before>\s*(?:- )*[\w./\"'-]+:\s+|\s*- )(?P<value>[^#\s].*?)(?P<after>\s*|\s+#.*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of a diff; `changed` is what differs from the line that it replaces or that replaces it."""

    kind: str  # hunk, same, added, removed or note
    old: int | None = None
    new: int | None = None
    before: str = ""
    changed: str = ""
    after: str = ""

    @property
    def text(self) -> str:
        """The whole line."""
        return self.before + self.changed + self.after


@dataclass(frozen=True, slots=True)
class Field:
    """A line that may be edited: by its value alone where it has one, else as a whole."""

    number: int
    before: str
    value: str
    after: str

    @property
    def label(self) -> str:
        """What the value is called."""
        return self.before.strip().removesuffix(":").removeprefix("- ").strip("\"'") or f"line {self.number}"


class NotEditable(ValueError):
    """An edit that does not fit the file; the message says why."""


def rows(patch: str) -> list[Row]:
    """Return the rows of a patch without a file header."""
    found: list[Row] = []
    old = new = 0
    for line in patch.split("\n") if patch else []:
        mark, text = line[:1], line[1:]
        hunk = _HUNK.fullmatch(line)
        if hunk:
            old, new = int(hunk[1]), int(hunk[2])
            found.append(Row(kind="hunk", before=line))
        elif mark == "+":
            found.append(Row(kind="added", new=new, before=text))
            new += 1
        elif mark == "-":
            found.append(Row(kind="removed", old=old, before=text))
            old += 1
        elif mark == "\\":
            found.append(Row(kind="note", before=text.strip()))
        else:
            found.append(Row(kind="same", old=old, new=new, before=text))
            old, new = old + 1, new + 1
    return _compared(found)


def fields(patch: str) -> list[Field]:
    """Return a field for each line that the patch adds."""
    return [field_of(row.new or 0, row.text) for row in rows(patch) if row.kind == "added"]


def field_of(number: int, line: str) -> Field:
    """Return a line as a field."""
    found = _VALUED.fullmatch(line)
    return Field(number, found["before"], found["value"], found["after"]) if found else Field(number, "", line, "")


def edited(content: str, values: Mapping[int, str]) -> str:
    """Return a file with other values in some of its lines; raises NotEditable."""
    lines = content.splitlines(keepends=True)
    for number, value in values.items():
        if not 0 < number <= len(lines):
            raise NotEditable(f"there is no line {number}")
        if "\n" in value or "\r" in value:
            raise NotEditable(f"line {number} must stay one line")
        line = lines[number - 1]
        text = line.rstrip("\r\n")
        field = field_of(number, text)
        lines[number - 1] = f"{field.before}{value}{field.after}{line[len(text) :]}"
    return "".join(lines)


def as_the_file_ends_lines(text: str, content: str) -> str:
    """Return what a browser sent, whose lines end as networks end them, as the file's own lines end."""
    ending = "\r\n" if "\r\n" in content else "\n"
    return ending.join(text.replace("\r\n", "\n").split("\n"))


def _compared(found: Iterable[Row]) -> list[Row]:
    """Mark what differs where as many lines come as go."""
    done: list[Row] = []
    for _, group in groupby(found, lambda row: row.kind in ("added", "removed")):
        block = list(group)
        gone = [row for row in block if row.kind == "removed"]
        come = [row for row in block if row.kind == "added"]
        if gone and len(gone) == len(come):
            pairs = [_pair(one, other) for one, other in zip(gone, come, strict=True)]
            block = [first for first, _ in pairs] + [second for _, second in pairs]
        done += block
    return done


def _pair(gone: Row, come: Row) -> tuple[Row, Row]:
    """Mark what differs between two lines, unless they have nothing in common."""
    one, other = gone.text, come.text
    start = _common(one, other)
    while start and _in_word(one, start) and _in_word(other, start):
        start -= 1
    end = _common(one[start:][::-1], other[start:][::-1])
    while end and _in_word(one, len(one) - end) and _in_word(other, len(other) - end):
        end -= 1
    if not one[:start].strip() and not end:
        return gone, come
    return _marked(gone, start, end), _marked(come, start, end)


def _marked(row: Row, start: int, end: int) -> Row:
    text = row.text
    stop = len(text) - end
    return Row(
        kind=row.kind, old=row.old, new=row.new, before=text[:start], changed=text[start:stop], after=text[stop:]
    )


def _in_word(text: str, at: int) -> bool:
    """Tell whether a place in a text parts a word."""
    return 0 < at < len(text) and text[at - 1].isalnum() and text[at].isalnum()


def _common(one: str, other: str) -> int:
    """Return how many characters two texts begin with alike."""
    count = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        count += 1
    return count
