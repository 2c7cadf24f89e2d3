"""Proposals for what Flux delivers, on the real kustomize and helm."""

from __future__ import annotations

import io
import tarfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.errors import Refusal
from reconciler.model.delivery import HelmOptions, KustomizeOptions, Source
from reconciler.model.facts import Unknown
from reconciler.model.objects import ObjectRef
from tests.adapters.tools import programs
from tests.manifests.examples import MANIFEST
from tests.propose.desk import FILE
from tests.worlds import application

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.model.delivery import Application
    from reconciler.model.proposal import Proposal
    from tests.propose.desk import Desk

pytestmark = pytest.mark.real  # the tools, not the testbed

KUSTOMIZATION = ObjectRef(
    cluster="default", group="kustomize.toolkit.fluxcd.io", kind="Kustomization", namespace="flux-system", name="webapp"
)
RELEASE = replace(KUSTOMIZATION, group="helm.toolkit.fluxcd.io", kind="HelmRelease", namespace="production")
WITHOUT_NAMESPACE = MANIFEST.replace("  namespace: production\n", "")
CHART = {
    "chart/Chart.yaml": "apiVersion: v2\nname: webapp\nversion: 0.1.0\n",
    "chart/values.yaml": "memory: 256Mi\n",
    "chart/templates/webapp.yaml": MANIFEST.replace("memory: 512Mi", "memory: {{ .Values.memory }}"),
}
RELEASE_MANIFEST = """\
# owned by the platform team
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: webapp
  namespace: production
spec:
  interval: 10m
  chart:
    spec:
      chart: {chart}
      version: 0.x
      sourceRef: {{kind: {kind}, name: web}}
  values:
    memory: 512Mi  # the shop's
"""


def source(desk: Desk, path: str = "apps", **changes: Any) -> Source:  # noqa: ANN401 - any field of a source
    """Return the source of a Kustomization of the desk's repository."""
    made = {"repository": desk.shop.url, "path": path, "target_revision": "trunk", "kind": "Flux"}
    return Source(**made | changes)


def proposed(
    desk: Desk,
    files: dict[str, str],
    mine: Source,
    *others: Application,
    ref: ObjectRef = KUSTOMIZATION,
    namespace: str = "",
    **rendering: str,
) -> Proposal:
    """Commit the files and propose for webapp, which Flux delivers."""
    desk.shop.ana.commit("trunk", dict(files))
    world = desk.snapshot(ref=ref, sources=(mine,), destination_namespace=namespace)
    assert not isinstance(world.applications, Unknown)
    world = replace(world, applications=(*world.applications, *others))
    return desk.propose(world=world, rendering=programs() | rendering)


def root(desk: Desk, path: str = "clusters") -> Application:
    """Return the Kustomization that delivers the others' manifests."""
    keys = {(ref.group, ref.kind, ref.namespace, ref.name) for ref in (KUSTOMIZATION, RELEASE)}
    return application(ref=replace(KUSTOMIZATION, name="root"), sources=(source(desk, path),), objects=frozenset(keys))


def test_a_plain_folder_is_edited_as_any_directory(desk: Desk) -> None:
    """Nothing is rendered for it, so fields may also come and go."""
    made = proposed(desk, {}, source(desk))

    assert [edit.path for edit in made.edits] == [FILE]
    assert made.located.rendered_by is None
    assert made.located.application == KUSTOMIZATION


def test_a_folder_with_flux_s_options_is_rendered(desk: Desk) -> None:
    """Namespace and images from the Kustomization, a nested kustomization beside the file."""
    files = {
        "shop/webapp.yaml": WITHOUT_NAMESPACE,
        "shop/own/kustomization.yaml": "configMapGenerator: [{name: a, literals: [b=c]}]\n",
        "shop/README.md": "# words\n",
    }
    options = KustomizeOptions(namespace="production", images=("shop=*:2.2",))

    made = proposed(desk, files, source(desk, "shop", kustomize=options), namespace="production")

    (edit,) = made.edits
    assert (edit.path, edit.after) == ("shop/webapp.yaml", WITHOUT_NAMESPACE.replace("512Mi", "1Gi", 1))
    assert made.located.rendered_by == 0


