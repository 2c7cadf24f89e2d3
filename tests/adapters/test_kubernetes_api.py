"""The Cluster port's reads on a scripted wire: what is there, what is unknown, and never one for the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.model.facts import Unknown
from reconciler.model.objects import parse_path
from tests.adapters import kubernetes_json as kubernetes
from tests.adapters.kubernetes_json import api_on, ref
from tests.adapters.wire import Answer, Request, Wire

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DEPLOYMENTS = "GET /apis/apps/v1/deployments"
PODS = "GET /api/v1/pods"
REPLICAS = parse_path("spec.replicas")
MEMORY = parse_path("spec.template.spec.containers[name=app].resources.limits.memory")


@pytest.fixture
def wire() -> Iterator[Wire]:
    """A quiet cluster, to be scripted further."""
    with Wire({**kubernetes.quiet_cluster()}) as server:
        yield server


def test_one_pass_reads_the_whole_cluster(wire: Wire, tmp_path: Path) -> None:
    """Namespaces, workloads, pods with their owners, and what autoscalers set."""
    view = api_on(wire, tmp_path).observe({})

    assert not isinstance(view.namespaces, Unknown)
    assert view.namespaces["shop"].environment == "production"
    assert not isinstance(view.workloads, Unknown)
    assert list(view.workloads) == [ref()]
    assert not isinstance(view.pods, Unknown)
    assert [pod.owner for pod in view.pods] == [ref()]
    assert view.autoscaled == frozenset({ref()})
    assert view.fields == {}


def test_replica_sets_are_read_without_their_specs(wire: Wire, tmp_path: Path) -> None:
    """Only who controls them matters, so only metadata travels."""
    api_on(wire, tmp_path).observe({})

    (request,) = wire.asked("GET", "/apis/apps/v1/replicasets")
    assert "as=PartialObjectMetadataList" in request.headers["Accept"]


def test_list_is_read_to_its_last_page(wire: Wire, tmp_path: Path) -> None:
    """The continue token leads on until there is none."""
    wire.script[PODS] = [
        Answer(kubernetes.listing("Pod", kubernetes.pod("one"), following="token of page 2")),
        Answer(kubernetes.listing("Pod", kubernetes.pod("two"))),
    ]

    pods = api_on(wire, tmp_path).observe({}).pods

    assert not isinstance(pods, Unknown)
    assert [pod.ref.name for pod in pods] == ["one", "two"]
    assert [r.query.get("continue") for r in wire.asked("GET", "/api/v1/pods")] == [None, "token of page 2"]


def test_forgotten_list_is_read_again_from_the_start(wire: Wire, tmp_path: Path) -> None:
    """410 on a continue token: what was read of the old list is thrown away."""
    wire.script[PODS] = [
        Answer(kubernetes.listing("Pod", kubernetes.pod("old"), following="stale")),
        kubernetes.status(410, "Expired", "The provided continue parameter is too old"),
        Answer(kubernetes.listing("Pod", kubernetes.pod("new"))),
    ]

    pods = api_on(wire, tmp_path).observe({}).pods

    assert not isinstance(pods, Unknown)
    assert [pod.ref.name for pod in pods] == ["new"]


def test_list_that_is_always_forgotten_is_unknown(wire: Wire, tmp_path: Path) -> None:
    """Invariant 10: a list is begun again once, not for ever."""
    wire.script[PODS] = kubernetes.status(410, "Expired", "The provided continue parameter is too old")

    assert isinstance(api_on(wire, tmp_path).observe({}).pods, Unknown)
    assert len(wire.asked("GET", "/api/v1/pods")) == 2


def test_empty_cluster_is_known_to_be_empty(wire: Wire, tmp_path: Path) -> None:
    """No pods is a fact; Go writes an empty list as null in places."""
    wire.script[PODS] = Answer({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": None})

    assert api_on(wire, tmp_path).observe({}).pods == ()


def test_wanted_fields_come_from_the_same_lists(wire: Wire, tmp_path: Path) -> None:
    """No request more; a field or an object that is not there is None, which is known."""
    gone = ref("gone")
    fields = (
        api_on(wire, tmp_path)
        .observe({ref(): frozenset({REPLICAS, MEMORY, parse_path("spec.paused")}), gone: frozenset({REPLICAS})})
        .fields
    )

    assert fields == {
        (ref(), REPLICAS): "2",
        (ref(), MEMORY): "512Mi",
        (ref(), parse_path("spec.paused")): None,
        (gone, REPLICAS): None,
    }
    assert len(wire.requests) == len(kubernetes.quiet_cluster())


def test_wanted_field_of_another_kind_is_got_by_name(wire: Wire, tmp_path: Path) -> None:
    """What is in no list is asked for on its own, after finding out how its kind is served."""
    wire.script["GET /apis/batch"] = Answer({"kind": "APIGroup", "preferredVersion": {"version": "v1"}})
    wire.script["GET /apis/batch/v1"] = Answer(
        {"resources": [{"name": "cronjobs/status", "kind": "CronJob"}, {"name": "cronjobs", "kind": "CronJob"}]}
    )
    wire.script["GET /apis/batch/v1/namespaces/shop/cronjobs/nightly"] = Answer({"spec": {"suspend": True}})
    nightly, path = ref("nightly", "CronJob", "batch"), parse_path("spec.suspend")

    assert api_on(wire, tmp_path).observe({nightly: frozenset({path})}).fields == {(nightly, path): "true"}


SETTINGS = "/api/v1/namespaces/shop/configmaps"
CORE = {"resources": [{"name": "configmaps", "kind": "ConfigMap"}]}
LEVEL, INSIDE = parse_path("data.LEVEL"), parse_path('data."app.properties"{log.level}')


def test_fields_of_single_objects_are_got_without_any_list(wire: Wire, tmp_path: Path) -> None:
    """Keys inside the texts that they hold, too; an object that is not there holds none of them."""
    data = {"LEVEL": "info", "app.properties": "log.level = debug\n"}
    wire.script |= {"GET /api/v1": Answer(CORE), f"GET {SETTINGS}/new": Answer({"data": data})}
    old, new = ref("old", "ConfigMap", ""), ref("new", "ConfigMap", "")
    before = len(wire.requests)

    found = api_on(wire, tmp_path).fields({new: frozenset({LEVEL, INSIDE}), old: frozenset({LEVEL})})

    assert found == {(new, LEVEL): "info", (new, INSIDE): "debug", (old, LEVEL): None}
    assert {r.path for r in wire.requests[before:]} == {"/api/v1", f"{SETTINGS}/new", f"{SETTINGS}/old"}


@pytest.mark.parametrize(
    "answer",
    [Answer({"kind": "Status", "code": 403, "message": "no"}, 403), Answer({"data": {"app.properties": "a 'b\nc'"}})],
    ids=["not allowed", "text that cannot be judged"],
)
def test_field_that_cannot_be_read_is_unknown(wire: Wire, tmp_path: Path, answer: Answer) -> None:
    """Invariant 3: it is not absent."""
    wire.script |= {"GET /api/v1": Answer(CORE), f"GET {SETTINGS}/new": answer}
    new = ref("new", "ConfigMap", "")

    assert isinstance(api_on(wire, tmp_path).fields({new: frozenset({INSIDE})}), Unknown)


def test_field_managers_are_read_only_where_wanted(wire: Wire, tmp_path: Path) -> None:
    """They are the greater part of an object; a pass keeps them for open operations only."""
    managed = {"manager": "kubectl", "fieldsV1": {"f:spec": {"f:replicas": {}}}}
    raw = kubernetes.deployment(managedFields=[managed])
    wire.script[DEPLOYMENTS] = Answer(kubernetes.listing("Deployment", raw))
    api = api_on(wire, tmp_path)

    quiet, asked = api.observe({}).workloads, api.observe({ref(): frozenset({REPLICAS})}).workloads

    assert not isinstance(quiet, Unknown)
    assert not isinstance(asked, Unknown)
    assert quiet[ref()].field_managers == {}
    assert asked[ref()].field_managers == {"spec.replicas": frozenset({"kubectl"})}


def test_field_in_another_cluster_is_unknown(wire: Wire, tmp_path: Path) -> None:
    """Invariant 3: this server cannot say what another one holds."""
    elsewhere = ref().__class__(cluster="west", group="apps", kind="Deployment", namespace="shop", name="cart")

    assert isinstance(api_on(wire, tmp_path).observe({elsewhere: frozenset({REPLICAS})}).fields, Unknown)


def test_only_the_configured_namespaces_are_asked_for(wire: Wire, tmp_path: Path) -> None:
    """A role for two namespaces is enough: nothing cluster-wide is listed."""

    def answer(request: Request) -> Answer:
        whole = wire.script[f"GET {request.path.replace('/namespaces/shop', '')}"]
        assert isinstance(whole, Answer)
        return whole

    for path in list(wire.script):
        parts = path.rsplit("/", 1)
        wire.script[f"{parts[0]}/namespaces/shop/{parts[1]}"] = answer
    wire.script["GET /api/v1/namespaces/shop"] = Answer({"metadata": {"name": "shop"}})

    view = api_on(wire, tmp_path, namespaces=("shop",)).observe({})

    assert not isinstance(view.workloads, Unknown)
    assert list(view.workloads) == [ref()]
    assert not isinstance(view.namespaces, Unknown)
    assert view.namespaces["shop"].environment is None
    assert all("/namespaces/shop" in request.path for request in wire.requests)
