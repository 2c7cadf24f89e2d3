"""A disruption budget says how many pods may be evicted now."""

from __future__ import annotations

import pytest

from tests.sandbox.controllers.world import SPACE, Json, World, condition, deployment

KIND = "PodDisruptionBudget"


@pytest.fixture
def world() -> World:
    """Return a cluster with four ready pods."""
    world = World()
    world.create(deployment(replicas=4))
    world.wait(2)
    return world


def budget(**rule: int | str) -> Json:
    """Return a budget of `web`'s pods."""
    metadata = {"name": "web", "namespace": SPACE}
    spec = {"selector": {"matchLabels": {"app": "web"}}, **rule}
    return {"apiVersion": "policy/v1", "kind": KIND, "metadata": metadata, "spec": spec}


@pytest.mark.parametrize(
    ("rule", "desired", "allowed"),
    [
        ({"minAvailable": 3}, 3, 1),
        ({"minAvailable": 4}, 4, 0),
        ({"minAvailable": "50%"}, 2, 2),
        ({"minAvailable": "60%"}, 3, 1),
        ({"maxUnavailable": 1}, 3, 1),
        ({"maxUnavailable": "30%"}, 2, 2),
        ({"maxUnavailable": 0}, 4, 0),
    ],
)
def test_a_budget_is_worked_out_as_the_real_one(
    world: World, rule: dict[str, int | str], desired: int, allowed: int
) -> None:
    """Numbers and percentages, both rounded up."""
    world.create(budget(**rule))

    status = world.status(KIND, "web")
    assert (status["expectedPods"], status["currentHealthy"]) == (4, 4)
    assert (status["desiredHealthy"], status["disruptionsAllowed"]) == (desired, allowed)
    assert status["observedGeneration"] == 1
    reason = "SufficientPods" if allowed else "InsufficientPods"
    assert condition(world.get(KIND, "web"), "DisruptionAllowed")["reason"] == reason


def test_a_sick_pod_uses_the_budget_up(world: World) -> None:
    """And gives it back."""
    world.create(budget(maxUnavailable=1))
    name = world.pods()[0]["metadata"]["name"]

    world.annotate("Pod", name, failing_readiness="true")
    assert world.status(KIND, "web")["disruptionsAllowed"] == 0
    world.annotate("Pod", name, failing_readiness=None)
    world.wait(1)
    assert world.status(KIND, "web")["disruptionsAllowed"] == 1


def test_a_deleted_pod_counts_no_more_until_its_successor_is_ready(world: World) -> None:
    """The budget opens when the workload is whole again."""
    world.create(budget(minAvailable=3))

    world.delete("Pod", world.pods()[0]["metadata"]["name"])
    assert world.status(KIND, "web")["currentHealthy"] == 3
    assert world.status(KIND, "web")["disruptionsAllowed"] == 0
    world.wait(2)
    assert world.status(KIND, "web")["disruptionsAllowed"] == 1


def test_a_budget_follows_the_size_of_its_workload(world: World) -> None:
    """A percentage is one of the pods that are wanted."""
    world.create(budget(minAvailable="50%"))
    world.scale("web", 10)
    world.wait(2)

    status = world.status(KIND, "web")
    assert (status["expectedPods"], status["desiredHealthy"], status["disruptionsAllowed"]) == (10, 5, 5)


def test_an_evicted_pod_is_remembered_until_it_is_deleted(world: World) -> None:
    """Two minutes later it counts again, if it is still there."""
    world.create(budget(minAvailable=2))
    name = world.pods()[0]["metadata"]["name"]
    stamp = world.clock.stamp()

    world.change(KIND, "web", lambda it: it["status"].update(disruptedPods={name: stamp}), subresource="status")
    assert world.status(KIND, "web")["currentHealthy"] == 3
    assert world.status(KIND, "web")["disruptedPods"] == {name: stamp}

    world.wait(125)
    assert world.status(KIND, "web")["currentHealthy"] == 4
    assert "disruptedPods" not in world.status(KIND, "web")


def test_a_budget_of_no_pods_allows_nothing(world: World) -> None:
    """Until there are some."""
    manifest = budget(maxUnavailable=1)
    manifest["spec"]["selector"] = {"matchLabels": {"app": "later"}}
    world.create(manifest)
    assert world.status(KIND, "web")["disruptionsAllowed"] == 0

    world.create(deployment("later", replicas=2))
    world.wait(2)
    assert world.status(KIND, "web")["disruptionsAllowed"] == 1
