"""Ctrl-C and SIGTERM: while a command only reads it ends at once; while it acts it ends at a safe point.

Protects: nobody has to wonder what an interruption left behind. What was announced is done and recorded before the end,
unless it is asked for twice; then the ledger knows what was announced, and the next pass completes or adopts it.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import click

from reconciler.cli.progress import progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from reconciler.cli.progress import Progress

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_AT_ONCE = "what was begun is announced in the ledger, and the next pass completes or adopts it"
SAFE_POINT = "what was begun is done and recorded; the next pass goes on from there: `reconciler run --once`"


class Interrupted(KeyboardInterrupt):
    """A person, or a machine that shuts down, wants an end; `left` says what that leaves behind."""

    def __init__(self, number: int, left: str) -> None:
        super().__init__(left)
        self.exit_code = 128 + number
        self.left = left


class Onlooker:
    """Shows what a pass does, and lets it finish."""

    def __init__(self, shown: Progress) -> None:
        self._shown = shown

    def doing(self, what: str) -> None:
        """Show what is being done."""
        self._shown.say(what)

    def acting(self, what: str) -> None:
        """Show which effects begin."""
        self._shown.say(what)

    def wants_an_end(self) -> bool:
        """Never: a pass of the loop is finished."""
        return False


class Watched(Onlooker):
    """Shows what a command does, and takes signals: it ends at once, or at a safe point once it acts."""

    def __init__(self, shown: Progress, untouched: str) -> None:
        super().__init__(shown)
        self._untouched = untouched
        self._acts = False
        self.asked: int | None = None

    def acting(self, what: str) -> None:
        """Show which effects begin; from now on the first signal only asks."""
        self._acts = True
        super().acting(what)

    def wants_an_end(self) -> bool:
        """Say whether a signal has asked."""
        return self.asked is not None

    def signalled(self, number: int, _: FrameType | None) -> None:
        """End what only reads; ask what acts, once."""
        if not self._acts:
            raise Interrupted(number, self._untouched)
        if self.asked is not None:
            raise Interrupted(number, _AT_ONCE)
        self.asked = number
        _tell(number, "as soon as what was begun is recorded")


@contextmanager
def watched(*, untouched: str, debug: bool) -> Iterator[Watched]:
    """Show progress and take signals; `untouched` says what an end before any effect leaves behind."""
    with progress(debug=debug) as shown:
        watcher = Watched(shown, untouched)
        with _handled(watcher.signalled):
            yield watcher


@contextmanager
def stopped_between_passes(wake: Callable[[], None]) -> Iterator[threading.Event]:
    """Turn the first signal into an event, and wake whoever rests; the second one into an end."""
    stop = threading.Event()

    def ask(number: int, _: FrameType | None) -> None:
        if stop.is_set():
            raise Interrupted(number, _AT_ONCE)
        stop.set()
        wake()
        _tell(number, "after the pass under way")

    with _handled(ask):
        yield stop


@contextmanager
def ended_at_once(left: str) -> Iterator[None]:
    """Let the first signal end what runs, and the next ones not disturb its cleaning up; `left` says what remains."""
    asked = False

    def end(number: int, _: FrameType | None) -> None:
        nonlocal asked
        if not asked:
            asked = True
            raise Interrupted(number, left)

    with _handled(end):
        yield


def _tell(number: int, when: str) -> None:
    """Say it above the status line, which is where a plain write goes while one is shown; click writes past it."""
    sys.stderr.write(f"{signal.Signals(number).name}: stopping {when}; once more stops at once\n")
    sys.stderr.flush()


@contextmanager
def _handled(handler: signal._HANDLER) -> Iterator[None]:
    """Let SIGINT and SIGTERM call this until the end; a thread other than the main one gets no signals anyway."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


def report(interruption: KeyboardInterrupt) -> int:
    """Say in one line what the interruption leaves behind, and return the exit code."""
    left = (
        interruption.left if isinstance(interruption, Interrupted) else "`reconciler status` shows where things stand"
    )
    click.echo(f"{click.style('interrupted:', fg='yellow')} {left}", err=True)
    return interruption.exit_code if isinstance(interruption, Interrupted) else 128 + signal.SIGINT


def leave(code: int) -> None:
    """End the process without waiting for threads that still read: a server may be slow, and they hold nothing."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    atexit._run_exitfuncs()  # noqa: SLF001 - the Kubernetes client removes a kubeconfig's keys from the disk there
    os._exit(code)


def is_interrupted(code: object) -> bool:
    """Tell whether an exit code is that of an interruption."""
    return code in {128 + number for number in _SIGNALS}
