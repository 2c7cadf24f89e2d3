"""A container that needs more memory than it may have is killed again and again, and lives once it may."""

from __future__ import annotations

from reconciler.sandbox.timing import Timing
from tests.sandbox.controllers.world import World, container, deployment, fault, is_ready, template, waiting


def test_an_oom_kill_is_reported_as_a_kubelet_does(world: World) -> None:
    """Exit code, reason, times, the back-off in words, and the next try."""
    world.create(deployment(memory="512Mi", needs_memory="1Gi"))
    world.wait(2.3)

    status = container(world.pod())
    ended = status["lastState"]["terminated"]
    assert (ended["reason"], ended["exitCode"]) == ("OOMKilled", 137)
    assert ended["startedAt"] < ended["finishedAt"]
    assert ended["containerID"].startswith("containerd://")
    metadata = world.pod()["metadata"]
    whose = f"{metadata['name']}_production({metadata['uid']})"
    message = f"back-off 1s restarting failed container=web pod={whose}"
    assert status["state"]["waiting"] == {"reason": "CrashLoopBackOff", "message": message}
    assert (status["restartCount"], status["ready"], status["started"]) == (0, False, False)
    assert world.pod()["status"]["phase"] == "Running"


def test_each_back_off_is_longer_up_to_a_limit(world: World) -> None:
    """Killed after 2 s, tried after 1, 2, 4, 8, 8 s: the restarts follow."""
    world.create(deployment(memory="512Mi", needs_memory="1Gi"))
    world.wait(0.2)

    restarts = []
    for pause in (1, 2, 4, 8, 8):
        world.wait(2)
        assert waiting(world.pod()) == "CrashLoopBackOff"
        world.wait(pause)
        restarts.append(container(world.pod())["restartCount"])
        assert "running" in container(world.pod())["state"]
    assert restarts == [1, 2, 3, 4, 5]


def test_raising_the_limit_in_the_deployment_cures_it(world: World) -> None:
    """A new pod lives; the old one goes when the new one is ready."""
    world.create(deployment(memory="512Mi", needs_memory="1Gi"))
    world.wait(20)
    [sick] = world.pods()

    world.container("web", resources={"limits": {"memory": "1Gi"}})
    world.wait(3)

    cured = world.pod()
    assert cured["metadata"]["name"] != sick["metadata"]["name"]
    assert is_ready(cured)
    world.wait(60)
    assert container(world.pod())["restartCount"] == 0


def test_a_need_that_falls_lets_the_next_try_live(world: World) -> None:
    """The same pod, its container restarted: the fault ends because its cause is gone."""
    world.create(deployment(memory="512Mi", needs_memory="1Gi"))
    world.wait(2.3)
    [sick] = world.pods()
    assert waiting(sick) == "CrashLoopBackOff"

    world.annotate("Pod", sick["metadata"]["name"], needs_memory="512Mi")
    world.wait(30)

    cured = world.pod()
    assert cured["metadata"]["uid"] == sick["metadata"]["uid"]
    assert is_ready(cured)
    assert container(cured)["restartCount"] == 1
    assert container(cured)["lastState"]["terminated"]["reason"] == "OOMKilled"


def test_a_named_container_is_killed_alone(world: World) -> None:
    """Its neighbour runs on; the pod is not ready because of it."""
    manifest = deployment()
    manifest["spec"]["template"]["metadata"]["annotations"] = {fault("needs_memory.side"): "200M"}
    side = {"name": "side", "image": "side:1", "resources": {"limits": {"memory": "190Mi"}}}  # 199,229,440 bytes
    manifest["spec"]["template"]["spec"]["containers"].append(side)
    world.create(manifest)
    world.wait(2.5)

    pod = world.pod()
    assert waiting(pod, "side") == "CrashLoopBackOff"
    assert "running" in container(pod, "web")["state"]
    assert not is_ready(pod)

    world.template("web", lambda it: it["spec"]["containers"][1]["resources"].update(limits={"memory": "191Mi"}))
    world.wait(3)
    assert is_ready(world.pod())


def test_a_container_without_a_limit_is_not_killed(world: World) -> None:
    """Nothing stands between it and what it needs."""
    manifest = deployment(needs_memory="64Gi")
    del manifest["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]
    world.create(manifest)
    world.wait(60)

    assert is_ready(world.pod())
    assert container(world.pod())["restartCount"] == 0


def test_a_crash_loop_shows_in_the_deployment_and_in_events(world: World) -> None:
    """Not available, and one event counted up."""
    world.create(deployment(needs_memory="1Gi"))
    world.wait(30)

    status = world.status("Deployment", "web")
    assert (status["unavailableReplicas"], status["replicas"]) == (1, 1)
    assert "availableReplicas" not in status
    [event] = world.events("BackOff")
    assert (event["type"], event["source"]["component"]) == ("Warning", "kubelet")
    assert event["count"] >= 3
    assert event["message"].startswith("Back-off restarting failed container web in pod web-")


def test_a_container_that_ran_well_for_long_starts_over_with_short_pauses(world: World) -> None:
    """Ten quiet minutes make a kubelet forget earlier crashes."""
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": "production"}}
    world.create(config | {"data": {"LEVEL": "bad"}})
    world.create(deployment(needs_config="settings/LEVEL=good"))
    world.wait(40)
    world.change("ConfigMap", "settings", lambda it: it["data"].update(LEVEL="good"))
    world.wait(20 * 60)
    before = container(world.pod())["restartCount"]
    assert before >= 3
    assert is_ready(world.pod())

    world.change("ConfigMap", "settings", lambda it: it["data"].update(LEVEL="bad"))

    waits = container(world.pod())["state"]["waiting"]
    assert waits["message"].startswith("back-off 1s restarting failed container=web")


def test_a_bare_pod_is_looked_after_too(world: World) -> None:
    """No controller is needed for a pod to run."""
    manifest = template() | {"apiVersion": "v1", "kind": "Pod"}
    manifest["metadata"] |= {"name": "lonely", "namespace": "production"}
    world.create(manifest)
    world.wait(1)

    assert is_ready(world.get("Pod", "lonely"))


def test_at_a_real_clusters_pace_the_pauses_grow_to_five_minutes() -> None:
    """10, 20, 40, 80, 160, then always 300 seconds, in a kubelet's words."""
    world = World(timing=Timing.real())
    world.create(deployment(memory="512Mi", needs_memory="1Gi"))
    world.wait(4)

    said = []
    for pause in (10, 20, 40, 80, 160, 300, 300):
        world.wait(20)
        said.append(container(world.pod())["state"]["waiting"]["message"].split()[1])
        world.wait(pause)
    assert said == ["10s", "20s", "40s", "1m20s", "2m40s", "5m0s", "5m0s"]
