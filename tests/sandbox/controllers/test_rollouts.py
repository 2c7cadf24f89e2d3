"""A Deployment moves its pods to a new template as its strategy says, and its status tells how that goes."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as some

from tests.sandbox.controllers.world import IMAGE, Json, World, condition, deployment, fault, is_ready
from tests.thorough import examples

REVISION = "deployment.kubernetes.io/revision"
MISSING = "registry.example/web:9.9"
NEXT = "registry.example/web:1.1"


def test_a_finished_rollout_reads_like_a_real_one(world: World) -> None:
    """Counts, generation, conditions with reasons and messages, revision."""
    world.create(deployment(replicas=3))
    world.wait(2)

    status = world.status("Deployment", "web")
    [replica_set] = world.sets()
    name = replica_set["metadata"]["name"]
    counts = {key: value for key, value in status.items() if key.endswith(("Replicas", "eplicas"))}
    assert counts == {
        "replicas": 3,
        "updatedReplicas": 3,
        "readyReplicas": 3,
        "availableReplicas": 3,
        "terminatingReplicas": 0,
    }
    assert status["observedGeneration"] == 1
    available = condition(world.get("Deployment", "web"), "Available")
    assert (available["status"], available["reason"]) == ("True", "MinimumReplicasAvailable")
    progressing = condition(world.get("Deployment", "web"), "Progressing")
    assert (progressing["status"], progressing["reason"]) == ("True", "NewReplicaSetAvailable")
    assert progressing["message"] == f'ReplicaSet "{name}" has successfully progressed.'
    assert world.get("Deployment", "web")["metadata"]["annotations"] == {REVISION: "1"}
    assert replica_set["status"]["readyReplicas"] == 3


def test_names_are_built_as_the_real_ones(world: World) -> None:
    """Deployment, hash of the template, five letters; label and selector hold the same hash."""
    world.create(deployment())

    [replica_set] = world.sets()
    mark = replica_set["metadata"]["labels"]["pod-template-hash"]
    assert replica_set["metadata"]["name"] == f"web-{mark}"
    assert replica_set["spec"]["selector"]["matchLabels"] == {"app": "web", "pod-template-hash": mark}
    pod = world.pod()
    assert pod["metadata"]["name"].startswith(f"web-{mark}-")
    assert len(pod["metadata"]["name"]) == len(f"web-{mark}-") + 5
    assert pod["metadata"]["labels"] == {"app": "web", "pod-template-hash": mark}
    assert pod["metadata"]["ownerReferences"][0]["uid"] == replica_set["metadata"]["uid"]


def test_while_pods_start_the_rollout_is_progressing_and_not_available(world: World) -> None:
    """Before anything is ready the status says so."""
    world.create(deployment(replicas=2))
    world.wait(0.2)

    live = world.get("Deployment", "web")
    assert live["status"]["unavailableReplicas"] == 2
    assert condition(live, "Available")["reason"] == "MinimumReplicasUnavailable"
    assert condition(live, "Progressing")["reason"] == "ReplicaSetUpdated"


def test_a_restart_annotation_replaces_every_pod_exactly_once(world: World) -> None:
    """A rollout of the same containers; the same value again changes nothing."""
    world.create(deployment(replicas=3))
    world.wait(2)
    before = set(world.names())
    stamp = {"kubectl.kubernetes.io/restartedAt": "2026-01-05T09:00:00Z"}

    def restart(template: Json) -> None:
        template["metadata"]["annotations"] = stamp

    world.template("web", restart)
    world.wait(10)
    after = set(world.names())
    revision = world.store.revision
    world.template("web", restart)
    world.wait(3600)

    assert len(after) == 3
    assert not before & after
    assert set(world.names()) == after
    assert len(world.sets()) == 2
    kept = [e for e in world.store.changed_since(revision) if e[0] != "Event"]
    assert kept == []


def test_a_rolling_update_keeps_within_surge_and_unavailable(world: World) -> None:
    """25 % of 8: at most 10 pods, at least 6 available, at every moment."""
    world.create(deployment(replicas=8))
    world.wait(2)

    world.container("web", image=NEXT)
    for _ in range(100):
        world.wait(0.1)
        alive = [p for p in world.pods() if not p["metadata"].get("deletionTimestamp")]
        assert len(alive) <= 10
        assert sum(map(is_ready, alive)) >= 6

    assert {p["spec"]["containers"][0]["image"] for p in world.pods()} == {NEXT}
    assert world.sizes() == [0, 8]


def test_a_rollout_without_surge_replaces_in_place(world: World) -> None:
    """No more pods than wanted, one after the other."""
    manifest = deployment(replicas=3)
    rolling = {"maxSurge": 0, "maxUnavailable": 1}
    manifest["spec"]["strategy"] = {"type": "RollingUpdate", "rollingUpdate": rolling}
    world.create(manifest)
    world.wait(2)

    world.container("web", image=NEXT)
    for _ in range(60):
        world.wait(0.1)
        alive = [p for p in world.pods() if not p["metadata"].get("deletionTimestamp")]
        assert len(alive) <= 3
        assert sum(map(is_ready, alive)) >= 2

    assert world.sizes() == [0, 3]


def test_recreate_ends_all_pods_before_the_first_new_one(world: World) -> None:
    """Old and new never run together."""
    manifest = deployment(replicas=2)
    manifest["spec"]["strategy"] = {"type": "Recreate"}
    world.create(manifest)
    world.wait(2)

    world.container("web", image=NEXT)
    for _ in range(40):
        images = {p["spec"]["containers"][0]["image"] for p in world.pods()}
        assert len(images) <= 1
        world.wait(0.05)

    assert {p["spec"]["containers"][0]["image"] for p in world.pods()} == {NEXT}
    assert all(map(is_ready, world.pods()))


def test_a_missing_image_stops_the_rollout_and_keeps_the_old_pods(world: World) -> None:
    """25 % of 4 may be unavailable: one old pod goes, three keep serving; then the deadline is exceeded."""
    manifest = deployment(replicas=4, missing_images=MISSING)
    manifest["spec"]["progressDeadlineSeconds"] = 60
    world.create(manifest)
    world.wait(2)

    world.container("web", image=MISSING)
    world.wait(30)
    assert world.sizes() == [3, 2]
    assert sum(map(is_ready, world.pods())) == 3
    live = world.get("Deployment", "web")
    assert condition(live, "Progressing")["reason"] == "ReplicaSetUpdated"
    assert condition(live, "Available")["status"] == "True"

    world.wait(60)
    progressing = condition(world.get("Deployment", "web"), "Progressing")
    assert (progressing["status"], progressing["reason"]) == ("False", "ProgressDeadlineExceeded")
    assert progressing["message"] == f'ReplicaSet "{world.sets()[1]["metadata"]["name"]}" has timed out progressing.'
    assert sum(map(is_ready, world.pods())) == 3

    world.container("web", image=NEXT)
    world.wait(10)
    live = world.get("Deployment", "web")
    assert condition(live, "Progressing")["reason"] == "NewReplicaSetAvailable"
    assert world.sizes() == [0, 0, 4]


def test_a_single_replica_keeps_its_old_pod_until_the_new_one_is_ready(world: World) -> None:
    """Surge is rounded up, unavailable down."""
    world.create(deployment(missing_images=MISSING))
    world.wait(2)
    [old] = world.pods()

    world.container("web", image=MISSING)
    world.wait(120)

    assert is_ready(world.get("Pod", old["metadata"]["name"]))
    assert len(world.pods()) == 2


def test_going_back_to_a_former_template_reuses_its_replica_set(world: World) -> None:
    """It becomes the newest revision and remembers what it was."""
    world.create(deployment())
    world.wait(2)
    [first] = world.sets()
    world.container("web", image=NEXT)
    world.wait(5)

    world.container("web", image=IMAGE)
    world.wait(5)

    newest = world.sets()[-1]
    assert newest["metadata"]["name"] == first["metadata"]["name"]
    assert newest["metadata"]["annotations"][REVISION] == "3"
    assert newest["metadata"]["annotations"]["deployment.kubernetes.io/revision-history"] == "1"
    assert world.get("Deployment", "web")["metadata"]["annotations"][REVISION] == "3"
    assert len(world.sets()) == 2


def test_old_replica_sets_beyond_the_limit_are_forgotten(world: World) -> None:
    """The newest of the old ones stay."""
    manifest = deployment()
    manifest["spec"]["revisionHistoryLimit"] = 2
    world.create(manifest)
    for number in range(5):
        world.wait(5)
        world.container("web", image=f"registry.example/web:2.{number}")
    world.wait(5)

    revisions = [each["metadata"]["annotations"][REVISION] for each in world.sets()]
    assert revisions == ["4", "5", "6"]


def test_a_paused_deployment_scales_but_does_not_roll_out(world: World) -> None:
    """Resumed, it rolls out what was changed meanwhile."""
    world.create(deployment(replicas=2))
    world.wait(2)
    world.change("Deployment", "web", lambda it: it["spec"].update(paused=True))
    world.container("web", image=NEXT)
    world.scale("web", 3)
    world.wait(5)

    assert world.sizes() == [3]
    assert {p["spec"]["containers"][0]["image"] for p in world.pods()} == {IMAGE}
    assert condition(world.get("Deployment", "web"), "Progressing")["reason"] == "DeploymentPaused"

    world.change("Deployment", "web", lambda it: it["spec"].update(paused=False))
    world.wait(10)
    assert {p["spec"]["containers"][0]["image"] for p in world.pods()} == {NEXT}


def test_min_ready_seconds_delays_availability(world: World) -> None:
    """Ready at once, available when it has stayed so."""
    manifest = deployment(replicas=1)
    manifest["spec"]["minReadySeconds"] = 30
    world.create(manifest)
    world.wait(10)
    status = world.status("Deployment", "web")
    assert status["readyReplicas"] == 1
    assert "availableReplicas" not in status

    world.wait(25)
    assert world.status("Deployment", "web")["availableReplicas"] == 1


def test_annotations_of_a_deployment_reach_its_replica_set(world: World) -> None:
    """All but those that say what was applied."""
    manifest = deployment()
    manifest["metadata"]["annotations"] = {
        "team": "storefront",
        "kubectl.kubernetes.io/last-applied-configuration": "{}",
    }
    world.create(manifest)

    annotations = world.sets()[0]["metadata"]["annotations"]
    assert annotations["team"] == "storefront"
    assert "kubectl.kubernetes.io/last-applied-configuration" not in annotations


@settings(max_examples=examples(20), deadline=None)
@given(
    replicas=some.integers(1, 12),
    surge=some.sampled_from([0, 1, 3, "25%", "60%"]),
    unavailable=some.sampled_from([0, 1, 2, "25%", "50%"]),
)
def test_any_rolling_update_ends_with_the_new_pods_only(
    replicas: int, surge: int | str, unavailable: int | str
) -> None:
    """Whatever the fenceposts, all pods are replaced and none too many is left."""
    if surge == 0 and unavailable == 0:
        unavailable = 1  # both zero are refused by the API server
    world = World(nodes=3)
    manifest = deployment(replicas=replicas)
    rolling = {"maxSurge": surge, "maxUnavailable": unavailable}
    manifest["spec"]["strategy"] = {"type": "RollingUpdate", "rollingUpdate": rolling}
    world.create(manifest)
    world.wait(2)

    world.template("web", lambda it: it["metadata"].update(annotations={fault("x"): "y"}))
    world.wait(60)

    assert world.sizes() == [0, replicas]
    assert world.status("Deployment", "web")["availableReplicas"] == replicas
