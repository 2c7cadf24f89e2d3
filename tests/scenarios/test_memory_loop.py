"""The whole loop for a container that is OOMKilled at its limit, in the sandbox and on the real components."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reconciler.model.operation import EventKind, Outcome, Phase
from reconciler.model.verdict import Answer, Ownership, Route
from tests.beds import manifests
from tests.beds.users import REVIEWER
from tests.scenarios.world import hungry

if TYPE_CHECKING:
    from tests.scenarios.conftest import Worlds
    from tests.scenarios.world import World


def in_trouble(worlds: Worlds, needs: str = "1Gi", **overrides: Any) -> World:  # noqa: ANN401
    """Return a world whose Deployment `web` is being OOMKilled, delivered by Argo CD."""
    world = worlds(hungry(needs), **overrides)
    world.place.wait_for_sync(health=None)
    world.place.wait_until_waiting("CrashLoopBackOff", restarts=1)
    return world


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_oom_is_restarted_proposed_merged_delivered_and_verified(worlds: Worlds, method: str) -> None:
    """Scenario 1, by each way to merge: from detection to the verified outcome."""
    world = in_trouble(worlds)

    operation = world.run_until_phase(Phase.AWAITING_GIT_PR)

    assert len(world.restarts()) == 1
    assert [v.answer for v in operation.verdicts.values()] == [Answer.GO, Answer.GO]
    assert [v.route for v in operation.verdicts.values()] == [Route.RUN, Route.PULL_REQUEST]
    (pull,) = world.place.pull_requests()
    changed = world.place.text("deploy/web.yaml", pull["head"]["ref"])
    assert changed == world.place.text("deploy/web.yaml").replace("memory: 512Mi  #", "memory: 1Gi  #")
    assert world.limit() == "512Mi"

    world.place.approve(pull["number"])
    world.place.merge(pull["number"], method)
    operation = world.run_until_outcome(Outcome.VERIFIED)

    assert world.limit() == "1Gi"
    assert operation.pull_request is not None
    assert operation.pull_request.merged_by == REVIEWER
    assert world.run().sentence.startswith("nothing to do")
    assert len(world.place.pull_requests("all")) == 1
    assert len(world.restarts()) == 1
    world.assert_whole()


def test_second_pass_changes_nothing_while_a_review_is_awaited(worlds: Worlds) -> None:
    """Invariant 6: the same state gives the same bytes; passes never block and never repeat."""
    world = in_trouble(worlds)
    world.run_until_phase(Phase.AWAITING_GIT_PR)
    before = world.kinds(), world.restarts(), [p["head"]["sha"] for p in world.place.pull_requests("all")]

    report = world.run()

    assert (world.kinds(), world.restarts(), [p["head"]["sha"] for p in world.place.pull_requests("all")]) == before
    assert "waits for a review" in report.sentence


def test_change_that_does_not_help_is_taken_back(worlds: Worlds) -> None:
    """The pod needs 2Gi: failed with the analysis, a revert pull request, and no loop after it."""
    world = in_trouble(worlds, needs="2Gi")
    world.run_until_phase(Phase.AWAITING_GIT_PR)
    world.place.merge(world.place.pull_requests()[0]["number"])

    failed = world.run_until_outcome(Outcome.FAILED, of=0)

    assert "OOMKilled at its memory limit 1Gi" in failed.outcome_reason
    revert = world.run_until_phase(Phase.AWAITING_GIT_PR)
    assert revert.remedy.parent == failed.id
    (pull,) = world.place.pull_requests()
    assert "memory: 512Mi  # raised in spring" in world.place.text("deploy/web.yaml", pull["head"]["ref"])
    world.place.merge(pull["number"])
    world.run_until_outcome(Outcome.VERIFIED)
    assert world.limit() == "512Mi"
    world.place.wait_until_waiting("CrashLoopBackOff", restarts=1)
    reports = [world.run() for _ in range(3)]
    assert {held.code for report in reports for held in report.held} == {"failed_before"}
    assert len(world.place.pull_requests("all")) == 2
    assert world.kinds().count(EventKind.ESCALATED) == 1
    world.assert_whole()


def test_next_remedy_follows_a_failed_one_where_policy_says_so(worlds: Worlds) -> None:
    """The pod needs 2Gi: after 1Gi failed, 2Gi is proposed, and that helps."""
    world = in_trouble(worlds, needs="2Gi", policy={"after_failure": "next_remedy"})
    world.run_until_phase(Phase.AWAITING_GIT_PR)
    world.place.merge(world.place.pull_requests()[0]["number"])
    world.run_until_outcome(Outcome.FAILED, of=0)
    world.run_until_phase(Phase.AWAITING_GIT_PR)

    world.place.merge(world.place.pull_requests()[0]["number"])
    world.run_until_outcome(Outcome.VERIFIED)

    assert world.limit() == "2Gi"
    assert [o.outcome for o in world.operations] == [Outcome.FAILED, Outcome.VERIFIED]
    world.assert_whole()


def test_closed_pull_request_stays_closed_on_same_evidence(worlds: Worlds) -> None:
    """Invariant 7: a person's close is remembered, with the ledger and without it."""
    world = in_trouble(worlds)
    world.run_until_phase(Phase.AWAITING_GIT_PR)
    world.place.close(world.place.pull_requests()[0]["number"])

    operation = world.run_until_outcome(Outcome.REJECTED)

    assert REVIEWER in operation.outcome_reason
    world.place.wait_until_waiting("CrashLoopBackOff")  # the restarted pod is killed too; passes are faster than that
    reports = [world.run() for _ in range(3)]
    assert {held.code for report in reports for held in report.held} == {"rejected_before"}
    world.overrides["ledger"] = {"path": "another.db"}  # the ledger is lost
    world.run_until_outcome(Outcome.REFUSED)
    assert world.place.pull_requests() == []
    assert len(world.place.pull_requests("all")) == 1


