"""Options that several commands have, and how their texts are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.report.terminal import Format

if TYPE_CHECKING:
    from datetime import timedelta


def _as_format(_: click.Context, __: click.Parameter, value: str) -> Format:
    return Format(value)


def as_duration(_: click.Context, __: click.Parameter, value: str | None) -> timedelta | None:
    """Read a length of time as in the configuration file, or fail as wrong usage."""
    if value is None:
        return None
    from pydantic import TypeAdapter, ValidationError

    from reconciler.settings import Duration

    try:
        length: timedelta = TypeAdapter(Duration).validate_python(value)
    except ValidationError as error:
        message = f"{value!r} is not a duration: write a number and a unit, such as 30s, 5m or 1h"
        raise click.BadParameter(message) from error
    return length


output_option = click.option(
    "--output",
    "-o",
    "form",
    type=click.Choice([form.value for form in Format]),
    default=Format.TABLE.value,
    show_default=True,
    callback=_as_format,
    help="A table for people, JSON or YAML for programs.",
)
