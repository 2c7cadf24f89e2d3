"""What Flux makes of a folder: a plain directory, a kustomization of Git, or one that lists all YAML."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.errors import Refusal
from reconciler.manifests.declared.applications import is_option, manifest_in, with_manifest
from reconciler.manifests.rendering import flux
from reconciler.manifests.rendering.jobs import editable, job_for
from reconciler.model.delivery import Application, HelmOptions, KustomizeOptions, Source
from reconciler.model.objects import ObjectRef, parse_path
from tests.manifests.test_jobs import CHART, URL, checkout
from tests.manifests.test_source_ignore import hides
from tests.worlds import application

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.manifests.files.checkout import Checkout
    from reconciler.model.rendering import RenderJob

NESTED = {
    "deploy/web.yaml": "kind: Deployment\n",
    "deploy/more/db.yml": "kind: StatefulSet\n",
    "deploy/own/kustomization.yaml": "resources: [a.yaml, ../../base]\n",
    "deploy/own/a.yaml": "kind: A\n",
    "deploy/own/unused.yaml": "kind: B\n",
    "base/kustomization.yaml": "resources: [b.yaml]\n",
    "base/b.yaml": "kind: C\n",
    "deploy/README.md": "# words\n",
    "deploy/data.json": "{}",
    "deploy/.sops.yaml": "creation_rules: []\n",
    "deploy/.github/workflows/ci.yaml": "on: push\n",
}
RELEASE = ObjectRef(
    cluster="default", group="helm.toolkit.fluxcd.io", kind="HelmRelease", namespace="production", name="webapp"
)
KUSTOMIZATION = replace(RELEASE, group="kustomize.toolkit.fluxcd.io", kind="Kustomization")


def source(**changes: Any) -> Source:  # noqa: ANN401 - any field of a source
    """Return the source of a Kustomization."""
    return Source(**{"repository": URL, "path": "deploy", "target_revision": "main", "kind": "Flux"} | changes)


def job(files: Mapping[str, str], made: Source, **changes: Any) -> RenderJob:  # noqa: ANN401 - modes
    """Return the rendering of a settled source."""
    settled = flux.settled(made, commit(files, **changes))
    owner = application(ref=KUSTOMIZATION, sources=(settled,))
    return job_for(owner, 0, commit(files, **changes), URL, max_bytes=10_000)


def commit(files: Mapping[str, str], **changes: Any) -> Checkout:  # noqa: ANN401 - modes
    """Return a commit without what Flux leaves out of it."""
    return checkout(files, hides=hides(files), **changes)


def test_a_folder_without_kustomizations_is_a_plain_directory() -> None:
    """Recursive, YAML only, and without the files that source-controller leaves out."""
    files = {path: text for path, text in NESTED.items() if "/own/" not in path}

    settled = flux.settled(source(), commit(files))

    assert (settled.kind, settled.recurse, settled.include) == ("Directory", True, "{*.yaml,*.yml}")
    assert settled.exclude == "{.sops.yaml,.github/workflows/ci.yaml}"


def test_a_folder_with_a_kustomization_is_one() -> None:
    """It is read as any kustomization is, and nothing is generated."""
    settled = flux.settled(source(path="base"), commit(NESTED))

    assert (settled.kind, settled.kustomize.generated) == ("Kustomize", False)


def test_what_flux_adds_needs_a_kustomization_of_all_yaml() -> None:
    """Nested kustomizations count as a whole, with what they read elsewhere; README and JSON are not read."""
    made = job(NESTED, source(kustomize=KustomizeOptions(namespace="shop")))

    assert made.kustomize.generated
    assert set(made.files) == {
        "deploy/web.yaml",
        "deploy/more/db.yml",
        "deploy/own/kustomization.yaml",
        "deploy/own/a.yaml",
        "base/kustomization.yaml",
        "base/b.yaml",
    }


def test_a_symlink_is_not_in_flux_s_artifact() -> None:
    """source-controller packs regular files only."""
    made = job(NESTED, source(kustomize=KustomizeOptions(namespace="shop")), modes={"deploy/web.yaml": 0o120000})

    assert "deploy/web.yaml" not in made.files


def test_components_are_read_from_beside_the_kustomization() -> None:
    """Their paths are relative to the folder that is built."""
    files = {"base/kustomization.yaml": "resources: []\n", "part/kustomization.yaml": "kind: Component\n"}

    made = job(files, source(path="base", kustomize=KustomizeOptions(components=("../part",))))

    assert set(made.files) == set(files)


def test_what_is_left_out_is_no_part_of_a_directory() -> None:
    """By its name: a list may leave out one file of a folder, and take in a folder of Flux's own list."""
    files = {path: text for path, text in NESTED.items() if "/own/" not in path}

    settled = flux.settled(source(), commit(files | {".sourceignore": "db.*\n"}))

    assert (settled.kind, settled.exclude) == ("Directory", "{more/db.yml}")