def test_object_without_git_is_applied_after_an_approval(worlds: Worlds) -> None:
    """Nobody's Git owns it: dry run, a person's approval, server-side apply, verified."""
    world = worlds({"README.md": "nothing to deliver\n"}, application=False)
    manifest = manifests.parsed(hungry()["deploy/web.yaml"])
    manifest["metadata"]["namespace"] = world.place.namespace
    world.place.kube.apply(manifest, manager="kubectl")
    world.place.wait_until_waiting("CrashLoopBackOff", restarts=1)

    operation = world.run_until_phase(Phase.AWAITING_APPROVAL)

    assert operation.verdicts[1].ownership is Ownership.NOT_OWNED
    assert operation.verdicts[1].route is Route.APPLY
    world.run()
    assert world.limit() == "512Mi"
    world.say(EventKind.APPROVAL_GIVEN, action=1, by="ana")
    world.run_until_outcome(Outcome.VERIFIED)
    assert world.limit() == "1Gi"
    assert world.place.pull_requests("all") == []
    world.assert_whole()


def test_rejection_on_the_command_line_closes_the_pull_request(worlds: Worlds) -> None:
    """Invariant 7: `reconciler reject` ends the operation and closes its pull request with the reason."""
    world = in_trouble(worlds)
    world.run_until_phase(Phase.AWAITING_GIT_PR)

    world.say(EventKind.APPROVAL_REJECTED, by="ana", reason="we move to another node pool")
    world.run_until_outcome(Outcome.REJECTED)

    assert world.place.pull_requests() == []
    world.run()
    assert len(world.place.pull_requests("all")) == 1


def test_denial_by_the_operators_policy_is_recorded_and_nothing_runs(worlds: Worlds) -> None:
    """Policy denies: verdicts in the ledger, no restart, no pull request."""
    world = in_trouble(worlds)
    rules = world.folder / "rules"
    rules.mkdir()
    (rules / "operator.rego").write_text(
        'package operator\n\ndeny := {"code": "freeze", "message": "Nobody touches web."} if {\n'
        '\tinput.target.name == "web"\n}\n'
    )
    world.overrides["policy"] = {"operator_folder": str(rules)}

    operation = world.run_until_outcome(Outcome.REFUSED)

    assert {v.answer for v in operation.verdicts.values()} == {Answer.REFUSE}
    assert operation.effects == {}
    assert world.restarts() == []
    assert world.place.pull_requests("all") == []


def test_reviewers_own_value_becomes_the_expected_one(worlds: Worlds) -> None:
    """Invariant 7: the reviewer edits 1Gi to 1536Mi in the branch; that is what is verified."""
    world = in_trouble(worlds)
    world.run_until_phase(Phase.AWAITING_GIT_PR)
    (pull,) = world.place.pull_requests()
    branch = pull["head"]["ref"]
    edited = world.place.text("deploy/web.yaml", branch).replace("memory: 1Gi", "memory: 1536Mi")
    world.place.commit({"deploy/web.yaml": edited}, branch=branch)
    world.run()
    world.place.merge(pull["number"])

    operation = world.run_until_outcome(Outcome.VERIFIED)

    assert operation.expected == ("1536Mi",)
    assert operation.pull_request is not None
    assert operation.pull_request.modified_by_reviewer
    assert world.limit() == "1536Mi"


def test_base_that_takes_another_value_supersedes_the_open_pull_request(worlds: Worlds) -> None:
    """Invariant 7: a person fixes it in base while ours is open; ours is closed with the reason, theirs stays."""
    world = in_trouble(worlds)
    world.run_until_phase(Phase.AWAITING_GIT_PR)
    manifest = world.place.text("deploy/web.yaml")
    world.place.commit({"deploy/web.yaml": manifest.replace("memory: 512Mi  #", "memory: 3Gi  #")})

    operation = world.run_until_outcome(Outcome.SUPERSEDED)

    assert "in base" in operation.outcome_reason
    assert world.place.pull_requests() == []
    world.place.wait_for(lambda: world.limit() == "3Gi", 30, "Argo delivers the person's value")
    assert world.run().sentence.startswith("nothing to do")
    world.assert_whole()


def test_pause_stops_new_work_and_nothing_else(worlds: Worlds) -> None:
    """Invariant 7: pause beats every rule; it is said in every pass, and lifting it goes on."""
    world = in_trouble(worlds, guards={"paused": True, "cooldown": "0s"})

    report = world.run()

    assert "paus" in report.sentence
    assert world.restarts() == []
    assert world.place.pull_requests("all") == []
    world.overrides["guards"]["paused"] = False
    world.run_until_phase(Phase.AWAITING_GIT_PR)


def test_plan_shows_the_diff_and_touches_nothing(worlds: Worlds) -> None:
    """Read-only by default: no event, no restart, no branch, no pull request."""
    world = in_trouble(worlds)

    (remedy,) = world.plan().remedies

    proposal = remedy.actions[1].proposal
    assert proposal is not None
    (edit,) = proposal.edits
    assert edit.after == edit.before.replace("memory: 512Mi  #", "memory: 1Gi  #")
    assert world.operations == ()
    assert world.restarts() == []
    assert world.place.pull_requests("all") == []
