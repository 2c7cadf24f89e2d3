"""Alertmanager's API: alerts, filters, silences."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reconciler.sandbox.monitoring.alertmanager import fingerprint
from reconciler.sandbox.wire import NotInSandbox, Request
from tests.sandbox.monitoring.worlds import JSON, World, decoded

DISK_FULL = {"alertname": "DiskFull", "namespace": "production", "severity": "critical"}
SLOW = {"alertname": "Slow", "namespace": "staging", "severity": "warning"}


@pytest.fixture
def world() -> World:
    """A world in which somebody else than Prometheus told of two alerts."""
    world = World()
    alerts = [{"labels": DISK_FULL}, {"labels": SLOW, "annotations": {"summary": "s"}}]
    assert world.alertmanager("/api/v2/alerts", "POST", alerts) is None
    return world


def names(world: World, **parameters: str) -> set[str]:
    """Return the names of the alerts that a filter leaves."""
    return {alert["labels"]["alertname"] for alert in world.alertmanager("/api/v2/alerts", **parameters)}


def silence(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON of any shape
    """Return a silence of an hour for what is slow."""
    matchers = [{"name": "alertname", "value": "Sl.*", "isRegex": True, "isEqual": True}]
    span = {"startsAt": "2026-01-05T09:00:00Z", "endsAt": "2026-01-05T10:00:00Z"}
    return {"matchers": matchers, **span, "createdBy": "ana", "comment": "known", **changes}


def refused(world: World, path: str, method: str = "GET", body: bytes = b"", **query: str) -> tuple[int, Any]:
    """Return status and words of a refusal."""
    request = Request(method, path, {name: [text] for name, text in query.items()}, JSON, body)
    answer = world.monitoring.alertmanager(request)
    return answer.status, decoded(answer)


def test_an_alert_has_the_shape_that_clients_know(world: World) -> None:
    """All fields of the real one; without an end it lasts five minutes."""
    alert = next(a for a in world.alertmanager("/api/v2/alerts") if a["labels"]["alertname"] == "Slow")

    assert alert == {
        "annotations": {"summary": "s"},
        "endsAt": "2026-01-05T09:05:00.000Z",
        "fingerprint": fingerprint(SLOW),
        "receivers": [{"name": "nobody"}],
        "startsAt": "2026-01-05T09:00:00.000Z",
        "status": {"inhibitedBy": [], "silencedBy": [], "state": "active"},
        "updatedAt": "2026-01-05T09:00:00.000Z",
        "labels": SLOW,
    }


def test_a_fingerprint_is_prometheus_own_hash() -> None:
    """FNV-1a over sorted names and values; the hash of no labels is the offset basis."""
    assert fingerprint({}) == "cbf29ce484222325"
    assert fingerprint({"b": "2", "a": "1"}) == fingerprint({"a": "1", "b": "2"})
    assert fingerprint({"a": "1"}) != fingerprint({"a": "2"})


@pytest.mark.parametrize(
    ("parameters", "left"),
    [
        ({}, {"DiskFull", "Slow"}),
        ({"filter": 'severity="critical"'}, {"DiskFull"}),
        ({"filter": "severity!=critical"}, {"Slow"}),
        ({"filter": 'alertname=~"Disk.*|Slow"'}, {"DiskFull", "Slow"}),
        ({"filter": 'namespace!~"prod.*"'}, {"Slow"}),
        ({"active": "false"}, set()),
        ({"receiver": "no.*"}, {"DiskFull", "Slow"}),
        ({"receiver": "somebody"}, set()),
    ],
)
def test_filters_leave_what_they_name(world: World, parameters: dict[str, str], left: set[str]) -> None:
    """As the real API has them."""
    assert names(world, **parameters) == left


def test_an_alert_that_is_over_is_gone(world: World) -> None:
    """By the end that it was given, or because nobody told of it again."""
    world.advance(10)
    world.alertmanager("/api/v2/alerts", "POST", [{"labels": DISK_FULL, "endsAt": "2026-01-05T09:00:10Z"}])

    assert names(world) == {"Slow"}
    world.advance(300)
    assert names(world) == set()


def test_an_alert_told_again_keeps_its_beginning(world: World) -> None:
    """It goes on; it does not begin anew."""
    world.advance(200)
    world.alertmanager("/api/v2/alerts", "POST", [{"labels": SLOW}])
    world.advance(200)

    (alert,) = world.alertmanager("/api/v2/alerts")
    assert (alert["startsAt"], alert["updatedAt"]) == ("2026-01-05T09:00:00.000Z", "2026-01-05T09:03:20.000Z")


def test_a_silence_suppresses_until_it_ends(world: World) -> None:
    """The alert is still listed, but not among those that are not silenced."""
    made = world.alertmanager("/api/v2/silences", "POST", silence())["silenceID"]

    assert names(world, silenced="false") == {"DiskFull"}
    suppressed = next(a for a in world.alertmanager("/api/v2/alerts") if a["labels"]["alertname"] == "Slow")
    assert suppressed["status"] == {"inhibitedBy": [], "silencedBy": [made], "state": "suppressed"}
    assert names(world, active="false") == {"Slow"}

    assert world.alertmanager(f"/api/v2/silence/{made}", "DELETE") is None
    assert names(world, silenced="false") == {"DiskFull", "Slow"}
    (kept,) = world.alertmanager("/api/v2/silences")
    assert kept["status"]["state"] == "expired"


def test_silences_are_listed_and_changed(world: World) -> None:
    """The same id for a longer end, another for other matchers."""
    made = world.alertmanager("/api/v2/silences", "POST", silence())["silenceID"]
    later = silence(id=made, endsAt="2026-01-05T11:00:00Z")
    longer = world.alertmanager("/api/v2/silences", "POST", later)["silenceID"]
    shown = world.alertmanager(f"/api/v2/silence/{made}")

    assert longer == made
    assert (shown["endsAt"], shown["createdBy"]) == ("2026-01-05T11:00:00.000Z", "ana")
    assert shown["status"] == {"state": "active"}
    others = [{"name": "severity", "value": "critical", "isRegex": False}]
    other = world.alertmanager("/api/v2/silences", "POST", silence(id=made, matchers=others))["silenceID"]
    assert other != made
    assert [s["status"]["state"] for s in world.alertmanager("/api/v2/silences")] == ["active", "expired"]
    assert len(world.alertmanager("/api/v2/silences", filter='severity="critical"')) == 1


@pytest.mark.parametrize(
    ("changes", "expected", "why"),
    [
        ({"matchers": []}, 422, "matcher"),
        ({"matchers": [{"name": "a", "value": ".*", "isRegex": True}]}, 400, "empty string"),
        ({"endsAt": "2026-01-05T08:00:00Z"}, 400, "start time must be before end time"),
        ({"startsAt": "soon"}, 400, "parsing"),
    ],
)
def test_a_silence_that_makes_no_sense_is_refused(
    world: World, changes: dict[str, Any], expected: int, why: str
) -> None:
    """With the reason."""
    body = json.dumps(silence(**changes)).encode()
    status, words = refused(world, "/api/v2/silences", "POST", body)

    assert status == expected
    assert why in str(words)


def test_a_request_that_makes_no_sense_is_refused(world: World) -> None:
    """With the status of the real one."""
    assert refused(world, "/api/v2/alerts", filter="{{")[0] == 400
    assert refused(world, "/api/v2/alerts", receiver="(")[0] == 400
    assert refused(world, "/api/v2/alerts", "POST", b"{}")[0] == 400
    assert refused(world, "/api/v2/alerts", "POST", b"[")[0] == 400
    assert refused(world, "/api/v2/alerts", "POST", b'[{"labels": {}}]')[0] == 400
    assert refused(world, "/api/v2/alerts", "DELETE")[0] == 405
    assert refused(world, "/api/v2/nosuch")[0] == 404
    assert refused(world, "/api/v2/alerts", "POST", b"[{}]")[0] == 422
    assert refused(world, "/api/v2/silence/nosuch")[0] == 422


def test_each_alert_is_a_group_of_its_own(world: World) -> None:
    """For the route groups by all labels."""
    groups = world.alertmanager("/api/v2/alerts/groups")

    assert [len(group["alerts"]) for group in groups] == [1, 1]
    assert all(group["labels"] == group["alerts"][0]["labels"] for group in groups)


def test_status_and_receivers_are_told(world: World) -> None:
    """What a client asks to see whether the server is the right one."""
    assert world.alertmanager("/api/v2/receivers") == [{"name": "nobody"}]
    assert world.alertmanager("/api/v2/status")["versionInfo"]["version"] == "0.25.0"
    assert world.monitoring.alertmanager(Request("GET", "/-/ready", {}, {})).status == 200
    with pytest.raises(NotInSandbox, match="/metrics"):
        world.monitoring.alertmanager(Request("GET", "/metrics", {}, {}))
