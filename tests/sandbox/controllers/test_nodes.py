"""A node that fails takes its pods' readiness with it, and after a while the pods leave it."""

from __future__ import annotations

import pytest

from tests.sandbox.controllers.world import Json, World, condition, container, deployment, is_ready


@pytest.fixture
def world() -> World:
    """Return a cluster with one ready pod on node-1."""
    world = World()
    world.create(deployment())
    world.wait(2)
    return world


def effects(node: Json) -> list[tuple[str, str]]:
    """Return a node's taints."""
    return [(taint["key"], taint["effect"]) for taint in node["spec"].get("taints") or ()]


def test_a_new_node_becomes_ready(world: World) -> None:
    """With the conditions that a kubelet reports."""
    node = world.get("Node", "node-1")

    statuses = {each["type"]: each["status"] for each in node["status"]["conditions"]}
    assert statuses == {"MemoryPressure": "False", "DiskPressure": "False", "PIDPressure": "False", "Ready": "True"}
    assert effects(node) == []
    assert node["status"]["allocatable"] == {"cpu": "8", "memory": "32Gi", "pods": "110"}


def test_a_silent_node_is_noticed_after_a_while_and_tainted(world: World) -> None:
    """Not before; then it is not ready, tainted, and so are its pods not ready."""
    world.annotate("Node", "node-1", not_ready="true")
    world.wait(3.9)
    assert is_ready(world.get("Node", "node-1"))

    world.wait(0.2)
    node = world.get("Node", "node-1")
    ready = condition(node, "Ready")
    assert (ready["status"], ready["reason"]) == ("False", "KubeletNotReady")
    assert ready["message"] == "container runtime is down"
    assert effects(node) == [
        ("node.kubernetes.io/not-ready", "NoSchedule"),
        ("node.kubernetes.io/not-ready", "NoExecute"),
    ]
    assert not is_ready(world.pod())
    assert "running" in container(world.pod())["state"]
    assert condition(world.get("Deployment", "web"), "Available")["status"] == "False"


def test_a_node_that_comes_back_brings_its_pods_back(world: World) -> None:
    """The same pod, not restarted; taints gone."""
    [pod] = world.pods()
    world.annotate("Node", "node-1", not_ready="true")
    world.wait(60)

    world.annotate("Node", "node-1", not_ready=None)
    world.wait(1)

    node = world.get("Node", "node-1")
    assert is_ready(node)
    assert effects(node) == []
    assert world.pod()["metadata"]["uid"] == pod["metadata"]["uid"]
    assert is_ready(world.pod())
    assert container(world.pod())["restartCount"] == 0


def test_a_short_silence_is_not_noticed(world: World) -> None:
    """A cause that is gone before it shows does nothing."""
    world.annotate("Node", "node-1", not_ready="true")
    world.wait(2)
    world.annotate("Node", "node-1", not_ready=None)
    world.wait(600)

    assert is_ready(world.get("Node", "node-1"))
    assert is_ready(world.pod())


def test_pods_leave_a_node_that_stays_away(world: World) -> None:
    """After the five minutes that every pod tolerates, they are replaced on other nodes."""
    [pod] = world.pods()
    world.annotate("Node", "node-1", not_ready="true")
    world.wait(290)
    assert world.pod()["metadata"]["uid"] == pod["metadata"]["uid"]

    world.wait(20)

    moved = world.pod()
    assert moved["spec"]["nodeName"] != "node-1"
    assert is_ready(moved)
    [event] = world.events("TaintManagerEviction")
    assert event["involvedObject"]["uid"] == pod["metadata"]["uid"]


def test_probes_that_fail_on_one_node_pass_on_another(world: World) -> None:
    """The node is ready, only its pods are not; moving the pod cures it."""
    [pod] = world.pods()
    world.annotate("Node", "node-1", failing_readiness="true")
    assert not is_ready(world.pod())
    assert is_ready(world.get("Node", "node-1"))

    world.change("Node", "node-1", lambda it: it["spec"].update(unschedulable=True))
    world.delete("Pod", pod["metadata"]["name"])
    world.wait(1)

    assert world.pod()["spec"]["nodeName"] != "node-1"
    assert is_ready(world.pod())


def test_a_taint_without_toleration_evicts_at_once(world: World) -> None:
    """NoExecute means now."""
    taint = {"key": "maintenance", "effect": "NoExecute"}
    world.change("Node", "node-1", lambda it: it["spec"].update(taints=[taint]))
    world.wait(1)

    assert world.pod()["spec"]["nodeName"] != "node-1"


def test_the_end_of_a_node_is_survived(world: World) -> None:
    """Its pods are no longer ready, and after a while others replace them."""
    world.delete("Node", "node-1")

    assert not is_ready(world.pod())
    world.wait(5)
    assert world.pod()["spec"]["nodeName"] != "node-1"
    assert is_ready(world.pod())
