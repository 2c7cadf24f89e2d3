"""Series follow from what happens in the cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.sandbox.timing import Timing
from tests.sandbox.monitoring.worlds import World, crashed, pod, runs

if TYPE_CHECKING:
    from reconciler.sandbox.monitoring.samples import Json

MEMORY = "container_memory_working_set_bytes"
RATE = "rate(container_cpu_usage_seconds_total[10s])"


@pytest.fixture
def world() -> World:
    """A world with one pod that runs."""
    world = World()
    world.create(pod())
    world.change("Pod", "web-1", runs(world))
    return world


def deployment(load: str) -> Json:
    """Return a Deployment that bears its pods' load itself."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "web",
            "namespace": "production",
            "annotations": {"testbed.reconciler.dev/cpu-load": load},
        },
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "web", "image": "web:1"}]},
            },
        },
    }


def replica_set() -> Json:
    """Return the Deployment's ReplicaSet."""
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "d", "controller": True}
    made = deployment("")
    made["kind"] = "ReplicaSet"
    made["metadata"] = {"name": "web-abc", "namespace": "production", "ownerReferences": [owner]}
    return made


def autoscaler() -> Json:
    """Return a HorizontalPodAutoscaler at its maximum."""
    target = {"type": "Utilization", "averageUtilization": 80}
    now = {"averageUtilization": 120, "averageValue": "240m"}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web", "namespace": "production"},
        "spec": {
            "minReplicas": 2,
            "maxReplicas": 4,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
        },
        "status": {
            "currentReplicas": 4,
            "desiredReplicas": 4,
            "conditions": [{"type": "ScalingLimited", "status": "True"}],
            "currentMetrics": [{"type": "Resource", "resource": {"name": "cpu", "current": now}}],
        },
    }


def test_a_container_that_needs_more_than_its_limit_peaks_at_the_limit(world: World) -> None:
    """And its peak outlives its crash, within the range."""
    world.advance(3)
    world.change("Pod", "web-1", crashed(1))
    world.advance(5)

    assert world.value(MEMORY) is None
    assert world.value(f"max by (namespace, pod, container) (max_over_time({MEMORY}[1m]))") == 512 * 2**20


def test_a_change_is_seen_from_the_next_scrape_on(world: World) -> None:
    """Not before: a scrape is once a second here."""
    world.advance(0.5)
    world.change("Pod", "web-1", crashed(1))

    assert world.value("kube_pod_container_status_restarts_total") == 0
    world.advance(0.5)
    assert world.value("kube_pod_container_status_restarts_total") == 1


def test_what_changes_twice_between_two_scrapes_is_seen_once() -> None:
    """The state at the scrape counts, whatever came before it or after it."""
    world = World(Timing.real())
    world.create(pod())
    world.change("Pod", "web-1", runs(world))
    world.advance(20)
    world.change("Pod", "web-1", crashed(1))
    world.advance(5)
    world.change("Pod", "web-1", runs(world, restarts=1))
    world.advance(10)
    world.change("Pod", "web-1", crashed(2))

    assert world.value("kube_pod_container_status_restarts_total") == 1
    assert world.value("changes(kube_pod_container_status_restarts_total[1m])") == 1
    assert world.value("kube_pod_container_status_waiting_reason") is None


def test_the_series_of_a_deleted_pod_are_stale_at_once(world: World) -> None:
    """Five minutes of ghosts would make findings of what is gone."""
    world.advance(3)
    world.store.purge("Pod", "production", "web-1")
    world.settle()
    world.advance(1)

    assert world.query('{pod="web-1"}') == {}
    assert world.value("count(count_over_time(kube_pod_info[1m]))") == 1


def test_ready_pods_share_their_workload_s_load() -> None:
    """One of two is ready: it bears all three cores, and is throttled at its limit."""
    world = World()
    for name in ("web-1", "web-2"):
        world.create(pod(name, load="3"))
    world.change("Pod", "web-1", runs(world))
    world.advance(15)
    used = world.value(RATE)
    throttled = world.value("rate(container_cpu_cfs_throttled_periods_total[10s])")

    assert used == pytest.approx(2)
    assert throttled == pytest.approx(10)


