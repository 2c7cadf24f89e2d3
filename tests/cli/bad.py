"""How errors read, for the tests of bad input."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from click.testing import Result

    from tests.cli.desk import Desk


def told(result: Result, desk: Desk) -> str:
    """Return what a command said on standard error, with the test's folder as a dot."""
    assert "Traceback" not in result.stderr
    return result.stderr.replace(str(desk.folder), ".")


def error(message: str, remedy: str) -> str:
    """Return the two lines of an error."""
    return f"error: {message}\nremedy: {remedy}\n"
