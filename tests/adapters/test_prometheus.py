"""The Metrics port on a scripted wire: one grouped query, and never a zero that nobody measured."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from reconciler.adapters.prometheus import prometheus
from reconciler.model.cluster import ContainerKey
from reconciler.model.facts import Fact, Unknown
from reconciler.settings import MetricsSettings
from tests.adapters.wire import Answer, Json, Wire

if TYPE_CHECKING:
    from collections.abc import Iterator

QUERY = "GET /api/v1/query"
AT = datetime(2026, 3, 1, 12, 30, 0, 250_000, tzinfo=UTC)


def series(value: str, **labels: str) -> Json:
    """Return one element of an instant vector."""
    return {"metric": labels, "value": [1772368200.25, value]}


def vector(*found: Json) -> Answer:
    """Return the answer to an instant query."""
    return Answer({"status": "success", "data": {"resultType": "vector", "result": list(found)}, "warnings": ["w"]})


@pytest.fixture
def wire() -> Iterator[Wire]:
    """A server that knows one container."""
    with Wire({QUERY: vector(series("7.34e+08", namespace="shop", pod="cart-1", container="app"))}) as server:
        yield server


def peaks(wire: Wire, timeout: str = "5s") -> Fact[dict[ContainerKey, float]]:
    """Ask as a pass does."""
    settings = MetricsSettings.model_validate({"url": wire.url, "timeout": timeout})
    found = prometheus(settings).memory_peaks(window=timedelta(hours=1), at=AT)
    return found if isinstance(found, Unknown) else dict(found)


def test_all_peaks_come_by_one_grouped_query_at_the_given_time(wire: Wire) -> None:
    """One query a pass, with the window and the time spelled out."""
    assert peaks(wire) == {ContainerKey("shop", "cart-1", "app"): 7.34e8}
    (request,) = wire.requests
    assert request.query == {
        "query": "max by (namespace,pod,container) (max_over_time("
        'container_memory_working_set_bytes{container!="",container!="POD"}[3600s]))',
        "time": "1772368200.250",
    }


def test_value_that_is_no_number_is_left_out(wire: Wire) -> None:
    """A stale or divided series is not zero; the others stay."""
    labels = {"namespace": "shop", "container": "app"}
    wire.script[QUERY] = vector(
        series("NaN", pod="a", **labels), series("+Inf", pod="b", **labels), series("5", pod="c", **labels)
    )

    assert peaks(wire) == {ContainerKey("shop", "c", "app"): 5.0}


@pytest.mark.parametrize(
    "answer",
    [
        vector(),
        vector(series("NaN", namespace="shop", pod="a", container="app")),
        vector(series("5", pod="no namespace", container="app")),
        Answer({"status": "success"}),
        Answer({"status": "success", "data": {"result": None}}),
        Answer("<html>"),
        Answer(vector().body, cut=True),
        Answer({"status": "error", "error": "query timed out"}, 503),
        Answer({"status": "error", "error": "parse error"}, 400),
        Answer("who are you", 401),
    ],
    ids=["empty", "nan", "no namespace", "no data", "null", "page", "cut", "503", "400", "401"],
)
def test_what_is_no_measurement_is_unknown(wire: Wire, answer: Answer) -> None:
    """Invariant 3: no series, a misshapen answer and a failure are never zero."""
    wire.script[QUERY] = answer

    found = peaks(wire)

    assert isinstance(found, Unknown)
    assert found.source == "prometheus"


def test_overloaded_server_is_asked_again(wire: Wire) -> None:
    """One bad answer does not make a pass blind."""
    wire.script[QUERY] = [
        Answer("busy", 503),
        vector(series("5", namespace="shop", pod="a", container="app")),
    ]

    assert peaks(wire) == {ContainerKey("shop", "a", "app"): 5.0}


@pytest.mark.parametrize(("status", "times"), [(503, 3), (400, 1), (422, 1)])
def test_retries_are_ours_and_bounded(wire: Wire, status: int, times: int) -> None:
    """Invariant 10: the library's own retries, which repeat every failure, are off."""
    wire.script[QUERY] = Answer("no", status)

    assert isinstance(peaks(wire), Unknown)
    assert len(wire.requests) == times


def test_silent_server_is_unknown_in_time(wire: Wire) -> None:
    """The library has no time limit of its own."""
    wire.script[QUERY] = Answer(silent=True)

    assert isinstance(peaks(wire, timeout="300ms"), Unknown)
    assert len(wire.requests) == 1


def test_doctor_says_when_the_series_is_missing(wire: Wire) -> None:
    """The server answers, and still cannot tell us what we need."""
    adapter = prometheus(MetricsSettings(url=wire.url))
    wire.script[QUERY] = vector(series("2"))
    good = adapter.examine()
    wire.script[QUERY] = vector()
    without = adapter.examine()
    wire.script[QUERY] = Answer("no", 400)
    broken = adapter.examine()

    assert [(d.works, d.detail) for d in good] == [(True, "answers"), (True, "2 series")]
    assert [d.works for d in without] == [True, False]
    assert "cadvisor" in without[1].remedy
    assert [d.works for d in broken] == [False]
