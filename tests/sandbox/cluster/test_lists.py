"""Lists: selectors, pages of one revision, lists of the past."""

from __future__ import annotations

import json

import pytest

from reconciler.sandbox.cluster.history import History
from tests.sandbox.cluster.api import CONFIGMAPS, PODS, Api, Json, config_map, deployment, pod


@pytest.fixture
def five(api: Api) -> Api:
    """A cluster with the ConfigMaps a to e."""
    for name in "abcde":
        api.store.create(config_map(name, labels={"name": name}), manager="tests")
    return api


def pages(api: Api, **query: object) -> list[Json]:
    """Return all pages of the ConfigMaps."""
    found = [api.get(CONFIGMAPS, limit="2", **query).body]
    while token := found[-1]["metadata"].get("continue"):
        found.append(api.get(CONFIGMAPS, limit="2", **query, **{"continue": token}).body)
    return found


def names(page: Json) -> list[str]:
    """Return the names on a page."""
    return [item["metadata"]["name"] for item in page["items"]]


def test_list_carries_its_revision_and_its_items_bare(five: Api) -> None:
    """As the real server writes typed lists; custom kinds repeat what they are."""
    body = five.get(CONFIGMAPS).body

    assert (body["kind"], body["apiVersion"]) == ("ConfigMapList", "v1")
    assert body["metadata"] == {"resourceVersion": str(five.store.revision)}
    assert set(body["items"][0]) == {"metadata", "data"}
    path = "/apis/argoproj.io/v1alpha1/namespaces/argocd/appprojects"
    five.post(path, {"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": {"name": "default"}})
    assert five.get(path).body["items"][0]["kind"] == "AppProject"


def test_empty_list_is_a_list(api: Api) -> None:
    """Not null."""
    assert api.get(CONFIGMAPS).body["items"] == []


def test_pages_add_up_and_count_the_rest(five: Api) -> None:
    """Two, two, one."""
    found = pages(five)

    assert [names(page) for page in found] == [["a", "b"], ["c", "d"], ["e"]]
    assert [page["metadata"].get("remainingItemCount") for page in found] == [3, 1, None]


def test_selected_pages_do_not_count_the_rest(five: Api) -> None:
    """The real server does not know how many would fit."""
    found = pages(five, labelSelector="name!=b")

    assert [names(page) for page in found] == [["a", "c"], ["d", "e"]]
    assert "remainingItemCount" not in found[0]["metadata"]


def test_all_pages_show_one_revision(five: Api) -> None:
    """What is made, changed or deleted between two pages is not seen on the second."""
    first = five.get(CONFIGMAPS, limit="2").body
    five.store.create(config_map("bb"), manager="tests")
    five.store.delete("ConfigMap", "default", "d")
    five.store.change("ConfigMap", "default", "c", lambda obj: obj["data"].update(new="1"), manager="tests")

    second = five.get(CONFIGMAPS, **{"continue": first["metadata"]["continue"]}).body

    assert names(second) == ["c", "d", "e"]
    assert second["items"][0]["data"] == {}
    assert second["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]


def test_forgotten_list_cannot_be_continued(five: Api) -> None:
    """410, with a token for whoever takes the rest as it is now."""
    five.store.history = History(length=3)
    first = five.get(CONFIGMAPS, limit="2").body
    for name in "vwxyz":
        five.store.create(config_map(name), manager="tests")

    refused = five.get(CONFIGMAPS, **{"continue": first["metadata"]["continue"]})
    rest = five.get(CONFIGMAPS, **{"continue": refused.body["metadata"]["continue"]})

    assert (refused.status, refused.body["reason"]) == (410, "Expired")
    assert "The provided continue parameter is too old" in refused.message
    assert rest.names == ["c", "d", "e", "v", "w", "x", "y", "z"]


@pytest.mark.parametrize("token", ["nonsense", "bm9uc2Vuc2U", "e30"])
def test_token_of_somebody_elses_is_refused(five: Api, token: str) -> None:
    """By 400."""
    refused = five.get(CONFIGMAPS, **{"continue": token})

    assert refused.status == 400
    assert "continue key is not valid" in refused.message


def test_past_can_be_listed_exactly(five: Api) -> None:
    """And anything newer than a version is answered with the newest."""
    past = str(five.store.revision)
    five.store.delete("ConfigMap", "default", "a")

    exact = five.get(CONFIGMAPS, resourceVersion=past, resourceVersionMatch="Exact")
    newer = five.get(CONFIGMAPS, resourceVersion=past, resourceVersionMatch="NotOlderThan")

    assert exact.names == ["a", "b", "c", "d", "e"]
    assert newer.names == ["b", "c", "d", "e"]


def test_cached_list_is_whole(five: Api) -> None:
    """Version 0 is answered from the cache, which knows no pages."""
    assert five.get(CONFIGMAPS, resourceVersion="0", limit="2").names == ["a", "b", "c", "d", "e"]


@pytest.mark.parametrize(
    ("query", "status", "says"),
    [
        ({"resourceVersion": "99999"}, 504, "Too large resource version: 99999"),
        ({"resourceVersion": "new"}, 400, "invalid syntax"),
        ({"resourceVersionMatch": "Exact"}, 422, "forbidden unless resourceVersion is provided"),
        ({"resourceVersionMatch": "Exact", "resourceVersion": "0"}, 422, 'forbidden for resourceVersion "0"'),
        ({"resourceVersionMatch": "About", "resourceVersion": "1"}, 422, "supported values"),
        ({"limit": "few"}, 400, "invalid syntax"),
        ({"labelSelector": "a b"}, 400, "unable to parse requirement"),
        ({"fieldSelector": "data.level=1"}, 400, '"data.level" is not a known field selector'),
        ({"fieldSelector": "metadata.name"}, 400, "invalid selector"),
    ],
)
def test_queries_that_make_no_sense_are_refused(five: Api, query: dict[str, str], status: int, says: str) -> None:
    """With the words that name what is wrong."""
    refused = five.get(CONFIGMAPS, **query)

    assert refused.status == status
    assert says in refused.message


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("name=a", ["a"]),
        ("name==a", ["a"]),
        ("name!=a", ["b", "c", "d", "e"]),
        ("name in (a, c)", ["a", "c"]),
        ("name notin (a,b,c)", ["d", "e"]),
        ("name,name!=a,name!=b", ["c", "d", "e"]),
        ("!name", []),
        ("absent", []),
        ("absent!=x", ["a", "b", "c", "d", "e"]),
        ("absent notin (x)", ["a", "b", "c", "d", "e"]),
        ("name in (a,b), name in (b,c)", ["b"]),
        ("", ["a", "b", "c", "d", "e"]),
    ],
)
def test_labels_select(five: Api, selector: str, expected: list[str]) -> None:
    """All forms that kubectl knows."""
    assert five.get(CONFIGMAPS, labelSelector=selector).names == expected


