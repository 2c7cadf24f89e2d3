"""Health of live objects, kind by kind, as Argo CD's own checks see it."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.sandbox.delivery.health import has_check, health_of, worst


def live(kind: str, spec: object = None, status: object = None, **metadata: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return a live object of a kind such as apps/v1/Deployment."""
    version, _, name = kind.rpartition("/")
    meta = {"name": "it", "generation": 2, **metadata}
    value = {"apiVersion": version, "kind": name, "metadata": meta, "spec": spec or {}}
    return value | ({"status": status} if status is not None else {})


def counts(updated: int = 3, replicas: int = 3, available: int = 3, **more: object) -> dict[str, object]:
    """Return the status of a workload whose controller has seen the newest specification."""
    found = {"updatedReplicas": updated, "replicas": replicas, "availableReplicas": available}
    return {"observedGeneration": 2, "readyReplicas": available, **found, **more}


def pod(phase: str, **status: object) -> dict[str, object]:
    """Return a pod's status."""
    return {"phase": phase, **status}


def waiting(reason: str) -> dict[str, object]:
    """Return the status of a pod whose container waits."""
    container = {"name": "web", "state": {"waiting": {"reason": reason, "message": f"because {reason}"}}}
    return pod("Running", containerStatuses=[container])


DEPLOYMENT, SET, DAEMON = "apps/v1/Deployment", "apps/v1/StatefulSet", "apps/v1/DaemonSet"
THREE = {"replicas": 3}
EXCEEDED = [{"type": "Progressing", "reason": "ProgressDeadlineExceeded"}]
READY = [{"type": "Ready", "status": "True"}]
DIED = [{"name": "web", "state": {"running": {}}, "lastState": {"terminated": {"exitCode": 1}}}]
FAILED = [{"name": "web", "state": {"terminated": {"exitCode": 3}}}]
REVISIONS = {"currentRevision": "a", "updateRevision": "b"}
SCALED = [{"type": "AbleToScale", "status": "True", "message": "ready"}]
NO_METRICS = [{"type": "ScalingActive", "reason": "FailedGetResourceMetric", "message": "no metrics"}]
SCHEDULED = {"desiredNumberScheduled": 2, "updatedNumberScheduled": 2, "observedGeneration": 2}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (live(DEPLOYMENT, THREE, counts()), ("Healthy", "")),
        (
            live(DEPLOYMENT, THREE, counts(updated=1)),
            ("Progressing", "Waiting for rollout to finish: 1 out of 3 new replicas have been updated..."),
        ),
        (
            live(DEPLOYMENT, THREE, counts(replicas=4)),
            ("Progressing", "Waiting for rollout to finish: 1 old replicas are pending termination..."),
        ),
        (
            live(DEPLOYMENT, THREE, counts(available=2)),
            ("Progressing", "Waiting for rollout to finish: 2 of 3 updated replicas are available..."),
        ),
        (
            live(DEPLOYMENT, THREE, counts(observedGeneration=1)),
            (
                "Progressing",
                "Waiting for rollout to finish: observed deployment generation less than desired generation",
            ),
        ),
        (
            live(DEPLOYMENT, THREE, counts(available=2, conditions=EXCEEDED)),
            ("Degraded", 'Deployment "it" exceeded its progress deadline'),
        ),
        (live(DEPLOYMENT, {**THREE, "paused": True}, counts()), ("Suspended", "Deployment is paused")),
        (live(DEPLOYMENT, THREE, counts(), deletionTimestamp="x"), ("Progressing", "Pending deletion")),
        (live(SET, THREE, counts(available=1)), ("Progressing", "Waiting for 2 pods to be ready...")),
        (live(SET, THREE, {}), ("Progressing", "Waiting for statefulset spec update to be observed...")),
        (
            live(SET, THREE, counts(updated=1) | REVISIONS),
            ("Progressing", "waiting for statefulset rolling update to complete 1 pods at revision b..."),
        ),
        (
            live(
                SET,
                {**THREE, "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}},
                counts(1),
            ),
            ("Progressing", "Waiting for partitioned roll out to finish: 1 out of 2 new pods have been updated..."),
        ),
        (
            live(SET, {**THREE, "updateStrategy": {"type": "OnDelete"}}, counts()),
            ("Healthy", "statefulset has 3 ready pods"),
        ),
        (live(DAEMON, None, {**SCHEDULED, "numberAvailable": 2}), ("Healthy", "")),
        (
            live(DAEMON, None, {**SCHEDULED, "numberAvailable": 1}),
            ("Progressing", 'Waiting for daemon set "it" rollout to finish: 1 of 2 updated pods are available...'),
        ),
        (live("v1/Pod", None, pod("Pending")), ("Progressing", "")),
        (live("v1/Pod", None, pod("Running", conditions=READY)), ("Healthy", "")),
        (live("v1/Pod", None, pod("Running", containerStatuses=DIED)), ("Degraded", "")),
        (live("v1/Pod", None, waiting("CrashLoopBackOff")), ("Degraded", "because CrashLoopBackOff")),
        (live("v1/Pod", None, waiting("ContainerCreating")), ("Progressing", "")),
        (live("v1/Pod", {"restartPolicy": "Never"}, waiting("ErrImagePull")), ("Progressing", "")),
        (
            live("v1/Pod", None, pod("Failed", containerStatuses=FAILED)),
            ("Degraded", 'container "web" failed with exit code 3'),
        ),
        (live("v1/Pod", None, {}), ("Unknown", "")),
        (live("batch/v1/Job", None, {}), ("Progressing", "")),
        (live("batch/v1/Job", None, {"conditions": [{"type": "Complete"}]}), ("Healthy", "")),
        (live("batch/v1/Job", None, {"conditions": [{"type": "Failed", "message": "limit"}]}), ("Degraded", "limit")),
        (live("autoscaling/v2/HorizontalPodAutoscaler", None, {"conditions": SCALED}), ("Healthy", "ready")),
        (live("autoscaling/v2/HorizontalPodAutoscaler", None, {"conditions": NO_METRICS}), ("Degraded", "no metrics")),
        (live("autoscaling/v2/HorizontalPodAutoscaler", None, {}), ("Progressing", "Waiting to Autoscale")),
        (live("v1/Service", {"type": "ClusterIP"}), ("Healthy", "")),
        (live("v1/Service", {"type": "LoadBalancer"}, {"loadBalancer": {}}), ("Progressing", "")),
        (live("v1/PersistentVolumeClaim", None, {"phase": "Pending"}), ("Progressing", "")),
        (live("v1/PersistentVolumeClaim", None, {"phase": "Lost"}), ("Degraded", "")),
        (live("batch/v1/CronJob", {"suspend": True}, {}), ("Healthy", "CronJob is Suspended")),
        (live("v1/ConfigMap"), None),
        (live("example.com/v1/Deployment"), None),
    ],
)
def test_health_follows_the_kind(value: dict[str, Any], expected: tuple[str, str] | None) -> None:
    """Status and message of each check."""
    assert health_of(value) == expected


def test_application_is_as_healthy_as_its_worst_object() -> None:
    """Missing is worse than Progressing, Degraded worse than both; nothing at all is Healthy."""
    assert worst(["Healthy", "Missing", "Progressing"]) == "Missing"
    assert worst(["Degraded", "Missing"]) == "Degraded"
    assert worst([]) == "Healthy"


def test_only_kinds_with_a_check_can_be_missing() -> None:
    """A ConfigMap that is not there makes an Application OutOfSync, not Missing."""
    assert has_check("apps", "Deployment")
    assert not has_check("", "ConfigMap")
    assert not has_check("batch", "CronJob")  # its check is a script, which the real one does not ask here
