"""Three Deployments of one Application in trouble, one pull request left: they share it, from finding to outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.model.operation import EventKind, Outcome, Phase
from tests.beds import manifests

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.scenarios.conftest import Worlds
    from tests.scenarios.world import World

pytestmark = pytest.mark.long

NAMES = ("api", "mail", "web")
ONE_LEFT = {"max_open_pull_requests": 1}


def path_of(name: str) -> str:
    """Return the file of a Deployment."""
    return f"deploy/{name}.yaml"


def files(needs: Mapping[str, str]) -> dict[str, str]:
    """Return manifests of Deployments with 512Mi each that need so much."""
    return {path_of(name): manifests.deployment(name, faults={"needs-memory": much}) for name, much in needs.items()}


def in_trouble(worlds: Worlds, needs: Mapping[str, str], **guards: int) -> World:
    """Return a world in which each of these Deployments is killed, over and over."""
    common = {"cooldown": "0s", "effect_backoff": "100ms", "actions_per_hour": 1000}
    world = worlds(files(needs), guards={**common, **guards})
    world.place.wait_for_sync(health=None)
    wait_until_killed(world, *needs)
    return world


def wait_until_killed(world: World, *names: str) -> None:
    """Wait until each of these Deployments backs off."""
    for name in names:
        world.place.wait_until_waiting("CrashLoopBackOff", app=name, restarts=1)


def texts(world: World, ref: str = "main") -> dict[str, str]:
    """Return the manifests as a branch has them."""
    return {name: world.place.text(path_of(name), ref) for name in NAMES}


def raised(before: Mapping[str, str], to: str = "1Gi") -> dict[str, str]:
    """Return the manifests with other limits, and nothing else changed."""
    return {name: text.replace("512Mi  #", f"{to}  #") for name, text in before.items()}


def limits(world: World) -> dict[str, str]:
    """Return the live memory limits."""
    found = {}
    for name in NAMES:
        live = world.place.live("Deployment", name)
        assert live is not None
        (container,) = live["spec"]["template"]["spec"]["containers"]
        found[name] = container["resources"]["limits"]["memory"]
    return found


def test_three_are_mended_by_one_pull_request(worlds: Worlds) -> None:
    """One commit with three edits, one merge; each of them is checked, and verified with the others."""
    world = in_trouble(worlds, dict.fromkeys(NAMES, "1Gi"), **ONE_LEFT)
    before = texts(world)

    operation = world.run_until_phase(Phase.AWAITING_GIT_PR)

    (pull,) = world.place.pull_requests("all")
    assert texts(world, pull["head"]["ref"]) == raised(before)
    assert [target.name for target in operation.targets] == list(NAMES)
    assert all(f"Deployment {world.place.namespace}/{name} " in pull["body"] for name in NAMES)
    world.place.merge(pull["number"])
    operation = world.run_until_outcome(Outcome.VERIFIED)
    assert limits(world) == dict.fromkeys(NAMES, "1Gi")
    (verified,) = [e for e in world.made().ledger.events() if e.kind is EventKind.VERIFICATION_COMPLETED]
    checked = {check["name"] for check in verified.data["checks"]}
    assert {f"pods_ready {target}" for target in operation.targets} <= checked
    assert len(world.operations) == 1
    assert world.run().sentence.startswith("nothing to do")
    world.assert_whole()


def test_what_does_not_help_one_of_them_is_taken_back_whole(worlds: Worlds) -> None:
    """The mail server needs 3Gi: the change failed, and one revert pull request brings all three back."""
    world = in_trouble(worlds, {"api": "1Gi", "mail": "3Gi", "web": "1Gi"}, **ONE_LEFT)
    before = texts(world)
    world.run_until_phase(Phase.AWAITING_GIT_PR)
    world.place.merge(world.place.pull_requests()[0]["number"])

    failed = world.run_until_outcome(Outcome.FAILED, of=0)

    mail, web = (f"Deployment {world.place.namespace}/{name}" for name in ("mail", "web"))
    assert mail in failed.outcome_reason
    assert web not in failed.outcome_reason
    world.run_until_phase(Phase.AWAITING_GIT_PR)
    (revert,) = world.place.pull_requests()
    assert texts(world, revert["head"]["ref"]) == before
    world.place.merge(revert["number"])
    world.run_until_outcome(Outcome.VERIFIED, of=1)
    assert limits(world) == dict.fromkeys(NAMES, "512Mi")
    assert len(world.operations) == 2
    world.assert_whole()


def test_a_close_is_a_no_to_each_of_them(worlds: Worlds) -> None:
    """Invariant 7: with budget again, none of them is proposed alone."""
    world = in_trouble(worlds, dict.fromkeys(NAMES, "1Gi"), **ONE_LEFT)
    world.run_until_phase(Phase.AWAITING_GIT_PR)
    world.place.close(world.place.pull_requests()[0]["number"])
    world.run_until_outcome(Outcome.REJECTED)
    world.overrides["guards"]["max_open_pull_requests"] = 20

    wait_until_killed(world, *NAMES)
    report = world.run()

    assert [held.code for held in report.held] == ["rejected_before"] * 3
    assert len(world.place.pull_requests("all")) == 1
    world.assert_whole()


def test_one_that_comes_later_joins_the_plan(worlds: Worlds) -> None:
    """Without a budget nothing is proposed; what comes meanwhile is proposed with it, once there is one."""
    world = in_trouble(worlds, {"api": "1Gi"}, max_open_pull_requests=0)
    world.run()
    assert [operation.phase for operation in world.operations] == [Phase.DECIDED]

    world.place.commit(files(dict.fromkeys(NAMES, "1Gi")))
    world.place.refresh()
    wait_until_killed(world, "mail", "web")
    world.run_until(lambda: len(world.operation.targets) == len(NAMES), "all three are planned")
    assert world.place.pull_requests("all") == []
    before = texts(world)
    world.overrides["guards"]["max_open_pull_requests"] = 1
    world.run_until_phase(Phase.AWAITING_GIT_PR)

    (pull,) = world.place.pull_requests("all")
    assert texts(world, pull["head"]["ref"]) == raised(before)
    assert len(world.operations) == 1
    world.assert_whole()
