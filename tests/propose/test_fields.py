"""Fields that come or go behind a rendered source, on the real tools: exactly those, and for this Application alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import yaml

from reconciler.errors import Conflict, Refusal
from reconciler.model.action import FieldChange
from reconciler.model.delivery import HelmOptions
from reconciler.model.facts import Unknown
from reconciler.model.objects import parse_path
from tests.adapters.tools import programs
from tests.manifests.examples import CONTAINER, MANIFEST
from tests.propose.test_kustomize import Change, edits, proposed
from tests.propose.test_own import PROD as OWN
from tests.propose.test_own import SHARED
from tests.propose.test_rendered import CHART, OVERLAY, other, source
from tests.worlds import Story, oom_remedy

if TYPE_CHECKING:
    from reconciler.model.delivery import Application, Source
    from reconciler.model.proposal import Proposal
    from tests.propose.desk import Desk

pytestmark = pytest.mark.real  # the tools, not the testbed

PROD = "overlays/prod/kustomization.yaml"
CPU = f"{CONTAINER}.resources.requests.cpu"
NEW: Change = (CPU, None, "100m")
PATCHED = OVERLAY + "patches:\n- path: web.yaml\n"
PATCH = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: webapp
  namespace: production
spec:
  minReadySeconds: 5
  paused: false
"""


def test_new_field_enters_the_manifest_that_nobody_else_reads(desk: Desk) -> None:
    """In the manifest's own style."""
    made = proposed(desk, {}, NEW)

    assert edits(made) == {
        "base/webapp.yaml": MANIFEST.replace(
            '              memory: "256Mi"\n', '              memory: "256Mi"\n              cpu: "100m"\n'
        )
    }


def test_new_field_enters_the_overlays_own_patch(desk: Desk) -> None:
    """The base is read by staging too; a patch of the object is there already."""
    staging = other(desk, "staging", "Kustomize", "overlays/staging")
    files = {PROD: PATCHED, "overlays/prod/web.yaml": PATCH}

    made = proposed(desk, files, ("spec.revisionHistoryLimit", None, "3"), staging)

    assert edits(made) == {"overlays/prod/web.yaml": PATCH + "  revisionHistoryLimit: 3\n"}


def test_new_field_beside_a_shared_base_gets_a_new_patch(desk: Desk) -> None:
    """There is none of the object yet."""
    staging = other(desk, "staging", "Kustomize", "overlays/staging")

    made = proposed(desk, {}, ("spec.minReadySeconds", None, "5"), staging)

    patch = yaml.safe_load(edits(made)["overlays/prod/deployment-webapp-values.yaml"])
    assert patch["spec"] == {"minReadySeconds": 5}
    assert "base/webapp.yaml" not in edits(made)


def test_field_goes_from_where_it_stands(desk: Desk) -> None:
    """The patch of the overlay sets it; the base does not know it."""
    files = {PROD: PATCHED, "overlays/prod/web.yaml": PATCH}

    made = proposed(desk, files, ("spec.minReadySeconds", "5", None))

    assert edits(made) == {"overlays/prod/web.yaml": PATCH.replace("  minReadySeconds: 5\n", "")}


def test_field_of_a_shared_base_goes_by_a_patch_of_the_overlay(desk: Desk) -> None:
    """Kustomize takes null in a patch as gone."""
    staging = other(desk, "staging", "Kustomize", "overlays/staging")

    made = proposed(desk, {}, ("spec.replicas", "3", None), staging)

    assert yaml.safe_load(edits(made)["overlays/prod/deployment-webapp-values.yaml"])["spec"] == {"replicas": None}


def test_field_that_is_there_already_waits_for_delivery(desk: Desk) -> None:
    """Invariant 3: Git is ahead of the cluster."""
    with pytest.raises(Conflict) as waits:
        proposed(desk, {}, ("spec.replicas", None, "3"))

    assert waits.value.code == "propose.git_ahead"


PLAIN = """\
          resources:
            limits: {cpu: 1, memory: 512Mi}   # measured in May
            requests:
              memory: "256Mi"
"""
RESOURCES = MANIFEST.replace(PLAIN, "          resources: {{ toJson .Values.resources }}\n")
VALUES = "resources:\n  limits: {cpu: 1, memory: 512Mi}\n  requests:\n    memory: 256Mi\n"
HELM = CHART | {"chart/templates/webapp.yaml": RESOURCES, "chart/values.yaml": VALUES}


