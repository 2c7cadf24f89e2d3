"""Kustomizations and HelmReleases from the shapes that Flux writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reconciler.adapters.flux_objects import application_of
from reconciler.model.delivery import HelmOptions, KustomizeOptions, Source
from tests.adapters.flux_json import COMMIT, OLDER, READY, URL, condition, kustomization, release, repository
from tests.adapters.kubernetes_json import ref

if TYPE_CHECKING:
    from reconciler.model.delivery import Application
    from tests.adapters.wire import Json

HERE = ("flux-system", "web")


def mapped(raw: Json, source: Json | None = None) -> Application:
    """Return a Kustomization as an Application."""
    return application_of("Kustomization", raw, {HERE: source or repository()}, "test")


def test_applied_kustomization_maps_whole() -> None:
    """Every fact that the tracker asks for comes over."""
    found = mapped(kustomization())

    assert found.ref == ref("web", "Kustomization", "kustomize.toolkit.fluxcd.io", "flux-system")
    assert found.sources == (Source(repository=URL, path="deploy", target_revision="main", kind="Flux", left_out=""),)
    assert (found.sync_status, found.health, found.operation_phase) == ("Synced", "Healthy", "Succeeded")
    assert found.revisions == (COMMIT,)
    assert found.sources_current
    assert found.automated
    assert (found.hold, found.refresh_pending) == ("", False)
    assert found.objects == frozenset(
        {
            ("apps", "Deployment", "shop", "cart"),
            ("", "Namespace", "", "shop"),
            ("rbac.authorization.k8s.io", "ClusterRole", "", "system:aggregate"),
        }
    )


def test_what_a_kustomization_changes_comes_over() -> None:
    """What we know by value, what we do not know by name."""
    raw = kustomization(
        targetNamespace="shop",
        namePrefix="a-",
        images=[{"name": "web", "newTag": "2"}, {"name": "db", "newName": "shop/db", "digest": "sha256:1"}],
        patches=[{"patch": "x", "target": {"kind": "Deployment"}}],
        components=["../c"],
        postBuild={
            "substitute": {"b": "1", "a": "b"},
            "substituteStrategy": "Always",
            "substituteFrom": [{"kind": "ConfigMap", "name": "vars"}],
            "more": 1,
        },
        commonMetadata={"labels": {"team": "shop"}},
    )

    found = mapped(raw, repository(ignore="*.yaml", recurseSubmodules=True))

    assert found.destination_namespace == "shop"
    assert found.sources[0].kustomize == KustomizeOptions(
        namespace="shop",
        name_prefix="a-",
        images=("web=*:2", "db=shop/db@sha256:1"),
        patches=('{"patch": "x", "target": {"kind": "Deployment"}}',),
        components=("../c",),
        variables=(("a", "b"), ("b", "1")),
        fills_always=True,
        variables_from=("ConfigMap vars",),
        unsupported=("postBuild.more", "GitRepository recurseSubmodules"),
    )
    assert found.sources[0].left_out == "*.yaml"


@pytest.mark.parametrize(
    ("said", "follows"),
    [
        ({"branch": "main"}, "main"),
        ({"branch": "main", "tag": "v1"}, "v1"),
        ({"tag": "v1", "semver": ">1"}, ">1"),
        ({"semver": ">1", "name": "refs/heads/main"}, "refs/heads/main"),
        ({"name": "refs/heads/main", "commit": COMMIT}, COMMIT),
        ({}, "master"),
    ],
)
def test_what_a_git_repository_follows_has_flux_s_precedence(said: Json, follows: str) -> None:
    """Commit, name, semver, tag, branch."""
    assert mapped(kustomization(), repository(ref=said)).sources[0].target_revision == follows


@pytest.mark.parametrize(
    ("said", "revisions"),
    [
        (f"main@sha1:{COMMIT}", (COMMIT,)),
        (f"sha1:{COMMIT}", (COMMIT,)),
        (f"refs/heads/a@b@sha1:{COMMIT}", (COMMIT,)),
        ("main@sha256:abc", ("main@sha256:abc",)),
        ("latest", ("latest",)),
        ("", ()),
    ],
)
def test_only_a_sha1_is_taken_for_a_commit(said: str, revisions: tuple[str, ...]) -> None:
    """Whatever else a revision is, it stays as it is, and the tracker does not know it."""
    status = {"lastAttemptedRevision": said, "lastAppliedRevision": said}

    assert mapped(kustomization(status=status)).revisions == revisions


@pytest.mark.parametrize(
    ("conditions", "sync", "phase", "current"),
    [
        ((condition("Ready", "False", "BuildFailed", "no"),), "OutOfSync", "Failed", True),
        ((condition("Ready", "Unknown", "Progressing"),), "OutOfSync", "Running", True),
        ((READY, condition("Reconciling", "True", "Progressing")), "Synced", "Running", True),
        ((condition("Ready", "True", "ReconciliationSucceeded", generation=1),), "Synced", "Succeeded", False),
    ],
)
def test_readiness_becomes_the_state_of_a_sync(
    conditions: tuple[Json, ...], sync: str, phase: str, *, current: bool
) -> None:
    """The Ready condition decides, with the generation that it is about."""
    found = mapped(kustomization(*conditions))

    assert (found.sync_status, found.operation_phase, found.sources_current) == (sync, phase, current)


def test_an_older_applied_revision_is_not_synced() -> None:
    """What was tried is not what is applied."""
    found = mapped(kustomization(status={"lastAppliedRevision": f"main@sha1:{OLDER}"}))

    assert (found.sync_status, found.revisions) == ("OutOfSync", (COMMIT,))


def test_kustomization_without_status_knows_only_its_spec() -> None:
    """Before Flux has looked, nothing is claimed."""
    raw = kustomization()
    raw["status"] = {"observedGeneration": -1}

    found = mapped(raw)

    assert (found.sync_status, found.health, found.operation_phase) == ("Unknown", "Unknown", None)
    assert (found.revisions, found.objects, found.sources_current) == ((), frozenset(), False)


@pytest.mark.parametrize(
    ("raw", "source", "hold"),
    [
        (kustomization(suspend=True), repository(), "is suspended"),
        (
            kustomization(condition("Ready", "False", "DependencyNotReady", "dependency 'x/y' is not ready")),
            repository(),
            "waits for what it depends on: dependency 'x/y' is not ready",
        ),
        (kustomization(), repository(suspend=True), "waits, for GitRepository flux-system/web is suspended"),
        (
            kustomization(),
            repository(condition("Ready", "False", "GitOperationFailed", "timeout")),
            "waits, for GitRepository flux-system/web is not fetched: timeout",
        ),
        (kustomization(condition("Ready", "False", "BuildFailed", "no")), repository(), ""),
    ],
)
def test_what_holds_delivery_up_is_said(raw: Json, source: Json, hold: str) -> None:
    """Suspension, dependencies and sources are for others to change; a failed build is none of these."""
    assert mapped(raw, source).hold == hold


@pytest.mark.parametrize("kind", ["OCIRepository", "Bucket", "ExternalArtifact"])
def test_a_source_that_is_no_git_is_named(kind: str) -> None:
    """It is not our repository, whatever its address."""
    found = mapped(kustomization(sourceRef={"kind": kind, "name": "web", "namespace": "other"}))

    assert found.sources[0].repository == f"{kind} other/web"


def test_objects_of_another_cluster_are_not_claimed() -> None:
    """With a kubeconfig of its own, the inventory speaks of another API server."""
    assert mapped(kustomization(kubeConfig={"secretRef": {"name": "far"}})).objects == frozenset()


def test_ignored_fields_are_told_and_doubted_where_only_some_objects_are_meant() -> None:
    """A rule with a target may be about any object, so it makes no pointer."""
    rules: list[dict[str, Any]] = [
        {"paths": ["/spec/replicas"]},
        {"paths": ["/spec/paused"], "target": {"kind": "Deployment"}},
    ]

    assert mapped(kustomization(ignore=rules)).ignored_fields == {"/spec/replicas", "some objects: /spec/paused"}


def test_release_maps_whole() -> None:
    """Chart, version that is installed, release name, values and inventory; the revision is nobody's commit."""
    found = application_of("HelmRelease", release(), {}, "test")

    assert found.ref == ref("web", "HelmRelease", "helm.toolkit.fluxcd.io", "shop")
    (source,) = found.sources
    assert (source.kind, source.chart, source.target_revision) == ("Helm", "web", "1.4.2")
    assert source.repository == "HelmRepository shop/charts"
    assert source.helm == HelmOptions(
        release_name="web",
        namespace="shop",
        values='{"replicas": 2}',
        value_files_replace=True,
        files_fixed=True,
    )
    assert (found.sync_status, found.revisions, found.destination_namespace) == ("Synced", (), "shop")
    assert found.objects == frozenset({("apps", "Deployment", "shop", "web")})


