"""StatefulSets, DaemonSets and Jobs run their pods as the real controllers do."""

from __future__ import annotations

import pytest

from tests.sandbox.controllers.world import SPACE, Json, World, condition, container, is_ready, template

NEXT = "registry.example/web:1.1"


def workload(kind: str, name: str = "web", *, faults: dict[str, str] | None = None, **spec: object) -> Json:
    """Return a StatefulSet or DaemonSet."""
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": SPACE},
        "spec": {"selector": {"matchLabels": {"app": name}}, "template": template(name, **(faults or {})), **spec},
    }


def stateful(name: str = "web", *, faults: dict[str, str] | None = None, **spec: object) -> Json:
    """Return a StatefulSet."""
    return workload("StatefulSet", name, faults=faults, serviceName=name, **spec)


def job(name: str = "backup", *, restart: str = "Never", faults: dict[str, str] | None = None, **spec: object) -> Json:
    """Return a Job."""
    made = template("web", **(faults or {}))
    made["spec"]["restartPolicy"] = restart
    metadata = {"name": name, "namespace": SPACE}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {"template": made, **spec}}


def test_a_stateful_set_starts_in_order_with_names_that_stay(world: World) -> None:
    """The next pod comes when the one before it is ready."""
    world.create(stateful(replicas=3))
    assert world.names() == ["web-0"]
    world.wait(0.3)
    assert world.names() == ["web-0"]
    world.wait(0.2)
    assert world.names() == ["web-0", "web-1"]
    world.wait(2)

    assert world.names() == ["web-0", "web-1", "web-2"]
    status = world.status("StatefulSet", "web")
    assert (status["replicas"], status["readyReplicas"], status["updatedReplicas"]) == (3, 3, 3)
    assert status["currentRevision"] == status["updateRevision"]
    labels = world.pods()[1]["metadata"]["labels"]
    assert labels["statefulset.kubernetes.io/pod-name"] == "web-1"
    assert labels["apps.kubernetes.io/pod-index"] == "1"
    assert labels["controller-revision-hash"] == status["updateRevision"]


def test_a_deleted_stateful_pod_returns_under_its_name(world: World) -> None:
    """Only when the old one is gone, with another uid."""
    world.create(stateful(replicas=2))
    world.wait(3)
    before = world.get("Pod", "web-0")

    world.delete("Pod", "web-0")
    assert world.get("Pod", "web-0")["metadata"]["uid"] == before["metadata"]["uid"]
    world.wait(2)

    assert world.get("Pod", "web-0")["metadata"]["uid"] != before["metadata"]["uid"]
    assert all(map(is_ready, world.pods()))


def test_a_stateful_set_is_updated_from_the_last_to_the_first(world: World) -> None:
    """One at a time; the first ones keep the old template meanwhile."""
    world.create(stateful(replicas=3))
    world.wait(3)
    former = world.status("StatefulSet", "web")["currentRevision"]

    world.template("web", lambda it: it["spec"]["containers"][0].update(image=NEXT), "StatefulSet")
    world.wait(0.5)
    images = [pod["spec"]["containers"][0]["image"].rpartition(":")[2] for pod in world.pods()]
    assert images == ["1.0", "1.0", "1.1"]
    status = world.status("StatefulSet", "web")
    assert status["currentRevision"] == former != status["updateRevision"]

    world.wait(10)
    assert {pod["spec"]["containers"][0]["image"] for pod in world.pods()} == {NEXT}
    assert world.status("StatefulSet", "web")["currentRevision"] != former


def test_on_delete_waits_for_somebody_to_delete(world: World) -> None:
    """A new template alone changes no pod."""
    world.create(stateful(replicas=2, updateStrategy={"type": "OnDelete"}))
    world.wait(3)
    world.template("web", lambda it: it["spec"]["containers"][0].update(image=NEXT), "StatefulSet")
    world.wait(60)
    assert {pod["spec"]["containers"][0]["image"] for pod in world.pods()} != {NEXT}

    world.delete("Pod", "web-1")
    world.wait(3)
    assert world.get("Pod", "web-1")["spec"]["containers"][0]["image"] == NEXT
    assert world.get("Pod", "web-0")["spec"]["containers"][0]["image"] != NEXT


