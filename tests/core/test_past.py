"""What the past says about a remedy: a no stands, a failure is not repeated, attempts are counted."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from reconciler.decide.past import held_by_past, under_way
from reconciler.decide.revert import revert_of
from reconciler.model.action import Remedy
from reconciler.model.operation import EventKind, Operation, Outcome, Phase
from reconciler.settings import GuardSettings
from tests.worlds import NOW, Story, oom_finding, oom_remedy

if TYPE_CHECKING:
    from reconciler.model.report import Held

K = EventKind
DAY = timedelta(days=1)


def past(
    outcome: Outcome, *, ago: timedelta = timedelta(hours=1), name: str = "op-1", tried: bool = False
) -> Operation:
    """Return an operation on webapp's memory that ended some time ago, with or without having written anything."""
    story = Story(at=NOW - ago - timedelta(seconds=9))
    if tried:
        story.add(K.EFFECT_INTENDED, key="op-1:0:run", verb="run")
        story.add(K.EFFECT_COMPLETED, key="op-1:0:run", verb="run")
    story.add(K.OPERATION_CLOSED, outcome=outcome, reason="because")
    return replace(story.operation, id=name, closed_at=NOW - ago)


def held(*history: Operation, remedy: Remedy | None = None, **settings: int) -> Held | None:
    """Ask whether the remedy is held back now."""
    return held_by_past(remedy or oom_remedy(), history, GuardSettings(**settings), NOW)


def larger() -> Remedy:
    """Return the same remedy with another value: another digest."""
    remedy = oom_remedy()
    restart, change = remedy.actions
    (limit,) = change.changes
    return replace(remedy, actions=(restart, replace(change, changes=(replace(limit, after="2Gi"),))))


@pytest.mark.parametrize(
    ("outcome", "code", "stands"),
    [
        (Outcome.REJECTED, "rejected_before", timedelta(days=7)),
        (Outcome.FAILED, "failed_before", DAY),
        (Outcome.NOT_APPLIED, "failed_before", DAY),
        (Outcome.REFUSED, "refused_before", timedelta(hours=1)),
    ],
)
def test_outcome_stands_for_its_time_and_not_longer(outcome: Outcome, code: str, stands: timedelta) -> None:
    """Invariant 7: the same proposal is held until its time is over, and says until when."""
    before = held(past(outcome, ago=stands - timedelta(seconds=1)))
    assert before is not None
    assert (before.code, before.operation, before.until) == (code, "op-1", NOW + timedelta(seconds=1))
    assert before.reason.endswith("(op-1: because)")

    assert held(past(outcome, ago=stands)) is None


@pytest.mark.parametrize("outcome", [Outcome.VERIFIED, Outcome.SUPERSEDED, Outcome.RESOLVED])
def test_other_outcomes_hold_nothing(outcome: Outcome) -> None:
    """What helped once may be needed again."""
    assert held(past(outcome)) is None


@pytest.mark.parametrize("outcome", [Outcome.REJECTED, Outcome.FAILED])
def test_other_value_is_another_proposal(outcome: Outcome) -> None:
    """A person's no is to exactly this change."""
    assert held(past(outcome), remedy=larger()) is None


def test_no_to_another_finding_is_none() -> None:
    """The same change of another container's limit was never asked."""
    other = replace(oom_remedy(), finding=replace(oom_finding(), container="proxy"))

    assert held(past(Outcome.REJECTED), remedy=other) is None


def test_newest_outcome_of_a_proposal_counts() -> None:
    """An old failure is forgiven by a later success."""
    assert held(past(Outcome.FAILED, ago=timedelta(hours=5)), past(Outcome.VERIFIED, name="op-2")) is None


def test_new_evidence_of_the_same_trouble_is_no_new_proposal() -> None:
    """Invariant 7: more kills at the same limit do not reopen what a person closed."""
    finding = oom_finding()
    again = replace(oom_remedy(), finding=replace(finding, evidence=(*finding.evidence, *finding.evidence)))

    assert held(past(Outcome.REJECTED), remedy=again) is not None


