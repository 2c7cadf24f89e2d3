"""A note of how far the ledger had come when this machine last saw it, in a small file of its own.

Protects: a reference that somebody rewrote or deleted on the server is noticed by every machine that saw it before.
"""

from __future__ import annotations

import json
import os
import tempfile
from typing import TYPE_CHECKING

from reconciler.errors import LedgerError
from reconciler.ledger import chain

if TYPE_CHECKING:
    from pathlib import Path


class Note:
    """The file; a machine that never saw the ledger has none."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> chain.Head:
        """Return the noted head; the start of every chain where nothing is noted.

        Raises LedgerError when the file holds something else.
        """
        try:
            said = json.loads(self._path.read_text(encoding="utf-8"))
            return chain.Head(int(said["length"]), str(said["hash"]))
        except FileNotFoundError:
            return chain.START
        except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
            raise self._unusable("cannot be read") from error

    def write(self, head: chain.Head) -> None:
        """Note a head, in one step: a reader sees the old note or the new one.

        Raises LedgerError when the file cannot be written.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            descriptor, draft = tempfile.mkstemp(prefix=f".{self._path.name}-", dir=self._path.parent)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(chain.canonical(head._asdict()) + "\n")
            os.replace(draft, self._path)  # noqa: PTH105 - `draft` is text
        except OSError as error:
            raise self._unusable("cannot be written") from error

    @property
    def place(self) -> str:
        """Where it is, for remedies."""
        return str(self._path)

    def _unusable(self, why: str) -> LedgerError:
        return LedgerError(
            code="ledger.note",
            message=f"the note of the ledger's head {why}: {self._path}",
            remedy="make that folder writable for this user, or delete the file; it is made again",
        )