def test_a_stateful_set_shrinks_from_its_end(world: World) -> None:
    """The highest number goes first; claims stay."""
    claim = {"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {}}}
    claim["spec"] = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    world.create(stateful(replicas=3, volumeClaimTemplates=[claim]))
    world.wait(3)
    claims = [each["metadata"]["name"] for each in world.store.list("PersistentVolumeClaim", SPACE)]
    assert claims == ["data-web-0", "data-web-1", "data-web-2"]
    assert world.status("PersistentVolumeClaim", "data-web-0")["phase"] == "Bound"

    world.change("StatefulSet", "web", lambda it: it["spec"].update(replicas=1))
    world.wait(0.1)
    assert [p["metadata"]["name"] for p in world.pods() if p["metadata"].get("deletionTimestamp")] == ["web-2"]
    world.wait(3)

    assert world.names() == ["web-0"]
    assert len(world.store.list("PersistentVolumeClaim", SPACE)) == 3


def test_parallel_pods_start_together(world: World) -> None:
    """Where order does not matter, nobody waits."""
    world.create(stateful(replicas=3, podManagementPolicy="Parallel"))

    assert world.names() == ["web-0", "web-1", "web-2"]


def test_a_broken_stateful_pod_holds_its_update_up_until_it_is_deleted(world: World) -> None:
    """As in a real cluster: order comes first, so a good template alone does not reach a pod that is never ready."""
    world.create(stateful(replicas=1, faults={"missing_images": "registry.example/web:1.0"}))
    world.wait(20)
    world.template("web", lambda it: it["spec"]["containers"][0].update(image=NEXT), "StatefulSet")
    world.wait(60)
    assert not is_ready(world.get("Pod", "web-0"))

    world.delete("Pod", "web-0")
    world.wait(5)
    assert is_ready(world.get("Pod", "web-0"))


def test_a_daemon_runs_on_every_node_even_one_that_is_cordoned(world: World) -> None:
    """Its pods tolerate what others do not; a new node gets one, too."""
    world.change("Node", "node-3", lambda it: it["spec"].update(unschedulable=True))
    world.create(workload("DaemonSet"))
    world.wait(1)

    assert sorted(pod["spec"]["nodeName"] for pod in world.pods()) == ["node-1", "node-2", "node-3"]
    status = world.status("DaemonSet", "web")
    assert (status["desiredNumberScheduled"], status["numberReady"], status["numberAvailable"]) == (3, 3, 3)
    assert (status["updatedNumberScheduled"], status["numberMisscheduled"]) == (3, 0)


def test_a_daemon_follows_the_nodes_it_is_for(world: World) -> None:
    """A label decides; taken away, the pod goes."""
    world.change("Node", "node-1", lambda it: it["metadata"]["labels"].update(disk="ssd"))
    manifest = workload("DaemonSet")
    manifest["spec"]["template"]["spec"]["nodeSelector"] = {"disk": "ssd"}
    world.create(manifest)
    assert [pod["spec"]["nodeName"] for pod in world.pods()] == ["node-1"]

    world.change("Node", "node-2", lambda it: it["metadata"]["labels"].update(disk="ssd"))
    assert len(world.pods()) == 2
    world.change("Node", "node-1", lambda it: it["metadata"]["labels"].pop("disk"))
    world.wait(1)
    assert [pod["spec"]["nodeName"] for pod in world.pods()] == ["node-2"]


def test_a_daemon_is_updated_one_node_at_a_time(world: World) -> None:
    """Never more than one of its pods is missing."""
    world.create(workload("DaemonSet"))
    world.wait(2)
    world.template("web", lambda it: it["spec"]["containers"][0].update(image=NEXT), "DaemonSet")
    for _ in range(50):
        world.wait(0.1)
        assert sum(map(is_ready, world.pods())) >= 2

    assert {pod["spec"]["containers"][0]["image"] for pod in world.pods()} == {NEXT}


def test_a_job_runs_to_completion(world: World) -> None:
    """One pod, its work done; the Job says when and how."""
    world.create(job())
    world.wait(1)
    assert world.status("Job", "backup")["active"] == 1
    world.wait(3)

    status = world.status("Job", "backup")
    assert status["succeeded"] == 1
    assert "active" not in status
    complete = condition(world.get("Job", "backup"), "Complete")
    assert (complete["status"], complete["reason"]) == ("True", "CompletionsReached")
    assert status["completionTime"] >= status["startTime"]
    pod = world.pod()
    assert pod["status"]["phase"] == "Succeeded"
    assert container(pod)["state"]["terminated"]["exitCode"] == 0
    assert pod["metadata"]["labels"]["batch.kubernetes.io/job-name"] == "backup"


def test_a_failing_job_is_tried_again_up_to_its_limit(world: World) -> None:
    """Each try is a pod; after the last one the Job has failed."""
    world.create(job(faults={"needs_memory": "1Gi"}, backoffLimit=2))
    world.wait(60)

    failed = condition(world.get("Job", "backup"), "Failed")
    assert (failed["status"], failed["reason"]) == ("True", "BackoffLimitExceeded")
    assert failed["message"] == "Job has reached the specified backoff limit"
    assert world.status("Job", "backup")["failed"] == 3
    assert [pod["status"]["phase"] for pod in world.pods()] == ["Failed"] * 3
    assert container(world.pods()[0])["state"]["terminated"]["reason"] == "OOMKilled"


def test_a_job_on_failure_restarts_the_container_in_its_pod(world: World) -> None:
    """Its restarts count against the limit."""
    world.create(job(restart="OnFailure", faults={"needs_memory": "1Gi"}, backoffLimit=2))
    world.wait(5)
    assert container(world.pod())["restartCount"] == 1
    world.wait(60)

    assert condition(world.get("Job", "backup"), "Failed")["reason"] == "BackoffLimitExceeded"
    assert world.pods() == []


def test_a_job_whose_cause_of_failure_is_gone_completes(world: World) -> None:
    """The next try reads the good value."""
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": SPACE}}
    world.create(settings | {"data": {"LEVEL": "bad"}})
    world.create(job(faults={"needs_config": "settings/LEVEL=good"}))
    world.wait(3)
    assert world.status("Job", "backup")["failed"] == 1

    world.change("ConfigMap", "settings", lambda it: it["data"].update(LEVEL="good"))
    world.wait(10)

    assert condition(world.get("Job", "backup"), "Complete")["status"] == "True"


def test_several_completions_run_side_by_side_as_asked(world: World) -> None:
    """Never more at once than the parallelism."""
    world.create(job(completions=5, parallelism=2))
    for _ in range(100):
        world.wait(0.1)
        active = [pod for pod in world.pods() if pod["status"]["phase"] in ("Pending", "Running")]
        assert len(active) <= 2

    assert world.status("Job", "backup")["succeeded"] == 5
    assert len(world.pods()) == 5


def test_a_late_job_is_ended(world: World) -> None:
    """Its deadline counts from its start."""
    world.create(job(faults={"missing_images": "registry.example/web:1.0"}, activeDeadlineSeconds=20))
    world.wait(19)
    assert not condition(world.get("Job", "backup"), "Failed")
    world.wait(2)

    assert condition(world.get("Job", "backup"), "Failed")["reason"] == "DeadlineExceeded"
    assert world.pods() == []


def test_a_suspended_job_waits(world: World) -> None:
    """Resumed, it runs."""
    world.create(job(suspend=True))
    world.wait(5)
    assert world.pods() == []
    assert condition(world.get("Job", "backup"), "Suspended")["reason"] == "JobSuspended"

    world.change("Job", "backup", lambda it: it["spec"].update(suspend=False))
    world.wait(5)
    assert condition(world.get("Job", "backup"), "Complete")["status"] == "True"


def test_a_finished_job_goes_when_it_asks_for_that(world: World) -> None:
    """With its pods."""
    world.create(job(ttlSecondsAfterFinished=30))
    world.wait(10)
    assert len(world.pods()) == 1
    world.wait(40)

    assert world.store.get("Job", SPACE, "backup") is None
    assert world.pods() == []


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        (job(completionMode="Indexed", completions=1), "the completion mode Indexed"),
        (
            {
                "apiVersion": "batch/v1",
                "kind": "CronJob",
                "metadata": {"name": "nightly", "namespace": SPACE},
                "spec": {"schedule": "0 3 * * *", "jobTemplate": {"spec": job()["spec"]}},
            },
            "the schedules of CronJobs",
        ),
    ],
)
def test_what_is_not_there_is_refused_loudly(world: World, manifest: Json, message: str) -> None:
    """By an event about the object, instead of something half done."""
    world.create(manifest)
    world.wait(60)

    [event] = world.events("NotInSandbox")
    assert event["message"] == f"the sandbox does not implement {message}"
    assert world.pods() == []
