"""Alertmanager's HTTP API, version 2: what Prometheus and others tell it, less what is over or silenced."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from reconciler.sandbox.monitoring import times
from reconciler.sandbox.monitoring.samples import Labels
from reconciler.sandbox.monitoring.silences import Refused, Silences, all_hold, read_matchers, required
from reconciler.sandbox.wire import NotInSandbox, Request, Response, json_response

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.sandbox.clock import SandboxClock
    from reconciler.sandbox.monitoring.alerts import Notice

RECEIVER = "nobody"
_RESOLVE_TIMEOUT = 300_000  # ms that an alert posted without an end lasts
_VERSION = {"version": "0.25.0", "revision": "", "branch": "sandbox", "buildUser": "", "buildDate": "", "goVersion": ""}
_FNV_OFFSET, _FNV_PRIME, _64_BITS = 14695981039346656037, 1099511628211, (1 << 64) - 1
_TRUE = frozenset(
    {"true", "1", "yes", "ok", "y", "on", "selected", "checked", "t", "enabled"}
)  # everything else is false


@dataclass(frozen=True, slots=True)
class Held:
    """One alert as Alertmanager holds it."""

    labels: Labels
    annotations: Labels
    starts: int
    ends: int
    updated: int
    generator_url: str


class AlertmanagerApi:
    """One Alertmanager; `refresh` lets Prometheus tell again of what fires."""

    def __init__(self, clock: SandboxClock) -> None:
        self.refresh: Callable[[], None] = lambda: None
        self._clock = clock
        self._started = times.ms(clock.now())
        self._alerts: dict[str, Held] = {}
        self._silences = Silences()
        self._routes: dict[tuple[str, str], Callable[[Request], Response]] = {
            ("GET", "alerts"): lambda request: json_response(self._listed(request)),
            ("POST", "alerts"): self._post_alerts,
            ("GET", "alerts/groups"): lambda request: json_response(self._groups(request)),
            ("GET", "silences"): self._list_silences,
            ("POST", "silences"): self._post_silence,
            ("GET", "receivers"): lambda _: json_response([{"name": RECEIVER}]),
            ("GET", "status"): lambda _: json_response(self._status()),
        }

    def receive(self, notice: Notice) -> None:
        """Take what Prometheus tells of an alert; its newest word holds."""
        self._alerts[fingerprint(notice.labels)] = Held(
            notice.labels, notice.annotations, notice.starts, notice.ends, notice.updated, notice.generator_url
        )

    def handle(self, request: Request) -> Response:
        """Answer one request."""
        if request.path in ("/-/healthy", "/-/ready"):
            return Response(200, b"OK", {"Content-Type": "text/plain"})
        if not request.path.startswith("/api/v2/"):
            raise NotInSandbox(f"Alertmanager's {request.path}")
        path = request.path.removeprefix("/api/v2/")
        try:
            with self._clock.lock:
                self._tidy()
                return self._routed(request, path)
        except Refused as error:
            return json_response(error.body, error.status)

    def _routed(self, request: Request, path: str) -> Response:
        if path.startswith("silence/"):
            return self._one_silence(request, path.removeprefix("silence/"))
        route = self._routes.get((request.method, path))
        if route is not None:
            return route(request)
        if allowed := [method for method, known in self._routes if known == path]:
            raise _not_allowed(request, allowed)
        raise Refused(f"path {request.path} was not found", 404, 404)

    def _tidy(self) -> None:
        """Hear from Prometheus what fires, and forget what is over."""
        self.refresh()
        now = self._now()
        self._alerts = {key: alert for key, alert in self._alerts.items() if alert.ends > now}

    def _listed(self, request: Request) -> list[dict[str, Any]]:
        shown = {name: _switch(request, name) for name in ("active", "silenced", "inhibited", "unprocessed")}
        matchers, receiver = read_matchers(request.query.get("filter", [])), request.first("receiver")
        if receiver and not _matches(receiver):
            return []
        alerts = [self._json(key, alert) for key, alert in sorted(self._alerts.items())]
        return [
            alert
            for alert in alerts
            if all_hold(matchers, alert["labels"])
            and (shown["active"] or alert["status"]["state"] != "active")
            and (shown["silenced"] or not alert["status"]["silencedBy"])
        ]

    def _json(self, key: str, alert: Held) -> dict[str, Any]:
        silenced = self._silences.of(alert.labels, self._now())
        source = {"generatorURL": alert.generator_url} if alert.generator_url else {}
        return {
            "annotations": alert.annotations,
            "endsAt": times.written_ms(alert.ends),
            "fingerprint": key,
            "receivers": [{"name": RECEIVER}],
            "startsAt": times.written_ms(alert.starts),
            "status": {
                "inhibitedBy": [],
                "silencedBy": silenced,
                "state": "suppressed" if silenced else "active",
            },
            "updatedAt": times.written_ms(alert.updated),
            "labels": alert.labels,
            **source,
        }

    def _groups(self, request: Request) -> list[dict[str, Any]]:
        """Return each alert as a group of its own, for the route groups by all labels."""
        return [
            {"alerts": [alert], "labels": alert["labels"], "receiver": {"name": RECEIVER}}
            for alert in self._listed(request)
        ]

    def _post_alerts(self, request: Request) -> Response:
        raw = _body(request)
        if not isinstance(raw, list):
            raise Refused('parsing alerts body from "" failed, because it is no list', 400, 400)
        for number, item in enumerate(raw):
            required(item, f"{number}.labels")
        for posted in [self._posted(item) for item in raw]:
            key = fingerprint(posted.labels)
            known = self._alerts.get(key)
            goes_on = known is not None and known.starts < posted.starts < known.ends
            self._alerts[key] = replace(posted, starts=known.starts) if known is not None and goes_on else posted
        return Response(200)

    def _posted(self, raw: Any) -> Held:  # noqa: ANN401 - JSON that somebody sent
        now = self._now()
        try:
            labels = {name: str(value) for name, value in raw["labels"].items() if value}
            annotations = {name: str(value) for name, value in (raw.get("annotations") or {}).items()}
            ended = times.read_moment(raw["endsAt"]) if raw.get("endsAt") else None
            default = now if ended is None else ended
            starts = times.read_moment(raw["startsAt"]) if raw.get("startsAt") else default
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Refused(f'parsing alerts body from "" failed, because {error!r}', 400, 400) from error
        ends = now + _RESOLVE_TIMEOUT if ended is None else ended
        if not labels:
            raise Refused("at least one label pair required")
        if ends < starts:
            raise Refused("start time must be before end time")
        return Held(labels, annotations, starts, ends, now, str(raw.get("generatorURL", "")))

    def _list_silences(self, request: Request) -> Response:
        matchers, now = read_matchers(request.query.get("filter", [])), self._now()
        found = [
            silence
            for silence in self._silences.by_id.values()
            if all_hold(matchers, {m.label: m.text for m in silence.matchers})
        ]
        order = ("active", "pending", "expired")
        found.sort(key=lambda silence: (order.index(silence.state(now)), silence.ends))
        return json_response([silence.json(now) for silence in found])

    def _post_silence(self, request: Request) -> Response:
        try:
            silence = self._silences.put(_body(request), self._now())
        except KeyError:
            raise Refused("silence not found", 404) from None
        return json_response({"silenceID": silence.id})

    def _one_silence(self, request: Request, silence_id: str) -> Response:
        if request.method not in ("GET", "DELETE"):
            raise _not_allowed(request, ["DELETE", "GET"])
        if not _is_uuid(silence_id):
            raise Refused(f'silenceID in path must be of type uuid: "{silence_id}"', 422, 601)
        silence = self._silences.by_id.get(silence_id)
        if request.method == "GET":
            return Response(404) if silence is None else json_response(silence.json(self._now()))
        if silence is None:
            raise Refused("silence not found", 500)  # as the real one does
        self._silences.expire(silence_id, self._now())
        return Response(200)

    def _status(self) -> dict[str, Any]:
        original = f"route:\n  receiver: {RECEIVER}\n  group_by: ['...']\nreceivers:\n- name: {RECEIVER}\n"
        return {
            "cluster": {"status": "disabled", "peers": []},
            "config": {"original": original},
            "uptime": times.written_ms(self._started),
            "versionInfo": _VERSION,
        }

    def _now(self) -> int:
        return times.ms(self._clock.now())


def fingerprint(labels: Labels) -> str:
    """Return Prometheus' own hash of labels, FNV-1a of 64 bits."""
    found = _FNV_OFFSET
    for name, value in sorted(labels.items()):
        for byte in b"%b\xff%b\xff" % (name.encode(), value.encode()):
            found = (found ^ byte) * _FNV_PRIME & _64_BITS
    return f"{found:016x}"


def _switch(request: Request, name: str) -> bool:
    return request.first(name, "true").lower() in _TRUE


def _matches(receiver: str) -> bool:
    try:
        return re.fullmatch(receiver, RECEIVER) is not None
    except re.error as error:
        raise Refused(f"failed to parse receiver param: {error}") from error


def _body(request: Request) -> Any:  # noqa: ANN401 - JSON that somebody sent
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if kind != "application/json":
        raise Refused(f'unsupported media type "{kind}", only [application/json] are allowed', 415, 415)
    try:
        return request.json()
    except ValueError as error:
        raise Refused(f'parsing body from "" failed, because {error}', 400, 400) from error


def _not_allowed(request: Request, allowed: list[str]) -> Refused:
    return Refused(f"method {request.method} is not allowed, but [{','.join(allowed)}] are", 405, 405)


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False