def test_numbers_in_labels_compare(api: Api) -> None:
    """Labels that are none never fit."""
    for size in ("3", "11", "big"):
        api.store.create(config_map(f"c{size}", labels={"size": size}), manager="tests")

    assert api.get(CONFIGMAPS, labelSelector="size>3").names == ["c11"]
    assert api.get(CONFIGMAPS, labelSelector="size<11").names == ["c3"]


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("metadata.name=a", ["a"]),
        ("metadata.namespace=default,metadata.name!=a", ["b", "c"]),
        ("spec.nodeName=node-1", ["a", "b"]),
        ("spec.nodeName=", ["c"]),
        ("spec.nodeName=node-1,status.phase!=Running", ["b"]),
        ("status.phase==Pending", ["b", "c"]),
        ("spec.hostNetwork=false", ["a", "b", "c"]),
    ],
)
def test_fields_select_pods(api: Api, selector: str, expected: list[str]) -> None:
    """As drain and describe ask."""
    running: Json = {"status": {"phase": "Running"}}
    api.store.seed([pod("a", node="node-1") | running, pod("b", node="node-1"), pod("c")])

    assert api.get(PODS, fieldSelector=selector).names == expected


def test_fields_select_events_of_an_object(api: Api) -> None:
    """As kubectl describe asks."""
    for name in ("a", "b"):
        event = {"metadata": {"name": f"{name}.1"}, "involvedObject": {"kind": "Pod", "name": name}, "type": "Warning"}
        assert api.post("/api/v1/namespaces/default/events", event).status == 201

    found = api.get("/api/v1/events", fieldSelector="involvedObject.name=a,involvedObject.kind=Pod,type=Warning")

    assert found.names == ["a.1"]


def test_events_are_selected_by_who_tells_them(api: Api) -> None:
    """Old events name a component, new ones a controller."""
    for name, teller in (
        ("a", {"source": {"component": "kubelet"}}),
        ("b", {"reportingComponent": "kubelet"}),
        ("c", {}),
    ):
        event = {"metadata": {"name": name}, "involvedObject": {"kind": "Pod", "name": "web"}, **teller}
        assert api.post("/api/v1/namespaces/default/events", event).status == 201

    assert api.get("/api/v1/events", fieldSelector="source=kubelet").names == ["a", "b"]
    assert api.get("/api/v1/events", fieldSelector="source=").names == ["c"]


def test_number_that_is_not_there_is_selected_as_zero(api: Api) -> None:
    """As Go compares it."""
    api.store.create({**deployment(), "kind": "ReplicaSet"}, manager="tests")
    path = "/apis/apps/v1/namespaces/default/replicasets"

    assert api.get(path, fieldSelector="status.replicas=0").names == ["web"]
    assert api.get(path, fieldSelector="status.replicas!=0").names == []


def test_unknown_field_of_a_pod_is_refused_in_its_own_words(api: Api) -> None:
    """The message names the field."""
    refused = api.get(PODS, fieldSelector="spec.nodeSelector=x")

    assert refused.status == 400
    assert refused.message == "field label not supported: spec.nodeSelector"


def test_big_list_is_put_together_from_what_is_kept(api: Api) -> None:
    """Each object is written once in its life, however often it is listed."""
    api.store.seed([pod(f"web-{number:03}") for number in range(300)])
    first = api.raw("GET", "/api/v1/pods").body
    kept = [stored.data for stored in api.store.shelf("Pod").everything()]

    again = api.raw("GET", "/api/v1/pods").body

    assert isinstance(again, bytes)
    assert first == again
    assert len(json.loads(again)["items"]) == 300
    assert all(new is old for new, old in zip((s.data for s in api.store.shelf("Pod").everything()), kept, strict=True))