def test_what_is_left_out_does_not_exist_for_a_rendering() -> None:
    """A base that Flux does not have is not read, so nothing is rendered either."""
    with pytest.raises(Refusal, match="not in the repository"):
        job(NESTED | {".sourceignore": "/base\n"}, source())


def test_a_folder_named_like_a_pattern_is_refused() -> None:
    """It could not be left out by name."""
    files = {"deploy/{a/kustomization.yaml": "resources: []\n", "deploy/web.yaml": "kind: Deployment\n"}

    with pytest.raises(Refusal, match="wildcard"):
        flux.as_directory(source(), checkout(files))


def test_beside_nested_kustomizations_a_folder_is_plain() -> None:
    """So is the root of a cluster, with `flux-system` in it: manifests of Flux are found there."""
    found = flux.as_directory(source(), commit(NESTED))

    assert found.kind == "Directory"
    assert found.exclude == "{own/*,.sops.yaml,.github/workflows/ci.yaml}"


@pytest.mark.parametrize("made", [source(path="base"), source(kustomize=KustomizeOptions(name_prefix="a-"))])
def test_what_is_rendered_is_no_plain_folder(made: Source) -> None:
    """A kustomization of its own, or options of Flux."""
    assert flux.as_directory(made, checkout(NESTED)).kind == "Flux"


def test_an_option_that_we_do_not_know_is_refused_by_name() -> None:
    """Substitution after the build would change what was proven."""
    with pytest.raises(Refusal, match="postBuild") as refused:
        job(NESTED, source(kustomize=KustomizeOptions(unsupported=("postBuild",))))

    assert refused.value.code == "rendering.unsupported_option"


def test_value_files_of_a_release_replace_the_charts_own() -> None:
    """As in source-controller; and nothing in them is edited, for another value is no new chart."""
    helm = HelmOptions(value_files=("/envs/prod.yaml",), value_files_replace=True, files_fixed=True)
    owner = application(ref=RELEASE, sources=(source(kind="Helm", path="chart", helm=helm),))

    made = job_for(owner, 0, checkout(CHART), URL, max_bytes=10_000)

    assert (made.value_files, made.files["chart/values.yaml"], editable(made)) == (("envs/prod.yaml",), b"{}", ())


def test_a_named_value_file_of_the_chart_keeps_its_content() -> None:
    """Flux takes it in its place in the list."""
    helm = HelmOptions(value_files=("/chart/values.yaml", "/envs/prod.yaml"), value_files_replace=True)
    owner = application(ref=RELEASE, sources=(source(kind="Helm", path="chart", helm=helm),))

    assert job_for(owner, 0, checkout(CHART), URL, max_bytes=10_000).files["chart/values.yaml"] == b"a: 1\n"


def test_override_files_of_argo_cd_mean_nothing_to_flux() -> None:
    """Only Argo CD reads them."""
    files = {"base/kustomization.yaml": "resources: []\n", "base/.argocd-source.yaml": "kustomize: {}\n"}

    assert job(files, source(path="base")).folder == "base"


