"""Invariant 1 where several objects share a pull request: killed at points all along a pass, there is one of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.model.operation import EventKind, Phase
from tests.scenarios.test_pooling import NAMES, ONE_LEFT, in_trouble, raised, texts
from tests.simulation.deaths import killed_at

if TYPE_CHECKING:
    from tests.scenarios.conftest import Worlds
    from tests.scenarios.world import World

pytestmark = [pytest.mark.beds("sandbox"), pytest.mark.long]

RESTARTED = "kubectl.kubernetes.io/restartedAt"
POINTS = range(2, 44, 4)  # of some forty: before and after each write to the forge, the cluster and the ledger


def restarts(world: World) -> set[tuple[str, str]]:
    """Return which Deployment was restarted when, by what its ReplicaSets have had."""
    found = set()
    for replica_set in world.place.kube.objects("ReplicaSet", world.place.namespace):
        annotations = replica_set["spec"]["template"]["metadata"].get("annotations") or {}
        if RESTARTED in annotations:
            found.add((replica_set["metadata"]["ownerReferences"][0]["name"], annotations[RESTARTED]))
    return found


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_any_point_of_the_first_pass(worlds: Worlds, point: int) -> None:
    """By SIGKILL: one operation, a restart each, one branch and one pull request with all of their edits."""
    world = in_trouble(worlds, dict.fromkeys(NAMES, "1Gi"), **ONE_LEFT)
    before = texts(world)

    died = killed_at(world, point)
    operation = world.run_until_phase(Phase.AWAITING_GIT_PR)

    assert died or point > POINTS[-3], "the pass has fewer points than are tried: mend POINTS"
    (pull,) = world.place.pull_requests("all")
    assert texts(world, pull["head"]["ref"]) == raised(before)
    assert [target.name for target in operation.targets] == list(NAMES)
    assert len(world.operations) == 1
    assert sorted(name for name, _ in restarts(world)) == list(NAMES)
    branches = world.place.forge().branches(world.place.repository)
    assert len([name for name in branches if name.startswith("reconciler/")]) == 1
    assert world.kinds().count(EventKind.PULL_REQUEST_OPENED) == 1
    world.assert_whole()
