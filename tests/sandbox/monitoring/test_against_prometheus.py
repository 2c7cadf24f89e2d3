"""The sandbox's PromQL and the real Prometheus answer alike, on the same samples."""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
import urllib3

from reconciler.sandbox.monitoring.history import History
from reconciler.sandbox.monitoring.prometheus import PrometheusApi
from reconciler.sandbox.monitoring.samples import NAME, Sample
from reconciler.sandbox.wire import Request
from tests.sandbox.monitoring.queries import INSTANT, OVER_RANGE, STEPPED
from tests.sandbox.monitoring.worlds import START, alerting, written_clock
from tests.testbed.processes import LOOPBACK, Processes, answers, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from reconciler.sandbox.monitoring.samples import Labels

    Ask = Callable[[str, Mapping[str, object]], Any]

pytestmark = pytest.mark.real

STEP = 15_000
HOUR = 3_600_000
END = START + HOUR


def world() -> History:
    """Return an hour of counters with resets, gauges, lines, late comers and gaps."""
    history = History(STEP)
    for number in range(4):
        labels = {"job": "api", "pod": f"web-{number}", "namespace": "production" if number % 2 else "staging"}
        container = {**labels, "container": "web"}
        for at in range(START, END, 7 * 60_000):
            minute = (at - START) // 60_000
            restarts = minute // 7 % 4 + number if number != 2 else 5
            put(history, "restarts_total", container, at, restarts)
            put(history, "memory_bytes", container, at, 1000.5 * (minute % 5 + 1) * (number + 1))
            put(history, "cpu_seconds_total", container, at, (minute % 28) * 30, slope=0.25 * number)
        put(history, "limit_bytes", container | {"resource": "memory"}, START, 4000 + number)
        put(history, "pod_info", labels | {"node": f"node-{number % 2}"}, START, 1)
    for at, number in ((START + 600_000, 3), (START + 1_203_000, 9)):
        put(history, "late_total", {"job": "api"}, at, number)
    put(history, "gauge", {"sign": "minus"}, START, -2.5)
    put(history, "gauge", {"sign": "zero"}, START, 0)
    put(history, "gauge", {"sign": "plus"}, START, 7.25)
    for at in range(START, END, 1_200_000):
        put(history, "flapping", {"job": "api"}, at, 1)
        history.put(("flapping", "api"), (), at + 333_000)
    return history


def put(history: History, name: str, labels: Labels, at: int, value: float, slope: float = 0.0) -> None:
    """Let a series have a value from now on."""
    owner = (name, labels.get("pod") or labels.get("sign") or labels["job"])
    history.put(owner, [Sample(name, labels, value, slope)], at)


def open_metrics(history: History) -> str:
    """Return all samples in OpenMetrics' format, which promtool reads."""
    lines = []
    for series in history.of():
        labels = ",".join(f'{name}="{text}"' for name, text in series.labels.items() if name != NAME)
        for run in series.window(START, END, STEP):
            lines += [f"{series.labels[NAME]}{{{labels}}} {value!r} {at / 1000}" for at, value in run.samples()]
    return "\n".join([*lines, "# EOF\n"])


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """Ask a real Prometheus that holds the world's samples."""
    if shutil.which("prometheus") is None or shutil.which("promtool") is None:
        pytest.skip("there is no Prometheus on this machine")
    folder = tmp_path_factory.mktemp("prometheus")
    processes = Processes(folder / "logs", outlive=False)
    try:
        url = start(processes, folder)
        pool = urllib3.PoolManager(retries=False)

        def ask(path: str, query: Mapping[str, object]) -> Any:  # noqa: ANN401 - JSON of any shape
            return json.loads(pool.request("GET", f"{url}{path}?{urlencode(query)}").data)

        yield ask
        pool.clear()
    finally:
        processes.stop()


def start(processes: Processes, folder: Path) -> str:
    """Start Prometheus on the world's samples; return its address."""
    (folder / "samples.txt").write_text(open_metrics(world()))
    (folder / "prometheus.yml").write_text("global: {evaluation_interval: 15s}\n")
    load: list[str | Path] = [
        "promtool",
        "tsdb",
        "create-blocks-from",
        "openmetrics",
        "-q",
        folder / "samples.txt",
        folder / "data",
    ]
    subprocess.run(load, check=True, capture_output=True, timeout=60)
    address = f"{LOOPBACK}:{free_port()}"
    process = processes.start(
        "prometheus",
        [
            "prometheus",
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            "--storage.tsdb.retention.time=100y",
            f"--web.listen-address={address}",
            "--enable-feature=promql-negative-offset,promql-at-modifier",
        ],
    )
    processes.until(process, answers(f"http://{address}/-/ready"))
    return f"http://{address}"


