"""An autoscaler sizes a workload by what its ready pods use, as the real one does."""

from __future__ import annotations

from datetime import timedelta

import pytest

from reconciler.sandbox.controllers.recommendations import NoMetric, Target, Tolerance, read
from tests.sandbox.controllers.world import BEGINNING, SPACE, Json, World, condition, deployment, fault

KIND = "HorizontalPodAutoscaler"


def autoscaler(least: int = 1, most: int = 10, *, percent: int = 80, **spec: object) -> Json:
    """Return an autoscaler of `web` that keeps its CPU at a percentage of what is requested (100m)."""
    target = {"type": "Utilization", "averageUtilization": percent}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": KIND,
        "metadata": {"name": "web", "namespace": SPACE},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "minReplicas": least,
            "maxReplicas": most,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
            **spec,
        },
    }


def set_load(world: World, load: str) -> None:
    """Give the running pods another load, without a rollout."""
    for pod in world.pods():
        world.annotate("Pod", pod["metadata"]["name"], cpu_load=load)


def replicas(world: World) -> int:
    """Return how many pods the Deployment asks for."""
    found: int = world.get("Deployment", "web")["spec"]["replicas"]
    return found


def test_load_above_the_target_adds_pods_until_it_is_met(world: World) -> None:
    """500m shared by pods that are to use 80m each: seven."""
    world.create(deployment(cpu_load="500m"))
    world.create(autoscaler())
    world.wait(60)

    assert replicas(world) == 7
    status = world.status(KIND, "web")
    assert (status["currentReplicas"], status["desiredReplicas"]) == (7, 7)
    [metric] = status["currentMetrics"]
    assert metric["resource"] == {"name": "cpu", "current": {"averageUtilization": 71, "averageValue": "71m"}}
    assert "lastScaleTime" in status


def test_the_conditions_are_the_real_ones(world: World) -> None:
    """Able to scale, active, and not limited."""
    world.create(deployment(replicas=2, cpu_load="160m"))
    world.create(autoscaler())
    world.wait(400)

    live = world.get(KIND, "web")
    assert condition(live, "AbleToScale")["reason"] == "ReadyForNewScale"
    active = condition(live, "ScalingActive")
    assert (active["status"], active["reason"]) == ("True", "ValidMetricFound")
    assert active["message"] == (
        "the HPA was able to successfully calculate a replica count from "
        "cpu resource utilization (percentage of request)"
    )
    limited = condition(live, "ScalingLimited")
    assert (limited["status"], limited["reason"]) == ("False", "DesiredWithinRange")


def test_at_its_maximum_it_says_that_it_is_limited(world: World) -> None:
    """Current, desired and maximum are the same while the metric is above its target."""
    world.create(deployment(cpu_load="2"))
    world.create(autoscaler(most=4))
    world.wait(60)

    live = world.get(KIND, "web")
    assert (live["status"]["currentReplicas"], live["status"]["desiredReplicas"]) == (4, 4)
    limited = condition(live, "ScalingLimited")
    assert (limited["status"], limited["reason"]) == ("True", "TooManyReplicas")
    assert limited["message"] == "the desired replica count is more than the maximum replica count"
    assert live["status"]["currentMetrics"][0]["resource"]["current"]["averageUtilization"] == 500

    world.change(KIND, "web", lambda it: it["spec"].update(maxReplicas=30))
    world.wait(60)
    assert replicas(world) == 25


def test_a_load_on_the_workload_itself_counts_too(world: World) -> None:
    """Changing it replaces no pod."""
    world.create(deployment())
    world.create(autoscaler())
    world.wait(10)
    [pod] = world.pods()

    world.annotate("Deployment", "web", cpu_load="500m")
    world.wait(60)

    assert replicas(world) == 7
    assert pod["metadata"]["name"] in {each["metadata"]["name"] for each in world.pods()}


def test_it_grows_by_four_pods_or_by_doubling_at_a_time(world: World) -> None:
    """From one to five, then to ten; the limit is named."""
    world.create(deployment(cpu_load="5"))
    world.create(autoscaler(most=50))
    world.wait(4)

    assert replicas(world) == 5
    assert condition(world.get(KIND, "web"), "ScalingLimited")["reason"] == "ScaleUpLimit"


