"""The sandbox's Alertmanager and the real one answer alike to the same requests."""

from __future__ import annotations

import json
import re
import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
import urllib3
import yaml

from reconciler.sandbox.clock import SandboxClock
from reconciler.sandbox.monitoring.alertmanager import AlertmanagerApi
from reconciler.sandbox.wire import Server
from tests.testbed.processes import LOOPBACK, Processes, answers, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.real

PROGRAM = "prometheus-alertmanager"
CONFIG = {
    "route": {"receiver": "nobody", "group_by": ["..."], "group_wait": "0s", "group_interval": "1s"},
    "receivers": [{"name": "nobody"}],
}
NOW = datetime.now(UTC).replace(microsecond=0)
TIMES = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")


class Both:
    """The real one and ours, side by side."""

    def __init__(self, real: str, ours: str) -> None:
        self.urls = (real, ours)
        self.pool = urllib3.PoolManager(retries=False)

    def ask(self, method: str, path: str, body: object = None, **query: str) -> list[tuple[int, Any]]:
        """Return what both answer to the same request."""
        data = None if body is None else json.dumps(body).encode()
        found = []
        for url in self.urls:
            address = f"{url}/api/v2/{path}?{urlencode(query)}"
            answer = self.pool.request(method, address, body=data, headers={"Content-Type": "application/json"})
            found.append((answer.status, json.loads(answer.data) if answer.data else None))
        return found


@pytest.fixture
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    """A new Alertmanager of either sort, told of the same alerts."""
    if shutil.which(PROGRAM) is None:
        pytest.skip("there is no Alertmanager on this machine")
    folder = tmp_path_factory.mktemp("alertmanager")
    (folder / "alertmanager.yml").write_text(yaml.safe_dump(CONFIG))
    processes = Processes(folder / "logs", outlive=False)
    address = f"{LOOPBACK}:{free_port()}"
    server = Server(AlertmanagerApi(SandboxClock(NOW)).handle, name="Alertmanager").start()
    try:
        flags = [
            f"--config.file={folder / 'alertmanager.yml'}",
            f"--storage.path={folder}",
            "--cluster.listen-address=",
        ]
        process = processes.start("alertmanager", [PROGRAM, f"--web.listen-address={address}", *flags])
        processes.until(process, answers(f"http://{address}/-/ready"))
        found = Both(f"http://{address}", server.url)
        assert [status for status, _ in found.ask("POST", "alerts", ALERTS)] == [200, 200]
        processes.until(process, lambda: len(found.ask("GET", "alerts/groups")[0][1]) == len(ALERTS) - 1)
        yield found
        found.pool.clear()
    finally:
        server.stop()
        processes.stop()


def stamp(minutes: int) -> str:
    """Return a moment relative to now."""
    return (NOW + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%S.000Z")


ALERTS = [
    {"labels": {"alertname": "DiskFull", "severity": "critical"}, "startsAt": stamp(-9), "endsAt": stamp(60)},
    {
        "labels": {"alertname": "Slow", "severity": "warning", "empty": ""},
        "annotations": {"summary": "s"},
        "generatorURL": "http://prometheus/graph",
        "startsAt": stamp(-5),
        "endsAt": stamp(60),
    },
    {"labels": {"alertname": "Over"}, "startsAt": stamp(-5), "endsAt": stamp(-1)},
]
SILENCE = {
    "matchers": [{"name": "alertname", "value": "Sl.*", "isRegex": True, "isEqual": True}],
    "startsAt": stamp(-1),
    "endsAt": stamp(30),
    "createdBy": "ana",
    "comment": "known",
}


def shape(answer: tuple[int, Any]) -> tuple[int, Any]:
    """Return an answer without what differs by nature: ids, and the times at which things were received."""
    status, body = answer
    if status >= 400:  # the words differ in places, never the kind of value
        return status, type(body).__name__
    for item in body if isinstance(body, list) else [body]:
        for entry in [item, *item.get("alerts", [])] if isinstance(item, dict) else []:
            entry.pop("updatedAt", None)
            entry.pop("id", None)
            if "status" in entry and "silencedBy" in entry["status"]:
                entry["status"]["silencedBy"] = len(entry["status"]["silencedBy"])
    return status, sorted(body, key=str) if isinstance(body, list) else body


def timeless(answer: tuple[int, Any]) -> str:
    """Return an answer as text, without its times."""
    return re.sub(TIMES, "", json.dumps(answer, sort_keys=True))


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"active": "true", "silenced": "false", "inhibited": "false"},
        {"active": "false"},
        {"filter": 'severity="critical"'},
        {"filter": "severity!=critical"},
        {"filter": 'alertname=~"Disk.*|Sl"'},
        {"filter": 'alertname!~"Disk.*"'},
        {"filter": '{alertname!~"Disk.*"}'},
        {"filter": "{{"},
        {"active": "perhaps"},
        {"active": "yes"},
        {"receiver": "no.*"},
        {"receiver": "somebody"},
        {"receiver": "("},
    ],
)
def test_alerts_are_listed_alike(both: Both, query: dict[str, str]) -> None:
    """Every field but the time at which they were received, fingerprints included."""
    for path in ("alerts", "alerts/groups"):
        real, ours = (shape(answer) for answer in both.ask("GET", path, **query))
        assert ours == real, path


def test_a_silence_works_alike(both: Both) -> None:
    """Made, listed, in force, and ended."""
    made = both.ask("POST", "silences", SILENCE)
    assert [status for status, _ in made] == [200, 200]
    for query in ({}, {"silenced": "false"}, {"active": "false"}):
        real, ours = (shape(answer) for answer in both.ask("GET", "alerts", None, **query))
        assert ours == real
    real, ours = (shape(answer) for answer in both.ask("GET", "silences"))
    assert timeless(ours) == timeless(real)
    for url, (_, answer) in zip(both.urls, made, strict=True):
        assert both.pool.request("DELETE", f"{url}/api/v2/silence/{answer['silenceID']}").status == 200
    states = [[s["status"]["state"] for s in body] for _, body in both.ask("GET", "silences")]
    assert states == [["expired"], ["expired"]]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "silences", {**SILENCE, "matchers": []}),
        ("POST", "silences", {**SILENCE, "matchers": [{"name": "a", "value": ".*", "isRegex": True}]}),
        ("POST", "silences", {**SILENCE, "endsAt": stamp(-30)}),
        ("POST", "silences", {**SILENCE, "id": "5a1cd2e1-0000-4000-8000-000000000000"}),
        ("POST", "alerts", {}),
        ("POST", "alerts", [{"labels": {}}]),
        ("DELETE", "alerts", None),
        ("GET", "nosuch", None),
        ("GET", "silence/5a1cd2e1-0000-4000-8000-000000000000", None),
        ("DELETE", "silence/5a1cd2e1-0000-4000-8000-000000000000", None),
        ("GET", "silence/nosuch", None),
        ("GET", "receivers", None),
        ("POST", "alerts", [{}]),
        ("POST", "alerts", [{"labels": {"a": "b"}, "startsAt": "soon"}]),
        ("POST", "silences", {}),
        ("POST", "silences", {**SILENCE, "startsAt": "soon"}),
        ("DELETE", "silence/nosuch", None),
        ("PUT", "silence/5a1cd2e1-0000-4000-8000-000000000000", None),
    ],
)
def test_a_request_is_refused_alike(both: Both, method: str, path: str, body: object) -> None:
    """With the same status and the same kind of body."""
    real, ours = (shape(answer) for answer in both.ask(method, path, body))

    assert ours == real
