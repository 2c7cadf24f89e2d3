"""The Cluster port against the sandbox and a real API server with its controllers: one contract."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from reconciler.adapters.kubernetes_api import PODS, WORKLOADS, KubernetesApi, kubernetes_api
from reconciler.adapters.kubernetes_connection import APPLY, STRATEGIC
from reconciler.errors import Conflict, Refusal, Unauthorized
from reconciler.model.action import FieldChange
from reconciler.model.facts import Unknown
from reconciler.model.objects import ObjectRef, parse_path
from reconciler.settings import ClusterSettings
from tests.beds.manifests import deployment, parsed

if TYPE_CHECKING:
    from reconciler.model.cluster import Pod, Workload
    from tests.beds.fixtures import Places
    from tests.beds.place import Place
    from tests.testbed.kube import Json

AT = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
ANOTHER_UID = "00000000-0000-0000-0000-000000000000"
LIMIT = parse_path("spec.template.spec.containers[name=web].resources.limits.memory")
REQUEST = parse_path("spec.template.spec.containers[name=web].resources.requests.memory")
REPLICAS = parse_path("spec.replicas")
RAISE = FieldChange(path=LIMIT, before="512Mi", after="1Gi")
_PASSES = 10


@pytest.fixture
def bare(places: Places) -> Place:
    """A place without an Application: nobody undoes what a test does to the cluster."""
    return places({}, application=False)


def adapter(place: Place, user: str = "reconciler") -> KubernetesApi:
    """Return the adapter as one of the testbed's users, watching the test's own namespace."""
    kubeconfig = str(place.bed.kubeconfigs[user])
    return kubernetes_api(ClusterSettings(name="test", kubeconfig=kubeconfig, namespaces=(place.namespace,)))


def web(place: Place) -> ObjectRef:
    """Name the test's Deployment."""
    return ObjectRef(cluster="test", group="apps", kind="Deployment", namespace=place.namespace, name="web")


def make(place: Place, *, manager: str = "kubectl", **fields: object) -> Json:
    """Apply the Deployment `web` as some tool, with more fields of its spec, and return it as the server keeps it."""
    manifest = parsed(deployment())
    manifest["metadata"]["namespace"] = place.namespace
    manifest["spec"] |= fields
    return place.kube.apply(manifest, manager=manager)


def live(place: Place) -> Json:
    """Return the Deployment `web` as other eyes see it."""
    found = place.live("Deployment", "web")
    assert found is not None
    return found


def limit_of(raw: Json) -> str:
    """Return the memory limit of a Deployment's only container."""
    limit: str = raw["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"]
    return limit


def workload(place: Place) -> Workload | None:
    """Return `web` as the adapter sees it, or None."""
    workloads = adapter(place).observe({}).workloads
    assert not isinstance(workloads, Unknown)
    return workloads.get(web(place))


def test_delivered_workload_is_seen_whole(place: Place) -> None:
    """Deployment, pod, owner, namespace and Argo CD's tracking id, as the real controllers write them."""
    place.wait_for_sync()

    view = adapter(place).observe({web(place): frozenset({LIMIT, REPLICAS, parse_path("spec.paused")})})

    assert not isinstance(view.namespaces, Unknown)
    assert view.namespaces[place.namespace].environment == "production"
    assert not isinstance(view.workloads, Unknown)
    seen = view.workloads[web(place)]
    assert seen.rolled_out
    assert (seen.containers[0].memory_request, seen.containers[0].memory_limit) == ("256Mi", "512Mi")
    assert seen.tracking_id == f"{place.application}:apps/Deployment:{place.namespace}/web"
    path = "spec.template.spec.containers[name=web].resources.limits.memory"
    assert seen.field_managers[path] == frozenset({"argocd-controller"})
    assert not isinstance(view.pods, Unknown)
    assert [(pod.owner, pod.phase, pod.containers[0].ready) for pod in view.pods] == [(web(place), "Running", True)]
    assert not isinstance(view.fields, Unknown)
    assert list(view.fields.values()).count(None) == 1
    assert view.fields[web(place), LIMIT] == "512Mi"


def test_oom_kill_is_seen_with_its_exit_code_and_time(bare: Place) -> None:
    """What a kubelet reports of the time before reaches the model."""
    bare.apply(parsed(deployment(faults={"needs-memory": "1Gi"})))

    def killed() -> Pod | None:
        pods = adapter(bare).observe({}).pods
        assert not isinstance(pods, Unknown)
        return next((p for p in pods if p.containers and p.containers[0].terminated), None)

    container = bare.wait_for(killed, what="the container is killed").containers[0]
    assert container.terminated is not None
    assert (container.terminated.reason, container.terminated.exit_code) == ("OOMKilled", 137)
    assert container.terminated.finished_at is not None
    assert container.memory_limit == "512Mi"


