"""Applications from the shape that Argo CD writes, and the one write that we make."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from reconciler.adapters.argocd import ArgoCd, application_of, argocd
from reconciler.errors import Conflict, Unauthorized
from reconciler.model.application_source import source_of
from reconciler.model.delivery import HelmOptions, HelmParameter, KustomizeOptions, Source
from reconciler.model.facts import Unknown
from reconciler.settings import DeliverySettings
from tests.adapters import kubernetes_json as kubernetes
from tests.adapters.kubernetes_json import api_on, ref
from tests.adapters.wire import Answer, Json, Wire

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ALL = "/apis/argoproj.io/v1alpha1/applications"
REVISION = "a" * 40
WEB = ref("web", "Application", "argoproj.io", "argocd")
DIRECTORY = {
    "repoURL": "https://git.example/platform/web.git",
    "path": "deploy",
    "targetRevision": "main",
    "directory": {"recurse": True, "exclude": "{draft/*}", "jsonnet": {}},
}


def application(source: Json | None = None, **status: object) -> Json:
    """Return an Application that Argo CD has synced."""
    source = source or {"source": DIRECTORY}
    destination = {"server": "https://kubernetes.default.svc", "namespace": "shop"}
    return {
        "metadata": kubernetes.metadata("web", "argocd", annotations={}),
        "spec": {
            **source,
            "destination": destination,
            "project": "default",
            "syncPolicy": {"automated": {"prune": True}},
            "ignoreDifferences": [
                {"group": "apps", "kind": "Deployment", "jsonPointers": ["/spec/replicas"]},
                {"group": "", "kind": "Secret", "jqPathExpressions": [".data.token"]},
            ],
        },
        "status": {
            "sync": {
                "status": "Synced",
                "revision": REVISION,
                "comparedTo": {**source, "destination": destination},
            },
            "sourceType": "Directory",
            "health": {"status": "Healthy"},
            "reconciledAt": "2026-03-01T08:00:05Z",
            "operationState": {
                "phase": "Succeeded",
                "message": "successfully synced (all tasks run)",
                "finishedAt": "2026-03-01T08:00:04Z",
                "syncResult": {"revision": REVISION},
            },
            "conditions": [{"type": "SharedResourceWarning", "message": "shared with other"}],
            "resources": [
                {"group": "apps", "kind": "Deployment", "namespace": "shop", "name": "cart", "status": "Synced"},
                {"kind": "Namespace", "name": "shop", "version": "v1"},
            ],
            **status,
        },
    }


def test_synced_application_maps_whole() -> None:
    """Every fact that the tracker asks for comes over."""
    mapped = application_of(application(), "test")

    assert mapped.ref == WEB
    assert mapped.sources == (
        Source(
            repository="https://git.example/platform/web.git",
            path="deploy",
            target_revision="main",
            kind="Directory",
            recurse=True,
            exclude="{draft/*}",
        ),
    )
    assert mapped.sources_current
    assert (mapped.destination_namespace, mapped.destination_server) == ("shop", "https://kubernetes.default.svc")
    assert (mapped.sync_status, mapped.health, mapped.automated) == ("Synced", "Healthy", True)
    assert mapped.revisions == mapped.operation_revisions == (REVISION,)
    assert mapped.operation_phase == "Succeeded"
    assert mapped.operation_finished_at == datetime(2026, 3, 1, 8, 0, 4, tzinfo=UTC)
    assert mapped.reconciled_at == datetime(2026, 3, 1, 8, 0, 5, tzinfo=UTC)
    assert mapped.conditions == (("SharedResourceWarning", "shared with other"),)
    assert mapped.objects == frozenset({("apps", "Deployment", "shop", "cart"), ("", "Namespace", "", "shop")})
    assert mapped.ignored_fields == frozenset({"/spec/replicas", "jq:.data.token"})
    assert not mapped.refresh_pending


def test_what_the_application_tells_its_tools_comes_over() -> None:
    """What we know by value, what we do not know by name, and no value in any text that is shown."""
    helm = {
        "releaseName": "cart",
        "valueFiles": ["$values/prod.yaml"],
        "values": "a: 1",
        "valuesObject": {"a": 2},
        "parameters": [{"name": "b", "value": "3", "forceString": True}, {"name": "c"}],
        "ignoreMissingValueFiles": True,
        "skipCrds": False,
        "fileParameters": [{"name": "x", "path": "y"}],
        "skipTests": False,
    }
    kustomize = {
        "namePrefix": "a-",
        "images": ["web=shop/web:2"],
        "replicas": [{"name": "web", "count": 3}],
        "patches": [{"patch": "x"}],
        "components": ["../c"],
        "commonLabels": {},
    }

    chart = source_of({"chart": "redis", "ref": "r", "targetRevision": "1.2.3", "helm": helm}, "Helm")
    overlay = source_of({"repoURL": "u", "path": "p", "kustomize": kustomize}, "Kustomize")

    assert (chart.chart, chart.ref, chart.is_only_a_reference) == ("redis", "r", False)
    assert chart.helm == HelmOptions(
        release_name="cart",
        value_files=("$values/prod.yaml",),
        values='{"a": 2}',
        parameters=(HelmParameter(name="b", value="3", force_string=True), HelmParameter(name="c", value="")),
        ignore_missing_value_files=True,
        unsupported=("fileParameters",),
    )
    assert '"a"' not in repr(chart)
    assert overlay.kustomize == KustomizeOptions(
        name_prefix="a-",
        images=("web=shop/web:2",),
        replicas=(("web", "3"),),
        patches=('{"patch": "x"}',),
        unsupported=("components",),
    )
    assert source_of({"repoURL": "u", "ref": "values"}, "").is_only_a_reference


def test_application_without_status_knows_only_its_spec() -> None:
    """Before Argo CD has looked, nothing is claimed: not its health, not its type, not that it was compared."""
    raw = application()
    del raw["status"]

    mapped = application_of(raw, "test")

    assert (mapped.sync_status, mapped.health) == ("Unknown", "Unknown")
    assert (mapped.revisions, mapped.operation_revisions, mapped.objects) == ((), (), frozenset())
    assert mapped.operation_phase is None
    assert mapped.reconciled_at is None
    assert [source.kind for source in mapped.sources] == [""]
    assert not mapped.sources_current


def test_several_sources_stay_parallel_to_types_and_revisions() -> None:
    """What was compared carries an empty single source beside the several ones."""
    values = {"repoURL": "https://git.example/values.git", "targetRevision": "main", "ref": "values"}
    chart = {"repoURL": "https://charts.example", "chart": "web", "targetRevision": "1.2.3"}
    raw = application({"sources": [chart, values]})
    raw["status"] |= {"sourceTypes": ["Helm", "Directory"], "sourceType": ""}
    raw["status"]["sync"] |= {"revisions": ["1.2.3", REVISION], "revision": ""}
    raw["status"]["sync"]["comparedTo"]["source"] = {"repoURL": ""}

    mapped = application_of(raw, "test")

    assert [(s.repository, s.kind) for s in mapped.sources] == [
        ("https://charts.example", "Helm"),
        ("https://git.example/values.git", "Directory"),
    ]
    assert mapped.revisions == ("1.2.3", REVISION)
    assert mapped.sources_current


@pytest.mark.parametrize(
    "change", [{"path": "elsewhere"}, {"targetRevision": "next"}, {"kustomize": {"namePrefix": "x"}}]
)
def test_status_of_an_older_spec_is_told(change: Json) -> None:
    """What was compared is not what is wanted now."""
    raw = application()
    raw["spec"]["source"] = {**DIRECTORY, **change}

    mapped = application_of(raw, "test")

    assert not mapped.sources_current
    assert mapped.sources[0].path == "deploy"


def test_empty_parts_that_argo_adds_are_no_difference() -> None:
    """What people leave out and what Argo CD writes as empty or leaves out as false mean the same."""
    raw = application()
    raw["spec"]["source"] = {**DIRECTORY, "directory": {"recurse": True, "exclude": "{draft/*}"}, "helm": {}}
    raw["status"]["sync"]["comparedTo"]["source"] = {**DIRECTORY, "kustomize": {"forceCommonLabels": False}}

    assert application_of(raw, "test").sources_current


@pytest.mark.parametrize(
    ("policy", "automated"),
    [({}, False), ({"automated": {}}, True), ({"automated": {"enabled": False}}, False), (None, False)],
)
def test_automated_sync_is_on_unless_switched_off(policy: Json | None, *, automated: bool) -> None:
    """The block alone switches it on; since 3.0 `enabled` may switch it off."""
    raw = application()
    raw["spec"]["syncPolicy"] = policy

    assert application_of(raw, "test").automated is automated


def test_operation_that_was_asked_for_counts_as_running() -> None:
    """The state of operations still tells of the one before."""
    assert application_of({**application(), "operation": {"sync": {}}}, "test").operation_phase == "Running"


def test_refresh_that_argo_has_not_taken_up_is_pending() -> None:
    """Argo CD removes the annotation when it has reread Git."""
    raw = application()
    raw["metadata"]["annotations"] = {"argocd.argoproj.io/refresh": "normal"}

    assert application_of(raw, "test").refresh_pending


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        ({"apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet", "controller": True}, "shops"),
        ({"apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet"}, None),
        ({"apiVersion": "argoproj.io/v1alpha1", "kind": "Other", "controller": True}, None),
        ({"apiVersion": "v1", "kind": "ApplicationSet", "controller": True}, None),
    ],
)
def test_application_set_is_the_controller_among_the_owners(owner: Json, name: str | None) -> None:
    """An owner that does not control it keeps nothing as its template says."""
    raw = application()
    raw["metadata"]["ownerReferences"] = [{**owner, "name": "shops", "uid": "1"}]

    found = application_of(raw, "test").generated_by

    assert found == (ref(name, "ApplicationSet", "argoproj.io", "argocd") if name else None)


@pytest.fixture
def wire() -> Iterator[Wire]:
    """An API server with one Application."""
    page = kubernetes.listing("Application", application(), api_version="argoproj.io/v1alpha1")
    groups = {"kind": "APIGroupList", "groups": [{"name": "apps"}, {"name": "argoproj.io"}]}
    with Wire({f"GET {ALL}": Answer(page), "GET /apis": Answer(groups)}) as server:
        yield server


def adapter(wire: Wire, folder: Path, namespace: str | None = None) -> ArgoCd:
    """Return the adapter on the scripted wire."""
    return argocd(DeliverySettings(namespace=namespace), api_on(wire, folder), "test")


def test_all_applications_are_read_in_one_list(wire: Wire, tmp_path: Path) -> None:
    """One request, whatever their number."""
    applications = adapter(wire, tmp_path).applications()

    assert not isinstance(applications, Unknown)
    assert [a.ref for a in applications] == [WEB]
    assert len(wire.requests) == 1


def test_only_the_configured_namespace_is_read(wire: Wire, tmp_path: Path) -> None:
    """A role in Argo CD's own namespace is enough."""
    wire.script["GET /apis/argoproj.io/v1alpha1/namespaces/argocd/applications"] = wire.script[f"GET {ALL}"]

    assert not isinstance(adapter(wire, tmp_path, "argocd").applications(), Unknown)
    assert [r.path for r in wire.requests] == ["/apis/argoproj.io/v1alpha1/namespaces/argocd/applications"]


