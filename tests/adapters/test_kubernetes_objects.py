"""Raw JSON to model values: only what the model names, nothing guessed."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from reconciler.adapters import kubernetes_objects as objects
from reconciler.model.cluster import Container, Termination
from reconciler.model.objects import Item, parse_path
from tests.adapters import kubernetes_json as kubernetes
from tests.adapters.kubernetes_json import ref

if TYPE_CHECKING:
    from tests.adapters.wire import Json

MEMORY = parse_path("spec.template.spec.containers[name=app].resources.limits.memory")


def test_deployment_maps_to_a_rolled_out_workload() -> None:
    """Counts, containers and the restart annotation come over."""
    workload = objects.workload_of(kubernetes.deployment(), ref())

    assert workload.rolled_out
    assert (workload.generation, workload.desired, workload.replicas) == (3, 2, 2)
    assert workload.containers == (
        Container(name="app", image="cart:1.4", memory_request="256Mi", memory_limit="512Mi"),
    )
    assert workload.restarted_at == kubernetes.BORN
    assert workload.uid == "uid-of-cart"


def test_environment_values_never_reach_the_model() -> None:
    """Invariant 11: the password in the container's environment stays behind."""
    workload = objects.workload_of(kubernetes.deployment(), ref(), managers=True)

    assert "correct horse" not in str(asdict(workload))


def test_daemon_set_counts_by_nodes() -> None:
    """A DaemonSet has no replicas; its status speaks of nodes."""
    raw = kubernetes.deployment()
    raw["spec"] = {"template": raw["spec"]["template"]}
    raw["status"] = {
        "observedGeneration": 3,
        "desiredNumberScheduled": 3,
        "currentNumberScheduled": 3,
        "updatedNumberScheduled": 2,
        "numberReady": 3,
        "numberAvailable": 3,
    }

    workload = objects.workload_of(raw, ref(kind="DaemonSet"))

    assert (workload.desired, workload.updated, workload.ready) == (3, 2, 3)
    assert not workload.rolled_out


def test_new_workload_without_status_is_not_rolled_out() -> None:
    """What no controller has looked at yet counts zero pods."""
    raw = kubernetes.deployment()
    del raw["status"]

    workload = objects.workload_of(raw, ref())

    assert (workload.observed_generation, workload.ready) == (0, 0)
    assert not workload.rolled_out


@pytest.mark.parametrize(
    ("value", "expected"), [("true", frozenset({"paused"})), ("yes", frozenset()), ("false", frozenset())]
)
def test_flag_is_set_only_by_the_word_true(value: str, expected: frozenset[str]) -> None:
    """Our annotations have one spelling."""
    raw = kubernetes.deployment(annotations={"reconciler.dev/paused": value})

    assert objects.workload_of(raw, ref()).flags == expected


@pytest.mark.parametrize(("group", "kind"), [("kustomize", "Kustomization"), ("helm", "HelmRelease")])
def test_flux_names_itself_in_labels(group: str, kind: str) -> None:
    """Flux v2 marks what it delivers with labels, and never with annotations."""
    said = {f"{group}.toolkit.fluxcd.io/name": "web", f"{group}.toolkit.fluxcd.io/namespace": "flux"}

    assert objects.workload_of(kubernetes.deployment(labels=said), ref()).flux_owners == {(kind, "flux", "web")}
    assert not objects.workload_of(kubernetes.deployment(annotations=said), ref()).flux_owners


@pytest.mark.parametrize(
    ("key", "value", "leaves"),
    [("reconcile", "disabled", True), ("ssa", "Ignore", True), ("ssa", "IfNotPresent", True), ("ssa", "Merge", False)],
)
def test_flux_is_told_to_leave_an_object_alone(key: str, value: str, *, leaves: bool) -> None:
    """By annotations of kustomize-controller; merging is no leaving."""
    raw = kubernetes.deployment(annotations={f"kustomize.toolkit.fluxcd.io/{key}": value})

    assert objects.workload_of(raw, ref()).flux_leaves is leaves


def test_tracking_id_comes_over_whole() -> None:
    """The model judges it; the adapter does not."""
    raw = kubernetes.deployment(annotations={objects.TRACKING_ID: "web:apps/Deployment:shop/cart"})

    assert objects.workload_of(raw, ref()).tracking_id == "web:apps/Deployment:shop/cart"


