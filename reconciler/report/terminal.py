"""The one way out to people and programs: a command hands over blocks or data, and they are shown as fits.

Blocks are drawn (`drawn.py`) where somebody looks at a terminal, and are plain text (`written.py`) everywhere else.
`NO_COLOR` takes the colours out of a drawing; `FORCE_COLOR` draws into a pipe too, for `less -R`; `TERM=dumb` asks for
plain text; `COLUMNS` sets the width. An empty variable means nothing.

Protects: nothing foreign gets to a terminal with control characters, whichever way it takes.
"""

from __future__ import annotations

import json
import os
import sys
from enum import StrEnum
from typing import TYPE_CHECKING

import click

from reconciler.plain import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from reconciler.report.blocks import Block, Column, Row


class Format(StrEnum):
    """How a result is written."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"


def show(blocks: Iterable[Block]) -> None:
    """Write blocks to the standard output: drawn for a person who looks, plain otherwise."""
    if is_drawn():
        from reconciler.report.drawn import draw

        draw(blocks, sys.stdout)
    else:
        from reconciler.report.written import written

        for line in written(blocks):
            click.echo(line)


def print_rows(
    rows: Sequence[Row],
    columns: Sequence[Column],
    form: Format,
    *,
    empty: str,
    dot: Callable[[Row], str] | None = None,
) -> None:
    """Write a listing; `empty` is the sentence for people when there is nothing in it, `dot` as in `Table`."""
    from reconciler.report.blocks import Table

    if form is not Format.TABLE:
        print_data(list(rows), form)
    else:
        show([Table(tuple(columns), rows, dot=dot) if rows else empty])


def is_drawn() -> bool:
    """Tell whether results are drawn: on a terminal that can, or where FORCE_COLOR asks for it."""
    if os.environ.get("FORCE_COLOR"):
        return True
    return sys.stdout.isatty() and os.environ.get("TERM") not in {"dumb", "unknown"}


def may_colour() -> bool | None:
    """Return what the environment says of colours: yes, no, or (None) only on a terminal."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return True if os.environ.get("FORCE_COLOR") else None


def print_data(value: object, form: Format, *, compact: bool = False) -> None:
    """Write JSON-ready data as JSON or YAML; `compact` is for one of many: a line of JSON, a document of YAML."""
    start = "---\n" if compact else ""
    click.echo(start + _as_yaml(value) if form is Format.YAML else _as_json(value, compact=compact))


def _as_json(value: object, *, compact: bool) -> str:
    indent = None if compact else 2
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return text if visible(text) == text else json.dumps(value, indent=indent)


def _as_yaml(value: object) -> str:
    import yaml

    text = yaml.safe_dump(value, allow_unicode=True, sort_keys=False).rstrip("\n")
    return text if visible(text) == text else str(yaml.safe_dump(value, sort_keys=False)).rstrip("\n")
