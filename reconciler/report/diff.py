"""A unified diff as a panel: the lines that change on a ground of their colour, and in them what differs, brighter.

The text comes from `reconciler/diffs.py`, secrets masked; nothing is read from the files here.
"""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING

from rich.box import ROUNDED
from rich.console import Group
from rich.padding import Padding
from rich.panel import Panel
from rich.text import Text

from reconciler.report.written import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType

_HEADS = ("--- ", "+++ ")
_GROUNDS = {"-": "#ffd7d5 on #4a1518", "+": "#d5ffd9 on #12391d"}
_DIFFERENT = {"-": "bold #ffffff on #8c1d22", "+": "bold #ffffff on #1a6b33"}


def diff_panel(diff: str) -> Panel:
    """Return the diff of one file, framed under its path."""
    lines = diff.split("\n")
    path = next((line[4:].removeprefix("b/") for line in lines if line.startswith("+++ ")), "")
    body = [line for line in lines if not line.startswith(_HEADS)]
    return Panel(
        Group(*_coloured(body)),
        title=Text(shown(path), style="bold"),
        title_align="left",
        box=ROUNDED,
        border_style="dim",
    )


def _coloured(lines: Sequence[str]) -> Iterator[RenderableType]:
    partners = _partners(lines)
    for number, line in enumerate(lines):
        sign = line[:1]
        if sign in _GROUNDS:
            yield Padding(_changed(line, partners.get(number, ""), sign), style=_GROUNDS[sign])  # to the frame
        else:
            yield Text(shown(line), style="cyan" if line.startswith("@@") else "")


def _partners(lines: Sequence[str]) -> dict[int, str]:
    """Return, for the number of a changed line, the line before or after its change: equal runs pair one to one."""
    partners: dict[int, str] = {}
    for start in range(len(lines)):
        if not lines[start].startswith("-") or (start and lines[start - 1].startswith("-")):
            continue
        removed = list(takewhile(lambda line: line.startswith("-"), lines[start:]))
        added = list(takewhile(lambda line: line.startswith("+"), lines[start + len(removed) :]))
        if len(removed) == len(added):
            partners |= dict(enumerate(added, start)) | dict(enumerate(removed, start + len(removed)))
    return partners


def _changed(line: str, partner: str, sign: str) -> Text:
    made = Text(shown(line), style=_GROUNDS[sign])
    if partner:
        made.stylize(_DIFFERENT[sign], *_difference(line, partner))
    return made


def _difference(line: str, partner: str) -> tuple[int, int]:
    """Return where the two differ, from the start of a word to the end of one."""
    start = 1 + _alike(line[1:], partner[1:])
    end = len(line) - _alike(line[start:][::-1], partner[start:][::-1])
    start -= sum(1 for _ in takewhile(_in_word, reversed(line[1:start])))
    return start, end + sum(1 for _ in takewhile(_in_word, line[end:]))


def _alike(left: str, right: str) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(left, right, strict=False)))


def _in_word(character: str) -> bool:
    return character.isalnum() or character in "._-+"
