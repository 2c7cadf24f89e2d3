"""The Alerts port on an Alertmanager-compatible server.

Protects: one alert per alert, so a misshapen one never drops the others; and only allow-listed labels, cut in length,
enter the model, because alert text is data that anybody in the cluster can write.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from reconciler.adapters.http import JsonClient
from reconciler.errors import ReconcilerError, foreign_text
from reconciler.model.cluster import Alert
from reconciler.model.facts import Unknown
from reconciler.plain import counted
from reconciler.ports import Diagnosis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.model.facts import Fact
    from reconciler.settings import AlertsSettings

_SOURCE = "alertmanager"
_LABELS = frozenset(
    {
        "alertname",
        "namespace",
        "pod",
        "container",
        "deployment",
        "statefulset",
        "daemonset",
        "node",
        "severity",
    }
)
_LONGEST_VALUE = 256  # characters; names of objects have at most 253
_FIRING = {"active": "true", "silenced": "false", "inhibited": "false"}


def alertmanager(settings: AlertsSettings) -> Alertmanager:
    """Build the adapter; nothing is sent yet."""
    return Alertmanager(JsonClient(settings.url, timeout=settings.timeout, source_name=_SOURCE), settings)


class Alertmanager:
    """An Alertmanager, asked for what fires now."""

    def __init__(self, client: JsonClient, settings: AlertsSettings) -> None:
        self._client = client
        self._settings = settings

    def active(self) -> Fact[tuple[Alert, ...]]:
        """Return the alerts that are firing and not silenced."""
        try:
            answer = self._client.get("/api/v2/alerts", {**_FIRING})
        except ReconcilerError as error:
            return Unknown(_SOURCE, str(error), error.remedy)
        if not isinstance(answer, list):
            return Unknown(_SOURCE, "the answer is not a list of alerts")
        alerts = tuple(alert for raw in answer if (alert := alert_of(raw)) is not None)
        if answer and not alerts:
            return Unknown(_SOURCE, "none of its alerts has the shape of one")
        return alerts

    def examine(self) -> Sequence[Diagnosis]:
        """Say whether the server answers; never raises."""
        subject = f"Alertmanager {foreign_text(self._settings.url)}"
        alerts = self.active()
        if isinstance(alerts, Unknown):
            remedy = "check alerts.url, the network and that the server runs"
            return (Diagnosis(subject=subject, works=False, detail=alerts.reason, remedy=remedy),)
        return (Diagnosis(subject=subject, works=True, detail=f"{counted(len(alerts), 'alert')} firing"),)


def alert_of(raw: Any) -> Alert | None:  # noqa: ANN401 - JSON has no narrower type
    """Map one alert, or return None where it has not the shape of one."""
    try:
        labels = {key: str(value)[:_LONGEST_VALUE] for key, value in raw["labels"].items() if key in _LABELS}
        starts_at = datetime.fromisoformat(raw["startsAt"])
        name, fingerprint = labels["alertname"], str(raw["fingerprint"])[:_LONGEST_VALUE]
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    if starts_at.tzinfo is None:
        return None  # a time without a zone is no moment
    return Alert(name=name, fingerprint=fingerprint, starts_at=starts_at, labels=labels)
