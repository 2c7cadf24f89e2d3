"""The ledger as a pass uses it: read once, folded once, appended to with compare-and-set.

Protects invariant 1. Writes differ when somebody else appended meanwhile: a fact that happened is recorded on top of
theirs; an intent is dropped, because it was decided without them; and so is a conclusion, where it was another pass
that went on with the operation. Another pass can only be one on another machine, with the ledger on a Git ref: of two
that saw the same, one goes on with an operation, and the other leaves it alone until its next pass.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.advance import IllegalEvent, fold
from reconciler.conversation import conversed
from reconciler.errors import LedgerError, LedgerMoved
from reconciler.ledger.secrecy import redacted
from reconciler.model.conversation import Conversation
from reconciler.model.operation import Event, EventKind
from reconciler.plain import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from reconciler.model.operation import Draft, Operation
    from reconciler.ports import Ledger

_RETRIES = 8
_PEOPLES = {EventKind.APPROVAL_GIVEN, EventKind.APPROVAL_REJECTED}  # all other events are a pass's


class Book:
    """All operations as of the last event that this process has seen."""

    def __init__(self, ledger: Ledger, now: Callable[[], datetime]) -> None:
        self._ledger = ledger
        self._now = now
        self._sequence = 0
        self._operations: dict[str, Operation] = {}
        self._events: list[Event] = []
        self.conversation = Conversation()
        self.recorded: list[Event] = []  # in this pass, for the report
        self.elsewhere: set[str] = set()  # operations that another pass went on with during this one
        self._take(ledger.events())

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

    def story(self, operation: str) -> tuple[Event, ...]:
        """Return an operation's events, oldest first."""
        return tuple(event for event in self._events if event.operation == operation)

    def next_id(self, *, at: datetime, taken: int = 0) -> str:
        """Return the id of the next operation: `op-YYYYMMDD-HHMMSS-NNN`, NNN counting the ledger's operations."""
        return f"op-{at:%Y%m%d-%H%M%S}-{len(self._operations) + taken + 1:03d}"

    def refresh(self) -> set[str]:
        """Read what others appended and return the operations it was about."""
        events = self._ledger.events(after=self._sequence)
        self._take(events)
        self.elsewhere |= {event.operation for event in events if event.kind not in _PEOPLES}
        return {event.operation for event in events}

    def record(self, drafts: Sequence[Draft]) -> None:
        """Append facts that happened, whatever else was appended meanwhile.

        What another pass has told already, so that the table no longer allows it, is not told twice.
        Raises LedgerError when the ledger cannot be written.
        """
        for _ in range(_RETRIES):
            try:
                return self._append(drafts)
            except LedgerMoved:
                self.refresh()
            except IllegalEvent:
                if not self._about(drafts) & self.elsewhere:
                    raise
                return None
        raise _contended(drafts)

    def conclude(self, drafts: Sequence[Draft]) -> None:
        """Append what follows from operations as they stand; nothing where another pass has gone on with one.

        Raises LedgerError when the ledger cannot be written.
        """
        for _ in range(_RETRIES):
            if self._about(drafts) & self.elsewhere:
                return None
            try:
                return self._append(drafts)
            except LedgerMoved:
                self.refresh()
        raise _contended(drafts)

    def intend(self, drafts: Sequence[Draft]) -> bool:
        """Append intents; False, and nothing appended, when somebody touched one of their operations meanwhile.

        To open operations is dropped when anybody opened one: it may answer the same finding under another id.
        Raises LedgerError when the ledger cannot be written: then no effect may follow.
        """
        about = self._about(drafts)
        opening = any(draft.kind is EventKind.OPERATION_OPENED for draft in drafts)
        for _ in range(_RETRIES):
            if about & self.elsewhere:
                return False
            known = set(self._operations)
            try:
                self._append(drafts)
            except LedgerMoved:
                touched = self.refresh()
                if touched & about or (opening and touched - known):
                    return False
            else:
                return True
        return False

    @staticmethod
    def _about(drafts: Sequence[Draft]) -> set[str]:
        return {draft.operation for draft in drafts}

    def _append(self, drafts: Sequence[Draft]) -> None:
        drafts = [replace(draft, data=redacted(draft.data)) for draft in drafts]
        self._rehearse(drafts)
        events = self._ledger.append(drafts, at=self._now(), expected=self._sequence)
        self._take(events)
        self.recorded += events

    def _take(self, events: Sequence[Event]) -> None:
        if events:
            self._operations = fold(events, self._operations)
            self.conversation = conversed(events, self.conversation)
            self._events += events
            self._sequence = events[-1].sequence

    def _rehearse(self, drafts: Sequence[Draft]) -> None:
        """Fold the drafts before they are written: an event that the table forbids must never reach the ledger.

        Raises IllegalEvent.
        """
        at = self._now()
        rehearsed = [
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
        ]
        fold(rehearsed, self._operations)
        conversed(rehearsed, self.conversation)


def _contended(drafts: Sequence[Draft]) -> LedgerError:
    return LedgerError(
        code="ledger.contended",
        message=f"{counted(len(drafts), 'event')} could not be appended: other processes keep appending",
        remedy="run one reconciler per ledger",
    )
