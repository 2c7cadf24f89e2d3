"""The line that says what is going on while somebody waits: on the standard error of a terminal, and nowhere else.

It is gone when the result comes, so that neither pipes nor screens keep it.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.spinner import Spinner

_SLOW = 1.0  # seconds, after which the line says how long it takes


class Progress(Protocol):
    """Takes word of what is going on, from any thread."""

    def say(self, what: str) -> None:
        """Show this, in place of what was shown before."""
        ...


class _Silence:
    def say(self, what: str) -> None:
        """Show nothing."""


class _StatusLine:
    """What a spinner stands beside; rich asks for it several times a second."""

    def __init__(self, spinner: Spinner) -> None:
        self._spinner = spinner
        self._what = ""
        self._since = time.monotonic()

    def say(self, what: str) -> None:
        """Show this from the next moment on."""
        self._what = what

    def __rich__(self) -> Spinner:
        from rich.text import Text

        from reconciler.plain import one_line

        line = Text(one_line(self._what), style="dim", no_wrap=True, overflow="ellipsis")
        taken = time.monotonic() - self._since
        if taken >= _SLOW:
            line.append(f"  {taken:.0f}s")
        self._spinner.update(text=line)
        return self._spinner


@contextmanager
def progress(*, debug: bool = False) -> Iterator[Progress]:
    """Show a status line until the end; none where nobody looks, and none beside the log that `--debug` asks for."""
    if debug or not sys.stderr.isatty() or os.environ.get("TERM") in {"dumb", "unknown"}:
        yield _Silence()
        return
    from rich.console import Console
    from rich.live import Live
    from rich.spinner import Spinner

    line = _StatusLine(Spinner("dots"))
    console = Console(stderr=True, highlight=False, markup=False, emoji=False)
    with Live(get_renderable=line.__rich__, console=console, transient=True, refresh_per_second=10):
        yield line
