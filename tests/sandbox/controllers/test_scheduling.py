"""Pods go to nodes that have room for them and want them; where none does, the pod says why."""

from __future__ import annotations

import pytest

from tests.sandbox.controllers.world import Json, World, condition, deployment, is_ready

HELPLESS = "preemption: 0/{n} nodes are available: {n} Preemption is not helpful for scheduling."


@pytest.fixture
def world() -> World:
    """Return an empty cluster of two small nodes."""
    return World(nodes=2, cpu="2", memory="4Gi")


def asking(name: str = "web", replicas: int = 1, **requests: str) -> Json:
    """Return a Deployment whose pods request resources."""
    manifest = deployment(name, replicas=replicas)
    manifest["spec"]["template"]["spec"]["containers"][0]["resources"] = {"requests": requests}
    return manifest


def cordon(world: World, name: str, *, on: bool = True) -> None:
    """Cordon a node or take that back."""
    world.change("Node", name, lambda it: it["spec"].update(unschedulable=on))


def test_pods_of_one_workload_spread(world: World) -> None:
    """Each node gets its share."""
    world.create(deployment(replicas=4))

    nodes = sorted(pod["spec"]["nodeName"] for pod in world.pods())
    assert nodes == ["node-1", "node-1", "node-2", "node-2"]


def test_a_pod_that_fits_nowhere_says_so_in_the_real_words(world: World) -> None:
    """A condition, an event, and Pending."""
    world.create(asking(cpu="3", memory="1Gi"))

    pod = world.pod()
    refused = condition(pod, "PodScheduled")
    assert (refused["status"], refused["reason"]) == ("False", "Unschedulable")
    assert refused["message"] == (
        "0/2 nodes are available: 2 Insufficient cpu. no new claims to deallocate, "
        "preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod."
    )
    assert pod["status"]["phase"] == "Pending"
    assert "nodeName" not in pod["spec"]
    [event] = world.events("FailedScheduling")
    assert event["message"] == refused["message"]
    assert event["type"] == "Warning"


def test_both_lacks_and_several_reasons_are_counted(world: World) -> None:
    """Reasons in order of their text, each with its number of nodes."""
    cordon(world, "node-2")
    world.create(asking(cpu="3", memory="8Gi"))

    message = condition(world.pod(), "PodScheduled")["message"]
    assert message.startswith(
        "0/2 nodes are available: 1 Insufficient cpu, 1 Insufficient memory, 1 node(s) were unschedulable."
    )


def test_requests_add_up_until_a_node_is_full(world: World) -> None:
    """Two nodes of 2 CPU hold four pods of 900m; the fifth waits until one goes."""
    world.create(asking(replicas=5, cpu="900m"))
    world.wait(2)
    [waiting] = [p for p in world.pods() if "nodeName" not in p["spec"]]
    assert sum(map(is_ready, world.pods())) == 4

    world.scale("web", 4)
    world.wait(2)
    assert waiting["metadata"]["name"] not in {p["metadata"]["name"] for p in world.pods()}

    world.create(asking("other", cpu="900m"))
    assert "nodeName" not in world.pod("other")["spec"]
    world.scale("web", 3)
    world.wait(2)
    assert is_ready(world.pod("other"))


def test_a_cordoned_node_is_tainted_and_gets_no_pods(world: World) -> None:
    """Uncordoned, it does again, and the taint is gone."""
    cordon(world, "node-1")
    taint = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule", "timeAdded": "2026-01-05T09:00:00Z"}
    assert world.get("Node", "node-1")["spec"]["taints"] == [taint]
    world.create(deployment(replicas=3))
    assert {p["spec"]["nodeName"] for p in world.pods()} == {"node-2"}

    cordon(world, "node-2")
    world.create(deployment("late"))
    text = condition(world.pod("late"), "PodScheduled")["message"]
    assert text == f"0/2 nodes are available: 2 node(s) were unschedulable. no new claims to deallocate, {helpless(2)}"

    cordon(world, "node-1", on=False)
    assert "taints" not in world.get("Node", "node-1")["spec"]
    assert world.pod("late")["spec"]["nodeName"] == "node-1"


