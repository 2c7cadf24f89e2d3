"""Was a message seen before: by the delivery's id, and by what it says, because the id is not signed.

Protects: who records a signed message cannot wake us with it again and again, under whatever id.
"""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST = 20_000  # entries, two a message; more than that within the window forget the oldest


class Seen:
    """What came within a window of time; for one thread."""

    def __init__(self, window: float, *, most: int = _MOST, now: Callable[[], float] = time.monotonic) -> None:
        self._window = window  # seconds
        self._most = most
        self._now = now
        self._when: dict[str, float] = {}  # oldest first

    def is_new(self, delivery: str, body: bytes) -> bool:
        """Tell whether neither the id nor the body came within the window, and remember both if so."""
        now = self._now()
        self._forget(now)
        keys = (f"id {delivery}", f"body {hashlib.sha256(body).hexdigest()}")
        if any(key in self._when for key in keys):
            return False
        self._when.update(dict.fromkeys(keys, now))
        return True

    def _forget(self, now: float) -> None:
        """Drop what is older than the window, and the oldest where it is too much."""
        for key in list(self._when):
            if now - self._when[key] <= self._window and len(self._when) <= self._most - 2:
                return
            del self._when[key]