def test_release_of_an_oci_repository_has_the_chart_that_was_installed() -> None:
    """The spec names neither chart nor version; helm-controller writes the tag's digest behind the version."""
    said = {
        "lastAttemptedRevision": "4.3.0+0cc9a8446c95",
        "history": [{"chartName": "app-template", "chartVersion": "4.3.0+0cc9a8446c95"}],
    }
    raw = release(status=said, chart=None, chartRef={"kind": "OCIRepository", "name": "app-template"})

    (source,) = application_of("HelmRelease", raw, {}, "test").sources

    assert (source.chart, source.target_revision) == ("app-template", "4.3.0")
    assert (source.repository, source.helm.unsupported) == ("OCIRepository shop/app-template", ())


def test_release_of_a_chart_object_is_not_followed() -> None:
    """What a HelmChart of its own is made from is not looked at."""
    raw = release(chart=None, chartRef={"kind": "HelmChart", "name": "web"})

    (source,) = application_of("HelmRelease", raw, {}, "test").sources

    assert (source.chart, source.helm.unsupported) == ("", ("chartRef of a HelmChart",))


def test_release_of_a_chart_in_git_names_its_files_from_the_root() -> None:
    """`valuesFiles` are relative to the source, not to the chart; what is not repeated is named."""
    chart = {
        "chart": "./charts/web",
        "sourceRef": {"kind": "GitRepository", "name": "web", "namespace": "flux-system"},
        "valuesFiles": ["./envs/prod.yaml"],
    }
    raw = release(
        chart={"spec": chart},
        targetNamespace="prod",
        valuesFrom=[{"kind": "ConfigMap", "name": "more"}],
        postRenderers=[1],
    )

    (source,) = application_of("HelmRelease", raw, {HERE: repository()}, "test").sources

    assert (source.repository, source.path, source.target_revision, source.chart) == (URL, "charts/web", "main", "")
    assert source.helm.value_files == ("/envs/prod.yaml",)
    assert source.helm.release_name == "prod-web"
    assert source.helm.unsupported == ("postRenderers", "valuesFrom")


def test_a_request_is_pending_until_it_is_handled() -> None:
    """source-controller repeats the value in its status."""
    source = repository()
    source["metadata"]["annotations"] = {"reconcile.fluxcd.io/requestedAt": "now"}
    assert mapped(kustomization(), source).refresh_pending

    source["status"]["lastHandledReconcileAt"] = "now"
    assert not mapped(kustomization(), source).refresh_pending
