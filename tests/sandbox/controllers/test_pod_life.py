"""How pods start, become ready, fail to start, lose their readiness and end."""

from __future__ import annotations

from tests.sandbox.controllers.world import (
    IMAGE,
    Json,
    World,
    condition,
    container,
    deployment,
    is_ready,
    waiting,
)

MISSING = "registry.example/web:9.9"


def settings(**data: str) -> Json:
    """Return a ConfigMap."""
    metadata = {"name": "settings", "namespace": "production"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def test_a_pod_passes_through_its_states_at_their_times(world: World) -> None:
    """Bound and waiting at once, running after the pull, ready a while later."""
    world.create(deployment())
    pod = world.pod()
    assert pod["spec"]["nodeName"] == "node-1"
    assert (pod["status"]["phase"], waiting(pod)) == ("Pending", "ContainerCreating")
    assert condition(pod, "PodScheduled")["status"] == "True"

    world.wait(0.2)
    pod = world.pod()
    assert "running" in container(pod)["state"]
    assert pod["status"]["phase"] == "Running"
    assert not is_ready(pod)
    assert condition(pod, "Ready")["message"] == "containers with unready status: [web]"

    world.wait(0.2)
    assert is_ready(world.pod())
    assert condition(world.pod(), "ContainersReady")["status"] == "True"


def test_a_running_pod_has_its_addresses_and_ids(world: World) -> None:
    """As a kubelet reports them; two pods never share an address."""
    world.create(deployment(replicas=2))
    world.wait(1)

    one, two = world.pods()
    assert one["status"]["podIP"] != two["status"]["podIP"]
    assert one["status"]["podIPs"] == [{"ip": one["status"]["podIP"]}]
    assert one["status"]["hostIP"] == "127.0.0.1"
    status = container(one)
    assert status["imageID"].startswith("registry.example/web@sha256:")
    assert status["containerID"] != container(two)["containerID"]
    assert status["imageID"] == container(two)["imageID"]
    assert one["status"]["startTime"] == "2026-01-05T09:00:00Z"


def test_events_tell_the_start_of_a_pod(world: World) -> None:
    """The real reasons, by the real components, about the real objects."""
    world.create(deployment())
    world.wait(1)
    name = world.pod()["metadata"]["name"]

    about = [e for e in world.store.list("Event") if e["involvedObject"]["name"] == name]
    told = {each["reason"]: each["source"]["component"] for each in about}
    assert told == {
        "Scheduled": "default-scheduler",
        "Pulling": "kubelet",
        "Pulled": "kubelet",
        "Created": "kubelet",
        "Started": "kubelet",
    }
    [created] = world.events("SuccessfulCreate")
    assert created["message"] == f"Created pod: {name}"
    [scaled] = world.events("ScalingReplicaSet")
    assert scaled["message"] == f"Scaled up replica set {world.sets()[0]['metadata']['name']} from 0 to 1"


def test_a_missing_image_is_not_found_then_backed_off_from(world: World) -> None:
    """ErrImagePull first, ImagePullBackOff a little later, with containerd's words."""
    manifest = deployment(missing_images=f"{MISSING}, other:1")
    manifest["spec"]["template"]["spec"]["containers"][0]["image"] = MISSING
    world.create(manifest)

    world.wait(0.2)
    assert waiting(world.pod()) == "ErrImagePull"
    world.wait(1)
    pod = world.pod()
    state = container(pod)["state"]["waiting"]
    assert state["reason"] == "ImagePullBackOff"
    assert state["message"].startswith(f'Back-off pulling image "{MISSING}": ErrImagePull: rpc error: code = NotFound')
    assert state["message"].endswith(f"{MISSING}: not found")
    assert (pod["status"]["phase"], container(pod)["imageID"]) == ("Pending", "")
    world.wait(60)
    assert waiting(world.pod()) == "ImagePullBackOff"
    messages = {event["message"] for event in world.events("Failed")}
    assert {"Error: ErrImagePull", "Error: ImagePullBackOff"} < messages


def test_an_image_that_appears_is_pulled_at_the_next_try(world: World) -> None:
    """The annotation gone, the same pod starts without a restart."""
    manifest = deployment(missing_images=MISSING)
    manifest["spec"]["template"]["spec"]["containers"][0]["image"] = MISSING
    world.create(manifest)
    world.wait(10)
    name = world.pod()["metadata"]["name"]

    world.annotate("Pod", name, missing_images=None)
    world.wait(3)

    assert is_ready(world.pod())
    assert (world.pod()["metadata"]["name"], container(world.pod())["restartCount"]) == (name, 0)


def test_an_image_changed_in_place_restarts_the_container(world: World) -> None:
    """The kubelet runs what the pod says."""
    world.create(deployment())
    world.wait(1)
    name = world.pod()["metadata"]["name"]

    world.change("Pod", name, lambda it: it["spec"]["containers"][0].update(image="registry.example/web:1.1"))
    world.wait(1)

    status = container(world.pod())
    assert (status["image"], status["restartCount"]) == ("registry.example/web:1.1", 1)
    assert is_ready(world.pod())


def test_a_bad_config_value_crashes_until_it_is_corrected(world: World) -> None:
    """No ConfigMap, a bad value, a good one: the same pod goes through all three."""
    world.create(deployment(needs_config="settings/LEVEL=debug|info"))
    world.wait(0.2)
    waits = container(world.pod())["state"]["waiting"]
    assert waits == {"reason": "CreateContainerConfigError", "message": 'configmap "settings" not found'}
    name = world.pod()["metadata"]["name"]

    world.create(settings(LEVEL="verbose"))
    world.wait(4.5)
    pod = world.pod()
    ended = container(pod)["lastState"]["terminated"]
    assert waiting(pod) == "CrashLoopBackOff"
    assert (ended["reason"], ended["exitCode"]) == ("Error", 1)
    assert ended["message"] == "invalid configuration: settings/LEVEL=debug|info"

    world.change("ConfigMap", "settings", lambda it: it["data"].update(LEVEL="info"))
    world.wait(10)
    assert is_ready(world.pod())
    assert world.pod()["metadata"]["name"] == name
    assert container(world.pod())["restartCount"] >= 1


def test_a_value_that_turns_bad_ends_a_running_container(world: World) -> None:
    """It need not be restarted to notice."""
    world.create(settings(LEVEL="info"))
    world.create(deployment(needs_config="settings/LEVEL=debug|info"))
    world.wait(60)
    assert is_ready(world.pod())

    world.change("ConfigMap", "settings", lambda it: it["data"].update(LEVEL="loud"))

    assert waiting(world.pod()) == "CrashLoopBackOff"
    assert not is_ready(world.pod())


def test_failing_readiness_follows_its_annotation(world: World) -> None:
    """The container runs on, only not ready, and comes back."""
    world.create(deployment())
    world.wait(1)
    name = world.pod()["metadata"]["name"]

    world.annotate("Pod", name, failing_readiness="true")
    assert not is_ready(world.pod())
    assert "running" in container(world.pod())["state"]
    [event] = world.events("Unhealthy")
    assert event["message"] == "Readiness probe failed: HTTP probe failed with statuscode: 503"

    world.annotate("Pod", name, failing_readiness=None)
    world.wait(0.2)
    assert is_ready(world.pod())
    assert container(world.pod())["restartCount"] == 0


def test_the_time_of_a_condition_is_that_of_its_last_change(world: World) -> None:
    """Ready keeps its time while other things change."""
    world.create(deployment())
    world.wait(10)
    since = condition(world.pod(), "Ready")["lastTransitionTime"]
    name = world.pod()["metadata"]["name"]

    world.annotate("Pod", name, failing_readiness="true")
    lost = condition(world.pod(), "Ready")["lastTransitionTime"]

    assert (since, lost) == ("2026-01-05T09:00:00Z", "2026-01-05T09:00:10Z")
    assert condition(world.pod(), "Initialized")["lastTransitionTime"] == since


def test_init_containers_run_one_after_the_other_before_the_others(world: World) -> None:
    """The pod says which ones are still to come."""
    manifest = deployment()
    init = [{"name": "first", "image": "init:1"}, {"name": "second", "image": "init:2"}]
    manifest["spec"]["template"]["spec"]["initContainers"] = init
    world.create(manifest)

    pod = world.pod()
    assert waiting(pod) == "PodInitializing"
    initialized = condition(pod, "Initialized")
    assert (initialized["status"], initialized["reason"]) == ("False", "ContainersNotInitialized")
    assert initialized["message"] == "containers with incomplete status: [first second]"

    world.wait(0.2)
    first, second = world.pod()["status"]["initContainerStatuses"]
    assert first["state"]["terminated"]["reason"] == "Completed"
    assert "waiting" in second["state"]
    world.wait(0.4)
    assert condition(world.pod(), "Initialized")["status"] == "True"
    assert "running" in container(world.pod())["state"]
    world.wait(0.2)
    assert is_ready(world.pod())


def test_a_missing_image_of_an_init_container_holds_the_pod(world: World) -> None:
    """The others wait; with the image there they go on."""
    manifest = deployment(missing_images="init:1")
    manifest["spec"]["template"]["spec"]["initContainers"] = [{"name": "first", "image": "init:1"}]
    world.create(manifest)
    world.wait(10)

    [first] = world.pod()["status"]["initContainerStatuses"]
    assert first["state"]["waiting"]["reason"] == "ImagePullBackOff"
    assert waiting(world.pod()) == "PodInitializing"

    world.annotate("Pod", world.pod()["metadata"]["name"], missing_images=None)
    world.wait(5)
    assert is_ready(world.pod())


def test_a_sidecar_runs_beside_the_containers(world: World) -> None:
    """An init container that is restarted always does not end."""
    manifest = deployment()
    proxy = {"name": "proxy", "image": "proxy:1", "restartPolicy": "Always"}
    manifest["spec"]["template"]["spec"]["initContainers"] = [proxy]
    world.create(manifest)
    world.wait(2)

    [sidecar] = world.pod()["status"]["initContainerStatuses"]
    assert "running" in sidecar["state"]
    assert is_ready(world.pod())


def test_a_deleted_pod_terminates_then_goes(world: World) -> None:
    """Graceful first; its controller makes another at once."""
    world.create(deployment())
    world.wait(1)
    [pod] = world.pods()

    world.delete("Pod", pod["metadata"]["name"])
    leaving = world.get("Pod", pod["metadata"]["name"])
    assert leaving["metadata"]["deletionTimestamp"] == "2026-01-05T09:00:31Z"
    assert len(world.pods()) == 2
    assert world.events("Killing", pod["metadata"]["name"])[0]["message"] == "Stopping container web"

    world.wait(0.2)
    assert [p["metadata"]["name"] for p in world.pods()] != [pod["metadata"]["name"]]
    assert len(world.pods()) == 1


def test_deletion_without_grace_needs_no_kubelet(world: World) -> None:
    """The pod is gone at once."""
    world.create(deployment())
    world.wait(1)
    name = world.pod()["metadata"]["name"]

    world.delete("Pod", name, grace=0)

    assert world.store.get("Pod", "production", name) is None


def test_a_stuck_termination_ends_only_by_force_or_without_its_cause(world: World) -> None:
    """A neighbour deleted later is long gone."""
    world.create(deployment("stuck", replicas=2, stuck_termination="true"))
    world.create(deployment("free"))
    world.wait(1)
    one, two = (pod["metadata"]["name"] for pod in world.pods("stuck"))
    free = world.pod("free")["metadata"]["name"]
    for name in (one, two, free):
        world.delete("Pod", name)
    world.wait(3600)
    assert world.store.get("Pod", "production", free) is None
    assert world.get("Pod", one)["metadata"]["deletionTimestamp"]

    world.delete("Pod", one, grace=0)
    world.annotate("Pod", two, stuck_termination=None)

    assert world.store.get("Pod", "production", one) is None
    assert world.store.get("Pod", "production", two) is None


def test_a_changed_image_reference_is_what_runs(world: World) -> None:
    """The status names the image of the template."""
    world.create(deployment())
    world.wait(1)

    assert container(world.pod())["image"] == IMAGE
