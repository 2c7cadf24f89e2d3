"""The fold: the table is the law, and an illegal event changes nothing."""

from __future__ import annotations

import pytest

from reconciler.advance import IllegalEvent, advance, fold
from reconciler.model.codec import encode
from reconciler.model.operation import EffectStatus, Event, EventKind, Operation, Outcome, Phase
from reconciler.phases import NEXT
from tests.worlds import NOW, Story, tracked


def event(kind: EventKind, **data: object) -> Event:
    """Return an event for operation op-1, as the ledger would hand it out."""
    return Event(sequence=99, at=NOW, operation="op-1", kind=kind, data=data, previous="", hash="")


STORIES: dict[Phase, Operation] = {
    Phase.DECIDED: Story().operation,
    Phase.AWAITING_APPROVAL: Story().add(EventKind.APPROVAL_REQUESTED, action=1).operation,
    Phase.AWAITING_GIT_PR: Story().pull_request_opened().operation,
    Phase.AWAITING_SYNC: Story().merged().operation,
    Phase.STABILIZING: Story().live().operation,
    Phase.CLOSED: Story().add(EventKind.OPERATION_CLOSED, outcome="refused", reason="no").operation,
}

ILLEGAL = [(phase, kind) for phase in Phase for kind in EventKind if kind not in NEXT[phase]]


@pytest.mark.parametrize("phase", list(Phase))
def test_story_reaches_every_phase(phase: Phase) -> None:
    """The table's phases can all be reached by events."""
    assert STORIES[phase].phase is phase


@pytest.mark.parametrize(("phase", "kind"), ILLEGAL)
def test_illegal_event_raises_and_changes_nothing(phase: Phase, kind: EventKind) -> None:
    """What the table does not allow is a defect or a forgery, never a guess."""
    before = STORIES[phase]

    with pytest.raises(IllegalEvent):
        advance(before, event(kind, action=0, outcome="failed"))

    assert STORIES[phase] == before


def test_event_without_its_operation_is_illegal() -> None:
    """Nothing happens to an operation that was never opened."""
    with pytest.raises(IllegalEvent):
        fold([event(EventKind.CHANGE_LIVE)])


def test_intent_without_result_stays_intended() -> None:
    """Invariant 1: after a crash the fold shows the announced effect."""
    operation = Story().add(EventKind.EFFECT_INTENDED, key="op-1:0:run", verb="run").operation

    assert operation.effects["op-1:0:run"].status is EffectStatus.INTENDED


def test_repeated_intent_keeps_the_first_time() -> None:
    """The time of the first intent is the value that a restart writes, so that a repeat is a no-op."""
    story = Story().add(EventKind.EFFECT_INTENDED, key="op-1:0:run", verb="run")
    first = story.operation.effects["op-1:0:run"]
    story.add(EventKind.EFFECT_FAILED, key="op-1:0:run", verb="run", error="timeout")
    again = story.add(EventKind.EFFECT_INTENDED, key="op-1:0:run", verb="run").operation.effects["op-1:0:run"]

    assert (again.intended_at, again.attempts) == (first.intended_at, 2)


def test_reviewers_value_becomes_the_expected_one() -> None:
    """Invariant 7: a reviewer's edited value is what must be live."""
    assert Story().merged(expected="2Gi").operation.expected == ("2Gi",)


def test_failed_read_resets_the_streak() -> None:
    """Invariant 3: two clean reads in a row means in a row."""
    story = Story().live().add(EventKind.CHECKED, clean=True, checks=[]).add(EventKind.CHECKED, clean=False, checks=[])

    assert story.operation.clean_reads == 0


def test_closed_operation_can_only_be_escalated() -> None:
    """An ended operation stays ended."""
    closed = STORIES[Phase.CLOSED]

    assert closed.outcome is Outcome.REFUSED
    assert advance(closed, event(EventKind.ESCALATED, reason="x")).escalated


def test_pull_request_of_an_older_ledger_is_still_followed() -> None:
    """Invariant 1: a ledger from before an edit could touch several files is read as it was meant."""
    old = encode(tracked())
    (site,) = old["located"].pop("sites")
    old["located"] |= {key: site[key] for key in ("path", "blob", "document")}

    operation = Story().add(EventKind.PULL_REQUEST_OPENED, pull_request=old).operation

    assert operation.pull_request is not None
    assert operation.pull_request.located.paths == tracked().located.paths