def test_it_shrinks_only_after_five_quiet_minutes(world: World) -> None:
    """The highest recommendation of the window holds."""
    world.create(deployment(cpu_load="500m"))
    world.create(autoscaler(least=2))
    world.wait(60)
    assert replicas(world) == 6

    set_load(world, "50m")
    world.wait(290)
    assert replicas(world) == 6
    assert condition(world.get(KIND, "web"), "AbleToScale")["reason"] == "ScaleDownStabilized"
    world.wait(30)

    assert replicas(world) == 2
    limited = condition(world.get(KIND, "web"), "ScalingLimited")
    assert (limited["status"], limited["reason"]) == ("True", "TooFewReplicas")


def test_a_window_of_its_own_is_obeyed(world: World) -> None:
    """`behavior` says how long."""
    world.create(deployment(cpu_load="500m"))
    world.create(autoscaler(behavior={"scaleDown": {"stabilizationWindowSeconds": 0}}))
    world.wait(60)

    set_load(world, "70m")
    world.wait(5)
    assert replicas(world) == 1


def test_within_ten_percent_nothing_is_done(world: World) -> None:
    """86 % is near enough to 80 %."""
    world.create(deployment(replicas=2, cpu_load="172m"))
    world.create(autoscaler())
    world.wait(600)

    assert replicas(world) == 2


def test_a_workload_scaled_to_zero_is_left_alone(world: World) -> None:
    """Somebody wanted it off."""
    world.create(deployment(replicas=0, cpu_load="1"))
    world.create(autoscaler())
    world.wait(60)

    assert replicas(world) == 0
    active = condition(world.get(KIND, "web"), "ScalingActive")
    assert (active["status"], active["reason"]) == ("False", "ScalingDisabled")


def test_a_size_outside_its_bounds_is_brought_back_at_once(world: World) -> None:
    """Without asking any metric."""
    world.create(deployment(replicas=1, cpu_load="10m"))
    world.create(autoscaler(least=3, most=5))
    world.wait(3)
    assert replicas(world) == 3

    world.scale("web", 9)
    world.wait(1.5)
    assert replicas(world) == 5


def test_a_missing_request_is_named(world: World) -> None:
    """A percentage of nothing cannot be worked out."""
    manifest = deployment(cpu_load="1")
    manifest["spec"]["template"]["spec"]["containers"][0]["resources"] = {}
    world.create(manifest)
    world.create(autoscaler())
    world.wait(10)

    active = condition(world.get(KIND, "web"), "ScalingActive")
    assert (active["status"], active["reason"]) == ("False", "FailedGetResourceMetric")
    assert f"missing request for cpu in container web of Pod {world.pod()['metadata']['name']}" in active["message"]
    assert replicas(world) == 1


def test_a_target_that_is_not_there_is_named(world: World) -> None:
    """And found when it comes."""
    world.create(autoscaler())
    world.wait(3)
    able = condition(world.get(KIND, "web"), "AbleToScale")
    assert (able["status"], able["reason"]) == ("False", "FailedGetScale")
    assert able["message"].endswith('deployments.apps "web" not found')

    world.create(deployment(cpu_load="160m"))
    world.wait(60)
    assert replicas(world) == 2


def test_an_average_amount_of_memory_is_a_target_too(world: World) -> None:
    """Each pod uses what it needs; more pods do not help, so the maximum is reached."""
    target = {"type": "AverageValue", "averageValue": "300Mi"}
    metric = {"type": "Resource", "resource": {"name": "memory", "target": target}}
    world.create(deployment(needs_memory="400Mi"))
    world.create(autoscaler(most=3, metrics=[metric]))
    world.wait(120)

    assert replicas(world) == 3
    current = world.status(KIND, "web")["currentMetrics"][0]["resource"]["current"]
    assert current == {"averageValue": str(400 * 1024**2)}


