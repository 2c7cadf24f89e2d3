"""What the API server adds to a pod's specification, as a pod of its own or as a workload's template."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reconciler.sandbox.cluster.values import Json

_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_FILE_MODE = 420  # 0644


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


def complete_pod(spec: Json) -> None:
    """Add what only a pod gets, by defaults or by the admission plugins that every cluster has."""
    complete(spec)
    for container in [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]:
        _request_what_is_limited(container["resources"])
    _default(spec, enableServiceLinks=True, serviceAccountName="default", priority=0)
    _default(spec, serviceAccount=spec["serviceAccountName"], preemptionPolicy="PreemptLowerPriority")


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
