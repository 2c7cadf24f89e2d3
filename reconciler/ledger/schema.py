"""The SQLite file itself: its tables and triggers, how it is opened and brought up to date, what its errors mean.

Protects: a file of another program or of a newer release is refused before anything in it is changed.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from reconciler.errors import LedgerError
from reconciler.ledger.chain import GENESIS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_OBJECTS = (
    """CREATE TABLE events (
  sequence INTEGER PRIMARY KEY CHECK (sequence > 0),
  version INTEGER NOT NULL,
  at TEXT NOT NULL,
  operation TEXT NOT NULL,
  kind TEXT NOT NULL,
  data TEXT NOT NULL,
  previous TEXT NOT NULL,
  hash TEXT NOT NULL
) STRICT""",
    "CREATE TABLE head (length INTEGER NOT NULL, hash TEXT NOT NULL) STRICT",
    """CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END""",
    """CREATE TRIGGER events_are_never_removed BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END""",
    # REPLACE removes rows without a delete trigger, so a taken or skipped place is refused on the way in.
    """CREATE TRIGGER events_follow_the_head BEFORE INSERT ON events
WHEN NEW.sequence <= (SELECT length FROM head) OR NEW.sequence IS NOT (SELECT ifnull(max(sequence), 0) + 1 FROM events)
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END""",
    """CREATE TRIGGER head_only_grows BEFORE UPDATE ON head WHEN NEW.length <= OLD.length
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END""",
    """CREATE TRIGGER head_is_never_removed BEFORE DELETE ON head
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END""",
    """CREATE TRIGGER head_is_one_row BEFORE INSERT ON head WHEN (SELECT count(*) FROM head) > 0
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END""",
)

_FIRST_HEAD = f"INSERT INTO head VALUES (0, '{GENESIS}')"  # noqa: S608 - a constant
_MIGRATIONS = ((*_OBJECTS, _FIRST_HEAD),)  # entry n leads to user_version n + 1
LATEST = len(_MIGRATIONS)


def open_file(path: Path, *, wait: float) -> sqlite3.Connection:
    """Open the file, made and brought up to date where needed; every commit on it is on the disk when it returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with _alone(path.parent):
        connection = sqlite3.connect(path, timeout=wait, isolation_level=None, check_same_thread=False)
        try:
            _refuse_foreign(connection, path)
            if _version(connection) < LATEST:
                _migrate(connection)
            _write_ahead(connection, path)
        except BaseException:
            connection.close()
            raise
    connection.execute("PRAGMA synchronous = FULL")
    # Damaged text must be read to be reported; it cannot have the hash that it was stored with.
    connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
    return connection


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let one process at a time open the file: SQLite does not wait for others when it turns to write-ahead logging."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def is_changed(connection: sqlite3.Connection) -> bool:
    """Tell whether somebody dropped or altered a table or a trigger."""
    found = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")
    return {sql for (sql,) in found} != set(_OBJECTS)


@contextmanager
def mapped(path: Path) -> Iterator[None]:
    """Turn errors of SQLite and of the file system into ours."""
    try:
        yield
    except sqlite3.Error as error:
        raise _explained(error, path) from error
    except OSError as error:
        raise _unwritable(path, error.strerror or "not usable") from error


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _refuse_foreign(connection: sqlite3.Connection, path: Path) -> None:
    version = _version(connection)
    if version > LATEST:
        raise LedgerError(
            code="ledger.newer",
            message=f"{path} was written by a newer release (format {version}, this one knows {LATEST})",
            remedy="update reconciler, or name another file in ledger.path",
        )
    names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    if (names and version == 0) or (version and not {"events", "head"} <= names):
        raise LedgerError(
            code="ledger.foreign",
            message=f"{path} is the database of another program",
            remedy="name another file in ledger.path",
        )


def _migrate(connection: sqlite3.Connection) -> None:
    """Apply what is missing, in one transaction."""
    connection.execute("BEGIN IMMEDIATE")
    for statements in _MIGRATIONS[_version(connection) :]:
        for statement in statements:
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {LATEST}")
    connection.commit()


def _write_ahead(connection: sqlite3.Connection, path: Path) -> None:
    mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    if mode != "wal":
        raise LedgerError(
            code="ledger.filesystem",
            message=f"{path} is on a file system without write-ahead logging (journal mode {mode})",
            remedy="put ledger.path on a local disk",
        )


def _explained(error: sqlite3.Error, path: Path) -> LedgerError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the low byte is the kind, the rest its flavour
    if code in {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}:
        return LedgerError(
            code="ledger.corrupt",
            message=f"{path} is damaged, or no SQLite file at all",
            remedy="put back a copy that verifies, or name another file in ledger.path",
        )
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return LedgerError(
            code="ledger.locked",
            message=f"another process keeps {path} locked",
            remedy="find the program that has the file open, and end it",
        )
    if code in {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH}:
        return _unwritable(path, "no permission, or not a file")
    return LedgerError(
        code="ledger.storage",
        message=f"{path} could not be read or written: {error}",
        remedy="check the disk for free space and errors; nothing was recorded",
    )


def _unwritable(path: Path, why: str) -> LedgerError:
    return LedgerError(
        code="ledger.unwritable",
        message=f"{path} cannot be opened for writing: {why}",
        remedy="make the file and its folder writable for this user, or name another file in ledger.path",
    )
