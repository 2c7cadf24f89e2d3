"""Blocks as plain text, for pipes, files and terminals that can do no more: one row a line, no colours, no borders.

Scripts read this text, so it changes like an interface: with a note in the changelog.

Protects: no control character of foreign text gets out; an escape sequence in an alert's label shows as `�`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.plain import visible
from reconciler.report.blocks import Card, Diff, Node, Section, Styled, Table, Told

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.report.blocks import Block, Line

_GAP = "  "
_STEP = 2
LABEL = 9  # the longest first word of a pass's lines, and a blank


def written(blocks: Iterable[Block]) -> Iterator[str]:
    """Yield the lines of all blocks."""
    for block in blocks:
        yield from _lines(block)


def text_of(line: Line) -> str:
    """Return a line without its styles: on one row, hidden characters replaced."""
    pieces = (line,) if isinstance(line, str | Styled) else line
    return "".join(shown(piece.text if isinstance(piece, Styled) else piece) for piece in pieces)


def shown(text: str) -> str:
    """Return a text on one row, hidden characters replaced."""
    return visible(text.replace("\n", " "))


def _lines(block: Block, indent: int = 0) -> Iterator[str]:
    start = " " * indent
    match block:
        case Told():
            yield start + block.label.ljust(LABEL) + text_of(block.line)
            yield from _under(block.below, indent + LABEL)
        case Node():
            yield start + text_of(block.line)
            yield from _under(block.below, indent + block.step)
        case Section():
            yield from ("", start + shown(block.title))
            yield from _under(block.body, indent + _STEP)
        case Card():
            first, *more = block.lines
            yield f"{start}{shown(block.title)}{_GAP}{text_of(first)}"
            yield from _under(more, indent + _STEP)
        case Diff():
            yield ""
            yield from map(shown, block.text.split("\n"))  # never indented, so that it can be cut out and applied
        case Table():
            yield from (start + row for row in _padded(block))
        case _:
            yield start + text_of(block)


def _under(blocks: Iterable[Block], indent: int) -> Iterator[str]:
    for block in blocks:
        yield from _lines(block, indent)


def _padded(table: Table) -> Iterator[str]:
    cells = [[shown(column.cell(row)) for column in table.columns] for row in table.rows]
    if table.titles:
        cells.insert(0, [shown(column.title) for column in table.columns])
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        yield _GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
