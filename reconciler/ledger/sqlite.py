"""The ledger in one SQLite file: the default store.

Protects: an event is on the disk when `append` returns (WAL, synchronous=FULL), so an intent survives a crash that
follows it (invariant 1); two writers never take the same place (compare-and-set in one immediate transaction);
nothing is read that the chain does not vouch for. Triggers refuse UPDATE and DELETE, against mistakes; against
malice there is the chain, and `chain.py` says how far that goes.
"""

from __future__ import annotations

import math
import os
import threading
import weakref
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from reconciler.errors import LedgerError, LedgerMoved
from reconciler.ledger import chain, lock, schema
from reconciler.ledger.secrecy import refuse_secret_drafts
from reconciler.plain import counted
from reconciler.ports import Diagnosis

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from reconciler.model.operation import Draft, Event

_WAIT = 10.0  # seconds for another writer's commit, which takes milliseconds


class SqliteLedger:
    """A `Ledger` in a file that is made at the first append; reading never makes it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connections: dict[threading.Thread, sqlite3.Connection] = {}
        weakref.finalize(self, _close_all, self._connections)  # whoever forgets `close` leaks nothing
        self._guard = threading.Lock()

    def events(self, *, after: int = 0) -> tuple[Event, ...]:
        """Return the events after a sequence number, in order.

        Raises LedgerError when the chain does not vouch for them.
        """
        if not after and not self._path.exists():
            return ()
        with self._existing() as connection:
            start, head, rows = _place(connection, after), _head(connection), _rows(connection, after)
        broken = chain.verify(rows, head, after=start) if start else (_missing(after),)
        if broken:
            raise _unbelieved(self._path, broken[0])
        return tuple(map(chain.event, rows))

    def append(self, drafts: Sequence[Draft], *, at: datetime, expected: int) -> tuple[Event, ...]:
        """Add events, all or none, if the last sequence number is still `expected`; durable when it returns.

        Raises LedgerMoved when another process appended first.
        """
        refuse_secret_drafts(drafts)
        if not drafts:
            return ()
        with self._transaction("IMMEDIATE") as connection:
            head = self._sound_head(connection)
            if head.length != expected:
                raise _moved(self._path, expected, head.length)
            rows = chain.link(drafts, at=at, after=head)
            connection.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
            connection.execute("UPDATE head SET length = ?, hash = ?", (rows[-1].sequence, rows[-1].hash))
        return tuple(map(chain.event, rows))

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold the ledger for one pass; let go when the process dies.

        Raises Busy when another pass holds it.
        """
        with lock.held(self._path.with_name(self._path.name + ".lock")):
            yield

    def head(self) -> chain.Head:
        """Return the number of events and the hash of the last, to be noted elsewhere."""
        with self._existing() as connection:
            return self._sound_head(connection)

    def verify(self, *, noted: str | None = None) -> tuple[chain.Broken, ...]:
        """Return every place where the ledger cannot be believed; `noted` is a head written down elsewhere."""
        with self._existing() as connection:
            changed = schema.is_changed(connection)
            head, rows = _head(connection), _rows(connection, -math.inf)  # rows before the first place too
        broken = chain.verify(rows, head, noted=noted)
        if changed:
            broken += (chain.Broken(sequence=0, reason="has lost its tables or triggers as reconciler made them"),)
        return broken

    def examine(self) -> tuple[Diagnosis, ...]:
        """Try to open the ledger for writing, without writing; never raises."""
        subject = f"ledger {self._path}"
        if not self._path.exists():
            return (_makeable(subject, self._path),)
        try:
            with self._transaction("IMMEDIATE") as connection:
                detail = counted(self._sound_head(connection).length, "event")
        except LedgerError as error:
            return (Diagnosis(subject=subject, works=False, detail=error.message, remedy=error.remedy),)
        return (Diagnosis(subject=subject, works=True, detail=detail),)

    def close(self) -> None:
        """Close the connections of all threads; a later call opens new ones."""
        with self._guard:
            _close_all(self._connections)

    @contextmanager
    def _existing(self) -> Iterator[sqlite3.Connection]:
        """Read a ledger that must be there: an absent one is not a sound one."""
        if not self._path.exists():
            raise LedgerError(
                code="ledger.missing",
                message=f"there is no ledger at {self._path}",
                remedy="check ledger.path in the configuration; the first pass with something to do makes it",
            )
        with self._transaction("DEFERRED") as connection:
            yield connection

    @contextmanager
    def _transaction(self, kind: Literal["DEFERRED", "IMMEDIATE"]) -> Iterator[sqlite3.Connection]:
        """Run one transaction on this thread's connection: all of it or nothing."""
        with schema.mapped(self._path):
            connection = self._connection()
            connection.execute(f"BEGIN {kind}")
            try:
                yield connection
                connection.commit()
            finally:
                if connection.in_transaction:
                    connection.rollback()

    def _connection(self) -> sqlite3.Connection:
        """Return this thread's connection; those of threads that ended are closed on the way."""
        thread = threading.current_thread()
        with self._guard:
            if thread not in self._connections:
                for ended in [t for t in self._connections if not t.is_alive()]:
                    self._connections.pop(ended).close()
                self._connections[thread] = schema.open_file(self._path, wait=_WAIT)
            return self._connections[thread]

    def _sound_head(self, connection: sqlite3.Connection) -> chain.Head:
        """Return the head if it is the last event: nothing is appended to a chain that has lost its end."""
        head = _head(connection)
        last = connection.execute("SELECT sequence, hash FROM events ORDER BY sequence DESC LIMIT 1").fetchone()
        broken = chain.verify((), head, after=chain.Head(*last) if last else chain.START)
        if head is None or broken:
            raise _unbelieved(self._path, broken[0])
        return head


