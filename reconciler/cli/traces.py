"""The trace of an error, for those who ask for it with `--debug`."""

from __future__ import annotations

import traceback

import click

from reconciler.plain import one_line

_LINE = 500


def print_trace(error: Exception) -> None:
    """Write the trace to standard error, without credentials and hidden characters: vendors quote URLs and answers."""
    for line in "".join(traceback.format_exception(error)).splitlines():
        indent = len(line) - len(line.lstrip(" "))
        click.echo(f"{'':{indent}}{one_line(line, _LINE)}", err=True)
