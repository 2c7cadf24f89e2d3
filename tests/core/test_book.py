"""The ledger as a pass uses it, while somebody else appends: facts are kept, intents are decided anew."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.advance import IllegalEvent, fold
from reconciler.book import Book
from reconciler.errors import LedgerError, LedgerMoved
from reconciler.ledger.sqlite import SqliteLedger
from reconciler.model.codec import encode
from reconciler.model.operation import Draft, EffectStatus, EventKind, Operation
from reconciler.steps import Record
from tests.core.views import failing
from tests.worlds import NOW, Story, oom_remedy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime
    from pathlib import Path

    from reconciler.model.operation import Event
    from reconciler.ports import Diagnosis

K = EventKind


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqliteLedger]:
    """A ledger that holds one decided operation, op-1."""
    made = SqliteLedger(tmp_path / "ledger.db")
    made.append([opening("op-1")], at=NOW, expected=0)
    yield made
    made.close()


def draft(kind: EventKind, operation: str = "op-1", **data: object) -> Draft:
    """Return an event that has no place yet."""
    return Draft(operation=operation, kind=kind, data=data)


def opening(operation: str) -> Draft:
    """Open an operation."""
    return draft(K.OPERATION_OPENED, operation, remedy=encode(oom_remedy()))


def intent(operation: str = "op-1") -> Draft:
    """Announce the restart."""
    return draft(K.EFFECT_INTENDED, operation, key=f"{operation}:0:run", verb="run")


def book(ledger: SqliteLedger | Interrupted) -> Book:
    """Read the ledger as a pass does, at a fixed time."""
    return Book(ledger, lambda: NOW)


def kinds(ledger: SqliteLedger) -> list[EventKind]:
    """Return what is in the ledger."""
    return [event.kind for event in ledger.events()]


class Interrupted:
    """The same ledger, where another process appends just before each of our first appends."""

    def __init__(self, ledger: SqliteLedger, *others: Draft) -> None:
        self._ledger = ledger
        self._others = list(others)

    def append(self, drafts: Sequence[Draft], *, at: datetime, expected: int) -> tuple[Event, ...]:
        """Let the other process go first, then append for real."""
        if self._others:
            other = self._others.pop(0)
            self._ledger.append([other], at=at, expected=len(self._ledger.events()))
        return self._ledger.append(drafts, at=at, expected=expected)

    def events(self, *, after: int = 0) -> tuple[Event, ...]:
        """Read for real."""
        return self._ledger.events(after=after)

    def exclusive(self) -> AbstractContextManager[None]:
        """Lock for real."""
        return self._ledger.exclusive()

    def examine(self) -> Sequence[Diagnosis]:
        """Look for real."""
        return self._ledger.examine()


def test_book_is_the_fold_of_the_ledger(ledger: SqliteLedger) -> None:
    """Nothing but the events makes an operation."""
    ours = book(ledger)
    ours.record([intent()])

    assert {o.id: o for o in ours.operations} == fold(ledger.events())
    assert ours.get("op-1").effects["op-1:0:run"].status is EffectStatus.INTENDED
    assert [e.kind for e in ours.recorded] == [K.EFFECT_INTENDED]


def test_fact_is_recorded_on_top_of_what_somebody_else_said(ledger: SqliteLedger) -> None:
    """Invariant 1: an effect that happened is written down, whoever appended meanwhile."""
    ours = book(Interrupted(ledger, draft(K.APPROVAL_GIVEN, action=1, by="ana")))
    ours.record([intent()])

    assert kinds(ledger) == [K.OPERATION_OPENED, K.APPROVAL_GIVEN, K.EFFECT_INTENDED]
    assert [a.by for a in ours.get("op-1").approvals] == ["ana"]
    assert [e.kind for e in ours.recorded] == [K.EFFECT_INTENDED]


def test_intent_is_dropped_when_somebody_touched_its_operation(ledger: SqliteLedger) -> None:
    """Invariant 7: a no that comes between deciding and doing is heard; nothing was announced."""
    ours = book(Interrupted(ledger, draft(K.APPROVAL_REJECTED, by="ana")))

    assert ours.intend([intent()]) is False
    assert kinds(ledger) == [K.OPERATION_OPENED, K.APPROVAL_REJECTED]
    assert ours.get("op-1").rejected_by == "ana"
    assert ours.recorded == []


def test_intent_is_retried_when_another_operation_was_touched(ledger: SqliteLedger) -> None:
    """Other people's business does not stop ours."""
    ours = book(Interrupted(ledger, opening("op-2"), draft(K.APPROVAL_REJECTED, "op-2", by="ana")))

    assert ours.intend([intent()]) is True
    assert kinds(ledger)[-1] is K.EFFECT_INTENDED
    assert ours.get("op-2").rejected_by == "ana"