def helpless(nodes: int) -> str:
    """Return what the scheduler says where ending other pods would not help."""
    return HELPLESS.format(n=nodes)


def test_taints_need_tolerations(world: World) -> None:
    """NoSchedule keeps out who does not tolerate it."""
    taint = {"key": "gpu", "value": "yes", "effect": "NoSchedule"}
    for name in ("node-1", "node-2"):
        world.change("Node", name, lambda it: it["spec"].update(taints=[taint]))
    world.create(deployment())
    tolerant = deployment("tolerant")
    toleration = {"key": "gpu", "operator": "Equal", "value": "yes", "effect": "NoSchedule"}
    tolerant["spec"]["template"]["spec"]["tolerations"] = [toleration]
    world.create(tolerant)

    message = condition(world.pod(), "PodScheduled")["message"]
    assert message.startswith("0/2 nodes are available: 2 node(s) had untolerated taint(s).")
    assert "nodeName" in world.pod("tolerant")["spec"]


def test_selectors_and_affinity_choose_nodes(world: World) -> None:
    """By label and by the required node affinity; a label set later is found."""
    picky = deployment("picky")
    picky["spec"]["template"]["spec"]["nodeSelector"] = {"disk": "ssd"}
    world.create(picky)
    zoned = deployment("zoned")
    expression = {"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["zone-2"]}
    required = {
        "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}
    }
    zoned["spec"]["template"]["spec"]["affinity"] = {"nodeAffinity": required}
    world.create(zoned)

    text = condition(world.pod("picky"), "PodScheduled")["message"]
    assert text.startswith("0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector.")
    assert world.pod("zoned")["spec"]["nodeName"] == "node-2"
    world.change("Node", "node-1", lambda it: it["metadata"]["labels"].update(disk="ssd"))
    assert world.pod("picky")["spec"]["nodeName"] == "node-1"


def test_what_the_scheduler_does_not_know_is_refused_loudly(world: World) -> None:
    """The pod is not placed by a rule that was ignored."""
    manifest = deployment()
    term = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "web"}}}
    rule = {"requiredDuringSchedulingIgnoredDuringExecution": [term]}
    manifest["spec"]["template"]["spec"]["affinity"] = {"podAntiAffinity": rule}
    world.create(manifest)

    refused = condition(world.pod(), "PodScheduled")
    assert refused["reason"] == "SchedulerError"
    assert refused["message"] == "the sandbox does not implement required affinity between pods"
    [event] = world.events("NotInSandbox")
    assert event["message"] == refused["message"]


def test_no_more_pods_than_a_node_allows(world: World) -> None:
    """The number of pods is a resource too."""
    for name in ("node-1", "node-2"):
        world.change("Node", name, lambda it: it["status"]["allocatable"].update(pods="1"), subresource="status")
    world.create(deployment(replicas=3))

    [refused] = [p for p in world.pods() if "nodeName" not in p["spec"]]
    assert condition(refused, "PodScheduled")["message"].startswith("0/2 nodes are available: 2 Too many pods.")


def test_without_nodes_there_is_nowhere_to_go() -> None:
    """The real scheduler has a sentence for that."""
    world = World(nodes=0)
    world.create(deployment())

    assert condition(world.pod(), "PodScheduled")["message"] == "no nodes available to schedule pods"


def test_evicted_pods_come_back_on_another_node(world: World) -> None:
    """A cordoned node can be drained: every pod that is deleted there is replaced elsewhere."""
    world.create(deployment(replicas=4))
    world.wait(2)
    cordon(world, "node-1")
    leaving = [p for p in world.pods() if p["spec"]["nodeName"] == "node-1"]

    for pod in leaving:
        world.delete("Pod", pod["metadata"]["name"])
        world.wait(2)

    assert {p["spec"]["nodeName"] for p in world.pods()} == {"node-2"}
    assert sum(map(is_ready, world.pods())) == 4
