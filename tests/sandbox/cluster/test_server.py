"""The HTTP API: what is asked for is answered, deleted or not there, and each answer in its form."""

from __future__ import annotations

import pytest

from reconciler.sandbox.wire import NotInSandbox
from tests.sandbox.cluster.api import CONFIGMAPS, DEPLOYMENTS, PODS, Api, config_map, deployment, pod

WEB = f"{DEPLOYMENTS}/web"


def test_object_is_answered_as_it_is_stored(api: Api) -> None:
    """With its kind, and then read again."""
    made = api.post(DEPLOYMENTS, deployment())

    read = api.get(WEB)
    assert (made.status, read.status) == (201, 200)
    assert made.body == read.body == api.store.get("Deployment", "default", "web")
    assert read.body["kind"] == "Deployment"


def test_only_writes_that_changed_something_are_told(api: Api) -> None:
    """The sandbox settles after a write, not after a look, a refusal, a dry run or a repeat."""
    api.post(DEPLOYMENTS, deployment())
    assert api.written == 1

    api.get(WEB)
    api.post(DEPLOYMENTS, deployment())
    api.post(DEPLOYMENTS, deployment("other"), dryRun="All")
    api.patch(WEB, {"spec": {"replicas": 1}})

    assert api.written == 1


def test_body_may_leave_out_what_the_path_says(api: Api) -> None:
    """Kind, version and namespace."""
    made = api.post(CONFIGMAPS, {"metadata": {"name": "settings"}, "data": {"a": "b"}})

    assert made.body["metadata"]["namespace"] == "default"
    assert (made.body["apiVersion"], made.body["kind"]) == ("v1", "ConfigMap")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"apiVersion": "v1", "kind": "Pod"}, "cannot be handled as a Deployment: converting (v1.Pod) to (apps.Depl"),
        ({"apiVersion": "apps/v1", "kind": "Replica"}, 'no kind "Replica" is registered for version "apps/v1"'),
        ({"metadata": {"name": "web", "namespace": "other"}}, "namespace of the provided object does not match"),
        ([], "must be of type Deployment"),
        (b"{", "couldn't get version/kind; json parse error"),
    ],
)
def test_body_about_something_else_is_refused(api: Api, body: object, says: str) -> None:
    """By 400."""
    refused = api.post(DEPLOYMENTS, body)

    assert (refused.status, refused.body["reason"]) == (400, "BadRequest")
    assert says in refused.message


def test_yaml_is_taken_and_other_types_are_not(api: Api) -> None:
    """As people send it with curl."""
    made = api.call("POST", CONFIGMAPS, b"metadata: {name: settings}\ndata: {a: b}", content="application/yaml")
    refused = api.call("POST", CONFIGMAPS, b"x", content="application/vnd.kubernetes.protobuf")

    assert made.body["data"] == {"a": "b"}
    assert refused.status == 415


def test_deletion_answers_with_what_went(api: Api) -> None:
    """A Status with name, kind and uid; then nothing is there."""
    uid = api.post(DEPLOYMENTS, deployment()).body["metadata"]["uid"]

    gone = api.call("DELETE", WEB).body

    assert gone["status"] == "Success"
    assert gone["details"] == {"name": "web", "group": "apps", "kind": "deployments", "uid": uid}
    missing = api.get(WEB)
    assert missing.status == 404
    assert missing.body == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": 'deployments.apps "web" not found',
        "reason": "NotFound",
        "details": {"name": "web", "group": "apps", "kind": "deployments"},
        "code": 404,
    }


@pytest.mark.parametrize("field", ["uid", "resourceVersion"])
def test_deletion_of_another_object_is_a_conflict(api: Api, field: str) -> None:
    """Preconditions in the body."""
    made = api.post(PODS, pod()).body["metadata"]

    refused = api.call("DELETE", f"{PODS}/web", {"preconditions": {field: "other"}})
    done = api.call("DELETE", f"{PODS}/web", {"kind": "DeleteOptions", "preconditions": {field: made[field]}})

    assert (refused.status, refused.body["reason"]) == (409, "Conflict")
    assert "in the precondition (other) does not match" in refused.message
    assert done.status == 200


def test_graceful_deletion_answers_with_the_pod(api: Api) -> None:
    """Grace from the query or from the body; none ends it at once."""
    api.post(PODS, pod(node="node-1"))

    marked = api.call("DELETE", f"{PODS}/web", gracePeriodSeconds="7").body
    assert (marked["kind"], marked["metadata"]["deletionGracePeriodSeconds"]) == ("Pod", 7)
    api.call("DELETE", f"{PODS}/web", {"gracePeriodSeconds": 0})

    assert api.get(f"{PODS}/web").status == 404


