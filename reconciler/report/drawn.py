"""Blocks drawn on a terminal by rich: trees, panels and tables that fit its width.

Protects: rich never parses a text of ours or of others. Everything becomes a `Text` with hidden characters replaced,
so `[red]` in a container's message is five characters, and an escape sequence is none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from rich.box import ROUNDED
from rich.console import Console, Group
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table as Grid
from rich.text import Text
from rich.tree import Tree

from reconciler.report.blocks import Card, Diff, Node, Section, Styled, Table, Told
from reconciler.report.diff import diff_panel
from reconciler.report.inks import STYLES, symbol, text
from reconciler.report.tables import grid
from reconciler.report.written import LABEL

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import RenderableType

    from reconciler.report.blocks import Block, Line

_SYMBOLS = {"good": "✓", "bad": "✗", "warn": "…", "faint": "·"}
_BY_LABEL = {"unknown": "?"}
_GUIDES = "dim"
_MARGIN = 2


def draw(blocks: Iterable[Block], stream: TextIO) -> None:
    """Draw all blocks on a terminal, with `NO_COLOR` without colours."""
    console = Console(file=stream, force_terminal=True, highlight=False, markup=False, emoji=False)
    for block in blocks:
        console.print(_drawn(block, console))


def _drawn(block: Block, console: Console) -> RenderableType:
    match block:
        case Told():
            return _told(block, console)
        case Node():
            return _tree(block.line, block.below, console)
        case Section():
            return _section(block, console)
        case Card():
            return _card(block)
        case Diff():
            return diff_panel(block.text)
        case Table():
            return grid(block, console)
        case _:
            return text(block)


def _tree(line: Line, below: Iterable[Block], console: Console) -> Tree:
    tree = Tree(text(line), guide_style=_GUIDES)
    for block in below:
        _grow(tree, block, console)
    return tree


def _grow(tree: Tree, block: Block, console: Console) -> None:
    if isinstance(block, Node):
        branch = tree.add(_leaf(block.line))
        for below in block.below:
            _grow(branch, below, console)
    elif isinstance(block, str | tuple):
        tree.add(_leaf(block))
    else:
        tree.add(_drawn(block, console))


def _leaf(line: Line) -> Text:
    """Return a line without blanks at its start: the guides indent it."""
    made = text(line)
    return made[len(made.plain) - len(made.plain.lstrip()) :]


def _section(section: Section, console: Console) -> RenderableType:
    """Draw a heading over its tree; a table stands free, because guides beside its rows would say nothing."""
    heading = Styled(section.title, "head")
    match section.body:
        case (Table() as table,):
            return Group(Text(), text(heading), Padding(grid(table, console, margin=_MARGIN), (0, 0, 0, _MARGIN)))
        case _:
            return Group(Text(), _tree(heading, section.body, console))


def _card(card: Card) -> Panel:
    return Panel(
        Group(*map(text, card.lines)),
        title=text(Styled(card.title, "head")),
        title_align="left",
        subtitle=text(card.footer) if card.footer else None,
        subtitle_align="left",
        border_style=STYLES[card.style],
        box=ROUNDED,
        padding=(0, 1),
    )


def _told(told: Told, console: Console) -> Grid:
    """Draw a line of news: its symbol, its word, and the text beside them however often it wraps."""
    news = Grid.grid(padding=(0, 1))
    news.add_column(width=1)
    news.add_column(width=LABEL - 1)
    news.add_column(overflow="fold")
    sign = Text(symbol(_BY_LABEL.get(told.label, _SYMBOLS[told.style]), console), style=STYLES[told.style])
    news.add_row(sign, text(Styled(told.label, told.style)), Group(text(told.line), *map(text, told.below)))
    return news
