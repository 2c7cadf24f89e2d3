"""What the API server adds to a pod's specification, as a pod of its own or as a workload's template."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reconciler.sandbox.cluster.values import Json

_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_FILE_MODE = 420  # 0644
_LOST = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
# How long a pod stays on a node that is lost.
_PATIENCE = [{"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300} for key in _LOST]


def complete(spec: Json) -> None:
    """Add the defaults that pods and templates share."""
    _default(spec, restartPolicy="Always", terminationGracePeriodSeconds=30, dnsPolicy="ClusterFirst")
    _default(spec, schedulerName="default-scheduler")
    spec.setdefault("securityContext", {})
    for containers in ("containers", "initContainers"):
        for container in spec.get(containers) or ():
            _complete_container(container)
    for volume in spec.get("volumes") or ():
        for source in ("configMap", "secret", "projected", "downwardAPI"):
            if source in volume:
                _default(volume[source], defaultMode=_FILE_MODE)
        if "hostPath" in volume:
            _default(volume["hostPath"], type="")
        for item in (volume.get("downwardAPI") or {}).get("items") or ():
            if item.get("fieldRef"):
                _default(item["fieldRef"], apiVersion="v1")


def complete_pod(spec: Json) -> None:
    """Add the defaults of a pod."""
    complete(spec)
    for container in [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]:
        _request_what_is_limited(container["resources"])
    _default(spec, enableServiceLinks=True)


def admit(spec: Json) -> None:
    """Add what the admission plugins of every cluster add to a new pod."""
    _default(spec, serviceAccountName="default", priority=0, preemptionPolicy="PreemptLowerPriority")
    _default(spec, serviceAccount=spec["serviceAccountName"])
    tolerations = spec.get("tolerations") or []
    added = [{**each} for each in _PATIENCE if not any(_tolerates(own, each) for own in tolerations)]
    if added:
        spec["tolerations"] = [*tolerations, *added]


def _tolerates(own: Json, taint: Json) -> bool:
    key, effect = own.get("key") or taint["key"], own.get("effect") or "NoExecute"
    return bool(key == taint["key"] and effect == "NoExecute")


def quality(spec: Json) -> str:
    """Return the pod's quality of service class."""
    sides = [
        (resources.get("requests") or {}, resources.get("limits") or {})
        for container in [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
        for resources in (container.get("resources") or {},)
    ]
    if not any(requests or limits for requests, limits in sides):
        return "BestEffort"
    counted = ("cpu", "memory")
    guaranteed = all(
        limits.get(r) and requests.get(r, limits[r]) == limits[r] for requests, limits in sides for r in counted
    )
    return "Guaranteed" if guaranteed else "Burstable"


def _complete_container(container: Json) -> None:
    image = container.get("image") or ""
    tag = image.partition("@")[0].rpartition("/")[2].partition(":")[2]
    floating = "@" not in image and tag in ("", "latest")
    _default(container, imagePullPolicy="Always" if floating else "IfNotPresent")
    _default(container, terminationMessagePath="/dev/termination-log", terminationMessagePolicy="File")
    container.setdefault("resources", {})
    for port in container.get("ports") or ():
        _default(port, protocol="TCP")
    for probe in _PROBES:
        if container.get(probe):
            _complete_probe(container[probe])
    for variable in container.get("env") or ():
        reference = (variable.get("valueFrom") or {}).get("fieldRef")
        if reference:
            _default(reference, apiVersion="v1")


def _complete_probe(probe: Json) -> None:
    _default(probe, timeoutSeconds=1, periodSeconds=10, successThreshold=1, failureThreshold=3)
    if probe.get("httpGet"):
        _default(probe["httpGet"], path="/", scheme="HTTP")
    if probe.get("grpc"):
        _default(probe["grpc"], service="")


def _request_what_is_limited(resources: Json) -> None:
    limits = resources.get("limits") or {}
    if limits:
        resources["requests"] = {**limits, **(resources.get("requests") or {})}


def _default(where: Json, **values: Any) -> None:  # noqa: ANN401 - JSON of any shape
    for key, value in values.items():
        if where.get(key) is None:
            where[key] = value
