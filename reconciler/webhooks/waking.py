"""The rest between two passes: as long as the interval says, or until somebody rings.

Protects: a flood of messages is one woken pass, and after a woken pass the next one is not woken before the gap is
over. A ring that comes during a pass is not lost: what it is about may have happened after the pass had looked.
"""

from __future__ import annotations

import time
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

_KEPT = 8  # reasons between two passes; they are only told


class Bell:
    """Rung from any thread and from signal handlers, which a lock of our own would not bear."""

    def __init__(self) -> None:
        self._rings: SimpleQueue[str] = SimpleQueue()

    def ring(self, why: str) -> None:
        """Wake whoever waits, now or next."""
        if self._rings.qsize() < _KEPT:
            self._rings.put(why)

    def wait(self, seconds: float) -> str | None:
        """Wait for a ring and return why; None when none came in time."""
        try:
            return self._rings.get(timeout=max(seconds, 0.0))
        except Empty:
            return None


class Rest:
    """Rests between passes until the interval is over, somebody rings, or the end is wanted."""

    def __init__(
        self,
        bell: Bell,
        stop: threading.Event,
        *,
        interval: float,
        gap: float,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bell = bell
        self._stop = stop
        self.interval = interval  # seconds, like the gap
        self._gap = gap
        self._now = now
        self._was_woken = False

    def rest(self) -> tuple[str, ...]:
        """Rest for at most the interval, and return by what the next pass is woken: nothing, if by time."""
        began = self._now()
        due, free = began + self.interval, began + (self._gap if self._was_woken else 0.0)
        rings: list[str] = []
        while not self._stop.is_set() and (now := self._now()) < due and not (rings and now >= free):
            ring = self._bell.wait((min(free, due) if rings else due) - now)
            if ring is not None:
                rings.append(ring)
                rings += self._heard()
                del rings[_KEPT:]
        self._was_woken = bool(rings)
        return tuple(dict.fromkeys(rings))

    def _heard(self) -> list[str]:
        """Return what was rung until now."""
        heard: list[str] = []
        while len(heard) < _KEPT and (ring := self._bell.wait(0)) is not None:
            heard.append(ring)
        return heard
