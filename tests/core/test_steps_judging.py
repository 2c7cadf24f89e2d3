"""A live change is judged: when, by how many clean reads, and what follows when it did not help."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.adapters.rego_embedded import EmbeddedRego
from reconciler.decide.revert import revert_of
from reconciler.model.action import ActionName, Remedy
from reconciler.model.cluster import Container, Namespace
from reconciler.model.codec import decode, encode
from reconciler.model.facts import Unknown
from reconciler.model.operation import EventKind, Operation, Outcome, Phase
from reconciler.steps import Step, next_steps
from tests.core.views import (
    FOUND,
    drafts,
    effects,
    ended,
    ending,
    in_trouble,
    kinds,
    replay,
    settled,
    until,
    view,
    waits,
)
from tests.worlds import LIMIT, NOW, WEBAPP, Story, killed, oom_finding, pod, settings, snapshot, tracked, workload

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from reconciler.model.snapshot import Snapshot
    from reconciler.settings import Settings

K = EventKind
ROOMY = workload(containers=(Container(name="web", image="web:1", memory_request="256Mi", memory_limit="1Gi"),))
SILENT = Unknown("kubernetes", "timeout")


def cured(**changes: Any) -> Snapshot:  # noqa: ANN401 - any field of a snapshot
    """Return a snapshot in which webapp runs well with its new limit."""
    return snapshot(**{"fields": {(WEBAPP, LIMIT): "1Gi"}, "workloads": {WEBAPP: ROOMY}} | changes)


def uncured(**changes: Any) -> Snapshot:  # noqa: ANN401 - any field of a snapshot
    """Return a snapshot in which webapp is killed at its new limit, too."""
    return cured(**{"pods": (killed(0, limit="1Gi"), pod(1), pod(2))} | changes)


def judged(story: Story, world: Snapshot | None = None, **changes: Any) -> tuple[Step, ...]:  # noqa: ANN401 - of a view
    """Take the steps of one moment, with nothing found unless told otherwise."""
    made: dict[str, Any] = {"snapshot": world or cured(), "findings": {}} | changes
    return next_steps(story.operation, view(story.operation, **made))


def failing(story: Story | None = None, *, history: tuple[Operation, ...] = (), **changes: Any) -> tuple[Step, ...]:  # noqa: ANN401
    """Take the steps of one moment at which the trouble is still there."""
    operation = (story or Story().live()).operation
    made: dict[str, Any] = {"snapshot": uncured(), "findings": FOUND} | changes
    return next_steps(operation, view(*history, operation, **made))


def after(choice: str) -> Settings:
    """Return settings that say what follows a failure."""
    return settings(policy={"after_failure": choice})


def passes(story: Story, *times: datetime) -> None:
    """Make passes at these times, each with a snapshot of its own."""
    for at in times:
        story.at = at
        settled(story, snapshot=cured(taken_at=at), findings={}, now=at)


# --- when -----------------------------------------------------------------------------------------------------------


def test_stabilization_period_is_waited_out() -> None:
    """Nothing is judged while pods are being replaced."""
    story = Story().live()
    ready = story.at + timedelta(seconds=60)
    steps = judged(story, now=ready - timedelta(seconds=1))

    assert (waits(*steps), until(*steps)) == (["stabilises before it is judged"], [ready])
    assert kinds(*judged(story, cured(taken_at=ready), now=ready)) == [K.CHECKED]


def test_one_snapshot_counts_once() -> None:
    """Two clean reads are two readings of the world, not one read twice."""
    story = Story().live()
    replay(story, *judged(story))
    story.events[-1] = replace(story.events[-1], at=NOW)

    assert waits(*judged(story)) == ["the next pass reads again"]


def test_clean_reads_in_a_row_verify() -> None:
    """The first read is recorded, the second ends it as verified, with its checks."""
    story = Story().live()
    passes(story, NOW)
    assert (story.operation.phase, story.operation.clean_reads) == (Phase.STABILIZING, 1)

    passes(story, NOW + timedelta(minutes=1))
    assert ended(story) == (Outcome.VERIFIED, False)
    assert story.operation.outcome_reason == "3 checks passed"
    checks = next(e for e in story.events if e.kind is K.VERIFICATION_COMPLETED).data["checks"]
    assert {check["status"] for check in checks} == {"passed"}


@pytest.mark.parametrize("wanted", [1, 3])
def test_configured_number_of_clean_reads_is_the_one_that_counts(wanted: int) -> None:
    """Invariant 10: limits are settings."""
    story = Story().live()
    configured = settings(verify={"clean_reads": wanted})
    for turn in range(wanted):
        at = NOW + timedelta(minutes=turn)
        assert story.operation.is_open
        story.at = at
        settled(story, snapshot=cured(taken_at=at), findings={}, now=at, settings=configured)

    assert ended(story) == (Outcome.VERIFIED, False)


# --- unknown and pending --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["fields", "workloads", "pods"])
def test_unknown_fact_neither_verifies_nor_fails(source: str) -> None:
    """Invariant 3: it waits, and says for what."""
    steps = judged(Story().live(), cured(**{source: SILENT}))

    assert (drafts(*steps), len(waits(*steps))) == ([], 1)


def test_unknown_findings_neither_verify_nor_fail() -> None:
    """Invariant 3: a diagnosis that could not be made found nothing, and missed nothing."""
    assert waits(*judged(Story().live(), findings=SILENT)) == ["finding_gone: kubernetes: timeout"]


def test_failed_read_starts_the_row_of_clean_reads_anew() -> None:
    """Invariant 3: two in a row means in a row, and the break is recorded once."""
    story = Story().live().add(K.CHECKED, clean=True, checks=[])
    broken = judged(story, cured(pods=SILENT))
    assert [(d.kind, d.data["clean"]) for d in drafts(*broken)] == [(K.CHECKED, False)]

    replay(story, *broken)
    assert drafts(*judged(story, cured(pods=SILENT))) == []


def test_rollout_on_its_way_is_waited_for() -> None:
    """Pods may take their time, up to the settle limit."""
    slow = cured(workloads={WEBAPP: replace(ROOMY, ready=2, available=2)})

    assert waits(*judged(Story().live(), slow)) == ["pods_ready: 2 of 3 ready, 3 current"]


def test_rollout_that_does_not_end_fails_the_change() -> None:
    """Invariant 10: after the settle limit it has not helped."""
    story = Story().live()
    late = story.at + timedelta(minutes=11, seconds=1)
    slow = cured(workloads={WEBAPP: replace(ROOMY, ready=2, available=2)}, taken_at=late)
    outcome = ending(*judged(story, slow, now=late))

    assert outcome is not None
    assert outcome[:2] == (
        Outcome.FAILED,
        "pods_ready: expected every pod is of the current template and ready, found 2 of 3 ready, 3 current",
    )


# --- it did not help ------------------------------------------------------------------------------------------------


def test_change_that_did_not_help_is_closed_with_its_analysis_and_reverted() -> None:
    """One record: why, the end, and the revert as an operation of its own."""
    steps = failing()

    assert kinds(*steps) == [K.VERIFICATION_FAILED, K.OPERATION_CLOSED, K.OPERATION_OPENED]
    failed, closed, opened = drafts(*steps)
    assert failed.data["analysis"].startswith("finding_gone: expected no oom-killed since the change is live, found")
    assert (failed.data["follow_up"], closed.data["outcome"]) == (ActionName.REVERT_CHANGE, Outcome.FAILED)
    assert (opened.operation, opened.data["parent"]) == ("op-2", "op-1")
    remedy = decode(Remedy, opened.data["remedy"])
    assert [(c.before, c.after) for a in remedy.actions for c in a.changes] == [("1Gi", "512Mi")]
    assert remedy.parent == "op-1"


def test_reverted_is_what_the_reviewer_made_of_it() -> None:
    """Invariant 7: the value to take back is the one that went live."""
    story = Story().merged(expected="2Gi").add(K.CHANGE_LIVE, values=["2Gi"])
    opened = drafts(*failing(story, snapshot=uncured(fields={(WEBAPP, LIMIT): "2Gi"})))[-1]
    (action,) = decode(Remedy, opened.data["remedy"]).actions

    assert [(c.before, c.after) for c in action.changes] == [("2Gi", "512Mi")]


def test_failure_beats_what_is_unknown() -> None:
    """A proven failure does not wait for the other sources."""
    outcome = ending(*failing(snapshot=uncured(fields=SILENT)))

    assert outcome is not None
    assert outcome[0] is Outcome.FAILED


def test_policy_may_hand_a_failure_to_a_person() -> None:
    """No revert, one escalation."""
    steps = failing(settings=after("escalate"))

    assert kinds(*steps) == [K.VERIFICATION_FAILED, K.ESCALATED, K.OPERATION_CLOSED]
    assert drafts(*steps)[0].data["follow_up"] == "escalate"


def test_policy_may_ask_for_the_next_remedy() -> None:
    """From the values of now: 1Gi did not help, so 2Gi is proposed, with a restart."""
    steps = failing(settings=after("next_remedy"))
    remedy = decode(Remedy, drafts(*steps)[-1].data["remedy"])

    assert [a.name for a in remedy.actions] == [ActionName.RESTART_DEPLOYMENT, ActionName.SET_MEMORY]
    assert [(c.before, c.after) for c in remedy.actions[1].changes] == [("1Gi", "2Gi")]
    assert remedy.parent == "op-1"
    assert ending(*steps) is not None


@pytest.mark.parametrize(
    ("world", "findings", "why"),
    [
        (uncured(workloads={WEBAPP: replace(ROOMY, containers=workload().containers)}), FOUND, "did not help"),
        (uncured(fields={(WEBAPP, LIMIT): "512Mi"}), {}, "the finding itself is gone"),
        (uncured(fields={(WEBAPP, LIMIT): "512Mi"}), SILENT, "kubernetes: timeout"),
    ],
    ids=["the same again", "no finding", "unknown finding"],
)
def test_next_remedy_that_cannot_be_made_is_a_persons(world: Snapshot, findings: Any, why: str) -> None:  # noqa: ANN401
    """Invariant 10: it never proposes what has just failed, and never loops."""
    steps = failing(settings=after("next_remedy"), snapshot=world, findings=findings)

    assert K.OPERATION_OPENED not in kinds(*steps)
    assert why in drafts(*steps)[0].data["why"]
    assert K.ESCALATED in kinds(*steps)


def test_next_remedy_at_the_maximum_is_a_persons() -> None:
    """Invariant 10: there is nothing larger to propose."""
    capped = settings(policy={"after_failure": "next_remedy"}, memory={"maximum": "1Gi"})

    assert drafts(*failing(settings=capped))[0].data["why"] == ("its memory limit 1Gi is at the configured maximum 1Gi")


def test_next_remedy_that_a_person_refused_before_is_not_proposed_again() -> None:
    """Invariant 7: a no stands, whichever way leads to the same proposal."""
    proposed = decode(Remedy, drafts(*failing(settings=after("next_remedy")))[-1].data["remedy"])
    no = Story(proposed).add(K.OPERATION_CLOSED, outcome="rejected", reason="ana closed pull request 40").operation
    steps = failing(settings=after("next_remedy"), history=(replace(no, id="op-0"),))

    assert K.OPERATION_OPENED not in kinds(*steps)
    assert "ana closed pull request 40" in drafts(*steps)[0].data["why"]


def test_attempts_that_are_used_up_end_with_a_person() -> None:
    """Invariant 10: reverts and next remedies stop with the day's attempts."""
    tried = [
        replace(Story().live().add(K.OPERATION_CLOSED, outcome="failed", reason="").operation, id=f"op-{n}")
        for n in (7, 8)
    ]
    steps = failing(history=tuple(tried))

    assert drafts(*steps)[0].data["follow_up"] == "escalate"
    assert K.ESCALATED in kinds(*steps)