def test_intents_of_several_operations_go_together_or_not_at_all(ledger: SqliteLedger) -> None:
    """One touched operation drops the whole group."""
    ledger.append([opening("op-2")], at=NOW, expected=1)
    ours = book(Interrupted(ledger, draft(K.APPROVAL_REJECTED, "op-2", by="ana")))

    assert ours.intend([intent("op-1"), intent("op-2")]) is False
    assert K.EFFECT_INTENDED not in kinds(ledger)


def test_two_books_on_one_ledger_announce_an_effect_once(ledger: SqliteLedger) -> None:
    """Invariant 1: of two processes that decided the same, one announces and the other looks again."""
    first, second = book(ledger), book(ledger)

    assert (first.intend([intent()]), second.intend([intent()])) == (True, False)
    assert kinds(ledger).count(K.EFFECT_INTENDED) == 1
    assert second.operations == first.operations


def test_ledger_that_never_rests_is_an_error_for_facts_and_no_intent(ledger: SqliteLedger) -> None:
    """Invariant 10: tries are counted; an intent that found no place is simply not announced."""
    noise = [opening(f"op-{n}") for n in range(2, 40)]
    restless = Interrupted(ledger, *noise)
    ours = book(restless)

    assert ours.intend([intent()]) is False
    with pytest.raises(LedgerError) as raised:
        ours.record([intent()])
    assert raised.value.code == "ledger.contended"
    assert not isinstance(raised.value, LedgerMoved)
    assert K.EFFECT_INTENDED not in kinds(ledger)


@pytest.mark.parametrize("write", [Book.record, Book.intend])
@pytest.mark.parametrize(
    "illegal",
    [
        [draft(K.PULL_REQUEST_MERGED, merge_commit="a", expected=["1Gi"])],
        [draft(K.EFFECT_INTENDED, "op-9", key="op-9:0:run")],
        [intent(), draft(K.VERIFICATION_COMPLETED)],
        [opening("op-1")],
        [draft(K.OPERATION_CLOSED, outcome="refused", reason=""), intent()],
    ],
    ids=["wrong phase", "no such operation", "second of two", "opened twice", "after the end"],
)
def test_illegal_event_never_reaches_the_ledger(
    ledger: SqliteLedger, illegal: list[Draft], write: Callable[[Book, list[Draft]], Any]
) -> None:
    """A ledger that does not fold could never be read again."""
    ours = book(ledger)
    with pytest.raises(IllegalEvent):
        write(ours, illegal)

    assert kinds(ledger) == [K.OPERATION_OPENED]
    assert ours.recorded == []
    assert ours.get("op-1") == fold(ledger.events())["op-1"]


@pytest.mark.parametrize("data", [{}, {"verdict": {"answer": "perhaps"}, "action": 0}])
def test_event_with_malformed_data_never_reaches_the_ledger(ledger: SqliteLedger, data: dict[str, Any]) -> None:
    """What cannot be read back is not written."""
    with pytest.raises((KeyError, ValueError)):
        book(ledger).record([draft(K.VERDICT_GIVEN, **data)])

    assert kinds(ledger) == [K.OPERATION_OPENED]


def test_what_was_rehearsed_is_what_the_ledger_gives_back(ledger: SqliteLedger) -> None:
    """JSON changes nothing that the fold looks at: two readings of one history are equal."""
    ours = book(ledger)
    for event in Story().live().events[1:]:
        ours.record([Draft(operation=event.operation, kind=event.kind, data=event.data)])
    for step in failing():
        assert isinstance(step, Record)
        ours.record(step.drafts)

    assert ours.operations == book(ledger).operations
    assert [o.remedy.parent for o in ours.operations] == [None, "op-1"]


def test_refresh_names_the_operations_that_others_touched(ledger: SqliteLedger) -> None:
    """Only what is new, and only once."""
    ours = book(ledger)
    ledger.append([opening("op-2"), intent("op-1")], at=NOW, expected=1)

    assert ours.refresh() == {"op-1", "op-2"}
    assert ours.refresh() == set()


