"""The sandbox's time: virtual, moved by whoever plays, or following the wall clock.

Everything that happens later is due on this clock, so hours pass in milliseconds and in the same order each time.
The clock also owns the one lock of the sandbox: whoever reads or changes its state holds it.
"""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

BEGINNING = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)  # of virtual time, a Monday morning
_TICK = 0.02  # seconds between two looks at the wall clock


@dataclass(order=True, slots=True)
class Due:
    """Something that happens at a time; cancelled, it happens no more."""

    at: datetime
    order: int
    action: Callable[[], None] = field(compare=False)
    cancelled: bool = field(default=False, compare=False)


class SandboxClock:
    """Virtual time until `follow` lets it flow; safe to share between threads.

    `after` is called after each thing that fell due: what it changed has consequences.
    """

    def __init__(self, start: datetime = BEGINNING, *, after: Callable[[], None] = lambda: None) -> None:
        self.lock = threading.RLock()
        self._now = start
        self._after = after
        self._due: list[Due] = []
        self._order = itertools.count()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def now(self) -> datetime:
        """Return the sandbox's time, in UTC."""
        return self._now

    def stamp(self) -> str:
        """Return now as Kubernetes writes it, to the second."""
        return self._now.strftime("%Y-%m-%dT%H:%M:%SZ")

    def call_at(self, at: datetime, action: Callable[[], None]) -> Due:
        """Let something happen at a time; what is due at the same moment happens in the order of the calls."""
        with self.lock:
            due = Due(at, next(self._order), action)
            heapq.heappush(self._due, due)
            return due

    def call_after(self, wait: timedelta, action: Callable[[], None]) -> Due:
        """Let something happen after a while."""
        with self.lock:
            return self.call_at(self._now + wait, action)

    def advance(self, by: timedelta) -> None:
        """Move time forward; whatever falls due on the way happens at its own moment."""
        with self.lock:
            self.advance_to(self._now + by)

    def advance_to(self, end: datetime) -> None:
        """Move time forward to a moment; an earlier one changes nothing."""
        with self.lock:
            while self._due and self._due[0].at <= end:
                due = heapq.heappop(self._due)
                if not due.cancelled:
                    self._now = max(self._now, due.at)
                    due.action()
                    self._after()
            self._now = max(self._now, end)

    def next_due(self) -> datetime | None:
        """Return when the next thing happens, or None when nothing is planned."""
        with self.lock:
            while self._due and self._due[0].cancelled:
                heapq.heappop(self._due)
            return self._due[0].at if self._due else None

    def follow(self) -> None:
        """Let time flow as the wall clock does, until `stop`."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._flow, name="sandbox-clock", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop the flow of time; virtual time needs no stopping."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def _flow(self) -> None:
        ahead = self._now - datetime.now(UTC)
        while not self._stopping.wait(_TICK):
            self.advance_to(datetime.now(UTC) + ahead)
