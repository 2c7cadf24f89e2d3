"""A Deployment gets another number of pods."""

from __future__ import annotations

from tests.sandbox.controllers.world import World, deployment

MISSING = "registry.example/web:9.9"


def test_scaling_changes_the_number_of_pods_and_nothing_else(world: World) -> None:
    """Up, down and to zero in the same ReplicaSet."""
    world.create(deployment(replicas=2))
    world.wait(2)
    before = set(world.names())

    world.scale("web", 5)
    world.wait(2)
    assert before < set(world.names())
    assert world.status("Deployment", "web")["readyReplicas"] == 5

    world.scale("web", 1)
    world.wait(2)
    assert len(world.pods()) == 1
    world.scale("web", 0)
    world.wait(2)
    assert world.pods() == []
    assert "replicas" not in world.status("Deployment", "web")
    assert len(world.sets()) == 1


def test_scaling_in_the_middle_of_a_rollout_is_shared(world: World) -> None:
    """A stuck rollout scaled from 10 to 20 grows both ReplicaSets in proportion."""
    world.create(deployment(replicas=10, missing_images=MISSING))
    world.wait(2)
    world.container("web", image=MISSING)
    world.wait(10)
    assert world.sizes() == [8, 5]

    world.scale("web", 20)
    world.wait(10)

    old, new = world.sizes()
    assert (old, new) == (15, 10)


def test_sick_and_new_pods_are_deleted_before_healthy_old_ones(world: World) -> None:
    """Scaling down harms nobody who serves."""
    world.create(deployment(replicas=3))
    world.wait(2)
    healthy = set(world.names())
    sick = min(healthy)
    world.annotate("Pod", sick, failing_readiness="true")

    world.scale("web", 2)
    world.wait(2)
    old = healthy - {sick}
    assert set(world.names()) == old

    world.scale("web", 3)
    world.wait(2)
    assert old < set(world.names())
    world.scale("web", 2)
    world.wait(2)
    assert set(world.names()) == old