def test_pod_is_owned_by_what_controls_its_replica_set() -> None:
    """Owner references lead up through the ReplicaSet."""
    raw, replica_set = kubernetes.pod(), ref("cart-7d9", "ReplicaSet")

    assert objects.pod_of(raw, "test", {replica_set: ref()}).owner == ref()
    assert objects.pod_of(raw, "test", {}).owner == replica_set


def test_pod_without_controller_has_no_owner() -> None:
    """A bare pod is owned by nobody, even where it has an owner that does not control it."""
    owner = [{"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "u"}]

    assert objects.pod_of(kubernetes.pod(owner=owner), "test", {}).owner is None


def test_termination_is_the_newer_of_now_and_before() -> None:
    """A container that lies terminated ended later than the time before."""
    raw = kubernetes.pod()
    container = raw["status"]["containerStatuses"][0]
    before = objects.pod_of(raw, "test", {}).containers[0]
    container["state"] = {"terminated": {"reason": "Error", "exitCode": 1, "finishedAt": "2026-03-01T09:10:00Z"}}
    now = objects.pod_of(raw, "test", {}).containers[0]

    assert before.terminated == Termination(
        reason="OOMKilled", exit_code=137, finished_at=datetime(2026, 3, 1, 8, 59, 58, tzinfo=UTC)
    )
    assert now.terminated == Termination(
        reason="Error", exit_code=1, finished_at=datetime(2026, 3, 1, 9, 10, tzinfo=UTC)
    )


def test_pending_pod_has_no_containers_yet() -> None:
    """A pod that no kubelet has taken says nothing about containers."""
    raw = kubernetes.pod(deletionTimestamp=kubernetes.BORN)
    raw["status"] = {"phase": "Pending"}
    del raw["spec"]["nodeName"]

    pod = objects.pod_of(raw, "test", {})

    assert (pod.phase, pod.node, pod.containers, pod.deleting) == ("Pending", None, (), True)


def test_value_is_found_by_the_name_of_a_list_item() -> None:
    """Paths name list items, never positions; numbers and booleans read as YAML writes them."""
    raw = kubernetes.deployment()

    assert objects.value_at(raw, MEMORY) == "512Mi"
    assert objects.value_at(raw, ("spec", "replicas")) == "2"
    assert objects.value_at(raw, ("spec", "template", "spec", "containers", Item("name", "sidecar"), "image")) is None
    assert objects.value_at(raw, ("spec", "paused")) is None
    assert objects.value_at(raw, ("spec", "replicas", "deeper")) is None


def test_field_managers_are_named_by_field_path() -> None:
    """The managed fields' tree becomes paths as we write them; markers of items and sets are left out."""
    raw = _managed()

    assert objects.field_managers(raw) == {
        "spec.replicas": frozenset({"kubectl", "hpa"}),
        "spec.template.spec.containers[name=app].resources.limits.memory": frozenset({"kubectl"}),
        'metadata.annotations."reconciler.dev/paused"': frozenset({"kubectl"}),
    }


def _managed() -> Json:
    memory: Json = {"f:resources": {"f:limits": {".": {}, "f:memory": {}}}}
    spec = {
        "f:replicas": {},
        "f:template": {"f:spec": {"f:containers": {'k:{"name":"app"}': {".": {}, **memory}}}},
    }
    annotations: Json = {"f:annotations": {".": {}, "f:reconciler.dev/paused": {}}}
    first = {"manager": "kubectl", "fieldsV1": {"f:metadata": annotations, "f:spec": spec}}
    second = {"manager": "hpa", "subresource": "scale", "fieldsV1": {"f:spec": {"f:replicas": {}}}}
    return kubernetes.deployment(managedFields=[first, second])


@pytest.mark.parametrize("missing", ["metadata", "spec"])
def test_object_of_another_shape_raises_a_shape_error(missing: str) -> None:
    """The caller can tell a misshapen object from a bug by the listed exceptions."""
    raw = kubernetes.deployment()
    del raw[missing]

    with pytest.raises(objects.SHAPE_ERRORS):
        objects.workload_of(raw, ref())
