"""Both worlds are what they claim: faults have causes, and end when the cause has gone, and not before."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from reconciler.sandbox.people import ForgeError
from tests.beds.manifests import container_patch, deployment, parsed
from tests.beds.pods import container, is_ready, waiting
from tests.beds.users import READER
from tests.testbed.kube import Json, KubeError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.beds.fixtures import Places
    from tests.beds.place import Place


@pytest.fixture
def bare(places: Places) -> Place:
    """A place without an Application, where nobody undoes what a test does to the cluster."""
    return places({}, application=False)


def test_oom_kills_show_everywhere_and_end_with_a_sufficient_limit(bare: Place) -> None:
    """Status, metrics and alerts tell of the OOM kills; raising the limit ends all three."""
    bare.apply(parsed(deployment(memory="512Mi", faults={"needs-memory": "1Gi"})))

    pod = bare.wait_until_waiting("CrashLoopBackOff", restarts=1)
    ended = container(pod)["lastState"]["terminated"]
    assert (ended["reason"], ended["exitCode"]) == ("OOMKilled", 137)
    bare.wait_for(lambda: bare.alerts("KubePodOOMKilled"), what="the alert arrives")
    alert = bare.alerts("KubePodOOMKilled")[0]["labels"]
    assert (alert["pod"], alert["container"]) == (pod["metadata"]["name"], "web")
    select = f'{{namespace="{bare.namespace}", container="web"}}'
    [(labels, peak)] = bare.query(f"max_over_time(container_memory_working_set_bytes{select}[1m])")
    assert labels["pod"] == pod["metadata"]["name"]
    assert peak == 512 * 1024**2

    bare.patch("Deployment", "web", container_patch("web", resources={"limits": {"memory": "1024Mi"}}))
    cured = bare.wait_until_ready()
    bare.wait_for(lambda: not bare.alerts("KubePodOOMKilled"), what="the alert resolves")
    assert container(cured)["restartCount"] == 0

    def use() -> list[float]:
        return [value for _, value in bare.query(f"container_memory_working_set_bytes{select}")]

    bare.wait_for(lambda: use() == [1024**3], what="the only container left uses what it needs")


def test_a_named_container_is_oom_killed_alone(bare: Place) -> None:
    """A fault that names a container leaves its neighbours running."""
    manifest = parsed(deployment(faults={"needs-memory.side": "200M"}))
    side = {"name": "side", "image": "side:1", "resources": {"limits": {"memory": "190Mi"}}}  # 199,229,440 bytes
    manifest["spec"]["template"]["spec"]["containers"].append(side)
    bare.apply(manifest)

    def killed() -> Json | None:
        return next((pod for pod in bare.pods() if waiting(pod, "side") == "CrashLoopBackOff"), None)

    pod = bare.wait_for(killed, what="side is killed")
    assert "running" in container(pod, "web")["state"]
    bare.patch("Deployment", "web", container_patch("side", resources={"limits": {"memory": "191Mi"}}))
    bare.wait_until_ready()


def test_a_missing_image_backs_off_until_the_image_is_there(bare: Place) -> None:
    """The message is a kubelet's; another image cures it."""
    missing = "registry.testbed.invalid/web:9.9"
    bare.apply(parsed(deployment(image=missing, faults={"missing-images": f"{missing}, other:1"})))

    pod = bare.wait_until_waiting("ImagePullBackOff")
    assert pod["status"]["phase"] == "Pending"
    assert container(pod)["state"]["waiting"]["message"].endswith(f"{missing}: not found")

    bare.patch("Deployment", "web", container_patch("web", image="registry.testbed.invalid/web:1.1"))
    bare.wait_until_ready()


def test_a_bad_config_value_crashes_until_it_is_corrected(bare: Place) -> None:
    """The same pod lives at its next try, without being replaced."""
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}}
    bare.apply(parsed(deployment(faults={"needs-config": "settings/LEVEL=debug|info"})))
    bare.wait_until_waiting("CreateContainerConfigError")

    bare.apply(settings | {"data": {"LEVEL": "verbose"}})
    pod = bare.wait_until_waiting("CrashLoopBackOff")
    ended = container(pod)["lastState"]["terminated"]
    assert (ended["reason"], ended["exitCode"]) == ("Error", 1)

    bare.apply(settings | {"data": {"LEVEL": "info"}})
    cured = bare.wait_until_ready()
    assert cured["metadata"]["uid"] == pod["metadata"]["uid"]
    assert container(cured)["restartCount"] >= 1


def test_failing_readiness_follows_its_annotation(bare: Place) -> None:
    """The container runs on, but the pod is not ready; a replaced pod no longer bears the annotation."""
    bare.apply(parsed(deployment()))
    pod = bare.wait_until_ready()
    name = pod["metadata"]["name"]

    bare.annotate("Pod", name, failing_readiness="true")
    unready = bare.wait_for(lambda: next((p for p in bare.pods() if not is_ready(p)), None), what="not ready")
    assert "running" in container(unready)["state"]
    assert container(unready)["restartCount"] == 0

    bare.delete("Pod", name)
    assert bare.wait_until_ready()["metadata"]["name"] != name


