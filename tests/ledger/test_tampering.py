"""Somebody opens the file with SQLite, drops the triggers, changes one thing and puts the triggers back."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.errors import LedgerError
from reconciler.ledger import schema
from reconciler.ledger.sqlite import SqliteLedger
from tests.ledger.examples import fill

COUNT = 6
TEXT = ("at", "operation", "kind", "data", "previous", "hash")
Place = st.integers(1, COUNT)

unhurried = settings(deadline=None)  # an example writes a file, and the disk may be busy


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a ledger once; every example changes a copy of it."""
    path = tmp_path_factory.mktemp("original") / "ledger.db"
    with closing(SqliteLedger(path)) as ledger:
        fill(ledger, COUNT)
    return path


def tampered(original: Path, *statements: tuple[str, tuple[object, ...]]) -> SqliteLedger:
    """Return a copy on which the statements were run behind our back."""
    path = original.with_name("copy.db")
    shutil.copy(original, path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        for statement, arguments in statements:
            connection.execute(statement, arguments)
        for _, sql in triggers:
            connection.execute(sql)
    return SqliteLedger(path)


def first_flaw(ledger: SqliteLedger) -> int:
    """Return the sequence number that verification names first; reading must have refused the ledger as well."""
    with closing(ledger):
        with pytest.raises(LedgerError, match=r"ledger\.broken"):
            ledger.events()
        return ledger.verify()[0].sequence


@unhurried
@given(place=Place, column=st.sampled_from(TEXT), value=st.text(st.characters(codec="utf-8"), max_size=80))
def test_an_altered_text_is_found(original: Path, place: int, column: str, value: str) -> None:
    """Any other text in any column gives the event away."""
    with closing(sqlite3.connect(original)) as connection:
        stored = connection.execute(f"SELECT {column} FROM events WHERE sequence = ?", (place,)).fetchone()[0]  # noqa: S608 - a constant
    value = value if value != stored else value + "x"
    ledger = tampered(original, (f"UPDATE events SET {column} = ? WHERE sequence = ?", (value, place)))  # noqa: S608 - a constant

    assert first_flaw(ledger) == place


@unhurried
@given(place=Place, column=st.sampled_from(TEXT), data=st.data())
def test_a_single_changed_character_is_found(original: Path, place: int, column: str, data: st.DataObject) -> None:
    """Even a space between two fields, or a digit of a hash, gives the event away."""
    with closing(sqlite3.connect(original)) as connection:
        stored = connection.execute(f"SELECT {column} FROM events WHERE sequence = ?", (place,)).fetchone()[0]  # noqa: S608 - a constant
    cut = data.draw(st.integers(0, len(stored)))
    value = stored[:cut] + data.draw(st.sampled_from([" ", "0", "}", '"', "\x00"])) + stored[cut:]
    ledger = tampered(original, (f"UPDATE events SET {column} = ? WHERE sequence = ?", (value, place)))  # noqa: S608 - a constant

    assert first_flaw(ledger) == place


@unhurried
@given(place=Place, value=st.integers(-(2**63), 2**63 - 1).filter(lambda v: v != 1))
def test_an_altered_version_is_found(original: Path, place: int, value: int) -> None:
    """The version is hashed too."""
    assert first_flaw(tampered(original, ("UPDATE events SET version = ? WHERE sequence = ?", (value, place)))) == place


@unhurried
@given(place=Place, value=st.integers(COUNT + 1, 2**63 - 1))
def test_a_renumbered_event_is_found(original: Path, place: int, value: int) -> None:
    """An event that was moved elsewhere is missing at its place."""
    assert (
        first_flaw(tampered(original, ("UPDATE events SET sequence = ? WHERE sequence = ?", (value, place)))) == place
    )


@unhurried
@given(place=Place)
def test_a_removed_event_is_found(original: Path, place: int) -> None:
    """The gap is named, at the ends as well."""
    assert first_flaw(tampered(original, ("DELETE FROM events WHERE sequence = ?", (place,)))) == place


@unhurried
@given(kept=st.integers(0, COUNT - 1))
def test_a_cut_tail_is_found(original: Path, kept: int) -> None:
    """The head row counts the events that are gone."""
    assert first_flaw(tampered(original, ("DELETE FROM events WHERE sequence > ?", (kept,)))) == kept + 1


@unhurried
@given(places=st.lists(Place, min_size=2, max_size=2, unique=True))
def test_swapped_events_are_found(original: Path, places: list[int]) -> None:
    """Two events that changed places are out of order."""
    one, other = places
    swap = [
        ("UPDATE events SET sequence = 99 WHERE sequence = ?", (one,)),
        ("UPDATE events SET sequence = ? WHERE sequence = ?", (one, other)),
        ("UPDATE events SET sequence = ? WHERE sequence = 99", (other,)),
    ]

    assert first_flaw(tampered(original, *swap)) == min(places)


@unhurried
@given(copied=Place, place=st.integers(-3, COUNT + 5).filter(lambda n: n not in range(1, COUNT + 1)))
def test_an_inserted_event_is_found(original: Path, copied: int, place: int) -> None:
    """An event at a place of its own, before the first one or after the last, does not pass."""
    insert = (
        "INSERT INTO events SELECT ?, version, at, operation, kind, data, previous, hash FROM events WHERE sequence = ?"
    )
    ledger = tampered(original, ("PRAGMA ignore_check_constraints = ON", ()), (insert, (place, copied)))
    with closing(ledger):
        assert ledger.verify()[0].sequence == min(place, COUNT + 1)


@unhurried
@given(length=st.integers(-(2**63), 2**63 - 1).filter(lambda n: n != COUNT))
def test_an_altered_count_in_the_head_is_found(original: Path, length: int) -> None:
    """The head must fit the events."""
    assert first_flaw(tampered(original, ("UPDATE head SET length = ?", (length,)))) == min(length, COUNT) + 1


def test_an_altered_hash_in_the_head_is_found(original: Path) -> None:
    """The head must name the last event."""
    assert first_flaw(tampered(original, ("UPDATE head SET hash = ?", ("ab" * 32,)))) == COUNT


@pytest.mark.parametrize("statement", ["DELETE FROM head", "INSERT INTO head SELECT * FROM head"])
def test_a_lost_or_doubled_head_is_found(original: Path, statement: str) -> None:
    """Without one head a cut tail could not be seen, so that is a flaw by itself."""
    assert first_flaw(tampered(original, (statement, ()))) == 0


def test_text_that_is_no_text_is_found(original: Path) -> None:
    """Bytes that are not UTF-8 are reported, not stumbled over."""
    ledger = tampered(original, ("UPDATE events SET operation = CAST(x'ff' AS TEXT) WHERE sequence = 3", ()))

    assert first_flaw(ledger) == 3


def test_another_type_in_a_rebuilt_table_is_found(original: Path) -> None:
    """A table without types can hold anything; the event and the table are both reported."""
    rebuild = [
        ("CREATE TABLE loose (sequence, version, at, operation, kind, data, previous, hash)", ()),
        ("INSERT INTO loose SELECT * FROM events", ()),
        ("DROP TABLE events", ()),
        ("ALTER TABLE loose RENAME TO events", ()),
        ("UPDATE events SET version = '1' WHERE sequence = 2", ()),
    ]
    with closing(tampered(original, *rebuild)) as ledger:
        assert [flaw.sequence for flaw in ledger.verify()] == [2, 0]


def test_dropped_triggers_are_reported(original: Path) -> None:
    """A ledger that anybody could change by accident is not as we made it, though every event may be sound."""
    path = Path(shutil.copy(original, original.with_name("bare.db")))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TRIGGER events_are_never_changed")
    with closing(SqliteLedger(path)) as ledger:
        assert [str(flaw) for flaw in ledger.verify()] == [
            "the ledger has lost its tables or triggers as reconciler made them"
        ]


def test_nothing_is_appended_to_a_chain_without_its_end(original: Path) -> None:
    """An append would bury the cut under a new head."""
    ledger = tampered(original, ("DELETE FROM events WHERE sequence = ?", (COUNT,)))
    with closing(ledger), pytest.raises(LedgerError, match=r"ledger\.broken"):
        fill(ledger, 1)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET data = '{}' WHERE sequence = 2",
        "DELETE FROM events WHERE sequence = 6",
        "INSERT OR REPLACE INTO events SELECT * FROM events WHERE sequence = 3",
        "INSERT INTO events SELECT 9, version, at, operation, kind, data, previous, hash FROM events LIMIT 1",
        "UPDATE head SET length = 5",
        "DELETE FROM head",
        "INSERT INTO head SELECT * FROM head",
    ],
)
def test_the_file_itself_refuses_changes(original: Path, statement: str) -> None:
    """Whoever does not mean to tamper is stopped by the triggers."""
    with closing(sqlite3.connect(original)) as connection, pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(statement)


def test_a_file_of_a_newer_release_is_left_alone(original: Path) -> None:
    """A format that we do not know is refused, with the way out."""
    path = Path(shutil.copy(original, original.with_name("newer.db")))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {schema.LATEST + 1}")
    with closing(SqliteLedger(path)) as ledger, pytest.raises(LedgerError, match=r"ledger\.newer") as caught:
        ledger.events()

    assert "update reconciler" in caught.value.remedy
