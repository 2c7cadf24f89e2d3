"""The role that the guide shows is what `doctor` asks for, and what the whole loop needs: no less, and no more."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from reconciler.model.operation import Outcome, Phase
from reconciler.sandbox.sandbox import Sandbox
from tests.beds import place as places
from tests.beds.on_sandbox import SandboxBed
from tests.scenarios.world import World, hungry

if TYPE_CHECKING:
    from collections.abc import Iterator

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "cluster-rights.md"


def role() -> dict[str, Any]:
    """Return the role that the guide shows."""
    (text,) = re.findall(r"```yaml\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    shown: dict[str, Any] = yaml.safe_load(text)
    return shown


def rights() -> set[str]:
    """Return what the role grants, in doctor's words: `list pods`, `patch deployments.apps`."""
    return {
        f"{verb} {resource}.{group}".rstrip(".")
        for rule in role()["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A Deployment in trouble, in a cluster that grants reconciler the guide's role and nothing else."""
    with Sandbox(tmp_path / "sandbox", start=datetime(2026, 3, 1, 12, tzinfo=UTC)) as sandbox:
        bed = SandboxBed(sandbox)
        kube = bed.kube()
        kube.patch("ClusterRole", "reconciler", {"rules": role()["rules"]})
        kube.patch("ClusterRole", "reconciler-read", {"rules": []})
        made = places.make(bed, kube, hungry())
        made.wait_for_sync(health=None)
        made.wait_until_waiting("CrashLoopBackOff", restarts=1)
        yield World(place=made, folder=tmp_path)
        kube.close()


@pytest.mark.long
def test_role_of_the_guide_is_enough_from_trouble_to_verified(world: World) -> None:
    """A restart, a pull request, a merge, Argo CD's refresh and the checks, with these rights alone."""
    world.run_until_phase(Phase.AWAITING_GIT_PR)
    assert len(world.restarts()) == 1
    world.place.merge(world.place.pull_requests()[0]["number"])

    world.run_until_outcome(Outcome.VERIFIED)

    assert not [event for event in world.made().ledger.events() if event.kind.value == "effect_failed"]


@pytest.mark.parametrize("namespaces", [[], ["shop"]], ids=["whole cluster", "one namespace"])
def test_doctor_asks_for_exactly_the_role(world: World, namespaces: list[str]) -> None:
    """What doctor calls allowed is the guide's role, right by right."""
    world.overrides["cluster"] = {
        "kubeconfig": str(world.place.bed.kubeconfigs["reconciler"]),
        "namespaces": [world.place.namespace] if namespaces else [],
    }
    world.overrides["delivery"] = {"kinds": ["argocd", "flux"]}

    lines = [line for _, examined in world.made().examined() for line in examined().examine()]
    asked = {line.subject.split(" in ")[0]: line.works for line in lines if re.match("(list|get|patch) ", line.subject)}

    assert all(asked.values()), asked
    other = "list namespaces" if namespaces else "get namespaces"
    assert set(asked) == rights() - {other}
