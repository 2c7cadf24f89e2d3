"""Kustomizations and HelmReleases from the shapes that Flux writes, and the one write that we make."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reconciler.adapters.clock import SystemClock
from reconciler.adapters.deliveries import Deliveries
from reconciler.adapters.flux import Flux, flux
from reconciler.adapters.flux_objects import application_of
from reconciler.errors import Conflict
from reconciler.model.delivery import HelmOptions, KustomizeOptions, Source
from reconciler.model.facts import Unknown
from tests.adapters import kubernetes_json as kubernetes
from tests.adapters.kubernetes_json import api_on, ref
from tests.adapters.wire import Answer, Json, Script, Wire

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.model.delivery import Application

COMMIT, OLDER = "a" * 40, "b" * 40
HERE = ("flux-system", "web")
REPOSITORIES = "/apis/source.toolkit.fluxcd.io/v1/gitrepositories"
KUSTOMIZATIONS = "/apis/kustomize.toolkit.fluxcd.io/v1/kustomizations"
RELEASES = "/apis/helm.toolkit.fluxcd.io/v2/helmreleases"
URL = "https://git.example/platform/web.git"


def condition(kind: str, status: str, reason: str, message: str = "", *, generation: int = 2) -> Json:
    """Return a condition as Flux writes it."""
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "observedGeneration": generation,
        "lastTransitionTime": "2026-03-01T08:00:05Z",
    }


READY = condition("Ready", "True", "ReconciliationSucceeded", f"Applied revision: main@sha1:{COMMIT}")


def repository(*conditions: Json, **spec: object) -> Json:
    """Return a GitRepository that follows main."""
    return {
        "metadata": kubernetes.metadata("web", "flux-system", generation=1),
        "spec": {"url": URL, "ref": {"branch": "main"}, "interval": "1m0s", "timeout": "60s", **spec},
        "status": {"conditions": list(conditions), "artifact": {"revision": f"main@sha1:{COMMIT}"}},
    }


def kustomization(*conditions: Json, status: Json | None = None, **spec: object) -> Json:
    """Return a Kustomization that Flux has applied."""
    return {
        "metadata": kubernetes.metadata("web", "flux-system", generation=2),
        "spec": {
            "path": "./deploy",
            "sourceRef": {"kind": "GitRepository", "name": "web"},
            "interval": "10m0s",
            "force": False,
            "prune": True,
            **spec,
        },
        "status": {
            "conditions": list(conditions or (READY,)),
            "observedGeneration": 2,
            "lastAppliedRevision": f"main@sha1:{COMMIT}",
            "lastAttemptedRevision": f"main@sha1:{COMMIT}",
            "inventory": {
                "entries": [
                    {"id": "shop_cart_apps_Deployment", "v": "v1"},
                    {"id": "_shop__Namespace", "v": "v1"},
                    {"id": "_system__aggregate_rbac.authorization.k8s.io_ClusterRole", "v": "v1"},
                ]
            },
            **(status or {}),
        },
    }


def release(*conditions: Json, status: Json | None = None, **spec: object) -> Json:
    """Return a HelmRelease of a chart in a chart repository."""
    chart = {"chart": "web", "version": "1.x", "sourceRef": {"kind": "HelmRepository", "name": "charts"}}
    ready = condition("Ready", "True", "UpgradeSucceeded", "Helm upgrade succeeded")
    return {
        "metadata": kubernetes.metadata("web", "shop", generation=2),
        "spec": {"interval": "10m", "chart": {"spec": chart}, "values": {"replicas": 2}, **spec},
        "status": {
            "conditions": list(conditions or (ready,)),
            "observedGeneration": 2,
            "lastAttemptedRevision": "1.4.2",
            "inventory": {"entries": [{"id": "shop_web_apps_Deployment", "v": "v1"}]},
            **(status or {}),
        },
    }


def mapped(raw: Json, source: Json | None = None) -> Application:
    """Return a Kustomization as an Application."""
    return application_of("Kustomization", raw, {HERE: source or repository()}, "test")


def test_applied_kustomization_maps_whole() -> None:
    """Every fact that the tracker asks for comes over."""
    found = mapped(kustomization())

    assert found.ref == ref("web", "Kustomization", "kustomize.toolkit.fluxcd.io", "flux-system")
    assert found.sources == (Source(repository=URL, path="deploy", target_revision="main", kind="Flux"),)
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
        postBuild={"substitute": {"a": "b"}},
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
        unsupported=("postBuild", "GitRepository ignore", "GitRepository recurseSubmodules"),
    )


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


def page(kind: str, *items: Json, version: str) -> Answer:
    """Return one page of a list."""
    return Answer(kubernetes.listing(kind, *items, api_version=version))


@pytest.fixture
def wire() -> Iterator[Wire]:
    """An API server with Flux's objects."""
    names = ("source.toolkit.fluxcd.io", "kustomize.toolkit.fluxcd.io", "helm.toolkit.fluxcd.io")
    groups = {"kind": "APIGroupList", "groups": [{"name": name} for name in names]}
    script: dict[str, Script | list[Answer]] = {
        f"GET {REPOSITORIES}": page("GitRepository", repository(), version=f"{names[0]}/v1"),
        f"GET {KUSTOMIZATIONS}": page("Kustomization", kustomization(), version=f"{names[1]}/v1"),
        f"GET {RELEASES}": page("HelmRelease", release(), version=f"{names[2]}/v2"),
        "GET /apis": Answer(groups),
    }
    with Wire(script) as server:
        yield server