def test_empty_history_holds_nothing() -> None:
    """The first time."""
    assert held() is None
    assert under_way(oom_finding(), ()) is None


def test_attempts_of_a_day_are_bounded_whatever_was_proposed() -> None:
    """Invariant 10: the third try that did not end it was the last; the reason names a person."""
    history = [past(Outcome.FAILED, ago=timedelta(hours=h), name=f"op-{h}", tried=True) for h in (20, 10, 5)]
    stopped = held(*history, remedy=larger())

    assert stopped is not None
    assert (stopped.code, stopped.operation) == ("attempts", "op-5")
    assert stopped.until == history[0].opened_at + DAY
    assert "a person must look" in stopped.reason


def test_attempt_of_yesterday_does_not_count() -> None:
    """The day goes with the attempts."""
    history = [past(Outcome.FAILED, ago=timedelta(hours=h), name=f"op-{h}", tried=True) for h in (25, 10, 5)]

    assert held(*history, remedy=larger()) is None


def test_operation_that_wrote_nothing_is_no_attempt() -> None:
    """Refusals and trouble that ended by itself use nothing up."""
    history = [past(Outcome.RESOLVED, ago=timedelta(hours=h), name=f"op-{h}") for h in (9, 6, 3)]

    assert held(*history) is None


def test_revert_is_part_of_the_attempt_before_it() -> None:
    """Taking back is not another try."""
    remedy = revert_of(Story().live().operation)
    assert isinstance(remedy, Remedy)
    story = Story(remedy).add(K.EFFECT_INTENDED, key="op-1:0:propose", verb="propose")
    story.add(K.EFFECT_COMPLETED, key="op-1:0:propose", verb="propose")
    reverts = [replace(story.operation, id=f"op-{n}") for n in range(3)]

    assert held(*reverts, attempts_per_day=1) is None


@pytest.mark.parametrize("outcome", [Outcome.VERIFIED, Outcome.SUPERSEDED])
def test_operation_that_helped_counts_as_an_attempt_too(outcome: Outcome) -> None:
    """Invariant 10: trouble that returns three times a day is no longer ours to chase."""
    history = [past(outcome, ago=timedelta(hours=h), name=f"op-{h}", tried=True) for h in (9, 6, 3)]
    stopped = held(*history)

    assert stopped is not None
    assert stopped.code == "attempts"


@pytest.mark.parametrize("phase", [p for p in Phase if p is not Phase.CLOSED])
def test_open_operation_speaks_for_its_finding(phase: Phase) -> None:
    """One finding, one operation, in whatever phase."""
    known = under_way(oom_finding(), (replace(Story().operation, phase=phase),))

    assert known is not None
    assert (known.code, known.operation) == ("known", "op-1")


def test_open_revert_speaks_for_the_finding() -> None:
    """While a change is being taken back, nothing new is proposed."""
    remedy = revert_of(Story().live().operation)
    assert isinstance(remedy, Remedy)

    assert under_way(oom_finding(), (Story(remedy).operation,)) is not None


def test_ended_operation_and_another_container_speak_for_nothing() -> None:
    """Each finding for itself."""
    assert under_way(oom_finding(), (past(Outcome.VERIFIED),)) is None
    assert under_way(replace(oom_finding(), container="proxy"), (Story().operation,)) is None


def test_refusal_ends_with_the_object_that_it_was_about() -> None:
    """An object that was deleted and made anew is looked at at once; a person's no is to the proposal and stays."""
    restart, change = oom_remedy().actions
    anew = replace(oom_remedy(), actions=(replace(restart, uid="another"), replace(change, uid="another")))

    refused, rejected = (past(outcome, ago=timedelta(minutes=1)) for outcome in (Outcome.REFUSED, Outcome.REJECTED))
    assert held(refused) is not None
    assert held(refused, remedy=anew) is None
    assert held(rejected, remedy=anew) is not None
