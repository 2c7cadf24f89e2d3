"""What a source reads is collected from the commit, or refused by name; nothing is fetched and no link followed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reconciler.errors import Refusal
from reconciler.manifests.files.checkout import Checkout, joined
from reconciler.manifests.rendering.jobs import editable, job_for, same_repository
from reconciler.model.delivery import HelmOptions, HelmParameter, KustomizeOptions, Source
from reconciler.model.proposal import TreeFile
from tests.worlds import application

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.model.rendering import RenderJob

URL = "https://git.example/platform/manifests.git"
OVERLAY = {
    "base/kustomization.yaml": "resources: [web.yaml]\n",
    "base/web.yaml": "kind: Deployment\n",
    "base/unused.yaml": "kind: Other\n",
    "over/kustomization.yml": """\
resources: [../base, more]
components: [../component]
patches:
- path: patch.yaml
- patch: |-
    kind: Deployment
patchesStrategicMerge: [old.yaml, "kind: Deployment\\nmetadata: {name: web}\\n"]
patchesJson6902: [{path: ops.yaml}]
replacements: [{path: replace.yaml}]
configMapGenerator: [{name: a, files: [key=a.txt, b.txt], envs: [c.env]}]
secretGenerator: [{name: a, env: d.env}]
crds: [crd.json]
""",
    "over/more/Kustomization": "resources: []\n",
    "component/kustomization.yaml": "kind: Component\n",
    **{f"over/{name}": "x\n" for name in ("patch.yaml", "old.yaml", "ops.yaml", "replace.yaml", "a.txt", "b.txt")},
    **{f"over/{name}": "x\n" for name in ("c.env", "d.env", "crd.json")},
}
CHART = {
    "chart/Chart.yaml": "name: web\ndependencies:\n- {name: redis, repository: https://charts.example}\n",
    "chart/charts/redis-1.2.3.tgz": "x",
    "chart/values.yaml": "a: 1\n",
    "chart/templates/web.yaml": "a: {{ .Values.a }}\n",
    "envs/prod.yaml": "a: 2\n",
}


def checkout(
    files: Mapping[str, str],
    *,
    modes: Mapping[str, int] | None = None,
    hides: Callable[[str], bool] = lambda _: False,
    **limits: int,
) -> Checkout:
    """Return a commit with these files."""
    tree = {path: TreeFile(path=path, blob=path, mode=(modes or {}).get(path, 0o100644)) for path in files}
    return Checkout(
        tree.get,
        lambda folder: [f for path, f in tree.items() if not folder or path.startswith(f"{folder}/")],
        lambda _: tree.values(),
        lambda blob: files[blob].encode(),
        max_files=limits.get("max_files", 100),
        max_bytes=limits.get("max_bytes", 100_000),
        hides=hides,
    )


def job(files: Mapping[str, str], *sources: Source, **changes: Any) -> RenderJob:  # noqa: ANN401
    """Return the rendering of the first source."""
    return job_for(application(sources=sources), 0, checkout(files, **changes), URL, max_bytes=10_000)


def source(kind: str, path: str, **changes: Any) -> Source:  # noqa: ANN401 - any field of a source
    """Return a source of our repository."""
    return Source(**{"repository": URL, "path": path, "target_revision": "main", "kind": kind} | changes)


def refusal(files: Mapping[str, str], *sources: Source, **changes: Any) -> Refusal:  # noqa: ANN401
    """Return why a source is not rendered."""
    with pytest.raises(Refusal) as refused:
        job(files, *sources, **changes)
    assert refused.value.remedy
    return refused.value


def test_kustomization_reads_everything_that_it_names_and_nothing_else() -> None:
    """Bases, components, patches of every kind, generators; not the file that nobody names."""
    made = job(OVERLAY, source("Kustomize", "./over/"))

    assert set(made.files) == set(OVERLAY) - {"base/unused.yaml"}
    assert (made.folder, made.release, made.namespace) == ("over", "webapp", "production")


@pytest.mark.parametrize(
    "entry",
    [
        "https://example.invalid/x.yaml",
        "github.com/owner/repo//base?ref=v1",
        "git@github.com:owner/repo.git",
        "gone.yaml",
        "../gone",
    ],
)
def test_base_that_is_not_in_the_commit_is_refused(entry: str) -> None:
    """Nothing is fetched; kustomize is not even started."""
    refused = refusal({"over/kustomization.yaml": f"resources: ['{entry}']\n"}, source("Kustomize", "over"))

    assert refused.code == "rendering.remote_base"
    assert entry in refused.message


@pytest.mark.parametrize(
    ("field", "code"),
    [
        ("patches: [{path: 'https://example.invalid/p.yaml'}]", "rendering.remote_base"),
        ("crds: ['http://example.invalid/c.json']", "rendering.remote_base"),
        ("configMapGenerator: [{name: a, files: ['k=https://example.invalid/a']}]", "rendering.remote_base"),
        ("openapi: {path: 'https://example.invalid/o.json'}", "rendering.remote_base"),
        ("Resources: ['http://127.0.0.1:8001/api']", "rendering.odd_key"),
        ("patches: [{Path: 'http://127.0.0.1:8001/api'}]", "rendering.odd_key"),
        ("commonAnnotations: {a: &u 'http://127.0.0.1:8001/api'}\nresources: [*u]", "rendering.alias"),
        ("patches: [{target: {kind: &u 'http://127.0.0.1:8001/api'}, path: *u}]", "rendering.alias"),
        ("transformers: [\"kind: PatchTransformer\\npath: 'http://127.0.0.1/api'\"]", "rendering.remote_base"),
        ("resources: ['../../outside']", "rendering.outside"),
        ("helmCharts: [{name: redis}]", "rendering.helm_in_kustomize"),
        ("resources: [a\n", "edit.unparsable"),
    ],
)
def test_kustomization_that_would_reach_out_is_refused(field: str, code: str) -> None:
    """Whatever reads a file may name an address."""
    assert refusal({"over/kustomization.yaml": f"{field}\n"}, source("Kustomize", "over")).code == code


@pytest.mark.parametrize("key", ["generators", "transformers", "validators"])
@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:8001/api", '"http:\\/\\/localhost/api"', '"http:\\x2f\\x2f[::1]/api"']
)
def test_object_that_configures_kustomize_names_no_address(key: str, address: str) -> None:
    """It reads files as a kustomization does, and servers on this machine may trust whoever asks from it."""
    plugin = f"kind: First\n---\nkind: ConfigMapGenerator\nfiles: [{address}]\n"
    files = {"over/kustomization.yaml": f"{key}: [plugin.yaml]\n", "over/plugin.yaml": plugin}

    assert refusal(files, source("Kustomize", "over")).code == "rendering.remote_base"


@pytest.mark.parametrize(
    "made_by", ["resources: [plugin.yaml]\n", "resources: [../more]\n", "nameSuffix: 'http://127.0.0.1:8001/api'\n"]
)
def test_folder_that_configures_kustomize_names_no_address(made_by: str) -> None:
    """What it makes are such objects, wherever it takes them from, and however it changes them."""
    plugin = "kind: PatchTransformer\nmetadata: {name: p}\npath: http://127.0.0.1:8001/api\n"
    files = {
        "over/kustomization.yaml": "transformers: [t]\n",
        "over/t/kustomization.yaml": made_by,
        "over/t/plugin.yaml": plugin,
        "over/more/kustomization.yaml": "resources: [plugin.yaml]\n",
        "over/more/plugin.yaml": plugin,
    }

    assert refusal(files, source("Kustomize", "over")).code == "rendering.remote_base"


def test_symlink_is_not_followed() -> None:
    """It may point out of the repository."""
    modes = {"over/patch.yaml": 0o120000}

    assert refusal(OVERLAY, source("Kustomize", "over"), modes=modes).code == "rendering.not_a_file"


@pytest.mark.parametrize("limit", [{"max_files": 3}, {"max_bytes": 50}])
def test_source_that_reads_too_much_is_refused(limit: dict[str, int]) -> None:
    """Invariant 10."""
    assert refusal(OVERLAY, source("Kustomize", "over"), **limit).code == "rendering.too_large"


def test_bases_that_read_each_other_end() -> None:
    """Kustomize will say what is wrong with them; we only collect."""
    files = {"a/kustomization.yaml": "resources: [../b]\n", "b/kustomization.yaml": "resources: [../a]\n"}

    assert set(job(files, source("Kustomize", "a")).files) == set(files)


def test_chart_is_read_whole_with_its_value_files_in_order() -> None:
    """The last file wins, so it is looked at first; the chart's own values come last, templates never."""
    helm = HelmOptions(value_files=("values.yaml", "../envs/prod.yaml"), values="a: 3")

    made = job(CHART, source("Helm", "chart", helm=helm))

    assert set(made.files) == set(CHART)
    assert made.value_files == ("chart/values.yaml", "envs/prod.yaml")
    assert editable(made) == ("envs/prod.yaml", "chart/values.yaml")


