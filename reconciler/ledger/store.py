"""What every store of events can do besides being a `Ledger`: show its head, be verified, be closed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from reconciler.ports import Ledger

if TYPE_CHECKING:
    from reconciler.ledger import chain


class Store(Ledger, Protocol):
    """A ledger that `reconciler audit` can look into (`sqlite.py`, `git_ref.py`)."""

    def head(self) -> chain.Head:
        """Return the number of events and the hash of the last.

        Raises LedgerError when there is no ledger.
        """
        ...

    def verify(self, *, noted: str | None = None) -> tuple[chain.Broken, ...]:
        """Return every place where the ledger cannot be believed; `noted` is a head written down elsewhere.

        Raises LedgerError when there is no ledger.
        """
        ...

    def close(self) -> None:
        """Let go of files and connections; a later call opens new ones."""
        ...
