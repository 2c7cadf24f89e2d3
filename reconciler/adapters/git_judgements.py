"""What files describe, by the id of their content, kept in one SQLite file in the mirror's folder.

A cache: an entry follows from the content that its key names, so none is ever stale, and the file may go at any time.
Protects: an entry is believed only with its checksum, which also covers the rules that made it. Whatever is damaged
or locked is as good as missing, and never an error.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from itertools import islice
from typing import TYPE_CHECKING, Any
from zlib import crc32

from reconciler.manifests.files.contents import Contents

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

_WAIT = 2.0  # seconds for another process's commit, which takes milliseconds
_AT_ONCE = 500  # keys in one question; SQLite takes 999 or more
# Looking a key up takes seven times as long as coming by it on the way through the file, whose entries have some 100
# bytes: it is read whole where more than a quarter of it is wanted.
_SCANNED = 400  # bytes of the file for each key
_MAX_BYTES = 512 * 1024 * 1024  # of the file, some three million entries; then it starts over
_TABLE = "CREATE TABLE IF NOT EXISTS judgements (rules, blob, size, said, sum, PRIMARY KEY (rules, blob)) WITHOUT ROWID"
_PASSING = {  # the file is sound: it is busy, may not be written, or has no room
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
}

_Row = tuple[Any, Any, Any, Any]  # key, size, said, checksum; of whatever type a damaged file holds


class Judgements:
    """The file; made at the first entry. May be used from several threads and processes."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def known(self, rules: str, blobs: Sequence[str]) -> dict[str, Contents]:
        """Return what these rules said of contents; the rest is missing."""
        wanted, seed = {bytes.fromhex(blob): blob for blob in blobs}, crc32(rules.encode())
        found: dict[str, Contents] = {}
        try:
            held = self._path.stat().st_size
        except OSError:
            return found
        read = _all if held < len(wanted) * _SCANNED else _asked
        try:
            with closing(self._opened()) as connection:
                for key, size, said, total in read(connection, rules, wanted):
                    sound = isinstance(size, int) and isinstance(said, bytes)
                    if key in wanted and sound and total == _sum(seed, key, size, said):
                        found[wanted[key]] = Contents(size, said)
        except sqlite3.Error as error:
            self._start_over_after(error)
        return found

    def keep(self, rules: str, judged: Mapping[str, Contents]) -> None:
        """Add entries, all or none."""
        seed = crc32(rules.encode())
        entries = [(bytes.fromhex(blob), *contents) for blob, contents in judged.items()]
        rows = [(rules, *entry, _sum(seed, *entry)) for entry in entries]
        try:
            with closing(self._opened()) as connection, connection:
                connection.executemany("INSERT OR REPLACE INTO judgements VALUES (?, ?, ?, ?, ?)", rows)
        except sqlite3.Error as error:
            self._start_over_after(error)
        with suppress(OSError):
            if self._path.stat().st_size > _MAX_BYTES:
                self._start_over()

    def _opened(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=_WAIT)
        try:
            connection.execute("PRAGMA synchronous = OFF")  # a power cut may damage it, which costs one more parse
            connection.execute(_TABLE)
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _start_over_after(self, error: sqlite3.Error) -> None:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _PASSING:  # the low byte; the rest says more of it
            self._start_over()

    def _start_over(self) -> None:
        """Delete the file; whoever has it open reads on, and is believed entry by entry."""
        for path in (self._path.with_name(f"{self._path.name}-journal"), self._path):
            with suppress(OSError):
                path.unlink()


def _all(connection: sqlite3.Connection, rules: str, _: Collection[bytes]) -> Iterator[_Row]:
    yield from connection.execute("SELECT blob, size, said, sum FROM judgements WHERE rules = ?", [rules])


def _asked(connection: sqlite3.Connection, rules: str, keys: Collection[bytes]) -> Iterator[_Row]:
    rest = iter(keys)
    while some := list(islice(rest, _AT_ONCE)):
        marks = ", ".join("?" * len(some))
        question = f"SELECT blob, size, said, sum FROM judgements WHERE rules = ? AND blob IN ({marks})"  # noqa: S608 - question marks
        yield from connection.execute(question, [rules, *some])


def _sum(seed: int, blob: bytes, size: int, said: bytes) -> int:
    """Return the checksum of an entry; the seed stands for its rules."""
    return crc32(said, crc32(blob, seed ^ size))
