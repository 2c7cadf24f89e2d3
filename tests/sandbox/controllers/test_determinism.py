"""The same seed and the same writes give the same cluster, in every name and every time; and it costs little."""

from __future__ import annotations

import time

from tests.sandbox.controllers.world import World, deployment, is_ready


def story(seed: int) -> list[object]:
    """Play a story with faults, rollouts and a failing node; return everything that is there afterwards."""
    world = World(seed)
    world.create(deployment("web", replicas=3, needs_memory="1Gi"))
    world.create(deployment("api", replicas=4))
    world.wait(20)
    world.container("web", resources={"limits": {"memory": "2Gi"}})
    world.annotate("Node", "node-2", not_ready="true")
    world.wait(400)
    world.container("api", image="registry.example/api:2")
    world.annotate("Node", "node-2", not_ready=None)
    world.wait(60)
    return [(kind.name, world.store.list(kind.name)) for kind in world.store.kinds]


def test_a_story_replays_exactly() -> None:
    """Names, uids, addresses, times, versions and events are the same."""
    assert story(7) == story(7)


def test_another_seed_gives_other_names() -> None:
    """Names come from the seed, not from the writes alone."""
    assert story(7) != story(8)


def test_settling_a_settled_cluster_changes_nothing() -> None:
    """Level-triggered: looking twice does no harm, and says so."""
    world = World()
    world.create(deployment(replicas=3))
    world.wait(5)
    revision = world.store.revision

    assert world.controllers.settle() is False
    world.wait(3000)
    assert world.store.revision == revision


def test_new_controllers_take_over_a_living_cluster() -> None:
    """What they find they leave as it is: nothing depends on what the first ones remembered."""
    from random import Random

    from reconciler.sandbox.controllers import Controllers

    world = World()
    world.create(deployment(replicas=3))
    world.wait(5)
    before = world.pods()

    world.controllers = Controllers(world.store, world.clock, timing=world.timing, ids=Random(2))
    world.controllers.settle()
    world.wait(5)
    assert world.pods() == before

    world.delete("Pod", before[0]["metadata"]["name"])
    world.wait(2)
    assert sum(map(is_ready, world.pods())) == 3


def test_a_deployment_costs_milliseconds() -> None:
    """From its creation to a ready pod; the bound leaves room for a slow machine."""
    world = World()
    world.create(deployment("first"))
    world.wait(2)

    began = time.process_time()
    for number in range(10):
        world.create(deployment(f"app-{number}"))
        world.wait(2)
    spent = time.process_time() - began

    assert all(is_ready(world.pod(f"app-{number}")) for number in range(10))
    assert spent / 10 < 0.05


def test_one_more_write_costs_the_same_in_a_large_cluster() -> None:
    """No loop looks at all pods for one write."""
    world = World(cpu="100", memory="1Ti")
    for number in range(12):
        world.create(deployment(f"app-{number}", replicas=10))
    world.wait(2)
    looked = [0]
    get = world.store.get

    def counting(kind: str, namespace: str, name: str) -> object:
        looked[0] += 1
        return get(kind, namespace, name)

    world.store.get = counting  # type: ignore[method-assign, assignment]
    world.annotate("Pod", world.pods("app-7")[0]["metadata"]["name"], failing_readiness="true")

    assert looked[0] < 60