def test_a_metric_that_the_sandbox_does_not_have_is_refused(world: World) -> None:
    """The workload keeps its size."""
    source = {"metric": {"name": "queue"}, "target": {"type": "AverageValue", "averageValue": "30"}}
    world.create(deployment(replicas=2))
    world.create(autoscaler(metrics=[{"type": "Pods", "pods": source}]))
    world.wait(60)

    active = condition(world.get(KIND, "web"), "ScalingActive")
    assert (active["status"], active["reason"]) == ("False", "FailedGetPodsMetric")
    assert active["message"].endswith("the sandbox does not implement metrics of the type Pods")
    assert replicas(world) == 2


def test_the_scale_is_written_as_the_real_controller_does(world: World) -> None:
    """Through the subresource, so that nobody else's field is taken unseen."""
    world.create(deployment(cpu_load="500m"))
    world.create(autoscaler())
    world.wait(10)

    entries = world.get("Deployment", "web")["metadata"]["managedFields"]
    owners = [e["manager"] for e in entries if e.get("subresource") == "scale"]
    assert owners == ["kube-controller-manager"]


NOW = BEGINNING + timedelta(hours=1)
CPU = Target(resource="cpu", utilization=80)


def pod(name: str, *, ready: bool = True, phase: str = "Running", runs: bool = True, load: str = "0") -> Json:
    """Return a pod that has been as it is for half an hour."""
    since = (NOW - timedelta(minutes=30)).strftime("%Y-%m-%dT%H:%M:%SZ")
    start = (NOW - timedelta(minutes=40)).strftime("%Y-%m-%dT%H:%M:%SZ")
    state = {"running": {"startedAt": start}} if runs else {"waiting": {"reason": "CrashLoopBackOff"}}
    return {
        "metadata": {"name": name, "annotations": {fault("cpu-load"): load}},
        "spec": {"containers": [{"name": "web", "resources": {"requests": {"cpu": "100m"}}}]},
        "status": {
            "phase": phase,
            "startTime": start,
            "conditions": [{"type": "Ready", "status": str(ready), "lastTransitionTime": since}],
            "containerStatuses": [{"name": "web", "state": state}],
        },
    }


def size(pods: list[Json], current: int) -> int:
    """Return what the CPU of pods asks for."""
    return read(pods, CPU, current, tolerance=Tolerance(), now=NOW, window=timedelta(seconds=15)).replicas


def test_pods_without_metrics_count_for_nothing_when_growing() -> None:
    """Three pods at 160 % and a crash-looping one: 480 / 4 is 120 %, six pods, not seven and a half."""
    pods = [pod(name, load="480m") for name in "abc"] + [pod("d", runs=False, ready=False)]

    assert size(pods, 4) == 6


def test_pods_without_metrics_count_in_full_when_shrinking() -> None:
    """Two idle pods and one unknown: the unknown one keeps its place."""
    pods = [pod(name, load="60m") for name in "ab"] + [pod("c", runs=False, ready=False)]

    assert size(pods, 3) == 2
    assert size(pods[:2], 2) == 1


def test_a_turn_of_direction_changes_nothing() -> None:
    """What grows by what is known, and shrinks by what is not, stays."""
    pods = [pod("a", load="100m"), *[pod(name, runs=False, ready=False) for name in "bc"]]

    assert size(pods, 3) == 3


def test_pending_and_failed_pods_are_put_aside() -> None:
    """Pending ones count as idle when growing, failed ones not at all."""
    busy = [pod(name, load="320m") for name in "ab"]

    assert size(busy, 2) == 4
    assert size([*busy, pod("c", phase="Failed", ready=False)], 2) == 4
    assert size([*busy, pod("d", phase="Pending", ready=False)], 3) == 4


def test_nothing_to_read_is_no_metric() -> None:
    """No pods, or none that anybody measured."""
    with pytest.raises(NoMetric, match="no pods returned by selector"):
        size([], 1)
    with pytest.raises(NoMetric, match="did not receive metrics for targeted pods"):
        size([pod("a", runs=False, ready=False)], 1)
