"""One pass that dies by SIGKILL at its n-th point: before and after every write to the world and to the ledger.

Points are counted where the writes really leave the process: HTTP requests that are not reads, Git pushes, and
appends to the ledger. `python -m tests.simulation.killed CONFIG N` dies at point N, or prints how many there were;
with a time behind N that is the time, for a world in which it stands still.
"""

from __future__ import annotations

import functools
import itertools
import os
import signal
import sys
import threading
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pygit2
import urllib3

from reconciler.composition import Composition
from reconciler.configuration import load
from reconciler.ledger.sqlite import SqliteLedger
from reconciler.reconcile import reconcile

if TYPE_CHECKING:
    from collections.abc import Callable

READS = frozenset({"GET", "HEAD", "OPTIONS"})


class Points:
    """Counts the points of a pass and dies at one of them."""

    def __init__(self, deadly: int) -> None:
        self._deadly = deadly
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self.passed = 0

    def reach(self) -> None:
        """Pass a point, or die."""
        with self._lock:
            self.passed = next(self._numbers)
            if self.passed == self._deadly:
                os.kill(os.getpid(), signal.SIGKILL)

    def around(
        self, write: Callable[..., Any], *, when: Callable[..., bool] = lambda *_, **__: True
    ) -> Callable[..., Any]:
        """Return the write with a point before and after it."""

        @functools.wraps(write)
        def watched(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - whatever the write takes and gives
            if not when(*args, **kwargs):
                return write(*args, **kwargs)
            self.reach()
            answer = write(*args, **kwargs)
            self.reach()
            return answer

        return watched


@dataclass(frozen=True)
class Still:
    """A clock that stands."""

    at: datetime

    def now(self) -> datetime:
        """Return the time."""
        return self.at


def main(config: str, deadly: int, time: str = "") -> None:
    """Make one pass with points around every write."""
    points = Points(deadly)
    pool = urllib3.connectionpool.HTTPConnectionPool
    for owner, name, when in (
        (pool, "urlopen", lambda _, method, *__, **___: method.upper() not in READS),
        (pygit2.Remote, "push", None),
        (SqliteLedger, "append", None),
    ):
        watched = points.around(getattr(owner, name), **({"when": when} if when else {}))
        setattr(owner, name, watched)
    settings = load(Path(config), os.environ)
    made = Composition(settings, os.environ, clock=Still(datetime.fromisoformat(time)) if time else None)
    with made.ledger.exclusive():
        report = reconcile(made.ports(), settings)
    print(points.passed, report.sentence)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:])
