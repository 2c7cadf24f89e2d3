"""Applications from the shape that Argo CD writes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from reconciler.adapters.argocd import application_of
from reconciler.model.application_source import source_of
from reconciler.model.delivery import HelmOptions, HelmParameter, KustomizeOptions, Source
from tests.adapters.argocd_json import DIRECTORY, REVISION, WEB, application
from tests.adapters.kubernetes_json import ref

if TYPE_CHECKING:
    from tests.adapters.wire import Json


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


PRUNED = {"kind": "ConfigMap", "name": "old", "status": "OutOfSync", "requiresPruning": True}


@pytest.mark.parametrize(
    ("resources", "only"),
    [
        ([{"kind": "ConfigMap", "name": "new", "status": "Synced"}, PRUNED], True),
        ([{"kind": "ConfigMap", "name": "new", "status": "OutOfSync"}, PRUNED], False),
        ([PRUNED | {"requiresPruning": False}], False),
        ([{"kind": "ConfigMap", "name": "new", "status": "Synced"}], False),
        ([], False),
    ],
)
def test_application_that_differs_in_leftovers_alone_is_told_from_others(
    resources: list[dict[str, object]], *, only: bool
) -> None:
    """Without automated pruning it stays OutOfSync for ever, with everything of Git's live."""
    found = application_of(application(resources=resources, sync={"status": "OutOfSync"}), "test")

    assert found.only_leftovers is only


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
        "somethingNew": True,
        "skipTests": True,
        "skipSchemaValidation": False,
        "kubeVersion": "1.31",
        "apiVersions": ["a/v1"],
    }
    kustomize = {
        "namePrefix": "a-",
        "images": ["web=shop/web:2"],
        "replicas": [{"name": "web", "count": 3}],
        "patches": [{"patch": "x"}],
        "components": ["../c"],
        "commonLabels": {"b": "2", "a": "$ARGOCD_APP_NAME"},
        "labelWithoutSelector": True,
        "forceCommonAnnotations": True,
        "commonAnnotations": {},
        "ignoreMissingComponents": True,
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
        skip_tests=True,
        kube_version="1.31",
        api_versions=("a/v1",),
        file_parameters=(("x", "y"),),
        unsupported=("somethingNew",),
    )
    assert '"a"' not in repr(chart)
    assert overlay.kustomize == KustomizeOptions(
        name_prefix="a-",
        images=("web=shop/web:2",),
        replicas=(("web", "3"),),
        patches=('{"patch": "x"}',),
        labels=(("a", "$ARGOCD_APP_NAME"), ("b", "2")),
        label_flags=("--without-selector",),
        annotation_flags=("--force",),
        components=("../c",),
        unsupported=("ignoreMissingComponents",),
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
