"""Events to write, and the time at which they happen."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from reconciler.errors import LedgerMoved
from reconciler.model.operation import Draft, EventKind

if TYPE_CHECKING:
    from reconciler.model.operation import Event
    from reconciler.ports import Ledger

NOON = datetime(2026, 3, 1, 12, 0, 0, 250, tzinfo=UTC)


def intent(number: int = 1, **data: object) -> Draft:
    """Announce an effect."""
    key = f"op-{number}:restart"
    return Draft(operation=f"op-{number}", kind=EventKind.EFFECT_INTENDED, data={"key": key, "n": number, **data})


def fill(ledger: Ledger, count: int) -> tuple[Event, ...]:
    """Append that many events, a second apart, each in a transaction of its own."""
    for place in range(count):
        ledger.append([intent(place)], at=NOON + timedelta(seconds=place), expected=place)
    return ledger.events()


def append_from_four_threads(ledger: Ledger) -> None:
    """Append one event from each of four threads, each trying until it is the faster one."""

    def append() -> None:
        while True:
            try:
                ledger.append([intent()], at=NOON, expected=len(ledger.events()))
            except LedgerMoved:
                continue
            return

    threads = [threading.Thread(target=append) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
