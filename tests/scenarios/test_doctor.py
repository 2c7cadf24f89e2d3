"""`reconciler doctor` against the real components: what works, and exactly what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.composition import Composition
from tests.beds.users import READER
from tests.scenarios.world import World, hungry

if TYPE_CHECKING:
    from reconciler.ports import Diagnosis
    from tests.scenarios.conftest import Worlds


def diagnoses(world: World) -> list[Diagnosis]:
    """Examine every connection as the command does."""
    made = world.made()
    return [line for _, examined in made.examined() for line in examined().examine()]


def test_doctor_finds_nothing_missing_in_a_complete_installation(worlds: Worlds) -> None:
    """Each line works: Kubernetes rights, metrics, alerts, Git, forge, Argo CD, policy and ledger."""
    world = worlds(hungry())

    def complete() -> list[Diagnosis] | None:
        found = diagnoses(world)
        return None if any(line.required and not line.works for line in found) else found

    # A scrape may fail on a busy machine, and the series of a new place come with the first one that does not.
    found = world.place.wait_for(complete, 60, "everything that is required works")
    assert len(found) > 15


def test_doctor_names_each_missing_right_and_how_to_grant_it(worlds: Worlds) -> None:
    """With a read-only identity the writes are missing, each with a rule that would grant it."""
    world = worlds(hungry())
    world.overrides["cluster"] = {
        "kubeconfig": str(world.place.bed.kubeconfigs["readonly"]),
        "namespaces": [world.place.namespace],
    }

    missing = [line for line in diagnoses(world) if not line.works]

    assert any("patch" in line.subject and "deployments" in line.subject for line in missing)
    assert all(line.remedy for line in missing)


def test_doctor_sees_a_forge_user_who_may_not_push(worlds: Worlds) -> None:
    """A token that can only read opens no pull requests."""
    world = worlds(hungry())
    token = world.place.bed.tokens[READER]
    made = Composition(world.settings, {"RECONCILER_FORGE_TOKEN": token, "RECONCILER_GIT_TOKEN": token})

    missing = [line for line in made.forge.examine() if not line.works]

    assert missing
    assert all(line.remedy for line in missing)