def test_open_operations_leave_the_ended_ones_out(ledger: SqliteLedger) -> None:
    """History stays readable, and is not followed."""
    ours = book(ledger)
    ours.record([opening("op-2"), draft(K.OPERATION_CLOSED, outcome="resolved", reason="")])

    assert [o.id for o in ours.operations] == ["op-1", "op-2"]
    assert [o.id for o in ours.open_operations] == ["op-2"]


def test_ids_count_the_ledgers_operations(ledger: SqliteLedger) -> None:
    """Date, time and a running number; `taken` ones are left out."""
    ours = book(ledger)

    assert [ours.next_id(at=NOW, taken=n) for n in (0, 1)] == ["op-20260301-120000-002", "op-20260301-120000-003"]
    assert ours.next_id(at=NOW + timedelta(seconds=1)) == "op-20260301-120001-002"


def test_empty_ledger_is_an_empty_book(tmp_path: Path) -> None:
    """Reading does not make the file."""
    operations: tuple[Operation, ...] = Book(SqliteLedger(tmp_path / "none.db"), lambda: NOW).operations

    assert operations == ()
    assert not (tmp_path / "none.db").exists()


def test_name_that_looks_like_a_credential_costs_its_text_and_not_the_pass(ledger: SqliteLedger) -> None:
    """Invariant 11: an alert called like a token, or an annotation, must not stop every operation of every pass."""
    ours = book(ledger)

    ours.record([draft(K.ESCALATED, reason="tracked by Application ghp_ABCDEFGHIJKLMNOPQRST")])

    assert ledger.events()[-1].data["reason"] == "tracked by Application ***"
    assert ours.get("op-1").escalated


def test_conclusion_is_dropped_when_another_pass_went_on_with_the_operation(ledger: SqliteLedger) -> None:
    """Two runners that saw the same must not both tell it: one clean check would count as two."""
    first, second = book(ledger), book(ledger)
    said = [draft(K.ESCALATED, reason="out of attempts")]

    first.conclude(said)
    second.conclude(said)

    assert kinds(ledger).count(K.ESCALATED) == 1
    assert second.elsewhere == {"op-1"}
    assert second.operations == first.operations


def test_conclusion_stands_beside_a_persons_word(ledger: SqliteLedger) -> None:
    """A person is no other pass: what follows from the snapshot is recorded on top of what they said."""
    ours = book(Interrupted(ledger, draft(K.APPROVAL_GIVEN, action=1, by="ana")))

    ours.conclude([draft(K.ESCALATED, reason="out of attempts")])

    assert kinds(ledger) == [K.OPERATION_OPENED, K.APPROVAL_GIVEN, K.ESCALATED]
    assert ours.elsewhere == set()


def test_operation_is_not_opened_when_another_pass_opened_one(ledger: SqliteLedger) -> None:
    """A runner that started a second later gives the same trouble another id: it must look again first."""
    first, second = book(ledger), book(ledger)

    assert first.intend([opening("op-2")]) is True
    assert second.intend([opening("op-3")]) is False
    assert list({o.id for o in second.operations}) == list({o.id for o in first.operations})


def test_operation_is_opened_though_a_person_spoke_meanwhile(ledger: SqliteLedger) -> None:
    """Somebody's approval of another operation says nothing about this one."""
    ours = book(Interrupted(ledger, draft(K.APPROVAL_GIVEN, action=1, by="ana")))

    assert ours.intend([opening("op-2")]) is True


def test_no_effect_is_announced_on_an_operation_that_another_pass_took(ledger: SqliteLedger) -> None:
    """Whoever lost one half of a hybrid remedy leaves the other half too."""
    first, second = book(ledger), book(ledger)
    other_half = [draft(K.EFFECT_INTENDED, key="op-1:1:propose", verb="propose")]

    assert (first.intend([intent()]), second.intend([intent()])) == (True, False)
    assert second.intend(other_half) is False
    assert first.intend(other_half) is True


def test_fact_that_another_pass_has_told_already_is_not_told_twice(ledger: SqliteLedger) -> None:
    """Both completed the same announced effect, which is safe; the second record would no longer follow the table."""
    story = Story().pull_request_opened().events[3:]
    told = [Draft(operation="op-1", kind=event.kind, data=event.data) for event in story]
    first = book(ledger)
    assert first.intend(told[:1]) is True
    second = book(ledger)
    assert second.intend(told[:1]) is True

    first.record(told[1:])
    second.record(told[1:])

    assert kinds(ledger).count(K.PULL_REQUEST_OPENED) == 1
    assert second.operations == first.operations