def test_a_node_takes_its_pods_readiness_with_it(bare: Place) -> None:
    """NotReady nodes are tainted by the real controllers, their pods are not ready, and both come back."""
    bare.apply(parsed(deployment()))
    pod = bare.wait_until_ready()
    node = pod["spec"]["nodeName"]

    with annotated_node(bare, node, not_ready="true"):
        bare.wait_for(lambda: (bare.live("Node", node) or {})["spec"].get("taints"), what="the node is tainted")
        bare.wait_for(lambda: not is_ready(bare.pods()[0]), what="the pod is not ready")
        assert not is_ready(bare.live("Node", node) or {})

    bare.wait_for(lambda: is_ready(bare.live("Node", node) or {}), what="the node is ready")
    assert bare.wait_until_ready()["metadata"]["uid"] == pod["metadata"]["uid"]


def test_probes_that_fail_on_one_node_pass_on_another(bare: Place) -> None:
    """Cordoning the node and evicting the pod cures it."""
    bare.apply(parsed(deployment()))
    pod = bare.wait_until_ready()
    node = pod["spec"]["nodeName"]

    with annotated_node(bare, node, failing_readiness="true"):
        bare.wait_for(lambda: not is_ready(bare.pods()[0]), what="the pod is not ready")
        bare.patch("Node", node, {"spec": {"unschedulable": True}})
        try:
            bare.delete("Pod", pod["metadata"]["name"])
            assert bare.wait_until_ready()["spec"]["nodeName"] != node
        finally:
            bare.patch("Node", node, {"spec": {"unschedulable": None}})


def test_a_stuck_termination_ends_only_by_force(bare: Place) -> None:
    """The neighbour, deleted later, is gone while the stuck pod is still there."""
    bare.apply(parsed(deployment("stuck", faults={"stuck-termination": "true"})))
    bare.apply(parsed(deployment("free")))
    stuck, free = (bare.wait_until_ready(app)["metadata"]["name"] for app in ("stuck", "free"))

    bare.delete("Pod", stuck)
    bare.delete("Pod", free)
    bare.wait_for(lambda: bare.live("Pod", free) is None, what="the free pod is gone")
    left = bare.live("Pod", stuck)
    assert left is not None
    assert left["metadata"]["deletionTimestamp"]

    bare.delete("Pod", stuck, gracePeriodSeconds="0")
    bare.wait_for(lambda: bare.live("Pod", stuck) is None, what="the stuck pod is gone")


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_a_merged_pull_request_goes_live(place: Place, method: str) -> None:
    """From the forge to the cluster: the Application follows the merge commit, and drift is undone."""
    place.wait_for_sync()
    live = place.live("Deployment", "web")
    assert live is not None
    assert live["metadata"]["annotations"]["argocd.argoproj.io/tracking-id"] == (
        f"{place.application}:apps/Deployment:{place.namespace}/web"
    )

    number = place.open_pull_request({"deploy/web.yaml": deployment(memory="768Mi")}, "Raise web's memory")
    place.approve(number)
    merge = place.merge(number, method)
    place.refresh()
    place.wait_for_sync(merge)

    live = place.live("Deployment", "web")
    assert live is not None
    assert live["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"] == {"memory": "768Mi"}


def test_drift_is_undone_by_argo(place: Place) -> None:
    """What Git owns cannot be changed in the cluster for long: one generation is the drift, the next one undoes it."""

    def found() -> tuple[int, int]:
        live = place.live("Deployment", "web")
        assert live is not None
        return live["metadata"]["generation"], live["spec"]["replicas"]

    place.wait_for_sync()
    first, replicas = found()

    place.patch("Deployment", "web", {"spec": {"replicas": 3}})

    place.wait_for(lambda: found() >= (first + 2, 0) and found()[1] == replicas, what="the drift is undone")


def test_users_have_the_rights_of_their_role(bare: Place) -> None:
    """The reconciler patches workloads and reads no secrets; the reader changes nothing; mallory does not push."""
    bare.apply(parsed(deployment()))
    patch = {"metadata": {"labels": {"seen": "yes"}}}
    reconciler, reader = bare.bed.kube("reconciler"), bare.bed.kube("readonly")

    reconciler.patch("Deployment", "web", patch, bare.namespace)
    for attempt in (
        lambda: reconciler.objects("Secret", bare.namespace),
        lambda: reader.patch("Deployment", "web", patch, bare.namespace),
        lambda: reader.objects("Secret"),
    ):
        with pytest.raises(KubeError, match="403"):
            attempt()
    with pytest.raises(ForgeError, match=r"40[34]"):  # GitHub tells strangers nothing
        bare.commit({"deploy/web.yaml": "mine"}, by=READER)
    reconciler.close()
    reader.close()


@contextmanager
def annotated_node(place: Place, node: str, **faults: str) -> Iterator[None]:
    """Cause a fault on a node, which all tests share, and take it away whatever happens."""
    place.annotate("Node", node, **faults)
    try:
        yield
    finally:
        place.annotate("Node", node, **dict.fromkeys(faults))
