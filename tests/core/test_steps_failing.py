"""A change that did not help: its analysis, and what policy lets follow."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.adapters.rego_embedded import EmbeddedRego
from reconciler.decide.revert import revert_of
from reconciler.model.action import ActionName, Remedy
from reconciler.model.cluster import Namespace
from reconciler.model.codec import decode, encode
from reconciler.model.facts import Unknown
from reconciler.model.operation import EventKind, Outcome
from tests.core.views import (
    FOUND,
    ROOMY,
    cured,
    drafts,
    effects,
    ending,
    failing,
    in_trouble,
    judged,
    kinds,
    settled,
    uncured,
)
from tests.worlds import LIMIT, WEBAPP, Story, oom_finding, settings, tracked, workload

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.model.snapshot import Snapshot
    from reconciler.settings import Settings

K = EventKind
SILENT = Unknown("kubernetes", "timeout")
STUCK = replace(ROOMY, ready=1, available=1)  # its rollout does not come to an end


def after(choice: str) -> Settings:
    """Return settings that say what follows a failure."""
    return settings(policy={"after_failure": choice})


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


def test_reverted_is_the_object_that_went_live() -> None:
    """The name of a target may follow its content; the one that was looked at is gone by then, and so is its uid."""
    now = replace(WEBAPP, name="webapp-2")
    story = Story().merged().add(K.CHANGE_LIVE, values=["1Gi"], target=encode(now))
    inverse = revert_of(story.operation)

    assert isinstance(inverse, Remedy)
    assert [(a.target, a.uid) for a in inverse.actions] == [(now, "")]
    assert inverse.actions[0].summary.startswith("webapp-2: revert pull request 41")


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
        (uncured(workloads={WEBAPP: STUCK}), {}, "the finding itself is gone"),
        (uncured(workloads={WEBAPP: STUCK}), SILENT, "kubernetes: timeout"),
    ],
    ids=["the same again", "no finding", "unknown finding"],
)
def test_next_remedy_that_cannot_be_made_is_a_persons(world: Snapshot, findings: Any, why: str) -> None:  # noqa: ANN401
    """Invariant 10: it never proposes what has just failed, and never loops."""
    impatient = settings(policy={"after_failure": "next_remedy"}, verify={"settle_limit": "0s"})
    steps = failing(settings=impatient, snapshot=world, findings=findings)

    assert K.OPERATION_OPENED not in kinds(*steps)
    assert why in drafts(*steps)[0].data["why"]
    assert K.ESCALATED in kinds(*steps)


def test_field_that_somebody_changed_in_the_cluster_is_a_persons() -> None:
    """Our change in Git is not to blame for drift: no revert, a person is told."""
    steps = failing(snapshot=cured(fields={(WEBAPP, LIMIT): "512Mi"}), findings={})

    assert kinds(*steps) == [K.VERIFICATION_FAILED, K.ESCALATED, K.OPERATION_CLOSED]
    assert drafts(*steps)[0].data["why"] == "only the live field differs"


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
    stuck = in_trouble(workloads={WEBAPP: replace(workload(), updated=1)})
    steps = judged(revert(), stuck, findings=FOUND, settings=settings(verify={"settle_limit": "0s"}))

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