MANIFEST = """\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: webapp, namespace: production}
spec:
  path: ./next
  images: [{name: web, newTag: "2"}]
  postBuild: {substitute: {a: b}}
"""


def declared(text: str, old: Source, *, ref: ObjectRef = KUSTOMIZATION) -> Application:
    """Return what a file in Git declares of Flux's object; `old` is what delivery found."""
    return with_manifest(application(ref=ref, sources=(old,)), manifest_in(text.encode(), ref, max_bytes=1000))


def test_a_manifest_declares_what_it_builds() -> None:
    """Path and options are the manifest's; repository and branch are what its source object says in the cluster."""
    old = source(kustomize=KustomizeOptions(unsupported=("GitRepository ignore",)))

    (found,) = declared(MANIFEST, old).sources

    assert (found.repository, found.target_revision, found.path, found.kind) == (URL, "main", "next", "Flux")
    assert found.kustomize.images == ("web=*:2",)
    assert found.kustomize.unsupported == ("GitRepository ignore",)
    assert found.kustomize.variables == (("a", "b"),)


@pytest.mark.parametrize("written", ["{images: x}", "{images: [x]}", "{postBuild: {substituteFrom: 1}}"])
def test_a_manifest_of_another_form_is_refused_by_name(written: str) -> None:
    """A commit may hold anything, and a pass goes on."""
    text = MANIFEST[: MANIFEST.index("spec:")] + f"spec: {written}\n"

    with pytest.raises(Refusal) as refused:
        declared(text, source())

    assert refused.value.code == "locate.manifest"


def test_a_release_s_manifest_declares_its_values() -> None:
    """The chart's version is the one that is installed: a spec may name a range."""
    old = source(kind="Helm", path="", repository="HelmRepository a/b", chart="web", target_revision="1.2.3")
    text = (
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: webapp, namespace: production}\n"
        "spec:\n  chart: {spec: {chart: web, version: 1.x, sourceRef: {kind: HelmRepository, name: b}}}\n"
        "  values: {memory: 1Gi}\n"
    )

    (found,) = declared(text, old, ref=RELEASE).sources

    assert (found.chart, found.target_revision, found.helm.values) == ("web", "1.2.3", '{"memory": "1Gi"}')


@pytest.mark.parametrize(
    ("written", "unsupported"),
    [
        ("{substitute: {a: 1}}", ("postBuild.substitute with a value that is no text",)),
        ("{substitute: [a]}", ("postBuild.substitute with a value that is no text",)),
        ("{substituteStrategy: Never}", ("postBuild.substituteStrategy",)),
        ("nothing", ()),
    ],
)
def test_what_flux_would_not_take_is_kept_by_name(written: str, unsupported: tuple[str, ...]) -> None:
    """A commit may hold anything."""
    text = MANIFEST[: MANIFEST.index("  postBuild:")] + f"  postBuild: {written}\n"

    (found,) = declared(text, source()).sources

    assert found.kustomize.unsupported == unsupported


@pytest.mark.parametrize(
    ("kind", "field", "allowed"),
    [
        ("Kustomization", "spec.images", True),
        ("Kustomization", "spec.patches", True),
        ("Kustomization", "spec.postBuild.substitute.memory", True),
        ("Kustomization", "spec.postBuild.substituteStrategy", False),
        ("Kustomization", "spec.path", False),
        ("Kustomization", "spec.sourceRef.name", False),
        ("Kustomization", "metadata.name", False),
        ("HelmRelease", "spec.values.memory", True),
        ("HelmRelease", "spec.chart.spec.version", False),
        ("HelmRelease", "spec.values", True),
    ],
)
def test_only_what_the_tool_is_told_may_be_edited(kind: str, field: str, *, allowed: bool) -> None:
    """Never what it reads or where it delivers."""
    assert is_option(parse_path(field), kind) is allowed
