"""What the API server adds to a manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.sandbox.cluster.api import Json, deployment, pod

if TYPE_CHECKING:
    from reconciler.sandbox.cluster import Store


def test_deployment_gets_the_defaults_that_are_read(store: Store) -> None:
    """Replicas, strategy, limits of history, and those of its template's pods."""
    spec = store.create(deployment(), manager="tests")["spec"]

    rolling = {"maxUnavailable": "25%", "maxSurge": "25%"}
    assert spec["replicas"] == 1
    assert spec["strategy"] == {"type": "RollingUpdate", "rollingUpdate": rolling}
    assert (spec["revisionHistoryLimit"], spec["progressDeadlineSeconds"]) == (10, 600)
    template = spec["template"]["spec"]
    assert (template["restartPolicy"], template["dnsPolicy"]) == ("Always", "ClusterFirst")
    assert template["terminationGracePeriodSeconds"] == 30
    assert template["containers"][0]["terminationMessagePath"] == "/dev/termination-log"
    assert template["containers"][0]["imagePullPolicy"] == "IfNotPresent"


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("web", "Always"),
        ("registry:5000/web", "Always"),
        ("web:latest", "Always"),
        ("web:1.0", "IfNotPresent"),
        ("web@sha256:00", "IfNotPresent"),
    ],
)
def test_pull_policy_follows_the_tag(store: Store, image: str, policy: str) -> None:
    """A floating tag is pulled always; a port is no tag."""
    manifest = pod()
    manifest["spec"]["containers"][0]["image"] = image

    made = store.create(manifest, manager="tests")

    assert made["spec"]["containers"][0]["imagePullPolicy"] == policy


@pytest.mark.parametrize(
    ("resources", "quality"),
    [
        ({}, "BestEffort"),
        ({"requests": {"cpu": "100m"}}, "Burstable"),
        ({"limits": {"cpu": "1", "memory": "1Gi"}}, "Guaranteed"),
        ({"limits": {"memory": "1Gi"}}, "Burstable"),
        ({"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m"}}, "Burstable"),
    ],
)
def test_new_pod_is_pending_with_its_quality_of_service(store: Store, resources: Json, quality: str) -> None:
    """A limit without a request is the request, too."""
    manifest = pod() | {"status": {"phase": "Running"}}
    manifest["spec"]["containers"][0]["resources"] = resources

    assert store.create(manifest, manager="tests")["status"] == {"phase": "Pending", "qosClass": quality}


def test_job_selects_its_pods_by_its_own_uid(store: Store) -> None:
    """As the real server makes the selector."""
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "once", "image": "once:1"}]}}
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "once"}, "spec": {"template": template}}

    made = store.create(job, manager="tests")

    uid = made["metadata"]["uid"]
    assert made["spec"]["selector"] == {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}
    assert made["spec"]["template"]["metadata"]["labels"]["job-name"] == "once"
    assert made["metadata"]["namespace"] == "default"