def test_autoscaler_and_other_kinds_of_workload_are_seen(bare: Place) -> None:
    """An HPA's target, a StatefulSet and a DaemonSet under their own names."""
    make(bare)
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    bare.apply(
        {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "web"},
            "spec": {"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 3},
        }
    )
    for kind in ("StatefulSet", "DaemonSet"):
        manifest = parsed(deployment(kind.lower()))
        del manifest["spec"]["replicas"]
        more = {"serviceName": "none"} if kind == "StatefulSet" else {}
        bare.apply({**manifest, "kind": kind, "spec": {**manifest["spec"], **more}})

    def settled() -> dict[str, Workload] | None:
        view = adapter(bare).observe({})
        assert view.autoscaled == frozenset({web(bare)})
        assert not isinstance(view.workloads, Unknown)
        found = {w.ref.kind: w for w in view.workloads.values()}
        return found if len(found) == 3 and all(w.rolled_out for w in found.values()) else None

    found = bare.wait_for(settled, what="all three are rolled out")
    assert found["DaemonSet"].desired > 0


def test_pages_of_a_real_list_add_up(bare: Place) -> None:
    """The server's own continue tokens."""
    make(bare, replicas=3)
    bare.wait_for(lambda: len(bare.pods()) == 3, what="three pods")

    pages = list(adapter(bare).connection.pages(PODS, bare.namespace, limit=1))

    assert [len(page) for page in pages] == [1, 1, 1]
    assert len({page[0]["metadata"]["name"] for page in pages}) == 3


def test_restart_twice_is_one_rollout(bare: Place) -> None:
    """Invariant 1: the recorded time makes the repeat a no-op, and the pod is replaced once."""
    uid = make(bare)["metadata"]["uid"]
    before = bare.wait_until_ready()["metadata"]["uid"]
    first = live(bare)["metadata"]["generation"]
    cluster = adapter(bare)

    cluster.restart(web(bare), uid=uid, at=AT)
    cluster.restart(web(bare), uid=uid, at=AT)

    raw = live(bare)
    assert raw["metadata"]["generation"] == first + 1
    ours = [e for e in raw["metadata"]["managedFields"] if e["manager"] == "reconciler"]
    assert [entry["operation"] for entry in ours] == ["Update"]

    def replaced() -> Workload | None:
        seen = workload(bare)
        return seen if seen and seen.rolled_out and bare.pods()[0]["metadata"]["uid"] != before else None

    assert bare.wait_for(replaced, what="the pod is replaced").restarted_at == "2026-03-01T12:30:00Z"


def test_object_made_anew_is_not_restarted(bare: Place) -> None:
    """Neither when we read it nor when the server compares the uid in the patch."""
    make(bare)
    generation = live(bare)["metadata"]["generation"]
    cluster = adapter(bare)

    with pytest.raises(Conflict) as read:
        cluster.restart(web(bare), uid=ANOTHER_UID, at=AT)
    body: Json = {"metadata": {"uid": ANOTHER_UID, "labels": {"ours": "no"}}}
    with pytest.raises(Conflict) as written:
        cluster.connection.patch(WORKLOADS[0], bare.namespace, "web", body, content_type=STRATEGIC)

    manifest = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"} | body["metadata"]}
    with pytest.raises(Conflict) as applied:
        cluster.connection.patch(WORKLOADS[0], bare.namespace, "web", manifest, content_type=APPLY)

    assert read.value.code == "target.replaced"
    assert written.value.code == applied.value.code == "kubernetes.conflict"
    assert live(bare)["metadata"]["generation"] == generation


def test_vanished_object_is_a_conflict(bare: Place) -> None:
    """Nothing is made where nothing is."""
    cluster = adapter(bare)

    with pytest.raises(Conflict, match="does not exist any more"):
        cluster.restart(web(bare), uid=ANOTHER_UID, at=AT)
    with pytest.raises(Conflict, match="does not exist any more"):
        cluster.apply(web(bare), uid=ANOTHER_UID, changes=(RAISE,), dry_run=False)
    assert bare.live("Deployment", "web") is None


def test_paused_rollout_is_not_restarted(bare: Place) -> None:
    """The refusal says how to resume it."""
    uid = make(bare, paused=True)["metadata"]["uid"]

    with pytest.raises(Refusal, match="is paused"):
        adapter(bare).restart(web(bare), uid=uid, at=AT)