@pytest.mark.parametrize("name", ["$values/envs/prod.yaml", "/envs/prod.yaml"])
def test_value_file_of_the_repository_is_found_from_its_root(name: str) -> None:
    """By the `ref` of another source, or by an absolute path; never joined to the chart's folder."""
    values = source("", "", ref="values")

    made = job(CHART, source("Helm", "chart", helm=HelmOptions(value_files=(name,))), values)

    assert made.value_files == ("envs/prod.yaml",)


def test_upstream_chart_is_read_with_values_of_ours_and_never_edited() -> None:
    """The chart is not in Git; only our value files are."""
    chart = source("Helm", "", repository="https://charts.example", chart="redis", target_revision="1.2.3")
    values = source("", "", ref="values")
    helm = HelmOptions(value_files=("$values/envs/prod.yaml",))

    made = job_for(
        application(sources=(Source(**_fields(chart) | {"helm": helm}), values)), 0, checkout(CHART), URL, max_bytes=100
    )

    assert (made.chart, set(made.files), editable(made)) == (
        "redis-1.2.3",
        {"envs/prod.yaml"},
        ("envs/prod.yaml",),
    )


def _fields(made: Source) -> dict[str, Any]:
    return {name: getattr(made, name) for name in Source.__slots__}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"helm": HelmOptions(value_files=("gone.yaml",))}, "rendering.value_file_missing"),
        ({"helm": HelmOptions(value_files=("https://example.invalid/v.yaml",))}, "rendering.remote_values"),
        ({"helm": HelmOptions(value_files=("$other/v.yaml",))}, "rendering.other_repository"),
        ({"helm": HelmOptions(value_files=("../../v.yaml",))}, "rendering.outside"),
        ({"helm": HelmOptions(unsupported=("fileParameters",))}, "rendering.unsupported_option"),
        (
            {"helm": HelmOptions(parameters=(HelmParameter(name="a", value="$ARGOCD_APP_NAME"),))},
            "rendering.build_environment",
        ),
        ({"kind": "Kustomize", "kustomize": KustomizeOptions(unsupported=("x",))}, "rendering.unsupported_option"),
        ({"kind": "Plugin"}, "rendering.unknown_tool"),
        ({"kind": ""}, "rendering.unknown_tool"),
        ({"path": "envs"}, "rendering.no_chart"),
        ({"repository": "https://git.example/other"}, "rendering.other_repository"),
    ],
)
def test_what_cannot_be_repeated_as_argo_cd_does_it_is_refused(changes: dict[str, Any], code: str) -> None:
    """The proof by rendering would prove something else."""
    assert refusal(CHART, source(**{"kind": "Helm", "path": "chart"} | changes)).code == code


