"""Argo CD's health of live objects, kind by kind, and of an Application: the worst of them.

Source: `pkg/health` of gitops-engine and the built-in `resource_customizations` of Argo CD 3.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Json = dict[str, Any]
Health = tuple[str, str]  # status and message

ORDER = ("Healthy", "Suspended", "Progressing", "Missing", "Degraded", "Unknown")  # the best first
_PENDING = ("Progressing", "Waiting to Autoscale")
_NO_SCALE = {
    ("AbleToScale", "FailedGetScale"),
    ("AbleToScale", "FailedUpdateScale"),
    ("ScalingActive", "FailedGetResourceMetric"),
    ("ScalingActive", "InvalidSelector"),
}


def worst(statuses: Iterable[str]) -> str:
    """Return the worst of some health statuses; of none, Healthy."""
    return max(statuses, key=ORDER.index, default="Healthy")


def has_check(group: str, kind: str) -> bool:
    """Tell whether a missing object of this kind makes the Application Missing: only built-in checks do."""
    return (group, kind) in _CHECKS and (group, kind) not in _BY_SCRIPT


def health_of(live: Json) -> Health | None:
    """Return an object's health, or None for a kind that has none."""
    if live["metadata"].get("deletionTimestamp"):
        return "Progressing", "Pending deletion"
    group = live["apiVersion"].rpartition("/")[0]
    check = _CHECKS.get((group, live["kind"]))
    return check(live) if check else None


def _deployment(live: Json) -> Health:
    spec, status = live["spec"], live.get("status") or {}
    if spec.get("paused"):
        return "Suspended", "Deployment is paused"
    if _unobserved(live):
        return _rollout("observed deployment generation less than desired generation")
    if (_condition(live, "Progressing") or {}).get("reason") == "ProgressDeadlineExceeded":
        return "Degraded", f'Deployment "{live["metadata"]["name"]}" exceeded its progress deadline'
    wanted, updated = spec.get("replicas", 1), status.get("updatedReplicas", 0)
    if updated < wanted:
        return _rollout(f"{updated} out of {wanted} new replicas have been updated...")
    if (old := status.get("replicas", 0) - updated) > 0:
        return _rollout(f"{old} old replicas are pending termination...")
    if (available := status.get("availableReplicas", 0)) < updated:
        return _rollout(f"{available} of {updated} updated replicas are available...")
    return "Healthy", ""


def _stateful_set(live: Json) -> Health:
    spec, status = live["spec"], live.get("status") or {}
    if not status.get("observedGeneration") or _unobserved(live):
        return "Progressing", "Waiting for statefulset spec update to be observed..."
    wanted, ready, updated = spec.get("replicas", 1), status.get("readyReplicas", 0), status.get("updatedReplicas", 0)
    if ready < wanted:
        return "Progressing", f"Waiting for {wanted - ready} pods to be ready..."
    strategy = spec.get("updateStrategy") or {}
    rolling = strategy.get("rollingUpdate")
    if strategy.get("type") == "RollingUpdate" and rolling is not None:
        if (due := wanted - rolling.get("partition", 0)) > updated and "partition" in rolling:
            return (
                "Progressing",
                f"Waiting for partitioned roll out to finish: {updated} out of {due} new pods have been updated...",
            )
        return "Healthy", f"partitioned roll out complete: {updated} new pods have been updated..."
    if strategy.get("type") == "OnDelete":
        return "Healthy", f"statefulset has {ready} ready pods"
    if (revision := status.get("updateRevision")) != (current := status.get("currentRevision")):
        return (
            "Progressing",
            f"waiting for statefulset rolling update to complete {updated} pods at revision {revision}...",
        )
    pods = status.get("currentReplicas", 0)
    return "Healthy", f"statefulset rolling update complete {pods} pods at revision {current or ''}..."


def _daemon_set(live: Json) -> Health:
    status, name = live.get("status") or {}, live["metadata"]["name"]
    if _unobserved(live):
        return _rollout("observed daemon set generation less than desired generation")
    wanted, updated = status.get("desiredNumberScheduled", 0), status.get("updatedNumberScheduled", 0)
    if ((live["spec"].get("updateStrategy") or {}).get("type")) == "OnDelete":
        return "Healthy", f"daemon set {updated} out of {wanted} new pods have been updated"
    waiting = f'Waiting for daemon set "{name}" rollout to finish:'
    if updated < wanted:
        return "Progressing", f"{waiting} {updated} out of {wanted} new pods have been updated..."
    if (available := status.get("numberAvailable", 0)) < wanted:
        return "Progressing", f"{waiting} {available} of {wanted} updated pods are available..."
    return "Healthy", ""


def _replica_set(live: Json) -> Health:
    status = live.get("status") or {}
    if _unobserved(live):
        return _rollout("observed replica set generation less than desired generation")
    failure = _condition(live, "ReplicaFailure")
    if failure and failure.get("status") == "True":
        return "Degraded", failure.get("message", "")
    wanted, available = live["spec"].get("replicas", 1), status.get("availableReplicas", 0)
    if available < wanted:
        return _rollout(f"{available} out of {wanted} new replicas are available...")
    return "Healthy", ""


