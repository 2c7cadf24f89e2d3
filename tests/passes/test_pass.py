"""Whole passes: what is done, what is left alone, and what one pass may do at most."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from reconciler.model.codec import encode
from reconciler.model.operation import Draft, EventKind, Outcome, Phase
from reconciler.model.verdict import Answer as Said
from tests.adapters.wire import Answer, Request
from tests.passes.world import World, elsewhere
from tests.testbed.processes import until
from tests.worlds import located_at

if TYPE_CHECKING:
    from reconciler.model.report import PassReport

K = EventKind
MINUTE = timedelta(minutes=1)
THREE = ("cart", "mail", "web")


def said(report: PassReport, code: str) -> list[str]:
    """Return the held findings of one code, by target."""
    return [held.finding.target.name for held in report.held if held.code == code]


def test_first_pass_restarts_and_opens_the_pull_request(world: World) -> None:
    """Both halves in one pass, said in one sentence."""
    report = world.run()

    assert (world.restarts, world.pulls.opened) == (["cart"], 1)
    assert report.sentence.startswith("opened op-20260301-093000-001: cart: container app is OOMKilled")
    assert "opened pull request 1: cart: memory limit 512Mi → 1Gi" in report.sentence
    assert [o.phase for o in world.operations] == [Phase.AWAITING_GIT_PR]
    assert report.unknown == ()


@pytest.mark.parametrize(("at_once", "first"), [(8, "1:propose"), (1, "0:run")])
def test_slow_restart_is_waited_for_only_where_effects_go_one_by_one(world: World, at_once: int, first: str) -> None:
    """Side by side, what is done first is recorded first; one by one, only the steps decide the order."""
    path = "PATCH /apis/apps/v1/namespaces/shop/deployments/cart"
    patched = world.pulls.wire.script[path]
    assert callable(patched)

    def slowly(request: Request) -> Answer:
        assert callable(patched)
        until(lambda: at_once == 1 or K.EFFECT_COMPLETED in world.kinds(), 20, "the pull request is recorded")
        return patched(request)

    world.pulls.wire.script[path] = slowly
    world.run(effects_at_once=at_once)

    done = [event.data["key"] for event in world.events if event.kind is K.EFFECT_COMPLETED]
    assert len(done) == 2
    assert done[0].partition(":")[2] == first


def test_later_passes_do_nothing_again(world: World) -> None:
    """Invariant 1: no effect happens twice; what it waits for is said."""
    world.run()
    report = world.run(later=MINUTE)

    assert (world.restarts, world.pulls.opened) == (["cart"], 1)
    assert said(report, "known") == ["cart"]
    assert [reason for _, reason in report.waiting] == ["pull request 1 waits for a review: http://forge/o/r/pull/1"]


def test_plan_touches_nothing(world: World) -> None:
    """It reads everything, and leaves not even a ledger."""
    made = world.plan()

    (planned,) = made.remedies
    assert [a.verdict.answer for a in planned.actions] == [Said.GO, Said.GO]
    assert planned.actions[1].proposal is not None
    assert (world.restarts, world.pulls.opened) == ([], 0)
    assert not (world.shop.folder / "ledger.db").exists()


def test_plan_survives_what_nobody_foresaw(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file in Git that surprises us is one remedy's problem, as in a pass."""

    def surprised(*_: object, **__: object) -> object:
        raise TypeError("'int' object is not iterable")

    monkeypatch.setattr("reconciler.reconcile.propose", surprised)
    problems = [action.problem for remedy in world.plan().remedies for action in remedy.actions if action.problem]

    assert problems == ["TypeError: 'int' object is not iterable"]


def test_paused_pass_records_and_starts_nothing(world: World) -> None:
    """Invariant 7: a pause beats every rule, and shows."""
    world.guards["paused"] = True
    report = world.run()

    assert report.sentence.startswith("paused: ")
    assert (world.restarts, world.pulls.opened) == ([], 0)
    assert [o.phase for o in world.operations] == [Phase.DECIDED]


@pytest.mark.parametrize("path", ["GET /api/v1/pods", "GET /apis/apps/v1/deployments"])
def test_silent_cluster_is_not_a_quiet_one(world: World, path: str) -> None:
    """Invariant 3: nothing is found, done or called quiet, and the pass says who did not answer."""
    world.pulls.wire.script[path] = Answer({"kind": "Status", "code": 403, "reason": "Forbidden"}, 403)
    report = world.run()

    assert "no answer from kubernetes" in report.sentence
    assert (world.operations, world.restarts, world.pulls.opened) == ((), [], 0)


