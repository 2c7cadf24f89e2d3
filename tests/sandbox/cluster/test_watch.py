"""Watches: every change once, in order, from a version on, through selectors, and their ends."""

from __future__ import annotations

import itertools
import json
import threading
from typing import TYPE_CHECKING

import pytest
import urllib3

from reconciler.sandbox.cluster.history import History
from reconciler.sandbox.wire import Server
from tests.sandbox.cluster.api import CONFIGMAPS, DEPLOYMENTS, Api, Json, config_map, deployment

if TYPE_CHECKING:
    from collections.abc import Iterator

SHORT = {"timeoutSeconds": "0.05"}


def told(events: Iterator[Json]) -> list[tuple[str, str]]:
    """Return type and name of each event of a watch that ends."""
    return [(event["type"], event["object"]["metadata"].get("name", "")) for event in events]


def relabel(api: Api, name: str, **labels: str) -> None:
    """Give a ConfigMap other labels."""
    api.store.change("ConfigMap", "default", name, lambda obj: obj["metadata"].update(labels=labels), manager="tests")


def test_watch_tells_each_change_since_a_version(api: Api) -> None:
    """Of its kind and namespace only."""
    api.store.create(config_map("old"), manager="tests")
    version = str(api.store.revision)
    api.store.create(config_map("new"), manager="tests")
    api.store.create(config_map("elsewhere", namespace="kube-system"), manager="tests")
    api.store.create(deployment(), manager="tests")
    relabel(api, "old", a="b")
    api.store.delete("ConfigMap", "default", "new")

    events = list(api.watch(CONFIGMAPS, resourceVersion=version, **SHORT))

    assert told(iter(events)) == [("ADDED", "new"), ("MODIFIED", "old"), ("DELETED", "new")]
    assert events[1]["object"]["kind"] == "ConfigMap"
    versions = [int(event["object"]["metadata"]["resourceVersion"]) for event in events]
    assert versions == sorted(versions)
    assert versions[-1] == api.store.revision


def test_watch_without_a_version_begins_with_what_is_there(api: Api) -> None:
    """As additions."""
    for name in "ba":
        api.store.create(config_map(name), manager="tests")

    assert told(api.watch(CONFIGMAPS, **SHORT)) == [("ADDED", "a"), ("ADDED", "b")]


def test_selector_makes_arrivals_and_departures(api: Api) -> None:
    """An object that begins to fit is added, one that no longer fits is deleted, under the version of that change."""
    api.store.create(config_map("a"), manager="tests")
    version = str(api.store.revision)
    relabel(api, "a", tier="front")
    relabel(api, "a", tier="front", more="x")
    relabel(api, "a", tier="back")
    relabel(api, "a", tier="side")
    left = api.store.history.since(int(version), "ConfigMap", api.store.revision)[2].revision

    events = list(api.watch(CONFIGMAPS, resourceVersion=version, labelSelector="tier=front", **SHORT))

    assert told(iter(events)) == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]
    gone = events[-1]["object"]["metadata"]
    assert gone["labels"] == {"tier": "front", "more": "x"}
    assert gone["resourceVersion"] == str(left)


def test_bookmark_says_how_far_a_quiet_watch_is(api: Api) -> None:
    """Only to those who allow it."""
    version = str(api.store.revision)
    api.store.create(deployment(), manager="tests")

    events = list(api.watch(CONFIGMAPS, resourceVersion=version, allowWatchBookmarks="true", **SHORT))

    assert [event["type"] for event in events] == ["BOOKMARK"]
    assert events[0]["object"] == {
        "kind": "ConfigMap",
        "apiVersion": "v1",
        "metadata": {"resourceVersion": str(api.store.revision)},
    }


