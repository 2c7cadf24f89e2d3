"""Objects that nest without end: whoever may write one cannot crash who reads it, nor hide what else is there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from reconciler.adapters.argocd import argocd
from reconciler.model.facts import Unknown
from reconciler.settings import DeliverySettings
from tests.adapters import kubernetes_json as kubernetes
from tests.adapters.kubernetes_json import api_on
from tests.adapters.wire import Answer, Wire

if TYPE_CHECKING:
    from pathlib import Path

APPLICATIONS = "/apis/argoproj.io/v1alpha1/applications"
SOURCE = {"repoURL": "https://git.example/platform/web.git", "path": "deploy", "targetRevision": "main"}


@pytest.mark.parametrize("deep", [960, 100_000])
def test_application_of_endless_values_is_unknown_by_name(tmp_path: Path, deep: int) -> None:
    """Whoever may write one can put anything into `valuesObject`; the pass says what is wrong."""
    values = '{"a": ' * deep + "1" + "}" * deep
    wanted, compared = ({"source": {**SOURCE, "helm": {"valuesObject": each}}} for each in (["DEEP"], "DEEP"))
    raw = {
        "metadata": kubernetes.metadata("web", "argocd"),
        "spec": {**wanted, "destination": {}},
        "status": {"sync": {"comparedTo": {**compared, "destination": {}}}},
    }
    text = json.dumps(kubernetes.listing("Application", raw)).replace('"DEEP"', values)
    with Wire({f"GET {APPLICATIONS}": Answer(text)}) as wire:
        found = argocd(DeliverySettings(), api_on(wire, tmp_path), "test").applications()

    assert isinstance(found, Unknown)
    assert "nests deeper than is read" in found.reason
