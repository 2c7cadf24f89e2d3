"""A terminal for tests: what a drawing leaves on it, with and without its colours."""

from __future__ import annotations

import io
import os
import pty
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

from reconciler.report.drawn import draw

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest

    from reconciler.report.blocks import Block

_STYLE = re.compile(r"\x1b\[[\d;]*m")


def drawn(monkeypatch: pytest.MonkeyPatch, blocks: Iterable[Block], width: int = 80, **environ: str) -> str:
    """Draw blocks for a terminal of this width; a variable of the environment wins over a usual one."""
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    usual = {"COLUMNS": str(width), "LINES": "50", "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    for name, value in {**usual, **environ}.items():
        monkeypatch.setenv(name, value)
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    draw(blocks, stream)
    stream.flush()
    return stream.buffer.getvalue().decode()


def uncoloured(shown: str) -> list[str]:
    """Return the lines of a drawing without styles and blank ends; any other escape stays, to be seen."""
    return [line.rstrip() for line in _STYLE.sub("", shown).splitlines()]


def on_a_terminal(command: list[str], *, interrupted_at: str = "", **environ: str) -> str:
    """Run Python with these arguments in a pseudo-terminal and return what it wrote there.

    With `interrupted_at` Ctrl-C is pressed, once, when this text has appeared.
    """
    ours, theirs = pty.openpty()
    mine = {"NO_COLOR", "FORCE_COLOR", "TERM", "COLUMNS", "LINES"}
    base = {name: value for name, value in os.environ.items() if name not in mine}
    environment = {**base, "TERM": "xterm-256color", "COLUMNS": "80", **environ}
    process = subprocess.Popen([sys.executable, *command], stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    shown = b""
    try:
        while chunk := os.read(ours, 4096):
            shown += chunk
            if interrupted_at and interrupted_at.encode() in shown:
                process.send_signal(signal.SIGINT)
                interrupted_at = ""
    except OSError:  # the terminal's other end is closed: Linux reports the end so
        pass
    finally:
        os.close(ours)
        process.wait()
    return shown.decode()
