"""The seams to what decides and what remembers: policy and ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from reconciler.ports.examined import Examined

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from reconciler.model.operation import Draft, Event
    from reconciler.model.verdict import PolicyAnswer


class Policy(Examined, Protocol):
    """Rego rules; every failure is an answer that means no (invariant 8)."""

    def decide(self, facts: Mapping[str, Any]) -> PolicyAnswer:
        """Judge one action; never raises."""
        ...

    def after_failure(self, facts: Mapping[str, Any]) -> PolicyAnswer:
        """Say what follows a failed verification in `code`: revert, next_remedy or escalate; never raises."""
        ...

    def merge(self, facts: Mapping[str, Any]) -> PolicyAnswer:
        """Say in `code` whether we merge a pull request of ours ourselves: merge or wait; never raises."""
        ...


class Ledger(Examined, Protocol):
    """The append-only, hash-chained store of events."""

    def events(self, *, after: int = 0) -> tuple[Event, ...]:
        """Return the events after a sequence number, in order."""
        ...

    def append(self, drafts: Sequence[Draft], *, at: datetime, expected: int) -> tuple[Event, ...]:
        """Add events, all or none, if the last sequence number is still `expected`.

        Durable when it returns. Raises LedgerMoved when another process appended first.
        """
        ...

    def exclusive(self) -> AbstractContextManager[None]:
        """Hold the ledger for one pass; let go when the process dies.

        Raises Busy when another pass holds it.
        """
        ...
