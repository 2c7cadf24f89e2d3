"""The scale of a workload: a path of its own for one number."""

from __future__ import annotations

import pytest

from reconciler.sandbox.cluster import scale
from reconciler.sandbox.wire import NotInSandbox
from tests.sandbox.cluster.api import APPLY, DEPLOYMENTS, JSON_PATCH, MERGE, Api, Json, deployment

SCALE = f"{DEPLOYMENTS}/web/scale"


def test_scale_tells_both_numbers_and_the_selector(api: Api) -> None:
    """Of the workload that it is of."""
    made = api.post(DEPLOYMENTS, deployment(replicas=3)).body
    api.store.change(
        "Deployment", "default", "web", lambda d: d.update(status={"replicas": 2}), manager="c", subresource="status"
    )

    found = api.get(SCALE).body

    assert (found["apiVersion"], found["kind"]) == ("autoscaling/v1", "Scale")
    assert found["metadata"]["uid"] == made["metadata"]["uid"]
    assert found["spec"] == {"replicas": 3}
    assert found["status"] == {"replicas": 2, "selector": "app=web"}


@pytest.mark.parametrize(
    ("content", "body"),
    [(MERGE, {"spec": {"replicas": 5}}), (JSON_PATCH, [{"op": "replace", "path": "/spec/replicas", "value": 5}])],
)
def test_scale_is_patched(api: Api, content: str, body: object) -> None:
    """One field of the workload changes, and its entry says by which path."""
    before = api.post(DEPLOYMENTS, deployment(replicas=3), fieldManager="kubectl").body

    answer = api.patch(SCALE, body, content, fieldManager="hpa")

    after = api.get(f"{DEPLOYMENTS}/web").body
    assert answer.body["spec"]["replicas"] == 5
    assert after["spec"] == {**before["spec"], "replicas": 5}
    assert after["metadata"]["generation"] == before["metadata"]["generation"] + 1
    entry = next(e for e in after["metadata"]["managedFields"] if e["manager"] == "hpa")
    assert (entry["subresource"], entry["fieldsV1"]) == ("scale", {"f:spec": {"f:replicas": {}}})


def test_scale_is_replaced(api: Api) -> None:
    """To zero, too, which the scale then leaves out."""
    api.post(DEPLOYMENTS, deployment(replicas=3))
    wanted = api.get(SCALE).body
    wanted["spec"] = {}

    answer = api.call("PUT", SCALE, wanted)

    assert (answer.status, answer.body["spec"]) == (200, {})
    assert api.get(f"{DEPLOYMENTS}/web").body["spec"]["replicas"] == 0


def test_number_that_was_scaled_to_zero_is_nobodys(api: Api) -> None:
    """The real server loses track of it: a zero is left out of the scale, and what is not managed stays so."""
    api.post(DEPLOYMENTS, deployment(replicas=3), fieldManager="kubectl")

    api.patch(SCALE, {"spec": {"replicas": 0}}, fieldManager="hpa")
    api.patch(SCALE, {"spec": {"replicas": 2}}, fieldManager="hpa")

    entries = api.get(f"{DEPLOYMENTS}/web").body["metadata"]["managedFields"]
    assert [entry["manager"] for entry in entries] == ["kubectl"]
    assert "f:replicas" not in entries[0]["fieldsV1"]["f:spec"]


def test_scale_must_name_its_workload_when_it_replaces(api: Api) -> None:
    """A patch has the name already."""
    api.post(DEPLOYMENTS, deployment(replicas=3))

    answer = api.call("PUT", SCALE, {"apiVersion": "autoscaling/v1", "kind": "Scale", "spec": {"replicas": 4}})

    assert (answer.status, answer.body["reason"]) == (400, "BadRequest")


def test_stale_scale_is_a_conflict(api: Api) -> None:
    """It carries the workload's version."""
    api.post(DEPLOYMENTS, deployment(replicas=3))
    wanted = api.get(SCALE).body
    api.patch(f"{DEPLOYMENTS}/web", {"metadata": {"labels": {"x": "y"}}})

    answer = api.call("PUT", SCALE, wanted)

    assert (answer.status, answer.body["reason"]) == (409, "Conflict")


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({"spec": {"replicas": -1}}, 422, 'Scale.autoscaling "web" is invalid: spec.replicas: Invalid value: -1'),
        ({"spec": {"replicas": "many"}}, 400, "cannot unmarshal string into Go struct field ScaleSpec.spec.replicas"),
        ({"metadata": {"name": "other"}}, 400, "does not match the name on the URL (web)"),
        ({"metadata": {"uid": "other"}}, 409, "UID in precondition: other"),
        ({"kind": "Deployment"}, 400, "cannot be handled as a Scale"),
    ],
    ids=str,
)
def test_scale_that_makes_no_sense_is_refused(api: Api, body: Json, status: int, says: str) -> None:
    """In words about the scale; and the workload stays as it is."""
    before = api.post(DEPLOYMENTS, deployment(replicas=3)).body

    answer = api.patch(SCALE, body)

    assert answer.status == status
    assert says in answer.message
    assert api.get(f"{DEPLOYMENTS}/web").body == before


def test_scale_of_nothing_is_not_found(api: Api) -> None:
    """By the workload's own name."""
    assert api.get(SCALE).status == 404


def test_selector_is_written_as_queries_write_it(api: Api) -> None:
    """By key, each operator in its own way."""
    kind = api.store.kinds["Deployment"]
    expressions = [
        {"key": "tier", "operator": "In", "values": ["b", "a"]},
        {"key": "old", "operator": "DoesNotExist"},
        {"key": "env", "operator": "NotIn", "values": ["dev"]},
        {"key": "app", "operator": "Exists"},
    ]
    manifest = deployment()
    manifest["spec"]["selector"] = {"matchLabels": {"zone": "x"}, "matchExpressions": expressions}

    found = scale.shown(kind, manifest)["status"]["selector"]

    assert found == "app,env notin (dev),!old,tier in (a,b),zone=x"


def test_apply_of_a_scale_is_not_here(api: Api) -> None:
    """It would need entries of another kind."""
    api.post(DEPLOYMENTS, deployment())

    with pytest.raises(NotInSandbox):
        api.patch(SCALE, {"spec": {"replicas": 2}}, APPLY, fieldManager="x")