def test_apply_takes_over_from_kubectl_and_keeps_the_rest(bare: Place) -> None:
    """A dry run changes nothing; the real one changes one field; doing it again changes nothing."""
    raw = make(bare)
    uid, generation = raw["metadata"]["uid"], raw["metadata"]["generation"]
    cluster = adapter(bare)

    dry = cluster.apply(web(bare), uid=uid, changes=(RAISE,), dry_run=True)
    assert limit_of(live(bare)) == "512Mi"
    real = cluster.apply(web(bare), uid=uid, changes=(RAISE,), dry_run=False)
    again = cluster.apply(web(bare), uid=uid, changes=(RAISE,), dry_run=False)

    assert dry.changed
    assert real.changed
    assert not again.changed
    assert dry.conflicts == real.conflicts == ("kubectl",)
    changed = live(bare)
    assert limit_of(changed) == "1Gi"
    assert changed["metadata"]["generation"] == generation + 1
    raw["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"] = "1Gi"
    assert changed["spec"] == raw["spec"]


def applied(cluster: KubernetesApi, bare: Place, uid: str, change: FieldChange) -> None:
    """Apply as passes do: once more where a controller wrote in between."""
    for _ in range(_PASSES):
        try:
            cluster.apply(web(bare), uid=uid, changes=(change,), dry_run=False)
        except Conflict:
            continue
        return
    pytest.fail(f"still in conflict after {_PASSES} tries")


def test_second_apply_keeps_what_the_first_one_set(bare: Place) -> None:
    """Server-side apply would drop a field that its only manager leaves out."""
    uid = make(bare, minReadySeconds=1)["metadata"]["uid"]
    cluster = adapter(bare)
    patience = FieldChange(path=parse_path("spec.minReadySeconds"), before="1", after="2")

    applied(cluster, bare, uid, patience)
    entries = live(bare)["metadata"]["managedFields"]
    applied(cluster, bare, uid, RAISE)

    assert [entry["manager"] for entry in entries if "f:minReadySeconds" in str(entry)] == ["reconciler"]
    assert live(bare)["spec"]["minReadySeconds"] == 2
    assert limit_of(live(bare)) == "1Gi"


def test_field_of_a_controller_is_not_taken(bare: Place) -> None:
    """Invariant 4: whoever is no human tool sets its field back, or breaks."""
    uid = make(bare, manager="vpa-updater")["metadata"]["uid"]

    with pytest.raises(Refusal, match="vpa-updater"):
        adapter(bare).apply(web(bare), uid=uid, changes=(RAISE,), dry_run=False)

    assert limit_of(live(bare)) == "512Mi"


def test_field_that_argo_delivers_is_not_taken(place: Place) -> None:
    """Invariant 4: Argo CD's own field manager is in the way even where nobody asked about ownership."""
    place.wait_for_sync()
    uid = live(place)["metadata"]["uid"]

    with pytest.raises(Refusal, match="argocd-controller"):
        adapter(place).apply(web(place), uid=uid, changes=(RAISE,), dry_run=False)


def test_moved_field_is_a_conflict(bare: Place) -> None:
    """Invariant 7: a person's newer value stays."""
    uid = make(bare)["metadata"]["uid"]
    stale = FieldChange(path=LIMIT, before="256Mi", after="1Gi")

    with pytest.raises(Conflict, match="no longer 256Mi"):
        adapter(bare).apply(web(bare), uid=uid, changes=(stale,), dry_run=False)


def test_value_that_the_server_rejects_is_refused_by_the_dry_run(bare: Place) -> None:
    """A limit below the request is invalid; the server's words say so."""
    uid = make(bare)["metadata"]["uid"]
    too_low = FieldChange(path=LIMIT, before="512Mi", after="128Mi")

    with pytest.raises(Refusal, match="must be less than or equal to memory limit"):
        adapter(bare).apply(web(bare), uid=uid, changes=(too_low,), dry_run=True)


def test_user_who_may_only_look_reads_everything_and_writes_nothing(bare: Place) -> None:
    """The pull-request path needs no write; doctor prints the rule for more."""
    uid = make(bare)["metadata"]["uid"]
    cluster = adapter(bare, "readonly")

    assert not isinstance(cluster.observe({}).workloads, Unknown)
    with pytest.raises(Unauthorized, match=r"patch deployments\.apps web"):
        cluster.restart(web(bare), uid=uid, at=AT)
    missing = [d for d in cluster.examine() if not d.works]
    assert {d.required for d in missing} == {False}
    assert any('resources: ["deployments"], verbs: ["patch"]' in d.remedy for d in missing)


def test_doctor_is_content_with_the_rights_of_a_real_installation(bare: Place) -> None:
    """Everything that is asked for is granted by the documented role."""
    assert [d.subject for d in adapter(bare).examine() if not d.works] == []
