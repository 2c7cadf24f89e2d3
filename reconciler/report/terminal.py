"""Where text meets the terminal: one way out, so that nothing foreign gets there with control characters.

Reports are made of lines, lines of plain texts and `Styled` ones. Styles are added here, after hidden characters were
replaced, so an escape sequence in an alert's label shows as `�` and repaints nothing. click leaves the styles out
where the output is no terminal; `NO_COLOR` (see no-color.org) leaves them out everywhere.
"""

from __future__ import annotations

import json
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from reconciler.plain import visible

if TYPE_CHECKING:
    from collections.abc import Iterable

_STYLES: dict[str, dict[str, Any]] = {
    "good": {"fg": "green"},
    "bad": {"fg": "red"},
    "warn": {"fg": "yellow"},
    "head": {"bold": True},
    "faint": {"dim": True},
    "place": {"fg": "cyan"},
}


class Styled(NamedTuple):
    """A piece of a line with its meaning: good, bad, warn, head, faint or place."""

    text: str
    style: str


Piece = str | Styled
Line = Piece | tuple[Piece, ...]  # `Styled` is a tuple too, so ask for it first


class Format(StrEnum):
    """How a listing is written."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"


def print_lines(lines: Iterable[Line]) -> None:
    """Write lines to the standard output."""
    for line in lines:
        click.echo(rendered(line))


def rendered(line: Line) -> str:
    """Return a line as the terminal gets it: on one row, hidden characters replaced, styles added."""
    pieces = (line,) if isinstance(line, str | Styled) else line
    return "".join(_rendered(piece) for piece in pieces)


def _rendered(piece: Piece) -> str:
    text, style = piece if isinstance(piece, Styled) else (piece, "")
    shown = visible(text.replace("\n", " "))
    return click.style(shown, **_STYLES[style]) if style and shown else shown


def print_data(value: object, form: Format, *, compact: bool = False) -> None:
    """Write JSON-ready data as JSON or YAML; `compact` puts one JSON value on one line."""
    click.echo(_as_yaml(value) if form is Format.YAML else _as_json(value, compact=compact))


def _as_json(value: object, *, compact: bool) -> str:
    indent = None if compact else 2
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return text if visible(text) == text else json.dumps(value, indent=indent)


def _as_yaml(value: object) -> str:
    import yaml

    text = yaml.safe_dump(value, allow_unicode=True, sort_keys=False).rstrip("\n")
    return text if visible(text) == text else str(yaml.safe_dump(value, sort_keys=False)).rstrip("\n")
