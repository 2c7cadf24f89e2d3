"""Every listing of every command: the same rows as a table for people, or as JSON or YAML for programs.

rich draws the table on a terminal, because it knows its width; elsewhere columns are padded, one row a line, so that
grep and awk work.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconciler.plain import visible
from reconciler.report.terminal import Format, Styled, print_data, print_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

Row = dict[str, Any]  # JSON-ready; what the table shows of it is the columns' matter
_GAP = "  "
_RICH_STYLES = {"good": "green", "bad": "red", "warn": "yellow", "head": "bold", "faint": "dim", "place": "cyan"}


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its title, how a row's cell reads, and what its style says."""

    title: str
    cell: Callable[[Mapping[str, Any]], str]
    style: Callable[[Mapping[str, Any]], str] = lambda _: ""
    whole: bool = False  # never wrapped: ids are there to be copied


def print_rows(rows: Sequence[Row], columns: Sequence[Column], form: Format, *, empty: str) -> None:
    """Write a listing; `empty` is the sentence for people when there is nothing in it."""
    if form is not Format.TABLE:
        print_data(list(rows), form)
    elif not rows:
        print_lines([empty])
    elif sys.stdout.isatty():
        _print_drawn(rows, columns)
    else:
        _print_padded(rows, columns)


def _cell(column: Column, row: Row) -> str:
    return visible(column.cell(row).replace("\n", " "))


def _print_padded(rows: Sequence[Row], columns: Sequence[Column]) -> None:
    table = [[c.title for c in columns], *([_cell(c, row) for c in columns] for row in rows)]
    widths = [max(len(line[i]) for line in table) for i in range(len(columns))]
    padded = (_GAP.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in table)
    print_lines(line.rstrip() for line in padded)


def _print_drawn(rows: Sequence[Row], columns: Sequence[Column]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        table.add_column(column.title, no_wrap=column.whole, overflow="fold")
    for row in rows:
        table.add_row(*(Text(_cell(c, row), style=_RICH_STYLES.get(c.style(row), "")) for c in columns))
    Console().print(table)


def headed(title: str) -> Styled:
    """Return a heading."""
    return Styled(title, "head")
