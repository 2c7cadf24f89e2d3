"""Metrics derived from the objects in the API server, under the names of kube-state-metrics and cAdvisor.

Honest: every sample is computed from live objects at the time of the scrape, and where the copy of the objects does
not follow the server, the scrape fails, as it would in a real cluster. Memory use is what the pod's annotation says
that it needs, cut at the limit: a container that is OOM-killed peaks at its limit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.testbed.kube import Json, prefixed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

UNITS = {"": 1.0, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18}
UNITS |= {f"{letter}i": 1024.0**power for power, letter in enumerate("KMGTPE", start=1)}
UNASKED_USE = 64 * 1024**2  # of a container that asks for nothing

Labels = dict[str, str]


@dataclass(frozen=True, slots=True)
class Sample:
    """One line of the text format."""

    name: str
    labels: Labels
    value: float


@dataclass(frozen=True, slots=True)
class Objects:
    """The live objects that samples are derived from."""

    pods: list[Json] = field(default_factory=list)
    deployments: list[Json] = field(default_factory=list)
    replica_sets: list[Json] = field(default_factory=list)
    nodes: list[Json] = field(default_factory=list)


def render(samples: Iterable[Sample]) -> str:
    """Return samples in Prometheus' text format, one family after the other."""
    families: dict[str, list[str]] = {}
    for sample in samples:
        labels = ",".join(f'{key}="{_escape(value)}"' for key, value in sample.labels.items())
        families.setdefault(sample.name, []).append(f"{sample.name}{{{labels}}} {sample.value:.17g}")
    lines = []
    for name, family in families.items():
        lines += [f"# TYPE {name} {'counter' if name.endswith('_total') else 'gauge'}", *family]
    return "\n".join(lines) + "\n"


def state(objects: Objects) -> Iterator[Sample]:
    """Yield what kube-state-metrics would."""
    for pod in objects.pods:
        yield from _pod(pod)
    for deployment in objects.deployments:
        yield from _deployment(deployment)
    for replica_set in objects.replica_sets:
        labels = {"namespace": replica_set["metadata"]["namespace"], "replicaset": replica_set["metadata"]["name"]}
        yield from _owners("kube_replicaset_owner", labels, replica_set)
    for node in objects.nodes:
        yield from _node(node)


def usage(objects: Objects) -> Iterator[Sample]:
    """Yield what cAdvisor would: only containers that run use anything."""
    for pod in objects.pods:
        running = {s["name"] for s in _statuses(pod) if s["state"].get("running")}
        for index, container in enumerate(pod["spec"]["containers"]):
            if container["name"] in running:
                labels = {
                    "namespace": pod["metadata"]["namespace"],
                    "pod": pod["metadata"]["name"],
                    "container": container["name"],
                    "image": container["image"],
                    "node": pod["spec"].get("nodeName", ""),
                }
                yield Sample("container_memory_working_set_bytes", labels, memory_use(pod, index))


def memory_use(pod: Json, index: int) -> float:
    """Return what a container uses: what it needs (else what it requests), and never more than its limit."""
    container = pod["spec"]["containers"][index]
    notes = pod["metadata"].get("annotations") or {}
    resources = container.get("resources", {})
    need = notes.get(prefixed(f"needs-memory.{container['name']}"))
    if need is None and index == 0:
        need = notes.get(prefixed("needs-memory"))
    if need is None:
        need = resources.get("requests", {}).get("memory", str(UNASKED_USE))
    limit = resources.get("limits", {}).get("memory")
    return quantity(need) if limit is None else min(quantity(need), quantity(limit))


def quantity(text: str) -> float:
    """Return the number that a Kubernetes quantity stands for: `512Mi`, `250m`, `1e9`."""
    match = re.fullmatch(r"([0-9.]+(?:[eE][0-9]+)?)([KMGTPE]i|[mkMGTPE]|)", text)
    if match is None:
        raise ValueError(f"not a quantity: {text!r}")
    return float(match[1]) * UNITS[match[2]]


def _pod(pod: Json) -> Iterator[Sample]:
    metadata, status = pod["metadata"], pod.get("status", {})
    labels = {"namespace": metadata["namespace"], "pod": metadata["name"], "uid": metadata["uid"]}
    node = {"node": pod["spec"].get("nodeName", "")}
    yield Sample("kube_pod_info", labels | node, 1)
    yield from _owners("kube_pod_owner", labels, pod)
    for phase in ("Pending", "Running", "Succeeded", "Failed", "Unknown"):
        yield Sample("kube_pod_status_phase", labels | {"phase": phase}, status.get("phase") == phase)
    ready = next((c["status"] for c in status.get("conditions") or [] if c["type"] == "Ready"), "Unknown")
    for value in ("True", "False", "Unknown"):
        yield Sample("kube_pod_status_ready", labels | {"condition": value.lower()}, ready == value)
    for container in pod["spec"]["containers"]:
        for side in ("limits", "requests"):
            for resource, amount in container.get("resources", {}).get(side, {}).items():
                unit = {"cpu": "core", "memory": "byte"}.get(resource, "integer")
                more = {"container": container["name"], "resource": resource, "unit": unit}
                yield Sample(f"kube_pod_container_resource_{side}", labels | node | more, quantity(amount))
    for container_status in _statuses(pod):
        yield from _container(labels | {"container": container_status["name"]}, container_status)


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


def _deployment(deployment: Json) -> Iterator[Sample]:
    status = deployment.get("status", {})
    labels = {"namespace": deployment["metadata"]["namespace"], "deployment": deployment["metadata"]["name"]}
    yield Sample("kube_deployment_spec_replicas", labels, deployment["spec"]["replicas"])
    yield Sample("kube_deployment_metadata_generation", labels, deployment["metadata"]["generation"])
    yield Sample("kube_deployment_status_observed_generation", labels, status.get("observedGeneration", 0))
    yield Sample("kube_deployment_status_replicas", labels, status.get("replicas", 0))
    for word in ("available", "unavailable", "updated", "ready"):
        yield Sample(f"kube_deployment_status_replicas_{word}", labels, status.get(f"{word}Replicas", 0))


def _node(node: Json) -> Iterator[Sample]:
    labels = {"node": node["metadata"]["name"]}
    yield Sample("kube_node_spec_unschedulable", labels, bool(node["spec"].get("unschedulable")))
    for condition in node.get("status", {}).get("conditions") or []:
        for value in ("True", "False", "Unknown"):
            more = {"condition": condition["type"], "status": value.lower()}
            yield Sample("kube_node_status_condition", labels | more, condition["status"] == value)


def _owners(name: str, labels: Labels, item: Json) -> Iterator[Sample]:
    for owner in item["metadata"].get("ownerReferences") or []:
        is_controller = str(bool(owner.get("controller"))).lower()
        more = {"owner_kind": owner["kind"], "owner_name": owner["name"], "owner_is_controller": is_controller}
        yield Sample(name, labels | more, 1)


def _statuses(pod: Json) -> list[Json]:
    found: list[Json] = pod.get("status", {}).get("containerStatuses") or []
    return found


def _escape(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
