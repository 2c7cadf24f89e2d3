"""Who watches a pass: is told what it does, and may ask it to end early.

A pass stops at a safe point: between two effects, never between an effect and the record of its result. The ledger
makes every other point safe too, so this is for people, who would rather read what was done than that it will be found.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import ThreadPoolExecutor


class Watcher(Protocol):
    """Told from any thread, and never slow: a pass does not wait for whoever looks on."""

    def doing(self, what: str) -> None:
        """Hear what is being done now, such as `deciding`; it replaces what was said before."""
        ...

    def acting(self, what: str) -> None:
        """Hear that effects begin; until the pass ends, an end may only be asked for."""
        ...

    def wants_an_end(self) -> bool:
        """Say whether nothing new may begin any more."""
        ...


class Unwatched:
    """Nobody looks on, and nobody interrupts."""

    def doing(self, what: str) -> None:
        """Say nothing."""

    def acting(self, what: str) -> None:
        """Say nothing."""

    def wants_an_end(self) -> bool:
        """Never."""
        return False


UNWATCHED = Unwatched()


@contextmanager
def side_by_side(workers: int, name: str) -> Iterator[ThreadPoolExecutor]:
    """Lend threads and wait for them at the end; an interruption does not wait for a server that is slow."""
    from concurrent.futures import ThreadPoolExecutor  # here, for a command line that starts at once

    pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix=name)
    patient = True
    try:
        yield pool
    except KeyboardInterrupt:
        patient = False
        raise
    finally:
        pool.shutdown(wait=patient, cancel_futures=not patient)
