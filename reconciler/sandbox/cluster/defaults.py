"""What the API server adds to a manifest: the defaults that somebody reads, and a new object's first status."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from reconciler.sandbox.cluster import pod_defaults

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from reconciler.sandbox.cluster.kinds import Kind
    from reconciler.sandbox.cluster.values import Json

_RBAC = "rbac.authorization.k8s.io"


def complete(kind: Kind, value: Json) -> None:
    """Add a kind's defaults; done for every write, as the real server does when it decodes a body."""
    fill = None if kind.custom else _DEFAULTS.get(kind.kind)
    if fill is not None:
        if type(value.get("spec")) is not dict and kind.kind not in _WITHOUT_SPEC:
            value["spec"] = {}
        fill(value)


def begin(kind: Kind, value: Json, ids: random.Random) -> None:
    """Add what only a creation gets: addresses, a selector made from the uid, labels."""
    start = None if kind.custom else _BEGINNINGS.get(kind.kind)
    if start is not None:
        start(value, ids)


def first_status(kind: Kind, value: Json) -> Json:
    """Return the status that a new object of a built-in kind has before any controller saw it."""
    if kind.name == "Pod":
        return {"phase": "Pending", "qosClass": pod_defaults.quality(value["spec"])}
    return dict(_FIRST_STATUS.get(kind.name, {}))


_FIRST_STATUS: dict[str, Json] = {
    "Namespace": {"phase": "Active"},
    "Service": {"loadBalancer": {}},
    "PersistentVolumeClaim": {"phase": "Pending"},
    "StatefulSet": {"replicas": 0, "availableReplicas": 0},
    "ReplicaSet": {"replicas": 0},
    "DaemonSet": {"currentNumberScheduled": 0, "numberMisscheduled": 0, "desiredNumberScheduled": 0, "numberReady": 0},
    "HorizontalPodAutoscaler": {"currentMetrics": None, "desiredReplicas": 0},
    "PodDisruptionBudget": {"disruptionsAllowed": 0, "currentHealthy": 0, "desiredHealthy": 0, "expectedPods": 0},
}


def _default(where: Json, **values: Any) -> None:  # noqa: ANN401 - JSON of any shape
    for key, value in values.items():
        if where.get(key) is None:
            where[key] = value


def _template(spec: Json) -> None:
    template = spec.get("template")
    if type(template) is dict:
        template.setdefault("metadata", {})
        if type(template.get("spec")) is dict:
            pod_defaults.complete(template["spec"])


def _pod(value: Json) -> None:
    pod_defaults.complete_pod(value["spec"])


def _deployment(value: Json) -> None:
    spec = value["spec"]
    _default(spec, replicas=1, revisionHistoryLimit=10, progressDeadlineSeconds=600, strategy={})
    _default(spec["strategy"], type="RollingUpdate")
    if spec["strategy"]["type"] == "RollingUpdate":
        _default(spec["strategy"], rollingUpdate={})
        _default(spec["strategy"]["rollingUpdate"], maxUnavailable="25%", maxSurge="25%")
    _template(spec)


def _stateful_set(value: Json) -> None:
    spec = value["spec"]
    _default(spec, replicas=1, revisionHistoryLimit=10, podManagementPolicy="OrderedReady", updateStrategy={})
    _default(spec, persistentVolumeClaimRetentionPolicy={})
    _default(spec["persistentVolumeClaimRetentionPolicy"], whenDeleted="Retain", whenScaled="Retain")
    _default(spec["updateStrategy"], type="RollingUpdate")
    if spec["updateStrategy"]["type"] == "RollingUpdate":
        _default(spec["updateStrategy"], rollingUpdate={})
        _default(spec["updateStrategy"]["rollingUpdate"], partition=0)
    for claim in spec.get("volumeClaimTemplates") or ():
        _default(claim, apiVersion="v1", kind="PersistentVolumeClaim", spec={}, status={"phase": "Pending"})
        _claim(claim)
    _template(spec)


def _daemon_set(value: Json) -> None:
    spec = value["spec"]
    _default(spec, revisionHistoryLimit=10, updateStrategy={})
    _default(spec["updateStrategy"], type="RollingUpdate")
    if spec["updateStrategy"]["type"] == "RollingUpdate":
        _default(spec["updateStrategy"], rollingUpdate={})
        _default(spec["updateStrategy"]["rollingUpdate"], maxUnavailable=1, maxSurge=0)
    _template(spec)


def _replica_set(value: Json) -> None:
    _default(value["spec"], replicas=1)
    _template(value["spec"])


def _job_spec(spec: Json) -> None:
    if spec.get("completions") is None and spec.get("parallelism") is None:
        spec["completions"] = 1
    _default(spec, parallelism=1, backoffLimit=6, completionMode="NonIndexed", suspend=False)
    _default(spec, podReplacementPolicy="TerminatingOrFailed", manualSelector=False)
    _template(spec)


def _cron_job(value: Json) -> None:
    _default(value["spec"], concurrencyPolicy="Allow", suspend=False)
    _default(value["spec"], successfulJobsHistoryLimit=3, failedJobsHistoryLimit=1)
    job = value["spec"].get("jobTemplate")
    if type(job) is dict:
        job.setdefault("metadata", {})
        _template(job.get("spec") or {})


