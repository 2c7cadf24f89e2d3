"""Readers that no path of theirs gives away: by links, dependencies and patterns, on the real tools."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.model.delivery import HelmOptions
from tests.manifests.examples import MANIFEST
from tests.propose.test_kustomize import edits
from tests.propose.test_layouts import ALONE, STAGING, UMBRELLA
from tests.propose.test_rendered import BASE, CHART, other, proposed, refusal, source

if TYPE_CHECKING:
    from tests.propose.desk import Desk

pytestmark = pytest.mark.real  # the tools, not the testbed


@pytest.mark.parametrize(
    ("link", "target", "path", "files"),
    [
        ("linked", "chart", "linked", ()),
        ("envs/staging.yaml", "prod.yaml", "chart", ("../envs/staging.yaml",)),
        ("copy/charts/webapp", "../../chart", "copy", ()),
    ],
)
def test_whoever_reads_a_file_through_a_link_counts_as_a_reader(
    desk: Desk, link: str, target: str, path: str, files: tuple[str, ...]
) -> None:
    """A link to the chart, to its value file, or to a chart below another one's `charts`; none is followed to edit."""
    there = desk.shop.ana.folder / link
    there.parent.mkdir(parents=True, exist_ok=True)
    there.symlink_to(target)
    options = HelmOptions(value_files=("../envs/prod.yaml",))
    tree = CHART | {"envs/prod.yaml": "memory: 512Mi\n"} if files else ALONE
    mine = source(desk, "Helm", "chart", helm=options if files else HelmOptions())
    staging = other(desk, "staging", "Helm", path, helm=HelmOptions(value_files=files))

    refused = refusal(desk, tree, mine, staging)

    assert (refused.code, "staging" in refused.message) == ("locate.shared_base", True)


def test_application_whose_folder_is_a_link_counts_as_a_reader(desk: Desk) -> None:
    """It renders the same overlay, so there is no place of one's own."""
    (desk.shop.ana.folder / "overlays").mkdir(parents=True)
    (desk.shop.ana.folder / "overlays/staging").symlink_to("prod")
    files = {path: text for path, text in BASE.items() if "staging" not in path}

    refused = refusal(desk, files, source(desk, "Kustomize", "overlays/prod"), other(desk, *STAGING))

    assert (refused.code, "staging" in refused.message) == ("locate.shared_base", True)


def test_application_whose_base_is_a_link_counts_as_a_reader(desk: Desk) -> None:
    """The base is left alone, and the own overlay gets a patch."""
    desk.shop.ana.folder.mkdir(parents=True, exist_ok=True)
    (desk.shop.ana.folder / "linked").symlink_to("base")
    files = BASE | {"overlays/staging/kustomization.yaml": "resources:\n- ../../linked\n"}

    made = proposed(desk, files, source(desk, "Kustomize", "overlays/prod"), other(desk, *STAGING))

    assert sorted(edits(made)) == ["overlays/prod/deployment-webapp-values.yaml", "overlays/prod/kustomization.yaml"]


def test_directory_that_holds_a_link_to_the_file_counts_as_a_reader(desk: Desk) -> None:
    """Argo CD reads a linked file of a plain directory too."""
    (desk.shop.ana.folder / "copies").mkdir(parents=True)
    (desk.shop.ana.folder / "copies/webapp.yaml").symlink_to("../apps/webapp.yaml")

    refused = refusal(
        desk, {"apps/a.txt": "x"}, source(desk, "Directory", "apps"), other(desk, "copies", "Directory", "copies")
    )

    assert (refused.code, "copies" in refused.message) == ("locate.shared_base", True)


@pytest.mark.parametrize(
    ("umbrella", "address"), [("umbrella", "file://../chart"), (".", "file://chart"), (".", "file://./chart/")]
)
def test_umbrella_that_takes_the_chart_from_beside_itself_counts_as_a_reader(
    desk: Desk, umbrella: str, address: str
) -> None:
    """An edit of the chart's default would reach it, though nothing in its own folder changes."""
    mine = {path.replace("umbrella/", "" if umbrella == "." else "umbrella/"): text for path, text in UMBRELLA.items()}
    files = ALONE | {path: text.replace("file://../chart", address) for path, text in mine.items()}
    files |= {path: "shop: {}\n" for path in mine if path.endswith("values.yaml")}

    refused = refusal(desk, files, source(desk, "Helm", "chart"), other(desk, "all", "Helm", umbrella))

    assert refused.code == "locate.shared_base"
    assert "all" in refused.message


def test_application_that_gives_the_whole_file_to_a_parameter_counts_as_a_reader(desk: Desk) -> None:
    """`fileParameters`: the content is a value there."""
    mine = source(desk, "Helm", "chart", helm=HelmOptions(value_files=("../envs/prod.yaml",)))
    options = HelmOptions(file_parameters=(("label", "../envs/prod.yaml"),))
    template = MANIFEST.replace("memory: 512Mi", "memory: {{ .Values.memory }}").replace(
        "team: shop", "team: {{ .Values.label | quote }}"
    )
    files = CHART | {"envs/prod.yaml": "memory: 512Mi\n", "chart/templates/webapp.yaml": template}

    refused = refusal(desk, files, mine, other(desk, "staging", "Helm", "chart", helm=options))

    assert refused.code == "locate.shared_base"


@pytest.mark.parametrize("name", ["../envs/*.yaml", "../envs/$ARGOCD_APP_NAME.yaml", "../envs/pr?d.yaml"])
def test_application_that_names_its_value_files_by_a_pattern_counts_as_a_reader(desk: Desk, name: str) -> None:
    """Nobody knows which files it reads, so those that the pattern fits are read."""
    mine = source(desk, "Helm", "chart", helm=HelmOptions(value_files=("../envs/prod.yaml",)))
    staging = other(desk, "staging", "Helm", "chart", helm=HelmOptions(value_files=(name,)))

    refused = refusal(desk, CHART | {"envs/prod.yaml": "memory: 512Mi\n"}, mine, staging)

    assert refused.code == "locate.shared_base"