def _makeable(subject: str, path: Path) -> Diagnosis:
    """Say whether the first pass can make the file: the nearest folder above it that exists must be writable."""
    folder = next(above for above in path.absolute().parents if above.exists())
    if folder.is_dir() and os.access(folder, os.W_OK | os.X_OK):
        return Diagnosis(subject=subject, works=True, detail="not there yet; the first event makes it")
    return Diagnosis(
        subject=subject,
        works=False,
        detail=f"not there, and nothing can be written in {folder}",
        remedy="make that folder writable for this user, or name another file in ledger.path",
    )


def _head(connection: sqlite3.Connection) -> chain.Head | None:
    rows = connection.execute("SELECT length, hash FROM head").fetchall()
    return chain.Head(*rows[0]) if len(rows) == 1 else None


def _rows(connection: sqlite3.Connection, after: float) -> list[chain.Row]:
    columns = "sequence, version, at, operation, kind, data, previous, hash"
    cursor = connection.execute(f"SELECT {columns} FROM events WHERE sequence > ? ORDER BY sequence", (after,))  # noqa: S608 - a constant
    return list(map(chain.Row._make, cursor))


def _place(connection: sqlite3.Connection, sequence: int) -> chain.Head | None:
    """Return the link that the events after this one hang on, or None when it is not there."""
    if not sequence:
        return chain.START
    row = connection.execute("SELECT sequence, hash FROM events WHERE sequence = ?", (sequence,)).fetchone()
    return chain.Head(*row) if row else None


def _missing(sequence: int) -> chain.Broken:
    return chain.Broken(sequence=sequence, reason="is missing")


def _moved(path: Path, expected: int, count: int) -> LedgerMoved:
    return LedgerMoved(
        code="ledger.moved",
        message=f"{path.name} holds {counted(count, 'event')} where {expected} were expected:"
        " another process appended first",
        remedy="nothing was written; the next pass reads again and decides anew",
    )


def _unbelieved(path: Path, broken: chain.Broken) -> LedgerError:
    return LedgerError(
        code="ledger.broken",
        message=f"{path}: {broken}",
        remedy="run `reconciler audit verify` and find out who changed the file; then put back a sound copy",
    )


def _close_all(connections: dict[threading.Thread, sqlite3.Connection]) -> None:
    for connection in connections.values():
        connection.close()
    connections.clear()
