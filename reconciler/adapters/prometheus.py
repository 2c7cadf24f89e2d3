"""The Metrics port on a Prometheus-compatible server.

Protects invariant 3: no series, a NaN or a failed query are unknown or left out, never zero. One grouped query a pass,
whatever the number of containers.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, TypeVar

from reconciler.adapters.reasons import in_short
from reconciler.adapters.retries import Transient, is_transient, with_retries
from reconciler.errors import ReconcilerError, SourceError, Unauthorized, foreign_text
from reconciler.model.cluster import ContainerKey
from reconciler.model.facts import Unknown
from reconciler.ports import Diagnosis

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime, timedelta

    from prometheus_api_client import PrometheusConnect

    from reconciler.model.facts import Fact
    from reconciler.settings import MetricsSettings

T = TypeVar("T")

_SOURCE = "prometheus"
_SERIES = 'container_memory_working_set_bytes{container!="",container!="POD"}'  # without the pods' own cgroups
_STATUS = re.compile(r"HTTP Status Code (\d{3})")  # the library says the status only in words
_NO_PERMISSION = frozenset({401, 403})


def prometheus(settings: MetricsSettings) -> Prometheus:
    """Build the adapter; nothing is sent yet."""
    from prometheus_api_client import PrometheusConnect
    from urllib3 import Retry

    client = PrometheusConnect(
        url=settings.url.rstrip("/"),
        timeout=settings.timeout.total_seconds(),
        retry=Retry(0, read=False),  # the library's own would retry every failure, with long waits
    )
    return Prometheus(client, settings)


class Prometheus:
    """A Prometheus server, asked by instant queries at a given time."""

    def __init__(self, client: PrometheusConnect, settings: MetricsSettings) -> None:
        self._client = client
        self._settings = settings

    def memory_peaks(self, *, window: timedelta, at: datetime) -> Fact[Mapping[ContainerKey, float]]:
        """Return the highest working set of each container over the window, in bytes, by one grouped query."""
        span = f"{round(window.total_seconds())}s"
        query = f"max by (namespace,pod,container) (max_over_time({_SERIES}[{span}]))"
        try:
            peaks = self._ask(query, _peaks, {"time": f"{at.timestamp():.3f}"})
        except ReconcilerError as error:
            return Unknown(_SOURCE, str(error), error.remedy)
        return peaks or Unknown(_SOURCE, "no memory series")

    def examine(self) -> Sequence[Diagnosis]:
        """Say whether the server answers and has the series that we need; never raises."""
        subject = f"Prometheus {foreign_text(self._settings.url)}"
        try:
            series = self._ask(f"count({_SERIES})", _count)
        except ReconcilerError as error:
            return (Diagnosis(subject=subject, works=False, detail=str(error), remedy=error.remedy),)
        answers = Diagnosis(subject=subject, works=True, detail="answers")
        name = _SERIES.partition("{")[0]
        if not series:
            remedy = "let it scrape the kubelets' /metrics/cadvisor, with the labels namespace, pod and container"
            return (answers, Diagnosis(subject=name, works=False, detail="no such series", remedy=remedy))
        return (answers, Diagnosis(subject=name, works=True, detail=f"{series} series"))

    def _ask(self, query: str, convert: Callable[[Any], T], parameters: dict[str, str] | None = None) -> T:
        """Ask one instant query and convert its result, with every failure as an error of ours."""
        from prometheus_api_client.exceptions import PrometheusApiClientException
        from requests import RequestException

        def attempt() -> T:
            try:
                return convert(self._client.custom_query(query, params=parameters))
            except PrometheusApiClientException as error:
                raise _status_error(str(error)) from error
            except (KeyError, TypeError, ValueError, AttributeError) as error:  # a JSON error is both this and the next
                raise SourceError(
                    code="prometheus.malformed",
                    message="the answer is not what a Prometheus server sends",
                    remedy="check that metrics.url is the address of the server itself",
                ) from error
            except RequestException as error:
                raise Transient(
                    code="prometheus.unreachable",
                    message=f"no answer: {in_short(error)}",
                    remedy="check metrics.url, the network and that the server runs",
                ) from error

        return with_retries(attempt, limit=self._settings.timeout)


def _peaks(result: Any) -> dict[ContainerKey, float]:  # noqa: ANN401 - JSON has no narrower type
    peaks = {}
    for series in result:
        labels, value = series["metric"], float(series["value"][1])
        if math.isfinite(value) and labels.get("container"):
            peaks[ContainerKey(labels["namespace"], labels["pod"], labels["container"])] = value
    return peaks


def _count(result: Any) -> int:  # noqa: ANN401 - as above
    return int(result[0]["value"][1]) if result else 0


def _status_error(text: str) -> ReconcilerError:
    """Map the library's words for an HTTP status to the error that it means."""
    match = _STATUS.search(text)
    status = int(match[1]) if match else 0
    message = f"the query failed: {foreign_text(text)}"
    if status in _NO_PERMISSION:
        return Unauthorized(code="prometheus.unauthorized", message=message, remedy="let reconciler query the server")
    kind = Transient if is_transient(status) else SourceError
    return kind(code="prometheus.failing", message=message, remedy="look at the server's log and load")