def _service(value: Json) -> None:
    spec = value["spec"]
    _default(spec, type="ClusterIP", sessionAffinity="None")
    if spec["type"] != "ExternalName":
        _default(spec, internalTrafficPolicy="Cluster")
    for port in spec.get("ports") or ():
        _default(port, protocol="TCP", targetPort=port.get("port"))


def _autoscaler(value: Json) -> None:
    spec = value["spec"]
    _default(spec, minReplicas=1)
    if not spec.get("metrics"):
        target = {"type": "Utilization", "averageUtilization": 80}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    if type(spec.get("behavior")) is dict:
        _behavior(spec["behavior"])


def _namespace(value: Json) -> None:
    metadata = value["metadata"]
    metadata["labels"] = {**(metadata.get("labels") or {}), "kubernetes.io/metadata.name": metadata["name"]}


def _behavior(behavior: Json) -> None:
    """Add the rules by which an autoscaler with a behavior of its own scales."""
    pods, everything = {"type": "Pods", "value": 4, "periodSeconds": 15}, {"type": "Percent", "value": 100}
    up = behavior.setdefault("scaleUp", {})
    _default(up, stabilizationWindowSeconds=0, selectPolicy="Max")
    up.setdefault("policies", [pods, {**everything, "periodSeconds": 15}])
    down = behavior.setdefault("scaleDown", {})
    _default(down, selectPolicy="Max")
    down.setdefault("policies", [{**everything, "periodSeconds": 15}])


def _begin_event(value: Json, _: random.Random) -> None:
    for key in ("eventTime", "firstTimestamp", "lastTimestamp"):
        value.setdefault(key, None)
    _default(value, reportingComponent="", reportingInstance="", source={})


def _secret(value: Json) -> None:
    _default(value, type="Opaque")
    texts = value.pop("stringData", None) or {}
    if texts:
        encoded = {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()}
        value["data"] = (value.get("data") or {}) | encoded


def _claim(value: Json) -> None:
    _default(value["spec"], volumeMode="Filesystem")


def _binding(value: Json) -> None:
    if type(value.get("roleRef")) is dict:
        _default(value["roleRef"], apiGroup=_RBAC)
    for subject in value.get("subjects") or ():
        if subject.get("kind") in ("User", "Group"):
            _default(subject, apiGroup=_RBAC)


def _definition(value: Json) -> None:
    names = value["spec"].get("names")
    if type(names) is dict and names.get("kind"):
        _default(names, singular=names["kind"].lower(), listKind=f"{names['kind']}List")
    _default(value["spec"], conversion={"strategy": "None"})


_DEFAULTS: dict[str, Callable[[Json], None]] = {
    "Pod": _pod,
    "Deployment": _deployment,
    "Namespace": _namespace,
    "StatefulSet": _stateful_set,
    "DaemonSet": _daemon_set,
    "ReplicaSet": _replica_set,
    "Job": lambda value: _job_spec(value["spec"]),
    "CronJob": _cron_job,
    "Service": _service,
    "HorizontalPodAutoscaler": _autoscaler,
    "Secret": _secret,
    "PersistentVolumeClaim": _claim,
    "RoleBinding": _binding,
    "ClusterRoleBinding": _binding,
    "CustomResourceDefinition": _definition,
}
_WITHOUT_SPEC = frozenset({"Namespace", "Secret", "RoleBinding", "ClusterRoleBinding"})


def _begin_namespace(value: Json, _: random.Random) -> None:
    value["spec"] = {**(value.get("spec") or {}), "finalizers": ["kubernetes"]}


def _begin_service(value: Json, ids: random.Random) -> None:
    spec = value["spec"]
    if spec["type"] == "ExternalName":
        return
    _default(spec, clusterIP=f"10.96.{ids.randrange(256)}.{ids.randrange(1, 255)}")
    if spec["clusterIP"] == "None" and not spec.get("selector"):
        _default(spec, ipFamilies=["IPv4", "IPv6"], ipFamilyPolicy="RequireDualStack")  # nobody knows its pods
    _default(spec, clusterIPs=[spec["clusterIP"]], ipFamilies=["IPv4"], ipFamilyPolicy="SingleStack")
    if spec["type"] in ("NodePort", "LoadBalancer"):
        _default(spec, externalTrafficPolicy="Cluster")
        for port in spec.get("ports") or ():
            _default(port, nodePort=ids.randrange(30_000, 32_768))


def _begin_job(value: Json, _: random.Random) -> None:
    spec, metadata = value["spec"], value["metadata"]
    template = spec.get("template")
    if spec.get("manualSelector") or type(template) is not dict:
        return
    uid, name = metadata["uid"], metadata["name"]
    labels = {"controller-uid": uid, "job-name": name}
    labels |= {f"batch.kubernetes.io/{key}": text for key, text in labels.items()}
    owned = template.setdefault("metadata", {})
    owned["labels"] = {**(owned.get("labels") or {}), **labels}
    if not metadata.get("labels"):
        metadata["labels"] = dict(owned["labels"])
    spec["selector"] = {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}


_BEGINNINGS: dict[str, Callable[[Json, random.Random], None]] = {
    "Pod": lambda value, _: pod_defaults.admit(value["spec"]),
    "Namespace": _begin_namespace,
    "Service": _begin_service,
    "Job": _begin_job,
    "StatefulSet": lambda value, _: _default(value["spec"], serviceName=""),
    "Event": _begin_event,
}
