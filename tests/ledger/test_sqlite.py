"""The SQLite ledger as its users see it."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from reconciler.errors import Busy, LedgerError, LedgerMoved
from reconciler.ledger.sqlite import SqliteLedger
from tests.ledger.examples import NOON, fill, intent

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.ports import Ledger


def test_it_is_a_ledger(ledger: SqliteLedger) -> None:
    """The store fits the port; the type checker reads this too."""
    port: Ledger = ledger

    assert port.events() == ()


def test_what_was_appended_is_read_back(ledger: SqliteLedger, path: Path) -> None:
    """Append returns the very events that any later reader gets, by another connection as well."""
    written = ledger.append([intent(1, text="é ☃", items=[1, 2.5, None, True]), intent(2)], at=NOON, expected=0)
    with closing(SqliteLedger(path)) as other:
        assert other.events() == written == ledger.events()
    assert [(event.sequence, event.at) for event in written] == [(1, NOON), (2, NOON)]


def test_only_the_events_after_a_number_are_returned(ledger: SqliteLedger) -> None:
    """A reader that is up to date gets nothing, one that lags gets the rest."""
    written = fill(ledger, 4)

    assert ledger.events(after=2) == written[2:]
    assert ledger.events(after=4) == ()


def test_asking_after_an_event_that_is_not_there_is_an_error(ledger: SqliteLedger) -> None:
    """A reader who remembers more than the ledger holds has found a cut tail."""
    fill(ledger, 2)

    with pytest.raises(LedgerError, match="event 5 is missing"):
        ledger.events(after=5)


def test_a_stale_writer_changes_nothing(ledger: SqliteLedger) -> None:
    """Compare-and-set: who decided on an older ledger must decide again."""
    written = fill(ledger, 2)

    with pytest.raises(LedgerMoved, match="holds 2 events where 1 were expected"):
        ledger.append([intent(7)], at=NOON, expected=1)
    assert ledger.events() == written


def test_events_are_appended_all_or_none(ledger: SqliteLedger) -> None:
    """A draft that cannot be written takes its whole batch with it."""
    with pytest.raises(LedgerError, match=r"ledger\.data"):
        ledger.append([intent(1), intent(2, at=NOON)], at=NOON, expected=0)
    assert ledger.append([intent(1)], at=NOON, expected=0)[0].sequence == 1


def test_appending_nothing_writes_nothing(ledger: SqliteLedger, path: Path) -> None:
    """An idle pass leaves no trace."""
    assert ledger.append([], at=NOON, expected=0) == ()
    assert not path.exists()


def test_reading_does_not_make_the_file(ledger: SqliteLedger, path: Path) -> None:
    """Looking at what is not there leaves the folder as it was."""
    assert ledger.events() == ()
    assert not path.parent.exists()


def test_verifying_an_absent_ledger_is_an_error(ledger: SqliteLedger) -> None:
    """A ledger that somebody removed must not pass for a sound empty one."""
    with pytest.raises(LedgerError, match="there is no ledger"):
        ledger.verify()


def test_the_head_can_be_noted_and_compared(ledger: SqliteLedger) -> None:
    """A head that was written down still holds after more events, and another hash does not."""
    noted = ledger.append([intent()], at=NOON, expected=0)[-1].hash
    assert ledger.head() == (1, noted)

    ledger.append([intent()], at=NOON + timedelta(seconds=1), expected=1)

    assert ledger.verify(noted=noted) == ()
    assert [flaw.sequence for flaw in ledger.verify(noted="ab" * 32)] == [0]


def test_commits_wait_for_the_disk(ledger: SqliteLedger) -> None:
    """Invariant 1 rests on these two settings of SQLite."""
    fill(ledger, 1)
    connection = ledger._connection()

    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)


def test_each_thread_has_a_connection_of_its_own(ledger: SqliteLedger) -> None:
    """Threads append side by side; each event gets its place, and connections of ended threads are closed."""

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

    assert len(ledger.events()) == 4
    assert list(ledger._connections) == [threading.current_thread()]


def test_one_pass_at_a_time_within_a_process_too(ledger: SqliteLedger, path: Path) -> None:
    """Two ledgers on one file in one process are two passes."""
    with ledger.exclusive(), pytest.raises(Busy) as caught, SqliteLedger(path).exclusive():
        pass
    assert caught.value.exit_code == 6


def test_the_lock_is_let_go_after_a_failure(ledger: SqliteLedger) -> None:
    """An error inside a pass ends its hold."""
    with pytest.raises(OSError, match="of the pass"), ledger.exclusive():
        raise OSError("of the pass")
    with ledger.exclusive():
        assert ledger.events() == ()


def test_appends_and_holds_do_not_block_each_other(ledger: SqliteLedger) -> None:
    """A person may approve while a pass runs: appends are kept apart by compare-and-set."""
    with ledger.exclusive():
        assert len(fill(ledger, 2)) == 2


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