def test_policy_that_cannot_be_asked_reverts_nothing(tmp_path: Path) -> None:
    """Invariant 8: a degraded policy hands the failure to a person."""
    steps = failing(policy=EmbeddedRego([tmp_path / "missing"]))

    assert K.OPERATION_OPENED not in kinds(*steps)
    assert K.ESCALATED in kinds(*steps)


@pytest.mark.parametrize("flagged", ["namespace", "workload"])
def test_escalate_flag_reverts_nothing(flagged: str) -> None:
    """Invariant 7: escalate beats every rule."""
    flags = frozenset({"escalate"})
    world = (
        uncured(namespaces={"production": Namespace(name="production", environment="production", flags=flags)})
        if flagged == "namespace"
        else uncured(workloads={WEBAPP: replace(ROOMY, flags=flags)})
    )

    assert K.OPERATION_OPENED not in kinds(*failing(snapshot=world))


def test_target_that_is_gone_fails_and_is_a_persons() -> None:
    """There is nothing to put back where nothing is."""
    steps = judged(Story().live(), cured(workloads={}, pods=()))

    assert K.OPERATION_OPENED not in kinds(*steps)
    assert ending(*steps) is not None


def test_change_without_a_pull_request_is_not_reverted_by_one() -> None:
    """What was applied directly has no commit to take back."""
    story = Story()
    for kind in (K.EFFECT_INTENDED, K.EFFECT_COMPLETED):
        story.add(kind, key="op-1:1:apply", verb="apply")
    steps = failing(story.add(K.CHANGE_LIVE, values=["1Gi"]))

    assert drafts(*steps)[0].data["why"] == "the change did not go through Git"
    assert K.ESCALATED in kinds(*steps)


