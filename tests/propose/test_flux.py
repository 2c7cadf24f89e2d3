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

VARIABLES = """\
# owned by the platform team
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: webapp
  namespace: flux-system
spec:
  path: ./shop
  postBuild:
    substitute:
      memory: {memory}  # the shop's
      tier: gold
"""


def source(desk: Desk, path: str = "apps", **changes: Any) -> Source:  # noqa: ANN401 - any field of a source
    """Return the source of a Kustomization of the desk's repository."""
    made = {"repository": desk.shop.url, "path": path, "target_revision": "trunk", "kind": "Flux", "left_out": ""}
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


@pytest.mark.parametrize(
    ("of_repository", "files"),
    [("/*\n!/apps/web*", {}), ("", {"apps/.sourceignore": "old\n"}), ("", {".sourceignore": "# all\napps/old/\n"})],
)
def test_what_flux_leaves_out_of_the_commit_is_not_there(desk: Desk, of_repository: str, files: dict[str, str]) -> None:
    """The object is described twice, and Flux has one of the two."""
    files = {**files, "apps/old/webapp.yaml": MANIFEST}

    made = proposed(desk, files, source(desk, left_out=of_repository))

    assert [edit.path for edit in made.edits] == [FILE]
    with pytest.raises(Refusal, match="described 2 times"):
        proposed(desk, {"apps/.sourceignore": "", ".sourceignore": ""}, source(desk))


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


def with_variable(
    desk: Desk,
    text: str,
    *others: Application,
    root_files: str = "",
    **options: Any,  # noqa: ANN401 - any option
) -> Proposal:
    """Propose for a folder in whose manifest this text stands in the place of the value."""
    limits = "limits: {cpu: 1, memory: 512Mi}   # measured in May"
    assert limits in MANIFEST
    files = {"shop/webapp.yaml": MANIFEST.replace(limits, f"limits:\n              memory: {text}")}
    if root_files:
        files["clusters/webapp.yaml"] = root_files
    return proposed(desk, files, source(desk, "shop", kustomize=KustomizeOptions(**options)), *others)


def test_a_kustomization_that_cannot_be_looked_through_counts_as_a_reader(desk: Desk) -> None:
    """Its repository's list is not understood, so nobody knows whether it reads the base of another folder."""
    doubtful = source(desk, "overlays/far", left_out="[a-z]/")
    other = application(ref=replace(KUSTOMIZATION, name="far"), sources=(doubtful,), objects=frozenset())

    with pytest.raises(Refusal, match="far") as refused:
        proposed(desk, {"overlays/far/kustomization.yaml": "resources: [../../apps]\n"}, source(desk), other)

    assert refused.value.code == "locate.shared_base"


def test_a_variable_is_changed_in_the_kustomizations_manifest(desk: Desk) -> None:
    """`spec.postBuild.substitute` decides, and the root delivers it from here."""
    manifest = VARIABLES.format(memory="512Mi")

    made = with_variable(
        desk, "${memory}", root(desk), root_files=manifest, variables=(("memory", "512Mi"), ("tier", "gold"))
    )

    assert [(edit.path, edit.after) for edit in made.edits] == [
        ("clusters/webapp.yaml", VARIABLES.format(memory="1Gi"))
    ]
    assert made.located.parent == root(desk).ref


def test_a_variable_of_a_manifest_that_is_not_here_is_refused_by_name(desk: Desk) -> None:
    """Nobody delivers the Kustomization from this repository."""
    with pytest.raises(Refusal, match=r"postBuild\.substitute memory") as refused:
        with_variable(desk, "${memory}", variables=(("memory", "512Mi"),))

    assert refused.value.code == "locate.application_parameter"


def test_a_default_that_no_variable_replaces_is_edited_where_it_stands(desk: Desk) -> None:
    """In the file, inside its braces, and quoted as is everything that is not plainly a word."""
    made = with_variable(desk, "${memory:=512Mi}  # enough", variables=(("tier", "gold"),))

    (edit,) = made.edits
    assert edit.after == edit.before.replace("${memory:=512Mi}", '"${memory:=1Gi}"')


def test_what_no_unknown_variable_fills_is_edited(desk: Desk) -> None:
    """A ConfigMap in the cluster gives others; what they fill is the same before and after."""
    text = "512Mi\n              ephemeral-storage: ${storage}"

    made = with_variable(desk, text, variables_from=("ConfigMap cluster", "Secret more"))

    assert [edit.path for edit in made.edits] == ["shop/webapp.yaml"]


def test_what_an_unknown_variable_fills_is_refused_by_name(desk: Desk) -> None:
    """Its value is in the cluster alone, and may be a secret."""
    with pytest.raises(Refusal, match="ConfigMap cluster, Secret more") as refused:
        with_variable(desk, "${memory:=512Mi}", variables_from=("ConfigMap cluster", "Secret more"))

    assert refused.value.code == "locate.variable_unknown"


def test_a_function_of_the_shell_is_refused_by_name(desk: Desk) -> None:
    """It is not repeated here."""
    with pytest.raises(Refusal, match=r"\$\{memory\^\^\}") as refused:
        with_variable(desk, "${memory^^}", variables=(("memory", "512Mi"),))

    assert refused.value.code == "rendering.substitution"


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


OF_OCI = """\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: &app webapp
  namespace: production
spec:
  interval: 1h
  chartRef:
    kind: OCIRepository
    name: web
  values:
    service: {name: *app, port: &port 80}
    route: {port: *port}
    memory: 512Mi
"""


@pytest.mark.parametrize(
    ("repository", "manifest"),
    [
        ("HelmRepository production/web", RELEASE_MANIFEST.format(chart="webapp", kind="HelmRepository")),
        ("OCIRepository production/web", OF_OCI),
    ],
)
def test_the_values_of_a_release_of_an_upstream_chart_are_edited_too(
    desk: Desk, tmp_path: Path, repository: str, manifest: str
) -> None:
    """The chart of a HelmRepository or an OCIRepository is an archive; Git has the manifest alone."""
    (tmp_path / "charts").mkdir()
    with tarfile.open(tmp_path / "charts" / "webapp-0.1.0.tgz", "w:gz") as archive:
        for path, text in CHART.items():
            entry = tarfile.TarInfo(path.replace("chart/", "webapp/", 1))
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    helm = HelmOptions(release_name="webapp", namespace="production", values='{"memory": "512Mi"}', files_fixed=True)
    upstream = Source(repository=repository, path="", target_revision="0.1.0", kind="Helm", chart="webapp", helm=helm)

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
