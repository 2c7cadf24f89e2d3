"""What belongs to something that is gone goes too; Endpoints and events keep up with what they are about."""

from __future__ import annotations

import pytest

from reconciler.sandbox.cluster.deletion import DeleteOptions
from tests.sandbox.controllers.world import SPACE, Json, World, deployment, template


@pytest.fixture
def world() -> World:
    """Return a cluster with one ready pod."""
    world = World()
    world.create(deployment())
    world.wait(2)
    return world


def remove(world: World, kind: str, name: str, propagation: str) -> None:
    """Delete an object with a propagation and settle."""
    world.store.delete(kind, SPACE, name, options=DeleteOptions(propagation=propagation))
    world.controllers.settle()


def service(name: str = "web", *, app: str = "web") -> Json:
    """Return a Service."""
    port = {"name": "http", "port": 80, "targetPort": 8080}
    metadata = {"name": name, "namespace": SPACE}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata,
        "spec": {"selector": {"app": app}, "ports": [port]},
    }


def test_deleting_a_deployment_takes_its_replica_sets_and_pods(world: World) -> None:
    """In the background: the Deployment first."""
    world.delete("Deployment", "web")
    assert world.store.get("Deployment", SPACE, "web") is None
    assert world.sets() == []

    world.wait(1)
    assert world.pods() == []


def test_foreground_deletion_waits_for_what_is_owned(world: World) -> None:
    """The owner goes last."""
    remove(world, "Deployment", "web", "Foreground")
    assert world.get("Deployment", "web")["metadata"]["deletionTimestamp"]
    world.wait(1)

    assert world.store.get("Deployment", SPACE, "web") is None
    assert world.sets() == []
    assert world.pods() == []


def test_orphans_stay_without_an_owner(world: World) -> None:
    """The pods run on."""
    [pod] = world.pods()
    remove(world, "Deployment", "web", "Orphan")
    world.wait(5)

    assert world.store.get("Deployment", SPACE, "web") is None
    [replica_set] = world.sets()
    assert "ownerReferences" not in replica_set["metadata"]
    assert world.pod()["metadata"]["uid"] == pod["metadata"]["uid"]


def test_what_comes_after_its_owner_has_gone_is_deleted(world: World) -> None:
    """An owner that is not there owns nothing."""
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "gone"}
    metadata = {"name": "late", "namespace": SPACE, "ownerReferences": [owner]}
    world.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})

    assert world.store.get("ConfigMap", SPACE, "late") is None


def test_a_second_owner_keeps_an_object(world: World) -> None:
    """It goes with the last one."""
    names = ("one", "two")
    owners = []
    for name in names:
        made = world.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": SPACE}})
        owners.append({"apiVersion": "v1", "kind": "ConfigMap", "name": name, "uid": made["metadata"]["uid"]})
    metadata = {"name": "shared", "namespace": SPACE, "ownerReferences": owners}
    world.create({"apiVersion": "v1", "kind": "Secret", "metadata": metadata})

    world.delete("ConfigMap", "one")
    assert world.get("Secret", "shared")
    world.delete("ConfigMap", "two")
    assert world.store.get("Secret", SPACE, "shared") is None


def test_a_namespace_goes_with_everything_in_it(world: World) -> None:
    """Contents first, then the namespace; until then nothing new gets in."""
    world.create(service())
    world.delete("Namespace", SPACE)
    dying = world.get("Namespace", SPACE)
    assert dying["status"]["phase"] == "Terminating"

    world.wait(2)
    assert world.store.get("Namespace", "", SPACE) is None
    left = [item for kind in world.store.kinds if kind.namespaced for item in world.store.list(kind.name, SPACE)]
    assert left == []


def test_a_stuck_pod_holds_its_namespace(world: World) -> None:
    """It is Terminating as long as the pod is."""
    world.create(deployment("stuck", stuck_termination="true"))
    world.wait(1)
    world.delete("Namespace", SPACE)
    world.wait(600)
    assert world.get("Namespace", SPACE)["status"]["phase"] == "Terminating"

    world.delete("Pod", world.pod("stuck")["metadata"]["name"], grace=0)
    assert world.store.get("Namespace", "", SPACE) is None