# --- a revert -------------------------------------------------------------------------------------------------------


def revert(story: Story | None = None) -> Story:
    """Return the revert of a change, live."""
    remedy = revert_of((story or Story().live()).operation)
    assert isinstance(remedy, Remedy)
    made = Story(remedy).add(K.EFFECT_INTENDED, key="op-1:0:propose", verb="propose")
    made.add(K.EFFECT_COMPLETED, key="op-1:0:propose", verb="propose")
    made.add(K.PULL_REQUEST_OPENED, pull_request=encode(tracked()))
    made.add(K.PULL_REQUEST_MERGED, merge_commit="a" * 40, by="ana", expected=["512Mi"])
    return made.add(K.CHANGE_LIVE, values=["512Mi"])


def test_revert_is_verified_by_what_it_restores_and_not_by_the_finding() -> None:
    """The trouble is back, as it was; that is no failure of the revert."""
    steps = judged(revert(), in_trouble(), findings=FOUND)

    assert kinds(*steps) == [K.CHECKED]


def test_revert_that_fails_is_not_reverted() -> None:
    """Invariant 10: a revert is never reverted; a person must look."""
    steps = judged(revert(), in_trouble(fields={(WEBAPP, LIMIT): "1Gi"}), findings=FOUND)

    assert kinds(*steps) == [K.VERIFICATION_FAILED, K.ESCALATED, K.OPERATION_CLOSED]
    assert drafts(*steps)[0].data["why"].startswith("A revert did not help either")


def test_revert_of_a_revert_is_none() -> None:
    """Not even where a policy asked for it."""
    assert revert_of(revert().operation) == "there is nothing that can be reverted"


def test_revert_of_nothing_is_none() -> None:
    """An operation that only restarted has nothing to take back."""
    remedy = Story().operation.remedy
    restarted = Story(replace(remedy, actions=remedy.actions[:1])).operation

    assert revert_of(restarted) == "there is nothing that can be reverted"


def test_revert_names_the_pull_request_that_it_takes_back() -> None:
    """Reviewers read what it is about."""
    remedy = revert_of(Story().live().operation)
    assert isinstance(remedy, Remedy)

    assert remedy.actions[0].summary == "webapp: revert pull request 41, 1Gi → 512Mi"
    assert remedy.finding == oom_finding()
    assert effects(*settled(Story(remedy))) == ["op-1:0:propose"]
