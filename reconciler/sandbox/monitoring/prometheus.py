"""Prometheus' HTTP API over the series: the answers of version 2, to the letter where clients read them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from reconciler.sandbox.monitoring import times
from reconciler.sandbox.monitoring.planner import MOST_STEPS
from reconciler.sandbox.monitoring.promql import understand
from reconciler.sandbox.monitoring.selectors import Matcher, find, matchers_of
from reconciler.sandbox.monitoring.values import Matrix, QueryError, Row, Value, number, ordered, seconds
from reconciler.sandbox.wire import NotInSandbox, Request, Response, json_response

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.sandbox.clock import SandboxClock
    from reconciler.sandbox.monitoring.alerts import Alerting
    from reconciler.sandbox.monitoring.history import History
    from reconciler.sandbox.monitoring.series import Series

_BUILD = {"version": "2.42.0", "revision": "", "branch": "sandbox", "buildUser": "", "buildDate": "", "goVersion": ""}
Arguments = Mapping[str, list[str]]
_STATUS = {"bad_data": 400, "execution": 422}
_FOREVER = 1 << 60  # ms
_POSTED = "application/x-www-form-urlencoded"


class PrometheusApi:
    """One Prometheus server; `targets` are its scrape jobs with their instances."""

    def __init__(self, history: History, clock: SandboxClock, *, rules: Alerting, targets: Mapping[str, str]) -> None:
        self._history = history
        self._clock = clock
        self._rules = rules
        self._targets = targets
        self._paths: Mapping[str, Callable[[Arguments], Any]] = {
            "query": self._query,
            "query_range": self._query_range,
            "series": self._series,
            "labels": self._labels,
            "metadata": self._metadata,
            "rules": lambda arguments: {"groups": self._rules.groups(_first(arguments, "type"))},
            "alerts": lambda _: {"alerts": self._rules.alerts()},
            "targets": self._scraped,
            "status/buildinfo": lambda _: _BUILD,
        }

    def handle(self, request: Request) -> Response:
        """Answer one request."""
        if request.path in ("/-/healthy", "/-/ready"):
            word = "Healthy" if request.path == "/-/healthy" else "Ready"
            return Response(200, f"Prometheus Server is {word}.\n".encode(), {"Content-Type": "text/plain"})
        if not request.path.startswith("/api/v1/"):
            raise NotInSandbox(f"Prometheus' {request.path}")
        if request.method not in ("GET", "POST"):
            return Response(405, b"Method Not Allowed\n", {"Content-Type": "text/plain"})
        try:
            with self._clock.lock:
                data = self._data(request.path.removeprefix("/api/v1/"), _arguments(request))
        except QueryError as error:
            body = {"status": "error", "errorType": error.kind, "error": str(error)}
            return json_response(body, _STATUS[error.kind])
        return json_response({"status": "success", "data": data})

    def _data(self, path: str, arguments: Arguments) -> Any:  # noqa: ANN401 - JSON of any shape
        if path.startswith("label/") and path.endswith("/values"):
            return self._label_values(path.removeprefix("label/").removesuffix("/values"), arguments)
        if path not in self._paths:
            raise NotInSandbox(f"Prometheus' /api/v1/{path}")
        return self._paths[path](arguments)

    def _query(self, arguments: Arguments) -> Any:  # noqa: ANN401 - JSON of any shape
        at = self._moment(arguments, "time", self._now())
        query = understand(_first(arguments, "query"), self._history, self._rules.interval)
        return _instant(query.kind, query.instant(at), at)

    def _query_range(self, arguments: Arguments) -> Any:  # noqa: ANN401 - JSON of any shape
        start, end = self._moment(arguments, "start"), self._moment(arguments, "end")
        if end < start:
            raise _bad("end", "end timestamp must not be before start time")
        step = _read(arguments, "step", times.read_duration, "duration")
        if step <= 0:
            raise _bad("step", "zero or negative query resolution step widths are not accepted. Try a positive integer")
        if (end - start) // step > MOST_STEPS:
            limit = f"exceeded maximum resolution of {MOST_STEPS:,} points per timeseries."
            raise QueryError(f"{limit} Try decreasing the query resolution (?step=XX)", "bad_data")
        lines = understand(_first(arguments, "query"), self._history, self._rules.interval).range(start, end, step)
        found = [{"metric": labels, "values": [_sample(*sample) for sample in samples]} for labels, samples in lines]
        return {"resultType": "matrix", "result": found}

    def _series(self, arguments: Arguments) -> list[Any]:
        if not arguments.get("match[]"):
            raise QueryError("no match[] parameter provided", "bad_data")
        return sorted((series.labels for series in self._matching(arguments)), key=ordered)

    def _labels(self, arguments: Arguments) -> list[str]:
        return sorted({name for series in self._matching(arguments) for name in series.labels})

    def _label_values(self, name: str, arguments: Arguments) -> list[str]:
        if not name.isidentifier() or not name.isascii():
            raise QueryError(f'invalid label name: "{name}"', "bad_data")
        return sorted({series.labels[name] for series in self._matching(arguments) if name in series.labels})

    def _metadata(self, arguments: Arguments) -> dict[str, Any]:
        wanted = _first(arguments, "metric")
        names = [name for name in self._history.names() if wanted in ("", name)]
        return {name: [{"type": _kind(name), "help": "", "unit": ""}] for name in names}

    def _scraped(self, arguments: Arguments) -> dict[str, Any]:
        shown = self._targets.items() if _first(arguments, "state") in ("", "any", "active") else ()
        return {"activeTargets": [self._target(job, instance) for job, instance in shown], "droppedTargets": []}

    def _target(self, job: str, instance: str) -> dict[str, Any]:
        url, step, own = f"http://{instance}/metrics", self._history.step, {"instance": instance, "job": job}
        every = f"{step // 1000}s" if step % 1000 == 0 else f"{step}ms"
        address = {"__address__": instance, "__metrics_path__": "/metrics", "__scheme__": "http"}
        return {
            "discoveredLabels": {**address, "job": job},
            "labels": own,
            "scrapePool": job,
            "scrapeUrl": url,
            "globalUrl": url,
            "lastError": "",
            "lastScrape": times.written(self._now() // step * step),
            "lastScrapeDuration": 0.0,
            "health": "up",
            "scrapeInterval": every,
            "scrapeTimeout": every,
        }

    def _matching(self, arguments: Arguments) -> list[Series]:
        start, end = self._moment(arguments, "start", 0), self._moment(arguments, "end", _FOREVER)
        selectors = [_selector(text) for text in arguments.get("match[]", [])]
        found = (series for matchers in selectors for series in find(self._history, matchers))
        among = found if selectors else self._history.of()
        return [series for series in dict.fromkeys(among) if series.lived(start, end)]

    def _moment(self, arguments: Arguments, name: str, default: int | None = None) -> int:
        """Read a time; one that may be left out is refused in more words, as Prometheus does."""
        if default is None:
            return _read(arguments, name, times.read_moment, "timestamp")
        if not _first(arguments, name):
            return default
        return _read(arguments, name, times.read_moment, "timestamp", prefix=f"Invalid time value for '{name}': ")

    def _now(self) -> int:
        return times.ms(self._clock.now())


def _arguments(request: Request) -> Arguments:
    """Return the query's parameters, and those of a posted form before them."""
    if request.method != "POST" or not request.headers.get("content-type", "").startswith(_POSTED):
        return request.query
    posted = parse_qs(request.body.decode(), keep_blank_values=True)
    return {name: posted.get(name, []) + request.query.get(name, []) for name in {**posted, **request.query}}