def adapter(wire: Wire, folder: Path) -> Flux:
    """Return the adapter on the scripted wire."""
    return flux(api_on(wire, folder), "test", SystemClock())


def test_flux_is_read_in_three_lists(wire: Wire, tmp_path: Path) -> None:
    """One request a kind, whatever the number; releases last, so none is older than what its parent applied."""
    found = adapter(wire, tmp_path).applications()

    assert not isinstance(found, Unknown)
    assert [a.ref.kind for a in found] == ["Kustomization", "HelmRelease"]
    assert [r.path for r in wire.requests] == [REPOSITORIES, KUSTOMIZATIONS, RELEASES]


def test_a_cluster_without_flux_has_nothing_of_it(wire: Wire, tmp_path: Path) -> None:
    """Only the list of groups can say so."""
    wire.script = {"GET /apis": Answer({"kind": "APIGroupList", "groups": [{"name": "apps"}]})}

    assert adapter(wire, tmp_path).applications() == ()


def test_a_failed_list_is_unknown(wire: Wire, tmp_path: Path) -> None:
    """Invariant 3: what is not known owns perhaps everything."""
    wire.script[f"GET {RELEASES}"] = Answer({"kind": "Status", "message": "no"}, status=403)

    assert isinstance(adapter(wire, tmp_path).applications(), Unknown)


def test_a_refresh_asks_for_the_repository_behind_a_kustomization(wire: Wire, tmp_path: Path) -> None:
    """The Kustomization itself follows its source; only the source is asked."""
    wire.script["GET /apis/kustomize.toolkit.fluxcd.io/v1/namespaces/flux-system/kustomizations/web"] = Answer(
        kustomization()
    )
    patch = "/apis/source.toolkit.fluxcd.io/v1/namespaces/flux-system/gitrepositories/web"
    wire.script[f"PATCH {patch}"] = Answer(repository())

    adapter(wire, tmp_path).refresh(ref("web", "Kustomization", "kustomize.toolkit.fluxcd.io", "flux-system"))

    assert wire.requests[-1].path.partition("?")[0] == patch
    assert "reconcile.fluxcd.io/requestedAt" in str(wire.requests[-1].body)


def test_a_request_is_pending_until_it_is_handled() -> None:
    """source-controller repeats the value in its status."""
    source = repository()
    source["metadata"]["annotations"] = {"reconcile.fluxcd.io/requestedAt": "now"}
    assert mapped(kustomization(), source).refresh_pending

    source["status"]["lastHandledReconcileAt"] = "now"
    assert not mapped(kustomization(), source).refresh_pending


def test_what_is_gone_cannot_be_refreshed(wire: Wire, tmp_path: Path) -> None:
    """That is no failure of Flux."""
    path = "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/flux-system/kustomizations/web"
    wire.script[f"GET {path}"] = Answer({"kind": "Status", "reason": "NotFound"}, status=404)

    with pytest.raises(Conflict):
        adapter(wire, tmp_path).refresh(ref("web", "Kustomization", "kustomize.toolkit.fluxcd.io", "flux-system"))


def test_doctor_tells_what_is_read_and_which_rights_are_missing(wire: Wire, tmp_path: Path) -> None:
    """Three lists are needed; the nudge is not."""
    review = "POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    wire.script[review] = lambda request: Answer(
        {"status": {"allowed": request.body["spec"]["resourceAttributes"]["verb"] == "list"}}, status=201
    )
    served = {"kind": "APIResourceList", "resources": [{"name": "kustomizations"}]}
    wire.script["GET /apis/kustomize.toolkit.fluxcd.io/v1"] = Answer(served)

    told = adapter(wire, tmp_path).examine()

    assert [(d.works, d.required) for d in told] == [(True, True)] * 4 + [(False, False)]
    assert told[0].detail == "2 Kustomizations and HelmReleases"
    assert "patch" in told[-1].remedy


def test_doctor_says_that_there_is_no_flux(wire: Wire, tmp_path: Path) -> None:
    """That is no failure: nothing is delivered by it."""
    wire.script["GET /apis"] = Answer({"kind": "APIGroupList", "groups": []})

    (presence, *_) = adapter(wire, tmp_path).examine()

    assert (presence.works, presence.required) == (False, False)
    assert "delivery.kinds" in presence.remedy


class Told:
    """A delivery that only answers and remembers."""

    def __init__(self, answer: Any) -> None:  # noqa: ANN401 - a fact
        self.answer = answer
        self.refreshed: list[object] = []

    def applications(self) -> Any:  # noqa: ANN401 - as above
        """Return what it was made with."""
        return self.answer

    def refresh(self, application: object) -> None:
        """Remember it."""
        self.refreshed.append(application)

    def examine(self) -> tuple[()]:
        """Say nothing."""
        return ()


def test_two_systems_are_one_delivery() -> None:
    """Their objects together, each refreshed by its own system."""
    found = mapped(kustomization())
    argo, other = Told(()), Told((found,))
    both = Deliveries({("argoproj.io",): argo, ("kustomize.toolkit.fluxcd.io",): other})

    both.refresh(found.ref)

    assert both.applications() == (found,)
    assert (argo.refreshed, other.refreshed) == ([], [found.ref])


@pytest.mark.parametrize("first", [True, False])
def test_one_silent_system_makes_everything_unknown(*, first: bool) -> None:
    """Invariant 3: nobody knows what it owns."""
    answers = [Unknown("flux", "timeout"), ()] if first else [(), Unknown("flux", "timeout")]
    both = Deliveries({("a",): Told(answers[0]), ("b",): Told(answers[1])})

    assert isinstance(both.applications(), Unknown)
