"""Tables drawn so that they fit the terminal: where columns do not fit side by side, some stand under others.

Nothing is ever cut off: what a column is for may be at its end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.box import ASCII, SIMPLE_HEAD
from rich.console import Group
from rich.table import Table as Grid
from rich.text import Text

from reconciler.report.inks import STYLES, symbol
from reconciler.report.written import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from reconciler.report.blocks import Column, Row, Table

Stack = list["Column"]  # one drawn column: the first of them, and what stands under it in each row

NOTHING = "—"  # how a cell says that it is empty
_GAP = 3  # characters between two columns
_DOT = 1 + _GAP


def grid(table: Table, console: Console, *, margin: int = 0) -> Grid:
    """Return the table as rich draws it; `margin` is what stands left of it."""
    room = console.width - margin - (_DOT if table.dot else 0)
    stacks = _stacks(table, room)
    box = (ASCII if console.options.ascii_only else SIMPLE_HEAD) if table.titles else None
    made = Grid(box=box, show_header=table.titles, pad_edge=False, show_edge=False, header_style="bold")
    if table.dot:
        made.add_column(width=1)
    for stack, width in zip(stacks, _widths(stacks, table.rows, room), strict=True):
        titles = Text("\n".join(shown(column.title) for column in stack))
        made.add_column(titles, overflow="fold", width=width)
    for number, row in enumerate(table.rows, 1):
        dots = [Text(symbol("●", console), style=STYLES[table.dot(row)])] if table.dot else []
        cells = [_cell(stack, row) for stack in stacks]
        if number < len(table.rows) and any(len(cell) > 1 for cell in cells):
            cells = [[*cell, Text()] for cell in cells]  # a blank line tells a row of several lines from the next
        made.add_row(*dots, *(Group(*cell) for cell in cells))
    return made


def _cell(stack: Stack, row: Row) -> list[Text]:
    top, *under = ((column, shown(column.cell(row))) for column in stack)
    drawn = [top, *((column, cell) for column, cell in under if cell != NOTHING)]
    return [Text(cell, style=STYLES[column.style(row)]) for column, cell in drawn]


def _stacks(table: Table, room: int) -> list[Stack]:
    """Return the columns side by side if each has the room that it needs, else some under others."""
    apart = [[column] for column in table.columns]
    if sum(_least(stack, table.rows) for stack in apart) + _gaps(apart) <= room:
        return apart
    return [[top, *(c for c in table.columns if c.under == top.title)] for top in table.columns if not top.under]


def _widths(stacks: Sequence[Stack], rows: Sequence[Row], room: int) -> list[int]:
    """Give each column what it needs at least, and the rest to those whose cells are longest."""
    widths = [_least(stack, rows) for stack in stacks]
    wanted = [max(_natural(column, rows) for column in stack) for stack in stacks]
    left = room - _gaps(stacks) - sum(widths)
    for place in sorted(range(len(stacks)), key=lambda n: wanted[n] - widths[n]):
        more = max(0, min(left, wanted[place] - widths[place]))
        widths[place] += more
        left -= more
    while left < 0:  # a terminal this narrow takes from the widest, whatever it is
        widest = widths.index(max(widths))
        widths[widest] -= 1
        left = left + 1 if widths[widest] > 0 else 0
    return widths


def _gaps(stacks: Sequence[Stack]) -> int:
    return _GAP * (len(stacks) - 1)


def _least(stack: Stack, rows: Sequence[Row]) -> int:
    """Return how many characters a stack must have: all of an id, some of a sentence."""
    return max(_natural(c, rows) if c.whole else min(_natural(c, rows), c.least) for c in stack)


def _natural(column: Column, rows: Sequence[Row]) -> int:
    return max(len(column.title), *(len(shown(column.cell(row))) for row in rows)) if rows else len(column.title)