def test_watch_that_streams_a_list_marks_its_end(api: Api) -> None:
    """The way client-go lists by now."""
    api.store.create(config_map("a"), manager="tests")
    query = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}

    events = list(itertools.islice(api.watch(CONFIGMAPS, **query, **SHORT), 2))
    refused = api.get(CONFIGMAPS, watch="true", sendInitialEvents="true")  # without resourceVersionMatch

    assert [event["type"] for event in events] == ["ADDED", "BOOKMARK"]
    assert events[1]["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
    assert refused.status == 422


def test_watch_of_a_forgotten_version_is_told_so(api: Api) -> None:
    """An event in the stream, as the real watch cache answers, not a status of HTTP."""
    api.store.history = History(length=2)
    version = str(api.store.revision)
    for name in "abcd":
        api.store.create(config_map(name), manager="tests")

    (event,) = api.watch(CONFIGMAPS, resourceVersion=version)

    assert event["type"] == "ERROR"
    assert (event["object"]["code"], event["object"]["reason"]) == (410, "Expired")
    assert event["object"]["message"] == f"too old resource version: {version} ({api.store.revision})"


def test_watch_that_falls_behind_is_told_so(api: Api) -> None:
    """When the history moves on before it reads."""
    api.store.history = History(length=2)
    events = api.watch(CONFIGMAPS, resourceVersion=str(api.store.revision))
    for name in "abcd":
        api.store.create(config_map(name), manager="tests")

    assert [(event["type"], event["object"]["code"]) for event in events] == [("ERROR", 410)]


def test_watch_of_metadata_alone(api: Api) -> None:
    """As the Accept header asks."""
    api.store.create(deployment(), manager="tests")
    accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"

    (event,) = api.watch(DEPLOYMENTS, accept=accept, **SHORT)

    assert event["object"]["kind"] == "PartialObjectMetadata"
    assert "spec" not in event["object"]


def test_stop_ends_waiting_watches(api: Api) -> None:
    """The process need not wait for their time limits."""
    events = api.watch(CONFIGMAPS, resourceVersion=str(api.store.revision))
    rest: list[Json] = []
    reader = threading.Thread(target=lambda: rest.extend(events))
    reader.start()

    api.cluster.stop()
    reader.join(timeout=5)

    assert not reader.is_alive()
    assert rest == []


def test_change_reaches_a_watch_over_the_wire(api: Api) -> None:
    """While it waits, and while others write: nobody holds the lock."""
    server = Server(api.cluster.handle, name="Kubernetes API").start()
    pool = urllib3.PoolManager(timeout=5)
    headers = {"Authorization": f"Bearer {api.cluster.tokens['admin']}"}
    try:
        url = f"{server.url}{CONFIGMAPS}"
        stream = pool.request("GET", f"{url}?watch=true", headers=headers, preload_content=False)
        chunks = stream.read_chunked()
        for name in "ab":
            made = pool.request("POST", url, json=config_map(name), headers=headers)
            assert made.status == 201
            assert json.loads(next(chunks))["object"]["metadata"]["name"] == name
        api.cluster.stop()
        assert list(chunks) == []
        stream.close()
    finally:
        pool.clear()
        server.stop()


@pytest.mark.parametrize(("says", "watches"), [("1", True), ("True", True), ("", True), ("0", False), ("FALSE", False)])
def test_anything_but_false_and_zero_asks_for_a_watch(api: Api, says: str, watches: bool) -> None:  # noqa: FBT001 - a parameter
    """As the real server reads every option that is on or off."""
    api.store.create(config_map("a"), manager="tests")
    answer = api.raw("GET", CONFIGMAPS, watch=says, **SHORT)

    assert isinstance(answer.body, bytes) is not watches


@pytest.mark.parametrize("limit", ["soon", "1e3", "nan"])
def test_time_limit_that_is_no_number_is_refused(api: Api, limit: str) -> None:
    """With 400, before anything is streamed."""
    answer = api.call("GET", CONFIGMAPS, watch="1", timeoutSeconds=limit)

    assert answer.status == 400
    assert f'parsing "{limit}": invalid syntax' in answer.message
