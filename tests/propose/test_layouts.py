"""Layouts of real repositories: what is edited there, who else counts as a reader, what is refused and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.model.delivery import HelmOptions, Source
from tests.manifests.examples import CONTAINER, MANIFEST
from tests.propose.test_kustomize import edits
from tests.propose.test_kustomize import proposed as changed
from tests.propose.test_rendered import BASE, CHART, other, proposed, refusal, source

if TYPE_CHECKING:
    from tests.propose.desk import Desk

pytestmark = pytest.mark.real  # the tools, not the testbed

IMAGE = f"{CONTAINER}.image"
OVERRIDE = "overlays/prod/.argocd-source-webapp.yaml"
ALONE = CHART | {"chart/values.yaml": "memory: 512Mi\n"}
UMBRELLA = {
    "umbrella/Chart.yaml": "apiVersion: v2\nname: umbrella\nversion: 0.1.0\n"
    "dependencies:\n- {name: webapp, alias: shop, version: 0.1.0, repository: 'file://../chart'}\n",
    "umbrella/values.yaml": "shop:\n  memory: 512Mi\n",
}


@pytest.mark.parametrize(
    "values",
    [
        "host: '{{ .Release.Name }}.example.com'\nmemory: 512Mi\n",
        '## e.g. {{ include "webapp.fullname" . }}\nmemory: 512Mi\n',
        "rule: |\n  {{ $labels.pod }} is down\nmemory: 512Mi\nplain: a {{ b }}\n",
    ],
)
def test_braces_inside_values_and_comments_do_not_hide_a_value(desk: Desk, values: str) -> None:
    """Helm does not fill a value file, whatever its values are for."""
    made = proposed(desk, CHART | {"chart/values.yaml": values}, source(desk, "Helm", "chart"))

    assert edits(made) == {"chart/values.yaml": values.replace("512Mi", "1Gi")}


def test_images_that_an_updater_wrote_beside_the_source_are_repeated(desk: Desk) -> None:
    """Argo CD Image Updater's file counts in the rendering, and another field is edited where it stands."""
    files = {OVERRIDE: "kustomize:\n  images:\n  - shop:2.2\n"}

    made = changed(desk, files, ((f"{CONTAINER}.resources.limits.memory"), "512Mi", "1Gi"))

    assert edits(made) == {"base/webapp.yaml": MANIFEST.replace("512Mi", "1Gi", 1)}


def test_parameters_that_an_updater_wrote_beside_the_source_are_repeated(desk: Desk) -> None:
    """Its key `forcestring` is read as Go reads JSON."""
    written = "helm:\n  parameters:\n  - {name: tag, value: '2', forcestring: true}\n"
    template = CHART["chart/templates/webapp.yaml"].replace("shop:2.1", "shop:{{ .Values.tag }}")
    files = ALONE | {"chart/.argocd-source-webapp.yaml": written, "chart/templates/webapp.yaml": template}

    made = proposed(desk, files, source(desk, "Helm", "chart"))

    assert edits(made) == {"chart/values.yaml": "memory: 1Gi\n"}


def test_field_that_an_updater_set_is_refused_with_its_file_named(desk: Desk) -> None:
    """It would write the file again."""
    with pytest.raises(Exception, match=r"\.argocd-source-webapp\.yaml sets the field") as refused:
        changed(desk, {OVERRIDE: "kustomize:\n  images:\n  - shop:2.2\n"}, (IMAGE, "shop:2.2", "shop:2.3"))

    assert getattr(refused.value, "code", "") == "locate.override_file"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (".argocd-source.yaml", "kustomize:\n  namePrefix: x-\n"),
        (".argocd-source-argocd_webapp.yaml", "kustomize:\n  images:\n  - shop:2.2\n"),
    ],
)
def test_file_beside_the_source_that_is_not_repeated_is_refused_by_name(desk: Desk, name: str, text: str) -> None:
    """Other options, and a file that counts only where Argo CD runs in another namespace than its Application."""
    refused = refusal(desk, BASE | {f"overlays/prod/{name}": text}, source(desk, "Kustomize", "overlays/prod"))

    assert refused.code == "rendering.override_file"
    assert name in refused.message


def test_chart_beside_the_umbrella_is_a_dependency_that_argo_cd_brings_itself(desk: Desk) -> None:
    """`file://…`: `helm dependency build` is what Argo CD runs for it; the value stands below the alias."""
    made = proposed(desk, CHART | UMBRELLA, source(desk, "Helm", "umbrella"))
    own = {"umbrella/values.yaml": "shop: {}\n", "chart/values.yaml": "memory: 512Mi\n", "envs/prod.yaml": "a: 1\n"}
    mine = source(desk, "Helm", "umbrella", helm=HelmOptions(value_files=("../envs/prod.yaml",)))
    default = proposed(desk, CHART | UMBRELLA | own, mine)

    assert edits(made) == {"umbrella/values.yaml": "shop:\n  memory: 1Gi\n"}
    assert edits(default) == {"envs/prod.yaml": "a: 1\nshop:\n  memory: 1Gi\n"}


def test_umbrella_that_takes_the_chart_from_beside_itself_counts_as_a_reader(desk: Desk) -> None:
    """An edit of the chart's default would reach it, though nothing below its own folder changes."""
    files = ALONE | UMBRELLA | {"umbrella/values.yaml": "shop: {}\n"}

    refused = refusal(desk, files, source(desk, "Helm", "chart"), other(desk, "all", "Helm", "umbrella"))

    assert refused.code == "locate.shared_base"
    assert "all" in refused.message


@pytest.mark.parametrize("name", ["../envs/*.yaml", "../envs/$ARGOCD_APP_NAME.yaml", "../envs/pr?d.yaml"])
def test_application_that_names_its_value_files_by_a_pattern_counts_as_a_reader(desk: Desk, name: str) -> None:
    """Nobody knows which files it reads, so those that the pattern fits are read."""
    mine = source(desk, "Helm", "chart", helm=HelmOptions(value_files=("../envs/prod.yaml",)))
    staging = other(desk, "staging", "Helm", "chart", helm=HelmOptions(value_files=(name,)))

    refused = refusal(desk, CHART | {"envs/prod.yaml": "memory: 512Mi\n"}, mine, staging)

    assert refused.code == "locate.shared_base"


def test_value_file_pattern_is_refused_by_name(desk: Desk) -> None:
    """Versions of Argo CD differ on it, and a missing file that may be missing would hide that."""
    options = HelmOptions(value_files=("../envs/*.yaml",), ignore_missing_value_files=True)
    mine: Source = source(desk, "Helm", "chart", helm=options)

    assert refusal(desk, ALONE, mine).code == "rendering.value_file_pattern"
