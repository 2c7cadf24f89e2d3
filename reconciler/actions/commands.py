"""Speak to the runner through the standard output: secrets to hide, and annotations.

The runner takes any printed line that looks like a command for one, wherever it came from. So commands are switched
off by a token that nobody can guess before anything else is printed, and on for ours alone.

Protects: an alert's text or a file's content cannot set an output, raise an annotation or unmask a secret.
"""

from __future__ import annotations

import secrets
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from reconciler.plain import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_TITLE = "reconciler"
_MOST = 10  # of each kind; GitHub shows no more of one step
_LONGEST = 1000
_SHORTEST = 4  # to hide less would hide half the log


class Commands:
    """The way to the runner; to nobody where there is none."""

    def __init__(self, *, listens: bool) -> None:
        self._listens = listens
        self._token: str | None = None

    @contextmanager
    def switched_off(self) -> Iterator[None]:
        """Let whatever is printed in here be text, and nothing but text."""
        token = self._token = secrets.token_hex(32)
        self._say(f"::stop-commands::{token}")
        try:
            yield
        finally:
            self._token = None
            self._say(f"::{token}::")

    def mask(self, secret: str) -> None:
        """Hide a secret in everything that is printed from now on, line by line."""
        for line in secret.splitlines():
            if len(line) >= _SHORTEST:
                self._say(f"::add-mask::{_escaped(line)}")

    def annotate(self, kind: str, lines: Iterable[object]) -> None:
        """Show a few lines on the run's page; kind is notice, warning or error."""
        for line in list(lines)[:_MOST]:
            self._say(f"::{kind} title={_TITLE}::{_escaped(one_line(line, _LONGEST))}")

    def _say(self, command: str) -> None:
        if self._listens:
            sys.stdout.write(f"{command}\n")
            sys.stdout.flush()


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