@pytest.fixture(scope="module")
def ours() -> Ask:
    """Ask the sandbox's, that holds the same."""
    history = world()
    clock = written_clock(END)
    api = PrometheusApi(history, clock, rules=alerting(history, clock, interval=STEP), targets={})

    def ask(path: str, query: Mapping[str, object]) -> Any:  # noqa: ANN401 - JSON of any shape
        parameters = {name: [str(value)] for name, value in query.items()}
        answer = api.handle(Request("GET", path, parameters, {}))
        assert isinstance(answer.body, bytes)
        return json.loads(answer.body)

    return ask


TIMES = [START + 30 * 60_000, START + 41 * 60_000 + 7_300, START + 3_333_000]


@pytest.mark.parametrize("query", OVER_RANGE + INSTANT)
def test_an_instant_query_is_answered_as_by_prometheus(
    query: str,
    real: Ask,
    ours: Ask,
) -> None:
    """At several moments, on and between the scrapes."""
    for at in TIMES:
        parameters = {"query": query, "time": at / 1000}
        assert_alike(ours("/api/v1/query", parameters), real("/api/v1/query", parameters))


@pytest.mark.parametrize("query", STEPPED)
def test_a_range_query_is_answered_as_by_prometheus(
    query: str,
    real: Ask,
    ours: Ask,
) -> None:
    """Each step is an instant query, and the series come in the same order."""
    parameters = {"query": query, "start": START / 1000 + 600, "end": END / 1000 - 600, "step": "37s"}

    assert_alike(ours("/api/v1/query_range", parameters), real("/api/v1/query_range", parameters))


def test_wrong_parameters_are_refused_as_by_prometheus(real: Ask, ours: Ask) -> None:
    """With the same words."""
    span = {"query": "gauge", "start": 100, "end": 200}
    for path, parameters in (
        ("/api/v1/query", {"query": "gauge", "time": "never"}),
        ("/api/v1/query_range", {"query": "gauge", "start": "x", "end": 1, "step": 1}),
        ("/api/v1/query_range", {**span, "step": "0"}),
        ("/api/v1/query_range", {**span, "step": "x"}),
        ("/api/v1/query_range", {**span, "step": 0.001}),
        ("/api/v1/query_range", {**span, "end": 1, "step": 1}),
        ("/api/v1/series", {}),
        ("/api/v1/label/a-b/values", {}),
    ):
        assert ours(path, parameters) == real(path, parameters)


def test_series_and_labels_are_listed_as_by_prometheus(real: Ask, ours: Ask) -> None:
    """All, and those that selectors choose."""
    chosen = {"match[]": 'memory_bytes{namespace="staging"}'}
    for path in ("/api/v1/labels", "/api/v1/label/pod/values", "/api/v1/label/__name__/values", "/api/v1/series"):
        assert ours(path, chosen) == real(path, chosen)
    for path in ("/api/v1/labels", "/api/v1/label/node/values", "/api/v1/label/nosuch/values"):
        assert ours(path, {}) == real(path, {})


def assert_alike(ours: Any, real: Any) -> None:  # noqa: ANN401 - JSON of any shape
    """Compare two answers: equal but for the last digits of numbers, and the words about a syntax error."""
    assert ours["status"] == real["status"], real
    if real["status"] == "error":
        assert ours["errorType"] == real["errorType"], real
        assert "parse error" in real["error"] or unordered(ours["error"]) == unordered(real["error"])
        return
    kind = real["data"]["resultType"]
    assert ours["data"]["resultType"] == kind
    if kind in ("scalar", "string"):
        assert close(ours["data"]["result"], real["data"]["result"])
        return
    mine, theirs = ours["data"]["result"], real["data"]["result"]
    if kind == "vector":
        mine, theirs = (
            sorted(side, key=lambda row: json.dumps(row["metric"], sort_keys=True)) for side in (mine, theirs)
        )
    assert [row["metric"] for row in mine] == [row["metric"] for row in theirs]
    for row, other in zip(mine, theirs, strict=True):
        samples, others = (side["values"] if kind == "matrix" else [side["value"]] for side in (row, other))
        assert len(samples) == len(others)
        assert all(close(one, two) for one, two in zip(samples, others, strict=True)), (row, other)


def unordered(message: str) -> str:
    """Return a message without the series that it names as examples: the first found, in the order of the storage."""
    return re.sub(r"\{.*?\}", "{}", message)


def close(one: list[Any], two: list[Any]) -> bool:
    """Whether two samples are the same, but for the last digits."""
    if one[0] != two[0] or one[1] == two[1]:
        return bool(one[0] == two[0])
    return math.isclose(float(one[1]), float(two[1]), rel_tol=1e-9, abs_tol=1e-9)
