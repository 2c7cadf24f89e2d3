"""How much of a piece of work is our own, and how much is waiting for servers.

Waiting is a blocking read, connect or handshake of Python's sockets, and every call into libgit2 that talks to a
remote. Waits overlap, so what counts is the time in which at least one of them lasts. That alone would hide our own
work behind another thread's wait; therefore own time is never less than the CPU time used.

As a program it runs the command line and writes down what it waited: `python -m tests.bench.waits FILE run --once`.
"""

from __future__ import annotations

import json
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Interval = tuple[float, float]


@dataclass
class Waits:
    """The intervals in which some thread waited for a server."""

    intervals: list[Interval] = field(default_factory=list)

    def seconds(self) -> float:
        """Return for how long at least one thread waited."""
        total, end = 0.0, 0.0
        for begun, ended in sorted(self.intervals):
            total += max(0.0, ended - max(begun, end))
            end = max(end, ended)
        return total

    def timed(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return the call, its duration noted."""

        @wraps(call)
        def waiting(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - whatever the call takes and gives
            begun = time.perf_counter()
            try:
                return call(*arguments, **named)
            finally:
                self.intervals.append((begun, time.perf_counter()))  # a list's append needs no lock

        return waiting


@contextmanager
def noted() -> Iterator[Waits]:
    """Note the waits of all threads while the block runs."""
    waits = Waits()
    before = [(owner, name, getattr(owner, name)) for owner, name in _places()]
    for owner, name, call in before:
        setattr(owner, name, waits.timed(call))
    try:
        yield waits
    finally:
        for owner, name, call in before:
            setattr(owner, name, call)


def _places() -> list[tuple[Any, str]]:
    """Return where Python and libgit2 wait for a server."""
    import socket
    import ssl

    import pygit2
    from urllib3.util import connection

    return [
        (socket.SocketIO, "readinto"),  # every answer that http.client reads, TLS or not
        (connection, "create_connection"),
        (ssl.SSLSocket, "do_handshake"),
        (pygit2.Remote, "connect"),
        (pygit2.Remote, "fetch"),
        (pygit2.Remote, "push"),
    ]


def main() -> None:
    """Run the command line; write the seconds waited into a file at its end."""
    from reconciler.cli import main as command_line

    file = Path(sys.argv.pop(1))
    with noted() as waits:
        try:
            command_line()
        finally:
            file.write_text(json.dumps(waits.seconds()))


if __name__ == "__main__":
    main()