def test_the_load_of_a_deployment_is_shared_across_its_replica_set() -> None:
    """It may be borne by the Deployment, so that it changes without a rollout."""
    world = World()
    world.create(deployment("3"))
    world.create(replica_set())
    for name in ("web-1", "web-2"):
        world.create(pod(name, owner="web-abc"))
        world.change("Pod", name, runs(world))
    world.advance(15)

    assert list(world.query(RATE).values()) == pytest.approx([1.5, 1.5])

    world.change("Pod", "web-2", runs(world, ready=False))
    world.advance(15)
    assert sorted(world.query(RATE).values()) == pytest.approx([0.01, 2])

    def calm(item: Json) -> None:
        item["metadata"]["annotations"] = {"testbed.reconciler.dev/cpu-load": "800m"}

    world.store.change("Deployment", "production", "web", calm, manager="test")
    world.settle()
    world.advance(15)
    assert sorted(world.query(RATE).values()) == pytest.approx([0.01, 0.8])


def test_the_counters_of_a_restarted_container_begin_at_zero() -> None:
    """As those of a new cgroup do, and `increase` bridges the gap."""
    world = World()
    world.create(pod(load="1"))
    world.change("Pod", "web-1", runs(world))
    world.advance(10)
    before = world.value("container_cpu_usage_seconds_total")
    world.change("Pod", "web-1", runs(world, restarts=1))
    world.advance(4)

    assert before == pytest.approx(10)
    assert world.value("container_cpu_usage_seconds_total") == pytest.approx(4)
    assert world.value("resets(container_cpu_usage_seconds_total[1m])") == 1


def test_an_autoscaler_s_series_are_those_of_kube_state_metrics() -> None:
    """Replicas, bounds, targets and conditions."""
    world = World()
    world.create(autoscaler())
    world.change("HorizontalPodAutoscaler", "web", lambda item: item.update(status=autoscaler()["status"]))

    prefix = "kube_horizontalpodautoscaler"
    assert world.value(f"{prefix}_status_current_replicas == {prefix}_spec_max_replicas") == 4
    assert world.value(f'{prefix}_spec_target_metric{{metric_target_type="utilization",metric_name="cpu"}}') == 80
    assert world.value(f'{prefix}_status_target_metric{{metric_target_type="average"}}') == pytest.approx(0.24)
    assert world.value(f'{prefix}_status_condition{{condition="ScalingLimited",status="true"}}') == 1
    assert world.value(f'{prefix}_info{{scaletargetref_name="web"}}') == 1


def test_nodes_tell_conditions_and_capacity() -> None:
    """With the resources' units."""
    world = World()
    world.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-1"}, "spec": {"unschedulable": True}})
    capacity = {"cpu": "4", "memory": "16Gi", "ephemeral-storage": "100Gi", "pods": "110"}
    status = {"capacity": capacity, "conditions": [{"type": "Ready", "status": "Unknown"}]}
    world.change("Node", "node-1", lambda item: item.update(status=status), namespace="")

    assert world.value("kube_node_spec_unschedulable") == 1
    assert world.value('kube_node_status_condition{condition="Ready",status="unknown"}') == 1
    assert world.value('kube_node_status_capacity{resource="cpu",unit="core"}') == 4
    assert world.value('kube_node_status_capacity{resource="ephemeral_storage",unit="byte"}') == 100 * 2**30


def test_a_look_at_an_unchanged_cluster_does_nothing(world: World) -> None:
    """It is done after every action of the sandbox."""
    world.advance(1)
    versions = {name: family.version for name, family in world.monitoring.history.families.items()}

    world.settle()

    assert {name: family.version for name, family in world.monitoring.history.families.items()} == versions
    assert world.value("up{job='kubelet'}") == 1
