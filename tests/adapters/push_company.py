"""Callers that push at the same time: the first is held at the server until all others wait, so no test is a race."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Condition, Event, Semaphore
from typing import TYPE_CHECKING, TypeVar

from reconciler.errors import ReconcilerError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reconciler.adapters.git_pushes import Pushes

T = TypeVar("T")

SECONDS = 20


class _Turn(Condition):
    """The pushers' turn, which counts who comes to it; a caller that is counted is in the batch that waits."""

    def __init__(self, come: Semaphore) -> None:
        super().__init__()
        self._come = come

    def wait_for(self, predicate: Callable[[], T], timeout: float | None = None) -> T:
        """Count, and wait."""
        self._come.release()
        return super().wait_for(predicate, timeout)


@dataclass
class Company:
    """One who pushes first and is held, and others who come meanwhile."""

    callers: int
    _come: Semaphore = field(default_factory=lambda: Semaphore(0))
    _led: Event = field(default_factory=Event)

    def watch(self, pushes: Pushes) -> None:
        """Count the callers of these pushes from now on."""
        pushes._turn = _Turn(self._come)

    def hold(self) -> None:
        """Hold the first push, from the server's side, until everybody has come; later pushes pass."""
        if not self._led.is_set():
            self._led.set()
            for _ in range(self.callers):
                assert self._come.acquire(timeout=SECONDS), "not everybody came"

    def push(self, calls: Sequence[Callable[[], object]]) -> list[ReconcilerError | None]:
        """Make all calls, the first of them first; return what each raised."""
        with ThreadPoolExecutor(len(calls)) as pool:
            first = pool.submit(_outcome, calls[0])
            assert self._led.wait(SECONDS), "the first never reached the server"
            return [future.result() for future in (first, *[pool.submit(_outcome, call) for call in calls[1:]])]


def _outcome(call: Callable[[], object]) -> ReconcilerError | None:
    try:
        call()
    except ReconcilerError as error:
        return error
    return None
