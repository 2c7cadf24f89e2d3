"""A failing, slow or lying API server: its facts become unknown, in time, and nothing else does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.model.facts import Unknown
from reconciler.model.objects import parse_path
from tests.adapters import kubernetes_json as kubernetes
from tests.adapters.kubernetes_json import api_on, ref
from tests.adapters.wire import Answer, Wire

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


@pytest.mark.parametrize(
    "answer",
    [
        Answer({"kind": "PodList", "metadata": {}}),
        Answer({"kind": "PodList", "items": {}}),
        Answer({"kind": "ServiceList", "items": []}),
        Answer({"kind": "PodList", "items": [{"metadata": {"name": "no more"}}]}),
        Answer([]),
        Answer("<html>please log in</html>"),
        Answer('{"kind": "PodList", "items": ['),
        Answer(""),
        Answer({"kind": "PodList", "items": []}, cut=True),
        Answer({"kind": "Status"}, 302, headers={"Location": "http://login.example"}),
    ],
    ids=[
        "no items",
        "items of a kind",
        "other kind",
        "half a pod",
        "a list",
        "a page",
        "cut",
        "empty",
        "lost",
        "moved",
    ],
)
def test_answer_that_is_no_list_is_unknown_not_empty(wire: Wire, tmp_path: Path, answer: Answer) -> None:
    """Invariant 3: only a true list without items means that there is nothing."""
    wire.script[PODS] = answer

    pods = api_on(wire, tmp_path).observe({}).pods

    assert isinstance(pods, Unknown)
    assert pods.reason.startswith("list pods: ")


@pytest.mark.parametrize("path", [PODS, "GET /apis/apps/v1/replicasets"])
def test_pods_are_unknown_when_they_or_their_owners_are(wire: Wire, tmp_path: Path, path: str) -> None:
    """A pod without its owner would look like nobody's; the other facts stay known."""
    wire.script[path] = kubernetes.status(403, "Forbidden", 'User "bot" cannot list resource')

    view = api_on(wire, tmp_path).observe({})

    assert isinstance(view.pods, Unknown)
    assert not isinstance(view.workloads, Unknown)
    assert not isinstance(view.namespaces, Unknown)


@pytest.mark.parametrize("plural", ["deployments", "statefulsets", "daemonsets"])
def test_workloads_are_unknown_when_one_kind_is(wire: Wire, tmp_path: Path, plural: str) -> None:
    """Nobody knows what the missing list held."""
    wire.script[f"GET /apis/apps/v1/{plural}"] = kubernetes.status(403, "Forbidden", "no")

    view = api_on(wire, tmp_path).observe({ref(): frozenset({REPLICAS})})

    assert isinstance(view.workloads, Unknown)
    assert not isinstance(view.pods, Unknown)
    assert isinstance(view.fields, Unknown) == (plural == "deployments")


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_failure_that_passes_is_tried_again(wire: Wire, tmp_path: Path, status: int) -> None:
    """One bad answer does not make a pass blind."""
    wire.script[PODS] = [
        kubernetes.status(status, "Trouble", "in a moment"),
        Answer(kubernetes.listing("Pod", kubernetes.pod())),
    ]

    assert not isinstance(api_on(wire, tmp_path).observe({}).pods, Unknown)


def test_failure_that_stays_is_tried_three_times(wire: Wire, tmp_path: Path) -> None:
    """Invariant 10: retries are bounded."""
    wire.script[PODS] = kubernetes.status(500, "InternalError", "etcd is ill")

    pods = api_on(wire, tmp_path).observe({}).pods

    assert isinstance(pods, Unknown)
    assert "etcd is ill" in pods.reason
    assert len(wire.asked("GET", "/api/v1/pods")) == 3


def test_server_that_asks_for_a_long_rest_gets_it(wire: Wire, tmp_path: Path) -> None:
    """Retry-After beyond what a pass may wait: give up now, the next pass asks again."""
    wire.script[PODS] = Answer({"message": "too many requests"}, 429, headers={"Retry-After": "60"})

    assert isinstance(api_on(wire, tmp_path).observe({}).pods, Unknown)
    assert len(wire.asked("GET", "/api/v1/pods")) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_failure_that_stays_by_nature_is_not_tried_again(wire: Wire, tmp_path: Path, status: int) -> None:
    """Asking again would not grant a permission."""
    wire.script[PODS] = kubernetes.status(status, "No", "no")

    assert isinstance(api_on(wire, tmp_path).observe({}).pods, Unknown)
    assert len(wire.asked("GET", "/api/v1/pods")) == 1


@pytest.mark.parametrize(
    "answer",
    [Answer(silent=True), Answer(kubernetes.listing("Pod", kubernetes.pod()), trickle=True)],
    ids=["silent", "trickle"],
)
def test_slow_server_is_unknown_in_time(wire: Wire, tmp_path: Path, answer: Answer) -> None:
    """The limit is for the whole answer: a byte now and then does not stretch it."""
    wire.script[PODS] = answer

    view = api_on(wire, tmp_path, timeout="400ms").observe({})

    assert isinstance(view.pods, Unknown)
    assert "within 0.4 s" in view.pods.reason
    assert not isinstance(view.workloads, Unknown)


def test_unreachable_server_makes_everything_unknown(tmp_path: Path) -> None:
    """Invariant 3: nobody there is not nothing there."""
    with Wire() as gone:
        api = api_on(gone, tmp_path)

    view = api.observe({ref(): frozenset({REPLICAS})})

    facts = (view.namespaces, view.workloads, view.pods, view.autoscaled, view.fields)
    assert all(isinstance(fact, Unknown) for fact in facts)
