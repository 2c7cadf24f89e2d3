"""A decided operation: verdicts, approvals, effects with their retries, and every way in which it ends early."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from reconciler.adapters.rego_embedded import EmbeddedRego
from reconciler.decide.revert import revert_of
from reconciler.model.action import Remedy
from reconciler.model.cluster import Namespace
from reconciler.model.codec import encode
from reconciler.model.facts import Unknown
from reconciler.model.operation import EventKind, Outcome, Phase
from reconciler.model.verdict import Answer, Route
from reconciler.resources import shipped
from reconciler.steps import next_steps
from tests.core.views import (
    completed,
    drafts,
    effects,
    ended,
    ending,
    failed,
    in_trouble,
    intended,
    kinds,
    settled,
    view,
    waits,
)
from tests.worlds import NOW, WEBAPP, Story, oom_remedy, settings, workload

if TYPE_CHECKING:
    from pathlib import Path

RUN, PROPOSE, APPLY, CLOSE = "op-1:0:run", "op-1:1:propose", "op-1:1:apply", "op-1:0:close"
K = EventKind
UNOWNED = in_trouble(applications=(), workloads={WEBAPP: workload(tracking_id=None)})
DOWN = Unknown("kubernetes", "timeout")


def rules(folder: Path, text: str) -> EmbeddedRego:
    """Return the shipped rules, tightened by an operator's own."""
    (folder / "operator.rego").write_text(f"package operator\n\n{text}\n")
    return EmbeddedRego([shipped("policies"), folder])


# --- both halves ---------------------------------------------------------------------------------------------------


def test_verdicts_are_recorded_before_anything_else() -> None:
    """Why something was done is in the ledger before it is done."""
    steps = next_steps(Story().operation, view())

    assert [(d.kind, d.data["action"]) for d in drafts(*steps)] == [(K.VERDICT_GIVEN, 0), (K.VERDICT_GIVEN, 1)]
    assert effects(*steps) == []


def test_both_halves_of_a_hybrid_remedy_go_at_the_same_time() -> None:
    """The restart does not wait for the pull request, nor the other way round."""
    story = Story()

    assert effects(*settled(story)) == [RUN, PROPOSE]
    assert [story.operation.verdicts[i].route for i in (0, 1)] == [Route.RUN, Route.PULL_REQUEST]


def test_same_verdict_is_recorded_once() -> None:
    """The ledger grows by news, not by passes."""
    story = Story()
    settled(story, settings=settings(guards={"paused": True}))
    recorded = len(story.events)

    settled(story, settings=settings(guards={"paused": True}), now=NOW + timedelta(minutes=1))

    assert len(story.events) == recorded


def test_done_restart_is_not_done_again() -> None:
    """Invariant 1: an effect happens once."""
    assert effects(*settled(completed(Story(), RUN))) == [PROPOSE]


@pytest.mark.parametrize("key", [RUN, PROPOSE])
def test_announced_effect_is_taken_up_again_after_a_crash(key: str) -> None:
    """Invariant 1: an intent without a result is completed under the same key."""
    assert key in effects(*settled(intended(Story(), key)))


def test_announced_restart_is_completed_even_when_the_trouble_is_gone() -> None:
    """Invariant 1: no announced effect is forgotten; nobody knows whether it happened."""
    assert RUN in effects(*settled(intended(Story(), RUN), findings={}))


def test_restart_that_was_not_announced_stays_undone_once_the_trouble_is_gone() -> None:
    """A workload that has recovered is not disturbed; the limit is still raised for good."""
    assert effects(*settled(intended(Story(), PROPOSE), findings={})) == [PROPOSE]


def test_failed_restart_is_not_tried_again_once_the_trouble_is_gone() -> None:
    """A workload that has recovered is not disturbed by a late retry."""
    steps = settled(failed(Story(), RUN), findings={}, now=NOW + timedelta(hours=1))

    assert effects(*steps) == [PROPOSE]


def test_closed_operation_needs_nothing() -> None:
    """What has ended is over."""
    closed = Story().add(K.OPERATION_CLOSED, outcome="refused", reason="no").operation

    assert next_steps(closed, view()) == ()


# --- the trouble ends, or nobody knows ------------------------------------------------------------------------------


def test_trouble_that_ended_before_anything_was_done_ends_the_operation() -> None:
    """Nothing is done for trouble that is provably gone."""
    steps = next_steps(Story().operation, view(findings={}))

    assert ending(*steps) == (Outcome.RESOLVED, "the trouble ended before anything was done", False)


def test_operation_that_waits_for_an_approval_ends_with_its_trouble() -> None:
    """A person need not answer a question that is moot."""
    story = Story().add(K.APPROVAL_REQUESTED, action=1)

    assert ending(*next_steps(story.operation, view(findings={}))) is not None


def test_unknown_findings_end_nothing_and_restart_nothing() -> None:
    """Invariant 3: no answer is neither "gone" nor "still there"."""
    story = Story()
    steps = settled(story, findings=DOWN)

    assert story.operation.is_open
    assert RUN not in effects(*steps)


@pytest.mark.parametrize("source", ["namespaces", "workloads", "applications"])
def test_unknown_facts_make_every_action_wait(source: str) -> None:
    """Invariant 3: nothing is done on facts that nobody knows, and nothing is refused because of them."""
    story = Story()
    steps = settled(story, snapshot=in_trouble(**{source: DOWN}))

    assert PROPOSE not in effects(*steps)
    assert story.operation.is_open
    assert story.operation.verdicts[1].answer is Answer.WAIT
    assert any("timeout" in reason for reason in waits(*steps))