def test_endpoints_hold_the_ready_pods_of_a_service(world: World) -> None:
    """Others stand apart, terminating ones nowhere."""
    world.create(service())
    [subset] = world.get("Endpoints", "web")["subsets"]
    pod = world.pod()
    [address] = subset["addresses"]
    assert (address["ip"], address["nodeName"]) == (pod["status"]["podIP"], "node-1")
    assert address["targetRef"]["name"] == pod["metadata"]["name"]
    assert subset["ports"] == [{"name": "http", "port": 8080, "protocol": "TCP"}]

    world.annotate("Pod", pod["metadata"]["name"], failing_readiness="true")
    [subset] = world.get("Endpoints", "web")["subsets"]
    assert "addresses" not in subset
    assert subset["notReadyAddresses"][0]["ip"] == pod["status"]["podIP"]

    world.scale("web", 0)
    assert "subsets" not in world.get("Endpoints", "web")


def test_a_selector_that_matches_nothing_leaves_no_addresses(world: World) -> None:
    """Corrected, it finds the pods."""
    world.create(service(app="wbe"))
    assert "subsets" not in world.get("Endpoints", "web")

    world.change("Service", "web", lambda it: it["spec"]["selector"].update(app="web"))
    assert world.get("Endpoints", "web")["subsets"][0]["addresses"]
    world.delete("Service", "web")
    assert world.store.get("Endpoints", SPACE, "web") is None


def test_a_repeated_event_is_counted_and_an_old_one_forgotten(world: World) -> None:
    """The API server keeps events for about an hour."""
    world.create(deployment("sick", needs_memory="1Gi"))
    world.wait(600)
    [event] = world.events("BackOff")
    assert event["count"] > 30
    assert event["lastTimestamp"] > event["firstTimestamp"]

    world.delete("Deployment", "sick")
    world.wait(3 * 3600)
    assert world.store.list("Event") == []


def test_a_quota_that_forbids_pods_shows_in_the_deployment(world: World) -> None:
    """A refusal of the API server becomes a condition and an event, and is tried again."""
    create = world.store.create

    def refusing(manifest: Json, **options: object) -> Json:
        from reconciler.sandbox.cluster.errors import forbidden

        if manifest["kind"] == "Pod":
            raise forbidden("pods", "", "exceeded quota")
        return create(manifest, **options)  # type: ignore[arg-type]

    world.store.create = refusing  # type: ignore[method-assign]
    world.create(deployment("late"))
    conditions = {each["type"]: each for each in world.status("Deployment", "late")["conditions"]}
    assert conditions["ReplicaFailure"]["reason"] == "FailedCreate"
    assert "exceeded quota" in conditions["ReplicaFailure"]["message"]
    assert world.events("FailedCreate")[0]["message"] == "Error creating: pods is forbidden: exceeded quota"

    world.store.create = create  # type: ignore[method-assign]
    world.wait(10)
    conditions = {each["type"]: each for each in world.status("Deployment", "late")["conditions"]}
    assert "ReplicaFailure" not in conditions
    assert conditions["Available"]["status"] == "True"


def test_pods_are_told_apart_after_one_took_anothers_name(world: World) -> None:
    """A pod of the same name is another pod: what was planned for the first is not done to it."""
    manifest = template() | {"apiVersion": "v1", "kind": "Pod"}
    manifest["metadata"] |= {"name": "lonely", "namespace": SPACE}
    world.create(manifest)
    world.wait(0.1)
    world.delete("Pod", "lonely", grace=0)
    world.create(manifest)

    world.wait(0.15)
    assert "waiting" in world.get("Pod", "lonely")["status"]["containerStatuses"][0]["state"]
    world.wait(0.1)
    assert "running" in world.get("Pod", "lonely")["status"]["containerStatuses"][0]["state"]
