"""Prometheus' API, spoken to as clients do, the product's own adapters among them."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import urllib3

from reconciler.adapters.alertmanager import alertmanager
from reconciler.adapters.prometheus import prometheus
from reconciler.model.cluster import ContainerKey
from reconciler.model.facts import Unknown
from reconciler.sandbox.wire import Request, Server
from reconciler.settings import AlertsSettings, MetricsSettings
from tests.sandbox.monitoring.worlds import World, crashed, decoded, pod, runs

if TYPE_CHECKING:
    from collections.abc import Iterator

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def world() -> World:
    """A pod was OOM-killed after some ten seconds of life, as was seen two seconds ago."""
    world = World()
    world.create(pod())
    world.change("Pod", "web-1", runs(world))
    world.advance(9.5)
    world.change("Pod", "web-1", crashed(1))
    world.advance(2.5)
    return world


@pytest.fixture
def server(world: World) -> Iterator[Server]:
    """Prometheus over HTTP."""
    server = Server(world.monitoring.prometheus, name="Prometheus").start()
    yield server
    server.stop()


def get(world: World, path: str, **query: str) -> tuple[int, Any]:
    """Return status and JSON of an answer."""
    answer = world.monitoring.prometheus(Request("GET", path, {name: [text] for name, text in query.items()}, {}))
    return answer.status, decoded(answer)


def test_an_instant_vector_is_answered_in_prometheus_own_json(world: World) -> None:
    """Values are texts, whole seconds have no fraction."""
    assert get(world, "/api/v1/query", query="kube_node_status_condition") == (
        200,
        {"status": "success", "data": {"resultType": "vector", "result": []}},
    )
    _, answer = get(world, "/api/v1/query", query="sum(up)")
    assert answer["data"]["result"] == [{"metric": {}, "value": [1767603612, "2"]}]
    _, answer = get(world, "/api/v1/query", query="scalar(up{job='kubelet'}) / 2", time="1767603611.5")
    assert answer["data"] == {"resultType": "scalar", "result": [1767603611.5, "0.5"]}


def test_a_range_query_answers_each_step(world: World) -> None:
    """Without a value where there was none."""
    span = {"start": "2026-01-05T09:00:08Z", "end": "1767603612", "step": "1s"}
    _, answer = get(world, "/api/v1/query_range", query="container_memory_working_set_bytes / 2^20", **span)

    (series,) = answer["data"]["result"]
    assert answer["data"]["resultType"] == "matrix"
    assert series["values"] == [[1767603608, "512"], [1767603609, "512"]]


@pytest.mark.parametrize(
    ("path", "query", "status", "error"),
    [
        ("query", {"query": "sum("}, 400, "parse error"),
        ("query", {"query": "up", "time": "never"}, 400, 'cannot parse "never" to a valid timestamp'),
        ("query", {"query": "up * on () up"}, 422, "many-to-many matching not allowed"),
        (
            "query_range",
            {"query": "up", "start": "0", "end": "100000", "step": "1"},
            400,
            "maximum resolution of 11,000",
        ),
        ("query_range", {"query": "up", "start": "2", "end": "1", "step": "1"}, 400, "must not be before start time"),
        ("query_range", {"query": "up[5m]", "start": "0", "end": "1", "step": "1"}, 400, "invalid expression type"),
        ("series", {}, 400, "no match[] parameter provided"),
        ("series", {"match[]": "up + up"}, 400, "match[]"),
    ],
)
def test_a_refusal_has_prometheus_own_shape(
    world: World, path: str, query: dict[str, str], status: int, error: str
) -> None:
    """Status, errorType and words that clients look at."""
    found, answer = get(world, f"/api/v1/{path}", **query)

    assert found == status
    assert (answer["status"], answer["errorType"]) == ("error", "bad_data" if status == 400 else "execution")
    assert error in answer["error"]


def test_a_posted_form_is_read_as_the_query_is(world: World) -> None:
    """Clients post long queries."""
    request = Request("POST", "/api/v1/query", {}, {"content-type": FORM}, b"query=count%28up%29&time=1767603612")

    assert decoded(world.monitoring.prometheus(request))["data"]["result"][0]["value"] == [1767603612, "2"]


def test_series_and_labels_are_listed(world: World) -> None:
    """Of all that lived in the time asked for, or of what selectors name."""
    _, series = get(world, "/api/v1/series", **{"match[]": 'kube_pod_info{pod="web-1"}'})
    assert [labels["node"] for labels in series["data"]] == ["node-1"]
    _, values = get(world, "/api/v1/label/reason/values")
    assert values["data"] == ["CrashLoopBackOff", "OOMKilled"]
    _, values = get(world, "/api/v1/label/reason/values", end="1767603609")
    assert values["data"] == []
    _, names = get(world, "/api/v1/labels", **{"match[]": "up"})
    assert names["data"] == ["__name__", "instance", "job"]
    assert get(world, "/api/v1/label/no-name/values")[0] == 400


def test_metadata_targets_and_build_are_told(world: World) -> None:
    """What dashboards ask first."""
    _, metadata = get(world, "/api/v1/metadata", metric="kube_pod_container_status_restarts_total")
    assert metadata["data"] == {
        "kube_pod_container_status_restarts_total": [{"type": "counter", "help": "", "unit": ""}]
    }
    _, targets = get(world, "/api/v1/targets")
    assert {target["labels"]["job"]: target["health"] for target in targets["data"]["activeTargets"]} == {
        "kube-state-metrics": "up",
        "kubelet": "up",
    }
    _, build = get(world, "/api/v1/status/buildinfo")
    assert build["data"]["version"] == "2.42.0"
    assert world.monitoring.prometheus(Request("GET", "/-/healthy", {}, {})).status == 200


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("/api/v1/query?query=histogram_quantile(0.9,up)", "histogram_quantile"),
        ("/api/v1/query_exemplars", "query_exemplars"),
        ("/api/v1/status/tsdb", "status/tsdb"),
        ("/federate", "/federate"),
    ],
)
def test_what_is_not_here_is_a_501_that_names_it(server: Server, path: str, named: str) -> None:
    """Never an answer that could pass for a real one."""
    with urllib3.PoolManager(retries=False) as pool:
        answer = pool.request("GET", server.url + path)

    assert answer.status == 501
    assert named in json.loads(answer.data)["message"]


def test_the_product_s_metrics_adapter_works_unchanged(world: World, server: Server) -> None:
    """The same grouped query as in a real cluster; before anything was measured is unknown, not zero."""
    metrics = prometheus(MetricsSettings(url=server.url))

    peaks = metrics.memory_peaks(window=timedelta(minutes=5), at=world.clock.now())
    assert peaks == {ContainerKey("production", "web-1", "web"): 512.0 * 2**20}
    before = metrics.memory_peaks(window=timedelta(minutes=5), at=world.clock.now() - timedelta(days=1))
    assert isinstance(before, Unknown)


def test_the_product_s_alerts_adapter_works_unchanged(world: World) -> None:
    """With the labels that it lets in, and no others."""
    server = Server(world.monitoring.alertmanager, name="Alertmanager").start()
    try:
        alerts = alertmanager(AlertsSettings(url=server.url))
        found = alerts.active()
        examined = alerts.examine()
    finally:
        server.stop()

    assert not isinstance(found, Unknown)
    (alert,) = found
    assert (alert.name, alert.labels["container"]) == ("KubePodOOMKilled", "web")
    assert "job" not in alert.labels
    assert alert.starts_at == world.clock.now() - timedelta(seconds=2)
    assert [diagnosis.works for diagnosis in examined] == [True]