def test_empty_pod_list_beside_running_workloads_is_not_believed(world: World) -> None:
    """Invariant 3: a lying cache resolves nothing."""
    world.guards["paused"] = True
    world.run()
    world.pulls.wire.script["GET /api/v1/pods"] = Answer({"kind": "PodList", "metadata": {}, "items": []})
    report = world.run(later=MINUTE)

    assert [o.is_open for o in world.operations] == [True]
    assert [u.reason for u in report.unknown] == ["no pods were listed beside workloads that report some (1)"]


def test_trouble_that_ends_before_anything_is_done_is_resolved(world: World) -> None:
    """The pods run well again: the paused operation ends by itself."""
    world.guards["paused"] = True
    world.run()
    world.run(later=timedelta(hours=1))

    assert [o.outcome for o in world.operations] == [Outcome.RESOLVED]


# --- limits hold within one pass ------------------------------------------------------------------------------------


def test_pull_requests_of_one_pass_are_bounded(world: World) -> None:
    """Invariant 10: many workloads in trouble at once are no reason to open more than the limit."""
    guards = {"pull_requests_per_hour": 2, "max_objects_per_pull_request": 1}
    crowd = elsewhere(world, names=THREE, guards=guards)
    report = crowd.run()

    assert crowd.pulls.opened == 2
    assert sum("2 of 2 pull requests in the last hour" in reason for _, reason in report.waiting) == 1
    assert crowd.run(later=MINUTE).unknown == ()
    assert crowd.pulls.opened == 2

    crowd.clock.at += timedelta(hours=1)
    crowd.run()
    assert crowd.pulls.opened == 3


def test_restarts_of_one_pass_are_bounded(world: World) -> None:
    """Invariant 10: so many actions an hour, not so many a look."""
    crowd = elsewhere(world, names=THREE, guards={"actions_per_hour": 1})
    crowd.run()

    assert len(crowd.restarts) == 1
    assert crowd.pulls.opened == 3


def test_two_findings_on_one_workload_restart_it_once(world: World) -> None:
    """Two containers in trouble share its pods and its file: one restart and one pull request for both."""
    both = elsewhere(world, containers=("app", "log"), guards={"cooldown": "5m"})
    both.run()

    assert both.restarts == ["cart"]
    assert both.pulls.opened == 1
    assert len(both.operations) == 1


def test_one_workloads_failure_does_not_delay_another(world: World) -> None:
    """Each operation for itself: the one that cannot be restarted is reported, the others go on."""
    crowd = elsewhere(world, names=THREE)
    path = "PATCH /apis/apps/v1/namespaces/shop/deployments/mail"
    crowd.pulls.wire.script[path] = Answer({"kind": "Status", "code": 500, "message": "etcd"}, 500)
    report = crowd.run()

    assert {"cart", "web"} <= set(crowd.restarts)
    assert crowd.pulls.opened == 3
    assert [problem.partition(": ")[2].partition(":")[0] for problem in report.problems] == ["run failed"]


def test_failed_restart_is_tried_again_after_its_pause(world: World) -> None:
    """Invariant 10: not in every pass."""
    path = "PATCH /apis/apps/v1/namespaces/shop/deployments/cart"
    well = world.pulls.wire.script[path]
    world.pulls.wire.script[path] = Answer({"kind": "Status", "code": 500, "message": "etcd"}, 500)
    world.run()
    tried = len(world.restarts)
    world.run(later=timedelta(seconds=29))
    assert len(world.restarts) == tried

    world.pulls.wire.script[path] = well
    report = world.run(later=timedelta(seconds=1))
    assert len(world.restarts) == tried + 1
    assert "ran restart-deployment on Deployment shop/cart" in report.lines


# --- crashes --------------------------------------------------------------------------------------------------------


def announced(world: World) -> Draft:
    """Return the intent that the real pass wrote for the pull request."""
    ledger = world.ledger
    event = next(e for e in ledger.events() if e.kind is K.EFFECT_INTENDED and e.data["verb"] == "propose")
    ledger.close()
    return Draft(operation=event.operation, kind=event.kind, data=event.data)


def crashed_after_opening(world: World) -> World:
    """Return the world as it is when the program died between the forge's answer and the ledger."""
    world.run()
    intent = announced(world)
    ledger = world.ledger
    kept = [e for e in ledger.events() if e.kind is K.OPERATION_OPENED]
    ledger.close()
    (world.shop.folder / "ledger.db").unlink()
    for leftover in world.shop.folder.glob("ledger.db-*"):
        leftover.unlink()
    world.say(*(Draft(operation=e.operation, kind=e.kind, data=e.data) for e in kept), intent)
    return world


def test_pull_request_of_a_crashed_pass_is_adopted(world: World) -> None:
    """Invariant 1: completed, not repeated."""
    world = crashed_after_opening(world)
    world.run()

    assert (world.pulls.opened, len(world.pulls.found)) == (1, 1)
    assert [o.phase for o in world.operations] == [Phase.AWAITING_GIT_PR]


