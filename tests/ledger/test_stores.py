"""What every store of events must do: one suite for the file, and for the reference on the servers that we know."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from reconciler.errors import Busy, LedgerError, LedgerMoved
from tests.ledger.examples import NOON, append_from_four_threads, fill, intent
from tests.ledger.test_secrecy import LOOKS_SECRET

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.ledger.store import Store
    from reconciler.ports import Ledger
    from tests.ledger.stores import Shelf


@pytest.fixture
def ledger(shelf: Shelf) -> Iterator[Store]:
    """The ledger as one process has it."""
    with closing(shelf.open()) as made:
        yield made


def test_it_is_a_ledger(ledger: Store) -> None:
    """The store fits the port; the type checker reads this too."""
    port: Ledger = ledger

    assert port.events() == ()


def test_what_was_appended_is_read_back(ledger: Store, shelf: Shelf) -> None:
    """Append returns the very events that any later reader gets, by another connection as well."""
    written = ledger.append([intent(1, text="é ☃", items=[1, 2.5, None, True]), intent(2)], at=NOON, expected=0)
    with closing(shelf.open("elsewhere")) as other:
        assert other.events() == written == ledger.events()
    assert [(event.sequence, event.at) for event in written] == [(1, NOON), (2, NOON)]


def test_only_the_events_after_a_number_are_returned(ledger: Store) -> None:
    """A reader that is up to date gets nothing, one that lags gets the rest."""
    written = fill(ledger, 4)

    assert ledger.events(after=2) == written[2:]
    assert ledger.events(after=4) == ()


def test_a_reader_sees_what_others_append(ledger: Store, shelf: Shelf) -> None:
    """Whoever asks again gets what came since, and only that."""
    fill(ledger, 1)
    with closing(shelf.open("elsewhere")) as other:
        assert len(other.events()) == 1
        written = ledger.append([intent(7)], at=NOON, expected=1)

        assert other.events(after=1) == written
        assert other.append([intent(8)], at=NOON, expected=2)[0].previous == written[0].hash
    assert [event.sequence for event in ledger.events(after=1)] == [2, 3]


def test_asking_after_an_event_that_is_not_there_is_an_error(ledger: Store) -> None:
    """A reader who remembers more than the ledger holds has found a cut tail."""
    fill(ledger, 2)

    with pytest.raises(LedgerError, match="event 5 is missing"):
        ledger.events(after=5)


def test_a_stale_writer_changes_nothing(ledger: Store) -> None:
    """Compare-and-set: who decided on an older ledger must decide again."""
    written = fill(ledger, 2)

    with pytest.raises(LedgerMoved, match="holds 2 events where 1 were expected"):
        ledger.append([intent(7)], at=NOON, expected=1)
    assert ledger.events() == written


def test_a_writer_who_has_not_looked_since_is_told_as_well(ledger: Store, shelf: Shelf) -> None:
    """Both saw one event; the second append finds the place taken, though it asked nobody in between."""
    fill(ledger, 1)
    with closing(shelf.open("elsewhere")) as other:
        assert len(other.events()) == 1
        won = ledger.append([intent(7)], at=NOON, expected=1)

        with pytest.raises(LedgerMoved, match="holds 2 events where 1 were expected"):
            other.append([intent(8)], at=NOON, expected=1)
        assert other.events(after=1) == won


def test_the_very_same_append_by_two_processes_is_one_append(ledger: Store, shelf: Shelf) -> None:
    """The same events at the same moment: still only one of the two announced them."""
    fill(ledger, 1)
    with closing(shelf.open("elsewhere")) as other:
        other.events()
        won = ledger.append([intent(7)], at=NOON, expected=1)

        with pytest.raises(LedgerMoved):
            other.append([intent(7)], at=NOON, expected=1)
    assert ledger.events(after=1) == won


def test_events_are_appended_all_or_none(ledger: Store) -> None:
    """A draft that cannot be written takes its whole batch with it."""
    with pytest.raises(LedgerError, match=r"ledger\.data"):
        ledger.append([intent(1), intent(2, at=NOON)], at=NOON, expected=0)
    assert ledger.append([intent(1)], at=NOON, expected=0)[0].sequence == 1


def test_appending_nothing_writes_nothing(ledger: Store) -> None:
    """An idle pass leaves no trace."""
    assert ledger.append([], at=NOON, expected=0) == ()
    with pytest.raises(LedgerError, match="there is no ledger"):
        ledger.verify()


def test_an_absent_ledger_is_empty_and_not_sound(ledger: Store) -> None:
    """A ledger that somebody removed must not pass for a sound empty one."""
    assert ledger.events() == ()
    for question in (ledger.verify, ledger.head):
        with pytest.raises(LedgerError, match="there is no ledger"):
            question()


def test_the_head_can_be_noted_and_compared(ledger: Store) -> None:
    """A head that was written down still holds after more events, and another hash does not."""
    noted = ledger.append([intent()], at=NOON, expected=0)[-1].hash
    assert ledger.head() == (1, noted)

    ledger.append([intent()], at=NOON + timedelta(seconds=1), expected=1)

    assert ledger.verify(noted=noted) == ()
    assert [flaw.sequence for flaw in ledger.verify(noted="ab" * 32)] == [0]


@pytest.mark.parametrize("text", LOOKS_SECRET.values(), ids=LOOKS_SECRET)
def test_a_credential_is_never_written(ledger: Store, text: str) -> None:
    """Invariant 11: data that holds what looks like a credential is refused whole, and the text is not shown."""
    with pytest.raises(LedgerError, match=r"ledger\.secret") as caught:
        ledger.append([intent(), intent(error=["said: " + text])], at=NOON, expected=0)

    assert text not in str(caught.value)
    assert ledger.events() == ()


def test_threads_append_side_by_side(ledger: Store) -> None:
    """Each event gets its place, whichever thread was faster."""
    append_from_four_threads(ledger)

    assert len(ledger.events()) == 4


def test_one_pass_at_a_time_on_a_machine(ledger: Store, shelf: Shelf) -> None:
    """Two processes on one machine are two passes, and one of them waits."""
    with ledger.exclusive(), pytest.raises(Busy) as caught, shelf.open().exclusive():
        pass
    assert caught.value.exit_code == 6


def test_the_lock_is_let_go_after_a_failure(ledger: Store) -> None:
    """An error inside a pass ends its hold."""
    with pytest.raises(OSError, match="of the pass"), ledger.exclusive():
        raise OSError("of the pass")
    with ledger.exclusive():
        assert ledger.events() == ()


def test_appends_and_holds_do_not_block_each_other(ledger: Store) -> None:
    """A person may approve while a pass runs: appends are kept apart by compare-and-set."""
    with ledger.exclusive():
        assert len(fill(ledger, 2)) == 2


def test_examining_says_how_the_ledger_is(ledger: Store) -> None:
    """Before the first pass and with events; looking makes nothing."""
    absent = ledger.examine()
    assert [line.works for line in absent] == [True] * len(absent)
    assert absent[0].detail == "not there yet; the first event makes it"
    assert ledger.events() == ()

    fill(ledger, 2)
    assert ledger.examine()[0].detail == "2 events"


def test_many_events_are_read_in_order(ledger: Store, shelf: Shelf) -> None:
    """More than any unit of storage holds, appended in batches of every size up to more than one."""
    place = 0
    for size in (1, 63, 1, 200):
        ledger.append([intent(place + n) for n in range(size)], at=NOON, expected=place)
        place += size
    with closing(shelf.open("elsewhere")) as other:
        assert [event.data["n"] for event in other.events()] == list(range(place))
        assert other.events(after=130)[0].sequence == 131
        assert other.verify() == ()
