"""The ledger as a pass uses it: read once, folded once, appended to with compare-and-set.

Protects invariant 1. Two kinds of writes differ when somebody else appended meanwhile (a person approving, say):
a fact that happened is recorded on top of theirs; an intent is dropped, because it was decided without them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.advance import fold
from reconciler.errors import LedgerError, LedgerMoved
from reconciler.ledger.secrecy import redacted
from reconciler.model.operation import Event

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from reconciler.model.operation import Draft, Operation
    from reconciler.ports import Ledger

_RETRIES = 8


class Book:
    """All operations as of the last event that this process has seen."""

    def __init__(self, ledger: Ledger, now: Callable[[], datetime]) -> None:
        self._ledger = ledger
        self._now = now
        self._sequence = 0
        self._operations: dict[str, Operation] = {}
        self.recorded: list[Event] = []  # in this pass, for the report
        self.refresh()

    @property
    def operations(self) -> tuple[Operation, ...]:
        """Every operation, oldest first."""
        return tuple(self._operations.values())

    @property
    def open_operations(self) -> tuple[Operation, ...]:
        """The ones still to be followed."""
        return tuple(o for o in self._operations.values() if o.is_open)

    def get(self, operation: str) -> Operation:
        """Return one operation as it stands."""
        return self._operations[operation]

    def next_id(self, *, at: datetime, taken: int = 0) -> str:
        """Return the id of the next operation: `op-YYYYMMDD-HHMMSS-NNN`, NNN counting the ledger's operations."""
        return f"op-{at:%Y%m%d-%H%M%S}-{len(self._operations) + taken + 1:03d}"

    def refresh(self) -> set[str]:
        """Read what others appended and return the operations it was about."""
        events = self._ledger.events(after=self._sequence)
        self._take(events)
        return {event.operation for event in events}

    def record(self, drafts: Sequence[Draft]) -> None:
        """Append facts that happened, whatever else was appended meanwhile.

        Raises LedgerError when the ledger cannot be written.
        """
        for _ in range(_RETRIES):
            try:
                return self._append(drafts)
            except LedgerMoved:
                self.refresh()
        raise LedgerError(
            code="ledger.contended",
            message=f"{len(drafts)} events could not be appended: other processes keep appending",
            remedy="run one reconciler per ledger",
        )

    def intend(self, drafts: Sequence[Draft]) -> bool:
        """Append intents; False, and nothing appended, when somebody touched one of their operations meanwhile.

        Raises LedgerError when the ledger cannot be written: then no effect may follow.
        """
        about = {draft.operation for draft in drafts}
        for _ in range(_RETRIES):
            try:
                self._append(drafts)
            except LedgerMoved:
                if self.refresh() & about:
                    return False
            else:
                return True
        return False

    def _append(self, drafts: Sequence[Draft]) -> None:
        drafts = [replace(draft, data=redacted(draft.data)) for draft in drafts]
        self._rehearse(drafts)
        events = self._ledger.append(drafts, at=self._now(), expected=self._sequence)
        self._take(events)
        self.recorded += events

    def _take(self, events: Sequence[Event]) -> None:
        if events:
            self._operations = fold(events, self._operations)
            self._sequence = events[-1].sequence

    def _rehearse(self, drafts: Sequence[Draft]) -> None:
        """Fold the drafts before they are written: an event that the table forbids must never reach the ledger.

        Raises IllegalEvent.
        """
        at = self._now()
        fold(
            (
                Event(
                    sequence=self._sequence + n,
                    at=at,
                    operation=draft.operation,
                    kind=draft.kind,
                    data=draft.data,
                    previous="",
                    hash="",
                )
                for n, draft in enumerate(drafts, 1)
            ),
            self._operations,
        )
