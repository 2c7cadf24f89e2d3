"""The courier: tells webhooks what happened, as soon as it did and outside the lock, beside whoever asks the forge.

Protects: a receiver that is slow, or calls back, holds up neither the world nor the answer to whoever changed it.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Courier:
    """One thread that delivers whenever it is woken; `deliver` delivers one thing, and says whether there was one."""

    def __init__(self, deliver: Callable[[], bool]) -> None:
        self._deliver = deliver
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)

    def start(self) -> None:
        """Deliver from now on."""
        self._thread.start()

    def wake(self) -> None:
        """Say that there is something to deliver."""
        self._woken.set()

    def stop(self) -> None:
        """Deliver nothing more; what is on its way arrives, or its receiver's deadline ends it."""
        self._stopping.set()
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._woken.wait()
            self._woken.clear()  # before the look, so that no later word is lost
            while not self._stopping.is_set() and self._deliver():
                pass