def test_revert_does_not_end_when_its_finding_does() -> None:
    """A revert answers an outcome, not a finding."""
    remedy = revert_of(Story().live().operation)
    assert isinstance(remedy, Remedy)

    assert effects(*settled(Story(remedy), findings={})) == ["op-1:0:propose"]


def test_target_that_was_made_anew_is_refused() -> None:
    """The object that was looked at is not this one."""
    story = Story()
    anew = in_trouble(workloads={WEBAPP: workload(uid="another")})

    assert settled(story, snapshot=anew) == ()
    assert ended(story) == (Outcome.REFUSED, False)
    assert "target.changed" in story.operation.outcome_reason


# --- what people and policy say -------------------------------------------------------------------------------------


def test_pause_holds_both_halves() -> None:
    """Invariant 7: a pause beats every rule."""
    steps = settled(Story(), settings=settings(guards={"paused": True}))

    assert effects(*steps) == []
    assert waits(*steps) == [
        "restart-deployment: paused by the configuration",
        "set-memory: paused by the configuration",
    ]


def test_pause_after_a_crash_holds_the_announced_effect_and_its_end_lets_it_go() -> None:
    """Invariants 1 and 7: paused in the middle, the intent is neither repeated nor forgotten."""
    story = intended(completed(Story(), RUN), PROPOSE)

    assert effects(*settled(story, settings=settings(guards={"paused": True}))) == []
    assert effects(*settled(story)) == [PROPOSE]


def test_refused_by_policy_is_recorded_and_nothing_runs(tmp_path: Path) -> None:
    """Policy denies: one verdict each, the end, no person is asked and nothing is done."""
    story = Story()
    steps = settled(story, policy=rules(tmp_path, "deny := true"))

    assert steps == ()
    assert [e.kind for e in story.events] == [K.OPERATION_OPENED, K.VERDICT_GIVEN, K.VERDICT_GIVEN, K.OPERATION_CLOSED]
    assert ended(story) == (Outcome.REFUSED, False)
    assert "operator_denied" in story.operation.outcome_reason


def test_allowed_restart_runs_before_a_refused_change_ends_the_operation(tmp_path: Path) -> None:
    """Ending comes last: the half that may go is not lost with the half that may not."""
    policy = rules(tmp_path, 'deny if input.action.kind == "declarative"')
    story = Story()

    assert effects(*settled(story, policy=policy)) == [RUN]
    assert settled(completed(story, RUN), policy=policy) == ()
    assert ended(story) == (Outcome.REFUSED, False)


def test_policy_that_cannot_be_asked_makes_it_wait(tmp_path: Path) -> None:
    """Invariant 8: no answer is not a yes; and it is no lasting no either."""
    story = Story()
    steps = settled(story, policy=EmbeddedRego([tmp_path / "missing"]))

    assert effects(*steps) == []
    assert story.operation.verdicts[1].degraded
    assert story.operation.is_open


def test_operators_escalation_asks_a_person_about_both_halves(tmp_path: Path) -> None:
    """Invariant 7: escalate beats every rule."""
    story = Story()
    steps = settled(story, policy=rules(tmp_path, "escalate := true"))

    assert effects(*steps) == []
    assert story.operation.approval_requested == (0, 1)
    assert story.operation.phase is Phase.AWAITING_APPROVAL


def test_escalation_flag_on_the_namespace_asks_a_person() -> None:
    """Invariant 7: an annotation is enough."""
    flagged = {"production": Namespace(name="production", environment="staging", flags=frozenset({"escalate"}))}

    assert effects(*settled(Story(), snapshot=in_trouble(namespaces=flagged))) == []


def test_change_of_what_git_does_not_own_asks_for_an_approval_once() -> None:
    """A direct apply is manual; later passes do not ask again."""
    story = Story()
    first = settled(story, snapshot=UNOWNED)
    settled(story, snapshot=UNOWNED, now=NOW + timedelta(minutes=1))

    assert [e.kind for e in story.events].count(K.APPROVAL_REQUESTED) == 1
    assert "set-memory waits for an approval: `reconciler approve op-1`" in waits(*first)
    assert effects(*first) == [RUN]


def test_approved_change_is_applied_and_goes_live_without_a_pull_request() -> None:
    """After the yes: apply, then the change counts as live."""
    story = completed(Story(), RUN).add(K.APPROVAL_REQUESTED, action=1)
    assert effects(*settled(story, snapshot=UNOWNED)) == []

    story.add(K.APPROVAL_GIVEN, action=1, by="ana")
    assert effects(*settled(story, snapshot=UNOWNED)) == [APPLY]

    steps = next_steps(completed(story, APPLY).operation, view(snapshot=UNOWNED))
    assert [(d.kind, d.data) for d in drafts(*steps)] == [(K.CHANGE_LIVE, {"values": ["1Gi"]})]


def test_approval_of_another_action_is_none() -> None:
    """A yes is to one action."""
    story = completed(Story(), RUN).add(K.APPROVAL_REQUESTED, action=1).add(K.APPROVAL_GIVEN, action=0, by="ana")

    assert effects(*settled(story, snapshot=UNOWNED)) == []


def test_applied_change_counts_even_when_a_pull_request_was_given_up_before() -> None:
    """The object left Git while its pull request failed: what reached the cluster in the end is what counts."""
    story = completed(failed(completed(Story(), RUN), PROPOSE, permanent=True), APPLY)

    assert kinds(*next_steps(story.operation, view(snapshot=UNOWNED))) == [K.CHANGE_LIVE]


def test_verdict_of_a_remedy_survives_its_way_through_the_ledger() -> None:
    """What is recorded is what was judged."""
    story = Story(oom_remedy())
    settled(story)

    assert encode(story.operation.verdicts[1]) == story.events[2].data["verdict"]