def test_no_after_a_crash_closes_the_pull_request_that_nobody_remembered(world: World) -> None:
    """Invariant 1: an announced effect is not forgotten because a person said no to it."""
    world = crashed_after_opening(world)
    (operation,) = world.operations
    world.say(Draft(operation=operation.id, kind=K.APPROVAL_REJECTED, data={"by": "ana", "reason": "no"}))
    world.run()

    assert world.pulls.found[0]["state"] == "closed"
    assert [o.outcome for o in world.operations] == [Outcome.REJECTED]


def test_no_after_a_crash_before_the_forge_ends_without_a_pull_request(world: World) -> None:
    """Nothing was opened, so there is nothing to close."""
    world = crashed_after_opening(world)
    world.pulls.found.clear()
    (operation,) = world.operations
    world.say(Draft(operation=operation.id, kind=K.APPROVAL_REJECTED, data={"by": "ana", "reason": "no"}))
    world.run()

    assert [o.outcome for o in world.operations] == [Outcome.REJECTED]
    assert world.pulls.opened == 1  # the one before the crash


# --- people ---------------------------------------------------------------------------------------------------------


def test_closed_pull_request_is_remembered(world: World) -> None:
    """Invariant 7: it ends rejected, and the same finding opens nothing for as long as the no stands."""
    world.run()
    world.pulls.close()
    assert "ana closed pull request 1" in world.run(later=MINUTE).sentence

    report = world.run(later=MINUTE)
    assert said(report, "rejected_before") == ["cart"]
    assert (world.pulls.opened, len(world.operations)) == (1, 1)


def test_no_on_the_command_line_closes_the_pull_request(world: World) -> None:
    """Invariant 7: the next pass does it, and says why."""
    world.run()
    (operation,) = world.operations
    world.say(Draft(operation=operation.id, kind=K.APPROVAL_REJECTED, data={"by": "ana", "reason": "not now"}))
    world.run(later=MINUTE)

    assert world.pulls.found[0]["state"] == "closed"
    (comment,) = world.pulls.wire.asked("POST", "/api/v1/repos/o/r/issues/1/comments")
    assert "rejected by ana: not now" in comment.body["body"]


# --- failures that come together ------------------------------------------------------------------------------------


def live(world: World, names: tuple[str, ...]) -> World:
    """Return a world in which a raised limit went live for each of these, and did not help."""
    done = elsewhere(world, names=names, limits=dict.fromkeys(names, "1Gi"))
    done.guards["paused"] = True
    before = elsewhere(world, names=names, guards={"paused": True})
    before.run()
    raised = {f"deploy/{name}.yaml": before.manifest(name).replace("512Mi", "1Gi") for name in names}
    done.base = done.shop.ana.commit("trunk", dict(raised))
    for number, operation in enumerate(before.operations, 1):
        located = encode(located_at(f"deploy/{operation.target.name}.yaml"))
        located["application"] |= {"cluster": "test", "name": "shop"}
        tracked = {
            "number": number,
            "url": f"http://forge/o/r/pull/{number}",
            "branch": f"reconciler/{operation.target.name}",
            "head": "0" * 40,
            "digest": "d",
            "located": located,
            "opened_at": encode(operation)["opened_at"],
        }
        merge: dict[str, object] = {"merge_commit": done.base, "by": "ana", "expected": ["1Gi"]}
        story: list[tuple[EventKind, dict[str, object]]] = [
            (K.PULL_REQUEST_OPENED, {"pull_request": tracked}),
            (K.PULL_REQUEST_MERGED, merge),
            (K.CHANGE_LIVE, {"values": ["1Gi"]}),
        ]
        before.clock.at -= timedelta(hours=2)
        world.say(*(Draft(operation=operation.id, kind=kind, data=data) for kind, data in story))
        before.clock.at += timedelta(hours=2)
    done.script()
    return done


def test_changes_that_fail_in_the_same_pass_are_each_reverted(world: World) -> None:
    """Invariant 10: one service's failure never delays another's; every revert has an id of its own."""
    failing = live(world, THREE)
    failing.run(later=MINUTE)

    outcomes = [(o.target.name, o.outcome, o.remedy.parent is not None) for o in failing.operations]
    assert outcomes == [(name, Outcome.FAILED, False) for name in THREE] + [(name, None, True) for name in THREE]
    assert len({o.id for o in failing.operations}) == 6


def test_reported_values_stand_beside_the_sentence(world: World) -> None:
    """The report lists what the sentence only counts."""
    report = world.run()

    assert [f.target.name for f in report.findings] == ["cart"]
    assert [o.id for o in report.operations] == ["op-20260301-093000-001"]
    assert report.started_at == report.finished_at == replace(world.clock).at
