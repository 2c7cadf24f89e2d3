"""The SQLite ledger as its users see it."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from reconciler.errors import LedgerError
from reconciler.ledger.sqlite import SqliteLedger
from tests.ledger.examples import NOON, append_from_four_threads, fill, intent

if TYPE_CHECKING:
    from pathlib import Path


def test_appending_nothing_writes_nothing(ledger: SqliteLedger, path: Path) -> None:
    """An idle pass leaves no trace."""
    assert ledger.append([], at=NOON, expected=0) == ()
    assert not path.exists()


def test_reading_does_not_make_the_file(ledger: SqliteLedger, path: Path) -> None:
    """Looking at what is not there leaves the folder as it was."""
    assert ledger.events() == ()
    assert not path.parent.exists()


def test_commits_wait_for_the_disk(ledger: SqliteLedger) -> None:
    """Invariant 1 rests on these two settings of SQLite."""
    fill(ledger, 1)
    connection = ledger._connection()

    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)


def test_each_thread_has_a_connection_of_its_own(ledger: SqliteLedger) -> None:
    """Threads append side by side; each event gets its place, and connections of ended threads are closed."""
    append_from_four_threads(ledger)

    assert len(ledger.events()) == 4
    assert list(ledger._connections) == [threading.current_thread()]


@pytest.mark.parametrize("content", [b"kind: Deployment\n" * 100, b"SQLite format 3\x00" + b"\xff" * 5000])
def test_a_file_that_is_no_ledger_is_refused(path: Path, content: bytes) -> None:
    """Neither a stray file nor a damaged one is written to."""
    path.parent.mkdir()
    path.write_bytes(content)
    with closing(SqliteLedger(path)) as ledger, pytest.raises(LedgerError, match=r"ledger\.corrupt") as caught:
        ledger.append([intent()], at=NOON, expected=0)

    assert "put back a copy" in caught.value.remedy
    assert path.read_bytes() == content


@pytest.mark.parametrize("version", [0, 1])
def test_the_database_of_another_program_is_left_alone(path: Path, version: int) -> None:
    """Its tables stay, its journal mode too, whatever number its version has."""
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE cookies (name TEXT)")
        connection.execute(f"PRAGMA user_version = {version}")
    before = path.read_bytes()
    with closing(SqliteLedger(path)) as ledger, pytest.raises(LedgerError, match=r"ledger\.foreign"):
        ledger.events()

    assert path.read_bytes() == before


def test_a_place_that_cannot_be_written_is_said_so(tmp_path: Path) -> None:
    """A folder in the file's place, or a file in the folder's, is one sentence and a remedy."""
    (tmp_path / "file").write_text("")
    for path in (tmp_path, tmp_path / "file" / "ledger.db"):
        ledger = SqliteLedger(path)
        with pytest.raises(LedgerError, match=r"ledger\.unwritable"):
            ledger.append([intent()], at=NOON, expected=0)
    with pytest.raises(LedgerError, match=r"ledger\.unwritable"), ledger.exclusive():
        pass


def test_another_program_that_keeps_the_file_locked_is_named_as_the_cause(
    ledger: SqliteLedger, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Waiting has an end."""
    fill(ledger, 1)
    ledger.close()
    monkeypatch.setattr("reconciler.ledger.sqlite._WAIT", 0.05)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerError, match=r"ledger\.locked"):
            ledger.append([intent()], at=NOON, expected=1)


def test_examining_says_how_the_ledger_is(ledger: SqliteLedger, path: Path) -> None:
    """Before the first pass, with events, and broken; looking makes no file."""
    (absent,) = ledger.examine()
    assert (absent.works, path.exists()) == (True, False)

    fill(ledger, 2)
    assert ledger.examine()[0].detail == "2 events"

    ledger.close()
    path.write_text("no ledger " * 100)
    (broken,) = ledger.examine()
    assert not broken.works
    assert broken.remedy


def test_examining_notices_that_the_file_could_not_be_made(tmp_path: Path) -> None:
    """`doctor` says it before the first pass does; a file stands where the folder would be."""
    (tmp_path / "taken").write_text("a file")

    (found,) = SqliteLedger(tmp_path / "taken" / "ledger.db").examine()

    assert not found.works
    assert found.remedy
