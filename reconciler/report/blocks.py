"""What a report is made of, before anybody knows whether people or programs will read it.

A command builds blocks once. `plain.py` writes them as text that grep and awk can use, `drawn.py` draws them on a
terminal as tables, trees and panels. Neither gets anything that the other does not, except where a field says so.

    [
        Card("op-1", ("webapp is OOMKilled", "A restart clears it now."), footer="verified after 2m"),
        Section("Evidence", (Node("kubernetes: exit code 137"),)),
    ]
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

Row: TypeAlias = Mapping[str, Any]  # JSON-ready; what a table shows of it is the columns' matter


class Styled(NamedTuple):
    """A piece of a line with its meaning: good, bad, warn, head, faint or place."""

    text: str
    style: str


Piece: TypeAlias = str | Styled
Line: TypeAlias = Piece | tuple[Piece, ...]  # `Styled` is a tuple too, so ask for it first


@dataclass(frozen=True, slots=True)
class Told:
    """A line that begins with what kind of news it is: done, failed, waits, held, unknown."""

    label: str
    style: str
    line: Line
    below: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Node:
    """A line with what belongs to it; `step` is how far plain text indents that."""

    line: Line
    below: tuple[Block, ...] = ()
    step: int = 2


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with what stands under it."""

    title: str
    body: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Card:
    """What a whole report is about; the footer, said again at the end of plain text, is drawn only."""

    title: str
    lines: tuple[Line, ...]
    footer: Line = ""
    style: str = ""


@dataclass(frozen=True, slots=True)
class Diff:
    """A unified diff of one file."""

    text: str


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its title, how a row's cell reads, and what its style says."""

    title: str
    cell: Callable[[Row], str]
    style: Callable[[Row], str] = lambda _: ""
    whole: bool = False  # never wrapped: ids are there to be copied
    least: int = 12  # characters that a drawing leaves to it at least, if it has so many
    under: str = ""  # the column below whose cells its own are drawn where the terminal is too narrow for all


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under titles, or without; `dot` says in which style a drawing begins each row with a dot."""

    columns: tuple[Column, ...]
    rows: Sequence[Row]
    titles: bool = True
    dot: Callable[[Row], str] | None = None


Block: TypeAlias = Line | Told | Node | Section | Card | Diff | Table