def test_cluster_without_the_applications_api_has_no_argo(wire: Wire, tmp_path: Path) -> None:
    """The server's own list of groups says so; then no object is delivered by Argo CD."""
    del wire.script[f"GET {ALL}"]
    wire.script["GET /apis"] = Answer({"kind": "APIGroupList", "groups": [{"name": "apps"}]})

    assert adapter(wire, tmp_path).applications() == ()


def test_not_found_of_something_in_between_is_unknown(wire: Wire, tmp_path: Path) -> None:
    """Invariant 3: a 404 alone does not make Argo CD absent, or its objects would count as nobody's."""
    wire.script[f"GET {ALL}"] = Answer("no such page", 404)
    api = adapter(wire, tmp_path)
    served = {"kind": "APIResourceList", "resources": [{"name": "applications"}]}
    wire.script["GET /apis/argoproj.io/v1alpha1"] = Answer(served)

    assert isinstance(api.applications(), Unknown)
    wire.script["GET /apis"] = Answer("no such page", 404)
    assert isinstance(api.applications(), Unknown)


@pytest.mark.parametrize("status", [401, 403, 500])
def test_applications_that_may_not_be_read_are_unknown(wire: Wire, tmp_path: Path, status: int) -> None:
    """Invariant 3: unread is not none."""
    wire.script[f"GET {ALL}"] = kubernetes.status(status, "No", "no")

    assert isinstance(adapter(wire, tmp_path).applications(), Unknown)


