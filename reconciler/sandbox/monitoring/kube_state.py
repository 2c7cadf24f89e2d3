"""What kube-state-metrics tells of an object, one function a kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.sandbox.monitoring.samples import Json, Labels, Sample, quantity, statuses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_UNITS = {"cpu": "core", "memory": "byte", "ephemeral-storage": "byte"}


def pod(item: Json) -> Iterator[Sample]:
    """Yield a pod's samples."""
    metadata, status = item["metadata"], item.get("status", {})
    labels = {"namespace": metadata["namespace"], "pod": metadata["name"], "uid": metadata["uid"]}
    node_labels = {"node": item["spec"].get("nodeName", "")}
    yield Sample("kube_pod_info", labels | node_labels, 1)
    yield from _owners("kube_pod_owner", labels, item)
    for phase in ("Pending", "Running", "Succeeded", "Failed", "Unknown"):
        yield Sample("kube_pod_status_phase", labels | {"phase": phase}, status.get("phase") == phase)
    ready = next((c["status"] for c in status.get("conditions") or [] if c["type"] == "Ready"), "Unknown")
    for value in ("True", "False", "Unknown"):
        yield Sample("kube_pod_status_ready", labels | {"condition": value.lower()}, ready == value)
    for container in item["spec"]["containers"]:
        for side in ("limits", "requests"):
            for resource, amount in container.get("resources", {}).get(side, {}).items():
                unit = {"cpu": "core", "memory": "byte"}.get(resource, "integer")
                more = {"container": container["name"], "resource": resource, "unit": unit}
                yield Sample(f"kube_pod_container_resource_{side}", labels | node_labels | more, quantity(amount))
    for container_status in statuses(item):
        yield from _container(labels | {"container": container_status["name"]}, container_status)


def deployment(item: Json) -> Iterator[Sample]:
    """Yield a Deployment's samples."""
    status = item.get("status", {})
    labels = {"namespace": item["metadata"]["namespace"], "deployment": item["metadata"]["name"]}
    yield Sample("kube_deployment_spec_replicas", labels, item["spec"]["replicas"])
    yield Sample("kube_deployment_metadata_generation", labels, item["metadata"]["generation"])
    yield Sample("kube_deployment_status_observed_generation", labels, status.get("observedGeneration", 0))
    yield Sample("kube_deployment_status_replicas", labels, status.get("replicas", 0))
    for word in ("available", "unavailable", "updated", "ready"):
        yield Sample(f"kube_deployment_status_replicas_{word}", labels, status.get(f"{word}Replicas", 0))


def replica_set(item: Json) -> Iterator[Sample]:
    """Yield who owns a ReplicaSet."""
    labels = {"namespace": item["metadata"]["namespace"], "replicaset": item["metadata"]["name"]}
    yield from _owners("kube_replicaset_owner", labels, item)


def node(item: Json) -> Iterator[Sample]:
    """Yield a node's samples."""
    labels = {"node": item["metadata"]["name"]}
    status = item.get("status", {})
    yield Sample("kube_node_spec_unschedulable", labels, bool(item.get("spec", {}).get("unschedulable")))
    for condition in status.get("conditions") or []:
        for value in ("True", "False", "Unknown"):
            more = {"condition": condition["type"], "status": value.lower()}
            yield Sample("kube_node_status_condition", labels | more, condition["status"] == value)
    for side in ("capacity", "allocatable"):
        for resource, amount in (status.get(side) or {}).items():
            more = {"resource": resource.replace("-", "_"), "unit": _UNITS.get(resource, "integer")}
            yield Sample(f"kube_node_status_{side}", labels | more, quantity(amount))


def autoscaler(item: Json) -> Iterator[Sample]:
    """Yield a HorizontalPodAutoscaler's samples."""
    prefix = "kube_horizontalpodautoscaler"
    metadata, spec, status = item["metadata"], item["spec"], item.get("status") or {}
    labels = {"namespace": metadata["namespace"], "horizontalpodautoscaler": metadata["name"]}
    target = spec["scaleTargetRef"]
    scales = {"scaletargetref_kind": target["kind"], "scaletargetref_name": target["name"]}
    scales["scaletargetref_api_version"] = target.get("apiVersion", "")
    yield Sample(f"{prefix}_info", labels | scales, 1)
    yield Sample(f"{prefix}_metadata_generation", labels, metadata.get("generation", 0))
    yield Sample(f"{prefix}_spec_min_replicas", labels, spec.get("minReplicas", 1))
    yield Sample(f"{prefix}_spec_max_replicas", labels, spec["maxReplicas"])
    yield from _targets(f"{prefix}_spec_target_metric", labels, spec.get("metrics") or [], "target")
    yield from _targets(f"{prefix}_status_target_metric", labels, status.get("currentMetrics") or [], "current")
    yield Sample(f"{prefix}_status_current_replicas", labels, status.get("currentReplicas", 0))
    yield Sample(f"{prefix}_status_desired_replicas", labels, status.get("desiredReplicas", 0))
    for condition in status.get("conditions") or []:
        for value in ("True", "False", "Unknown"):
            more = {"condition": condition["type"], "status": value.lower()}
            yield Sample(f"{prefix}_status_condition", labels | more, condition["status"] == value)


KINDS: Mapping[str, Callable[[Json], Iterator[Sample]]] = {
    "Pod": pod,
    "Deployment": deployment,
    "ReplicaSet": replica_set,
    "Node": node,
    "HorizontalPodAutoscaler": autoscaler,
}


def _container(labels: Labels, status: Json) -> Iterator[Sample]:
    prefix = "kube_pod_container_status"
    yield Sample(f"{prefix}_restarts_total", labels, status["restartCount"])
    yield Sample(f"{prefix}_ready", labels, status["ready"])
    yield Sample(f"{prefix}_running", labels, bool(status["state"].get("running")))
    if waiting := status["state"].get("waiting"):
        yield Sample(f"{prefix}_waiting_reason", labels | {"reason": waiting.get("reason", "")}, 1)
    if ended := status.get("lastState", {}).get("terminated"):
        yield Sample(f"{prefix}_last_terminated_reason", labels | {"reason": ended.get("reason", "")}, 1)
        yield Sample(f"{prefix}_last_terminated_exitcode", labels, ended["exitCode"])


def _owners(name: str, labels: Labels, item: Json) -> Iterator[Sample]:
    for owner in item["metadata"].get("ownerReferences") or []:
        is_controller = str(bool(owner.get("controller"))).lower()
        more = {"owner_kind": owner["kind"], "owner_name": owner["name"], "owner_is_controller": is_controller}
        yield Sample(name, labels | more, 1)


def _targets(name: str, labels: Labels, metrics: list[Json], side: str) -> Iterator[Sample]:
    """Yield each metric's target or current value, by the type that it is measured in."""
    for metric in metrics:
        source = metric[metric["type"][0].lower() + metric["type"][1:]]
        metric_name = source.get("name") or source.get("metric", {}).get("name", "")
        for key, kind in (("value", "value"), ("averageUtilization", "utilization"), ("averageValue", "average")):
            amount = source.get(side, {}).get(key)
            if amount is not None:
                more = {"metric_name": metric_name, "metric_target_type": kind}
                yield Sample(name, labels | more, quantity(amount))