def test_collection_is_deleted_by_selector(api: Api) -> None:
    """And answered with what it was about; namespaces only go one by one."""
    for name, tier in (("a", "x"), ("b", "y"), ("c", "x")):
        api.post(CONFIGMAPS, config_map(name, labels={"tier": tier}))

    gone = api.call("DELETE", CONFIGMAPS, labelSelector="tier=x")

    assert (gone.body["kind"], gone.names) == ("ConfigMapList", ["a", "c"])
    assert api.get(CONFIGMAPS).names == ["b"]
    assert api.call("DELETE", "/api/v1/namespaces").status == 405


def test_namespace_goes_when_its_finalizer_does(api: Api) -> None:
    """By the path that only the namespace's controller uses."""
    path = "/api/v1/namespaces/shop"
    api.post("/api/v1/namespaces", {"metadata": {"name": "shop"}})
    gone = api.call("DELETE", path).body
    assert gone["status"]["phase"] == "Terminating"

    api.call("PUT", f"{path}/finalize", gone | {"spec": {}})

    assert api.get(path).status == 404


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/apis/apps/v1/things", 404),
        ("GET", "/api/v1/pods/web", 404),
        ("GET", "/api/v1/namespaces/default/nodes", 404),
        ("GET", f"{PODS}/web/nonsense", 404),
        ("POST", "/api/v1/pods", 405),
        ("POST", f"{PODS}/web", 405),
        ("PUT", PODS, 405),
        ("DELETE", f"{DEPLOYMENTS}/web/scale", 405),
    ],
)
def test_paths_that_the_real_server_does_not_have_are_refused(api: Api, method: str, path: str, status: int) -> None:
    """Each with a Status."""
    api.post(DEPLOYMENTS, deployment())

    refused = api.call(method, path, {} if method in ("POST", "PUT") else None)

    assert (refused.status, refused.body["kind"]) == (status, "Status")


@pytest.mark.parametrize("path", ["/nonsense", "/apis/nowhere.example", "/apis/nowhere.example/v1/things"])
def test_page_that_is_not_there_is_said_in_plain_text(api: Api, path: str) -> None:
    """The one answer that is no Status."""
    assert (api.get(path).status, api.get(path).body) == (404, "404 page not found\n")


@pytest.mark.parametrize(
    ("method", "path", "feature"),
    [
        ("POST", f"{PODS}/web/exec", "pods/exec"),
        ("POST", f"{PODS}/web/binding", "pods/binding"),
        ("GET", "/api/v1/nodes/node-1/proxy/metrics", "nodes/proxy/metrics"),
        ("GET", "/api/v1/watch/pods", "/watch/"),
        ("GET", "/openapi/v3", "OpenAPI"),
    ],
)
def test_what_is_not_in_the_sandbox_is_named(api: Api, method: str, path: str, feature: str) -> None:
    """It becomes a 501, never a wrong answer."""
    with pytest.raises(NotInSandbox, match=feature):
        api.call(method, path, {} if method == "POST" else None)


def test_strict_validation_is_not_in_the_sandbox(api: Api) -> None:
    """It would have to know every field of every kind."""
    with pytest.raises(NotInSandbox, match="strict field validation"):
        api.post(DEPLOYMENTS, deployment(), fieldValidation="Strict")


def test_metadata_alone_can_be_had(api: Api) -> None:
    """Of one object and of lists; what the server cannot write is refused."""
    api.post(DEPLOYMENTS, deployment())
    as_metadata = "application/json;as=PartialObjectMetadata{};g=meta.k8s.io;v=v1"

    one = api.get(WEB, accept=as_metadata.format("")).body
    many = api.get(DEPLOYMENTS, accept=as_metadata.format("List")).body

    assert (one["kind"], one["apiVersion"], set(one)) == (
        "PartialObjectMetadata",
        "meta.k8s.io/v1",
        {"kind", "apiVersion", "metadata"},
    )
    assert (many["kind"], set(many["items"][0])) == ("PartialObjectMetadataList", {"kind", "apiVersion", "metadata"})
    assert api.get(WEB, accept="text/csv").status == 406
    with pytest.raises(NotInSandbox, match="as=Table"):
        api.get(WEB, accept="application/json;as=Table;v=v1;g=meta.k8s.io")
    assert api.get(WEB, accept="application/json;as=Table;v=v1;g=meta.k8s.io,application/json").status == 200