def test_a_component_of_the_kustomization_is_rendered(desk: Desk) -> None:
    """The component sets the value, so it is the file that is edited."""
    patch = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: webapp, namespace: production}\nspec:\n"
    patch += "  template: {spec: {containers: [{name: web, resources: {limits: {memory: 512Mi}}}]}}\n"
    files = {
        "base/webapp.yaml": MANIFEST.replace("memory: 512Mi", "memory: 256Mi"),
        "base/kustomization.yaml": "resources: [webapp.yaml]\n",
        "part/kustomization.yaml": (
            "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\npatches: [{path: memory.yaml}]\n"
        ),
        "part/memory.yaml": patch,
    }

    made = proposed(desk, files, source(desk, "base", kustomize=KustomizeOptions(components=("../part",))))

    assert [edit.path for edit in made.edits] == ["part/memory.yaml"]


def test_another_kustomization_that_reads_the_file_is_named(desk: Desk) -> None:
    """Whatever Flux makes of its folder, it is looked at in this commit."""
    other = application(ref=replace(KUSTOMIZATION, name="all"), sources=(source(desk, "."),), objects=frozenset())

    with pytest.raises(Refusal, match="all") as refused:
        proposed(desk, {}, source(desk), other)

    assert refused.value.code == "locate.shared_base"


def test_substitution_after_the_build_is_refused_by_name(desk: Desk) -> None:
    """What is applied is not what kustomize renders."""
    options = KustomizeOptions(unsupported=("postBuild",))

    with pytest.raises(Refusal, match="postBuild"):
        proposed(desk, {}, source(desk, kustomize=options))


def test_the_values_of_a_release_are_edited_in_its_manifest(desk: Desk) -> None:
    """The chart is in Git, and so is the manifest, in a folder that another Kustomization delivers."""
    manifest = RELEASE_MANIFEST.format(chart="./chart", kind="GitRepository")
    files = CHART | {"clusters/webapp.yaml": manifest, "clusters/flux-system/kustomization.yaml": "resources: []\n"}
    helm = HelmOptions(release_name="webapp", namespace="production", values='{"memory": "512Mi"}', files_fixed=True)

    made = proposed(desk, files, source(desk, "chart", kind="Helm", helm=helm), root(desk), ref=RELEASE)

    (edit,) = made.edits
    assert (edit.path, edit.after) == ("clusters/webapp.yaml", manifest.replace("512Mi", "1Gi"))
    assert made.located.parent == root(desk).ref
    assert made.located.application == RELEASE


def test_the_values_of_a_release_of_an_upstream_chart_are_edited_too(desk: Desk, tmp_path: Path) -> None:
    """The chart of a HelmRepository is rendered from a local archive; only the manifest is in Git."""
    (tmp_path / "charts").mkdir()
    with tarfile.open(tmp_path / "charts" / "webapp-0.1.0.tgz", "w:gz") as archive:
        for path, text in CHART.items():
            entry = tarfile.TarInfo(path.replace("chart/", "webapp/", 1))
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    manifest = RELEASE_MANIFEST.format(chart="webapp", kind="HelmRepository")
    helm = HelmOptions(release_name="webapp", namespace="production", values='{"memory": "512Mi"}', files_fixed=True)
    upstream = Source(
        repository="HelmRepository production/web",
        path="",
        target_revision="0.1.0",
        kind="Helm",
        chart="webapp",
        helm=helm,
    )

    made = proposed(
        desk,
        {"clusters/webapp.yaml": manifest},
        upstream,
        root(desk),
        ref=RELEASE,
        charts=str(tmp_path / "charts"),
    )

    assert [edit.after for edit in made.edits] == [manifest.replace("512Mi", "1Gi")]


@pytest.mark.parametrize(
    ("helm", "code"),
    [
        (HelmOptions(files_fixed=True), "locate.chart_files"),
        (HelmOptions(files_fixed=True, unsupported=("valuesFrom",)), "rendering.unsupported_option"),
    ],
)
def test_what_a_chart_or_another_object_decides_is_refused(desk: Desk, helm: HelmOptions, code: str) -> None:
    """Another value in a chart's file is no new version of the chart, so nothing would be installed."""
    files = CHART | {"chart/values.yaml": "memory: 512Mi\n"}

    with pytest.raises(Refusal) as refused:
        proposed(desk, files, source(desk, "chart", kind="Helm", helm=helm), ref=RELEASE)

    assert refused.value.code == code
