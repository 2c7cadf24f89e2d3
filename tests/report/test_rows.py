"""Listings: the same rows drawn on a terminal, padded in a pipe, and as data."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

from reconciler.report.rows import Column, Row, print_rows
from reconciler.report.terminal import Format

ROWS: list[Row] = [
    {"name": "a", "what": "\x1b[2J\u202eevil", "works": True},
    {"name": "long-name", "what": "two\nlines", "works": False},
]
COLUMNS = (
    Column("NAME", lambda r: r["name"], whole=True),
    Column("WHAT", lambda r: r["what"]),
    Column("STATE", lambda r: "works" if r["works"] else "missing", lambda r: "good" if r["works"] else "bad"),
)
_DRAW = (
    "from tests.report.test_rows import *; from reconciler.report.rows import print_rows; "
    "print_rows(ROWS, COLUMNS, Format.TABLE, empty='none')"
)


def test_a_pipe_gets_one_padded_row_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    """No borders, no escapes, no trailing blanks."""
    print_rows(ROWS, COLUMNS, Format.TABLE, empty="none")

    assert capsys.readouterr().out == (
        "NAME       WHAT       STATE\na          �[2J�evil  works\nlong-name  two lines  missing\n"
    )


def test_data_is_whole_and_harmless(capsys: pytest.CaptureFixture[str]) -> None:
    """JSON escapes what a terminal would obey."""
    print_rows(ROWS, COLUMNS, Format.JSON, empty="none")

    out = capsys.readouterr().out
    assert "\\u202e" in out
    assert out.isascii()


def test_an_empty_listing_is_a_sentence_or_an_empty_list(capsys: pytest.CaptureFixture[str]) -> None:
    """A person reads words, a program a list."""
    print_rows([], COLUMNS, Format.TABLE, empty="nothing here")
    print_rows([], COLUMNS, Format.JSON, empty="nothing here")

    assert capsys.readouterr().out == "nothing here\n[]\n"


@pytest.mark.parametrize(("environ", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_a_terminal_gets_a_drawn_table(environ: dict[str, str], *, coloured: bool) -> None:
    """Colours on a terminal unless NO_COLOR is set, and never the escapes of a foreign value."""
    shown = on_a_terminal(environ)

    assert ("\x1b[32mworks" in shown) is coloured
    assert "─────" in shown
    assert "\x1b[2J" not in shown
    assert "�[2J�evil" in shown


def on_a_terminal(environ: dict[str, str]) -> str:
    """Run the listing in a pseudo-terminal and return what it wrote there."""
    ours, theirs = pty.openpty()
    base = {k: v for k, v in os.environ.items() if k not in {"NO_COLOR", "TERM", "COLUMNS"}}
    environment = {**base, "TERM": "xterm-256color", "COLUMNS": "80", **environ}
    process = subprocess.Popen([sys.executable, "-c", _DRAW], stdout=theirs, env=environment)
    os.close(theirs)
    shown = b""
    try:
        while chunk := os.read(ours, 4096):
            shown += chunk
    except OSError:  # the terminal's other end is closed: Linux reports the end so
        pass
    finally:
        os.close(ours)
        process.wait()
    return shown.decode()