def _pod(live: Json) -> Health:
    status, always = live.get("status") or {}, live["spec"].get("restartPolicy", "Always") == "Always"
    containers = status.get("containerStatuses") or []
    waits = [each["state"]["waiting"] for each in containers if (each.get("state") or {}).get("waiting")]
    bad = [w for w in waits if _is_bad(w.get("reason") or "")]
    if always and bad:
        return "Degraded", ", ".join(wait.get("message", "") for wait in bad)
    phase, message = f"{status.get('phase')}", status.get("message", "")
    if phase == "Failed":
        everything = [*(status.get("initContainerStatuses") or ()), *containers]
        return "Degraded", message or next((text for text in map(_ended, everything) if text), "")
    if phase == "Running" and always:
        if (_condition(live, "Ready") or {}).get("status") == "True":
            return "Healthy", message
        died = any((each.get("lastState") or {}).get("terminated") for each in containers)
        return ("Degraded" if died else "Progressing"), message
    return {"Pending": "Progressing", "Running": "Progressing", "Succeeded": "Healthy"}.get(phase, "Unknown"), message


def _is_bad(reason: str) -> bool:
    return reason.startswith("Err") or reason.endswith(("Error", "BackOff"))


def _ended(container: Json) -> str:
    ended = (container.get("state") or {}).get("terminated") or {}
    if ended.get("message"):
        return str(ended["message"])
    if ended.get("reason") == "OOMKilled":
        return "OOMKilled"
    code = ended.get("exitCode")
    return f'container "{container["name"]}" failed with exit code {code}' if code else ""


def _job(live: Json) -> Health:
    conditions = {each["type"]: each for each in (live.get("status") or {}).get("conditions") or ()}
    failed = conditions.get("Failed")
    if failed:
        return "Degraded", failed.get("message", "")
    suspended = conditions.get("Suspended") or {}
    if suspended.get("status") == "True":
        return "Suspended", ""
    if not conditions.keys() & {"Complete", "Suspended"}:
        return "Progressing", ""
    return "Healthy", (conditions.get("Complete") or suspended).get("message", "")


def _autoscaler(live: Json) -> Health:
    for each in (live.get("status") or {}).get("conditions") or ():
        if (each.get("type"), each.get("reason")) in _NO_SCALE:
            return "Degraded", each.get("message", "")
        if each.get("type") in {"AbleToScale", "ScalingLimited"} and each.get("status") == "True":
            return "Healthy", each.get("message", "")
    return _PENDING


def _service(live: Json) -> Health:
    waits = live["spec"].get("type") == "LoadBalancer" and not _ingress_points(live)
    return ("Progressing" if waits else "Healthy"), ""


def _ingress(live: Json) -> Health:
    return ("Healthy" if _ingress_points(live) else "Progressing"), ""


def _claim(live: Json) -> Health:
    phase = f"{(live.get('status') or {}).get('phase')}"
    return {"Lost": "Degraded", "Pending": "Progressing", "Bound": "Healthy"}.get(phase, "Unknown"), ""


def _cron_job(live: Json) -> Health:
    if live["spec"].get("suspend") is True:
        return "Healthy", "CronJob is Suspended"
    status = live.get("status")
    if status is None:
        return "Progressing", "Waiting for CronJob"
    last, succeeded = status.get("lastScheduleTime"), status.get("lastSuccessfulTime")
    if last is None:
        return "Healthy", "CronJob has not been scheduled yet"
    if succeeded is None:
        return "Healthy", "The Cronjob never completed succesfully. It may not be healthy"
    if status.get("active"):
        return "Healthy", "The job is running. Its last execution may not have been successful"
    if succeeded < last:
        return "Degraded", "CronJob has not completed its last execution successfully"
    return "Healthy", "CronJob has completed its last execution successfully"


def _disruption_budget(live: Json) -> Health:
    found = ("Progressing", "Waiting for status")
    for each in (live.get("status") or {}).get("conditions") or ():
        found = ("Healthy", f"PodDisruptionBudget has {each.get('reason')}")
        if each.get("status") == "False" and each.get("reason") != "InsufficientPods":
            return "Degraded", found[1]
    return found


def _rollout(what: str) -> Health:
    return "Progressing", f"Waiting for rollout to finish: {what}"


def _unobserved(live: Json) -> bool:
    observed: int = (live.get("status") or {}).get("observedGeneration", 0)
    return bool(live["metadata"].get("generation", 0) > observed)


def _condition(live: Json, name: str) -> Json | None:
    return next((c for c in (live.get("status") or {}).get("conditions") or () if c.get("type") == name), None)


def _ingress_points(live: Json) -> Any:  # noqa: ANN401 - only asked whether there are any
    return ((live.get("status") or {}).get("loadBalancer") or {}).get("ingress")


_BY_SCRIPT = {("batch", "CronJob"), ("policy", "PodDisruptionBudget")}
_CHECKS: dict[tuple[str, str], Callable[[Json], Health]] = {
    ("apps", "Deployment"): _deployment,
    ("apps", "StatefulSet"): _stateful_set,
    ("apps", "DaemonSet"): _daemon_set,
    ("apps", "ReplicaSet"): _replica_set,
    ("", "Pod"): _pod,
    ("", "Service"): _service,
    ("", "PersistentVolumeClaim"): _claim,
    ("batch", "Job"): _job,
    ("batch", "CronJob"): _cron_job,
    ("autoscaling", "HorizontalPodAutoscaler"): _autoscaler,
    ("policy", "PodDisruptionBudget"): _disruption_budget,
    ("networking.k8s.io", "Ingress"): _ingress,
}
