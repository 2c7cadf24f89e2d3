"""An Application that is deleted takes its objects along, when it asks for that."""

from __future__ import annotations

import pytest

from reconciler.sandbox.delivery.removal import FINALIZERS
from tests.sandbox.delivery.world import NAME, World, config


@pytest.mark.parametrize("finalizer", FINALIZERS)
def test_finalizer_deletes_the_objects_first(world: World, finalizer: str) -> None:
    """The Application goes when the last of them is gone."""
    world.commit({"deploy/settings.yaml": config()})
    world.application()
    world.wait()
    world.change("Application", NAME, {"metadata": {"finalizers": [finalizer]}})

    world.delete("Application", NAME)

    assert world.find("ConfigMap", "settings") is None
    assert world.find("Application", NAME) is None


def test_object_may_forbid_its_deletion(world: World) -> None:
    """`Delete=false` on the object; the Application does not wait for it."""
    world.commit({"deploy/settings.yaml": config(**{"argocd.argoproj.io/sync-options": "Delete=false"})})
    world.application()
    world.wait()
    world.change("Application", NAME, {"metadata": {"finalizers": [FINALIZERS[0]]}})

    world.delete("Application", NAME)

    assert world.find("ConfigMap", "settings") is not None
    assert world.find("Application", NAME) is None


def test_application_waits_for_objects_that_are_held(world: World) -> None:
    """It goes when the last object does, and writes nothing meanwhile."""
    world.commit({"deploy/settings.yaml": config()})
    world.application()
    world.wait()
    world.change("Application", NAME, {"metadata": {"finalizers": [FINALIZERS[0]]}})
    world.change("ConfigMap", "settings", {"metadata": {"finalizers": ["example.com/held"]}})

    world.delete("Application", NAME)
    world.wait(30)
    assert world.live("ConfigMap", "settings")["metadata"]["deletionTimestamp"]
    world.change("ConfigMap", "settings", {"metadata": {"finalizers": []}})

    assert world.find("ConfigMap", "settings") is None
    assert world.find("Application", NAME) is None


def test_without_a_finalizer_the_objects_stay(world: World) -> None:
    """And nothing is done for the Application any more."""
    world.commit({"deploy/settings.yaml": config()})
    world.application()
    world.wait()

    world.delete("Application", NAME)
    world.store.delete("ConfigMap", "production", "settings")
    world.settle()
    world.clock.advance(world.timing.poll * 3)

    assert world.find("Application", NAME) is None
    assert world.find("ConfigMap", "settings") is None


@pytest.mark.parametrize("settled", [True, False])
def test_application_of_the_same_name_starts_anew(world: World, *, settled: bool) -> None:
    """What was remembered of the first one is gone with it, even when nobody saw it go."""
    world.commit({"deploy/settings.yaml": config()})
    world.application()
    world.wait()
    world.store.delete("Application", "argocd", NAME)
    if settled:
        world.settle()

    world.application()
    status = world.wait()

    assert status["sync"]["status"] == "Synced"
    assert world.operation == {}