def test_missing_value_file_may_be_allowed_by_the_application() -> None:
    """`ignoreMissingValueFiles`."""
    helm = HelmOptions(value_files=("gone.yaml",), ignore_missing_value_files=True)

    assert job(CHART, source("Helm", "chart", helm=helm)).value_files == ()


def test_dependency_that_is_not_vendored_is_refused() -> None:
    """Helm would download it."""
    files = {name: text for name, text in CHART.items() if not name.endswith(".tgz")}

    refused = refusal(files, source("Helm", "chart"))

    assert (refused.code, "redis" in refused.message) == ("rendering.dependency_missing", True)


@pytest.mark.parametrize("name", [".argocd-source.yaml", ".argocd-source-webapp.yaml"])
def test_override_file_of_argo_cd_is_refused(name: str) -> None:
    """It changes the source beside its Application; another Application's does not."""
    assert (
        refusal(CHART | {f"chart/{name}": "helm: {values: x}"}, source("Helm", "chart")).code
        == "rendering.override_file"
    )
    other = job(CHART | {"chart/.argocd-source-other.yaml": "helm: {values: x}"}, source("Helm", "chart"))
    assert other.folder == "chart"


@pytest.mark.parametrize(
    ("folder", "path", "expected"), [("a/b", "../c", "a/c"), ("", "x", "x"), ("a", ".", "a"), ("a", "..", "")]
)
def test_paths_are_joined_inside_the_repository(folder: str, path: str, expected: str) -> None:
    """As Kustomize reads them."""
    assert joined(folder, path) == expected


def test_job_is_another_with_other_content_or_options() -> None:
    """The key of what is remembered."""
    here = job(CHART, source("Helm", "chart"))
    parameters = HelmOptions(parameters=(HelmParameter(name="a", value="1"),))
    keys = {
        here.key,
        here.edited({"envs/prod.yaml": b"a: 9"}).key,
        job(CHART, source("Helm", "chart", helm=parameters)).key,
        job(CHART, source("Helm", "chart", helm=HelmOptions(values="a: 1"))).key,
        job(CHART, source("Helm", "chart", helm=HelmOptions(values="a: 2"))).key,
    }

    assert len(keys) == 5
    assert "a: 1" not in repr(job(CHART, source("Helm", "chart", helm=HelmOptions(values="a: 1"))))


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("https://github.com/Shop/Manifests.git", "git@github.com:shop/manifests", True),
        ("ssh://git@github.com:22/shop/manifests", "https://github.com/shop/manifests/", True),
        ("https://github.com:443/shop/manifests", "https://github.com/shop/manifests", True),
        ("https://github.com:8443/shop/manifests", "https://github.com/shop/manifests", False),
        ("https://github.com/shop/manifests", "https://github.com/shop/manifest", False),
    ],
)
def test_address_of_a_repository_is_compared_as_argo_cd_does(left: str, right: str, same: bool) -> None:  # noqa: FBT001
    """Without case, scheme, user, default port and `.git`: whoever writes it otherwise reads the same files."""
    assert same_repository(left, right) is same
