"""The Metrics and Alerts ports against the sandbox and a real Prometheus and Alertmanager: one contract."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from reconciler.adapters.alertmanager import alertmanager
from reconciler.adapters.prometheus import prometheus
from reconciler.model.facts import Unknown
from reconciler.settings import AlertsSettings, MetricsSettings
from tests.beds.manifests import deployment, parsed

if TYPE_CHECKING:
    from reconciler.model.cluster import Alert, ContainerKey
    from tests.beds.fixtures import Places
    from tests.beds.place import Place

HALF_A_GIBIBYTE = 512.0 * 1024**2


@pytest.fixture
def starved(places: Places) -> Place:
    """A place where a container needs more memory than its limit."""
    place = places({}, application=False)
    place.apply(parsed(deployment(memory="512Mi", faults={"needs-memory": "1Gi"})))
    return place


def peaks(place: Place, at: datetime) -> dict[ContainerKey, float]:
    """Return the peaks of the test's own namespace, over five minutes."""
    metrics = prometheus(MetricsSettings(url=place.bed.prometheus))
    found = metrics.memory_peaks(window=timedelta(minutes=5), at=at)
    known = {} if isinstance(found, Unknown) else found
    return {key: peak for key, peak in known.items() if key.namespace == place.namespace}


def test_peak_of_a_killed_container_is_its_limit(starved: Place) -> None:
    """One grouped query finds it among all containers, under its pod's name."""
    found = starved.wait_for(lambda: peaks(starved, starved.bed.clock.now()) or None, what="the series is scraped")

    ((key, peak),) = found.items()
    assert key.container == "web"
    assert key.pod in [pod["metadata"]["name"] for pod in starved.pods()]
    assert peak == HALF_A_GIBIBYTE


def test_time_before_anything_was_measured_is_unknown(starved: Place) -> None:
    """Invariant 3: the time is the caller's, and no series at that time is not zero."""
    metrics = prometheus(MetricsSettings(url=starved.bed.prometheus))

    found = metrics.memory_peaks(window=timedelta(minutes=5), at=datetime(2020, 1, 1, tzinfo=UTC))

    assert isinstance(found, Unknown)


def test_alert_of_an_oom_kill_arrives(starved: Place) -> None:
    """With its pod and container, and without the labels of the scraper."""
    alerts = alertmanager(AlertsSettings(url=starved.bed.alertmanager))

    def fired() -> Alert | None:
        found = alerts.active()
        assert not isinstance(found, Unknown)
        ours = (a for a in found if a.labels.get("namespace") == starved.namespace)
        return next((a for a in ours if a.name == "KubePodOOMKilled"), None)

    alert = starved.wait_for(fired, what="the alert fires")
    assert alert.labels["container"] == "web"
    assert alert.labels["severity"] == "warning"
    assert "job" not in alert.labels
    assert alert.starts_at.tzinfo is not None


def test_doctor_finds_both_servers_working(starved: Place) -> None:
    """The server answers and has the series."""
    metrics = prometheus(MetricsSettings(url=starved.bed.prometheus))
    alerts = alertmanager(AlertsSettings(url=starved.bed.alertmanager))
    starved.wait_for(lambda: all(d.works for d in metrics.examine()), what="the series is there")

    assert [d.works for d in alerts.examine()] == [True]