def test_refresh_sets_the_annotation_and_nothing_else(wire: Wire, tmp_path: Path) -> None:
    """A normal refresh: hard would empty the manifest cache, a sync would bypass the owner's policy."""
    path = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/web"
    wire.script[f"PATCH {path}"] = Answer({"kind": "Application"})

    adapter(wire, tmp_path).refresh(WEB)

    (patch,) = wire.asked("PATCH", path)
    assert patch.body == {"metadata": {"annotations": {"argocd.argoproj.io/refresh": "normal"}}}
    assert patch.headers["Content-Type"] == "application/merge-patch+json"


def test_refresh_of_a_vanished_application_is_a_conflict(wire: Wire, tmp_path: Path) -> None:
    """The world moved; the next pass sees it."""
    with pytest.raises(Conflict) as raised:
        adapter(wire, tmp_path).refresh(WEB)

    assert raised.value.code == "target.gone"


def test_refresh_without_permission_says_what_is_missing(wire: Wire, tmp_path: Path) -> None:
    """An error that names verb and kind."""
    path = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/web"
    wire.script[f"PATCH {path}"] = kubernetes.status(403, "Forbidden", 'User "bot" cannot patch resource')

    with pytest.raises(Unauthorized, match=r"patch applications\.argoproj\.io web"):
        adapter(wire, tmp_path).refresh(WEB)


def test_doctor_tells_absence_from_a_missing_permission(wire: Wire, tmp_path: Path) -> None:
    """Both come with what a person can do."""
    review = "POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    wire.script[review] = Answer({"status": {"allowed": False}}, 201)
    served = {"kind": "APIResourceList", "resources": [{"name": "applications"}]}
    wire.script["GET /apis/argoproj.io/v1alpha1"] = Answer(served)
    api = adapter(wire, tmp_path)

    presence, reading, refreshing = api.examine()

    assert presence.works
    assert presence.detail == "1 Application"
    assert (reading.works, reading.required, refreshing.required) == (False, True, False)
    assert 'verbs: ["patch"]' in refreshing.remedy
    wire.script["GET /apis"] = Answer({"kind": "APIGroupList", "groups": []})
    absence = api.examine()[0]
    assert (absence.works, absence.required) == (False, False)
    assert "no Applications API" in absence.detail