def in_helm(desk: Desk, files: dict[str, str], mine: Source, change: Change, *others: Application) -> Proposal:
    """Commit the files, and propose a change of a chart's workload."""
    desk.shop.ana.commit("trunk", {**files})
    remedy = oom_remedy()
    made = FieldChange(path=parse_path(change[0]), before=change[1], after=change[2])
    remedy = replace(remedy, actions=(remedy.actions[0], replace(remedy.actions[1], changes=(made,))))
    world = desk.snapshot(sources=(mine,))
    assert not isinstance(world.applications, Unknown)
    world = replace(world, applications=(*world.applications, *others))
    return desk.propose(operation=Story(remedy).operation, world=world, rendering=programs())


def test_new_value_enters_beside_the_one_of_a_field_beside_it(desk: Desk) -> None:
    """`requests.memory` is at `resources.requests.memory`, so `cpu` is tried there, in the own file."""
    mine = source(desk, "Helm", "chart", helm=HelmOptions(value_files=(SHARED, OWN)))
    staging = other(desk, "staging", "Helm", "chart", helm=HelmOptions(value_files=(SHARED,)))

    made = in_helm(desk, HELM, mine, NEW, staging)

    assert edits(made) == {"envs/prod.yaml": "other: 1\nresources:\n  requests:\n    cpu: 100m\n"}


def test_first_value_enters_below_the_mapping_that_a_chart_leaves_empty(desk: Desk) -> None:
    """Most charts say `resources: {}`, so no key of a field beside it is there; rendering proves this one."""
    files = HELM | {"chart/values.yaml": "nodeSelector: {}\nresources: {}\n"}
    mine = source(desk, "Helm", "chart", helm=HelmOptions(value_files=(SHARED, OWN)))

    made = in_helm(desk, files, mine, NEW)

    assert edits(made) == {"envs/prod.yaml": "other: 1\nresources:\n  requests:\n    cpu: 100m\n"}


def test_first_value_enters_the_chart_that_nobody_else_renders(desk: Desk) -> None:
    """The Application has neither a value file nor a manifest here, so its own chart takes the value."""
    files = HELM | {"chart/values.yaml": "nodeSelector: {}\nresources: {}\n"}

    made = in_helm(desk, files, source(desk, "Helm", "chart"), NEW)

    assert edits(made) == {
        "chart/values.yaml": "nodeSelector: {}\nresources: {requests: {cpu: 100m}}\n",
    }
    with pytest.raises(Refusal, match="no place"):
        in_helm(desk, {}, source(desk, "Helm", "chart"), NEW, other(desk, "staging", "Helm", "chart"))


def test_value_goes_from_the_file_that_sets_it(desk: Desk) -> None:
    """And what it leaves empty with it."""
    files = HELM | {"envs/prod.yaml": "other: 1\nresources:\n  requests:\n    cpu: 100m\n"}
    mine = source(desk, "Helm", "chart", helm=HelmOptions(value_files=(OWN,)))

    assert edits(in_helm(desk, files, mine, (CPU, "100m", None))) == {"envs/prod.yaml": "other: 1\n"}


def test_field_that_no_key_gives_is_refused_by_name(desk: Desk) -> None:
    """The template has no place for it."""
    mine = source(desk, "Helm", "chart", helm=HelmOptions(value_files=(OWN,)))

    with pytest.raises(Refusal) as refused:
        in_helm(desk, HELM, mine, ("spec.minReadySeconds", None, "5"))

    assert refused.value.code == "locate.no_place"
    assert "spec.minReadySeconds" in refused.value.message


def test_key_inside_a_text_is_refused_by_name(desk: Desk) -> None:
    """Behind a chart texts are not taken apart."""
    mine = source(desk, "Helm", "chart", helm=HelmOptions(value_files=(OWN,)))

    with pytest.raises(Refusal) as refused:
        in_helm(desk, HELM, mine, ("data{level}", "a", "b"))

    assert refused.value.code == "locate.not_a_replacement"