def _first(arguments: Arguments, name: str) -> str:
    return (arguments.get(name) or [""])[0]


def _read(arguments: Arguments, name: str, read: Callable[[str], int], what: str, *, prefix: str = "") -> int:
    text = _first(arguments, name)
    try:
        return read(text)
    except (ValueError, OverflowError):
        raise _bad(name, f'{prefix}cannot parse "{text}" to a valid {what}') from None


def _bad(name: str, why: str) -> QueryError:
    return QueryError(f'invalid parameter "{name}": {why}', "bad_data")


def _selector(text: str) -> list[Matcher]:
    """Read a series selector, which is all that `match[]` may hold."""
    import promql_parser

    try:
        node = promql_parser.parse(text)
    except ValueError as error:
        raise _bad("match[]", f"1:1: parse error: {error}") from error
    if not isinstance(node, promql_parser.VectorSelector):
        raise _bad("match[]", "1:1: parse error: unexpected expression, expected a series selector")
    return matchers_of(node)


def _instant(kind: str, found: Value, at: int) -> dict[str, Any]:
    if isinstance(found, Matrix):
        rows = sorted(found.rows, key=lambda row: ordered(row.labels))
        result: Any = [{"metric": row.labels, "values": [_sample(*s) for s in _samples(row)]} for row in rows]
    elif isinstance(found, list):
        result = [{"metric": element.labels, "value": _sample(at, element.value)} for element in found]
    else:
        result = [seconds(at), found] if isinstance(found, str) else _sample(at, found)
    return {"resultType": kind, "result": result}


def _samples(row: Row) -> Iterator[tuple[int, float]]:
    return (sample for run in row.runs for sample in run.samples())


def _kind(name: str) -> str:
    return "counter" if name.endswith("_total") else "gauge"


def _sample(at: int, value: float) -> list[float | str]:
    return [seconds(at), number(value)]
