"""The HTTP API: creations, replacements, patches, deletions, and the refusals of each."""

from __future__ import annotations

import pytest

from reconciler.sandbox.wire import NotInSandbox
from tests.sandbox.cluster.api import (
    APPLY,
    CONFIGMAPS,
    DEPLOYMENTS,
    JSON_PATCH,
    MERGE,
    PODS,
    STRATEGIC,
    Api,
    Json,
    config_map,
    deployment,
    pod,
)

APPLICATIONS = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications"
SHOP = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "shop"}, "spec": {"a": 1}}
WEB = f"{DEPLOYMENTS}/web"
SETTINGS = f"{CONFIGMAPS}/settings"
ANOTHER_UID = "00000000-0000-0000-0000-000000000000"


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


def test_put_replaces_the_current_version_only(api: Api) -> None:
    """A stale one is a conflict in the real words; one without a version replaces whatever is there."""
    first = api.post(CONFIGMAPS, config_map("settings", level="1")).body

    second = api.call("PUT", SETTINGS, first | {"data": {"level": "2"}})
    stale = api.call("PUT", SETTINGS, first | {"data": {"level": "3"}})
    forced = api.call("PUT", SETTINGS, config_map("settings", level="4"))

    assert (second.status, second.body["data"]) == (200, {"level": "2"})
    assert (stale.status, stale.body["reason"]) == (409, "Conflict")
    assert stale.message == (
        'Operation cannot be fulfilled on configmaps "settings": the object has been modified; '
        "please apply your changes to the latest version and try again"
    )
    assert forced.body["data"] == {"level": "4"}


def test_put_of_another_uid_is_a_conflict(api: Api) -> None:
    """The body's uid is a precondition."""
    made = api.post(DEPLOYMENTS, deployment()).body
    wanted = made | {"metadata": made["metadata"] | {"uid": ANOTHER_UID}}

    refused = api.call("PUT", WEB, wanted)

    assert (refused.status, refused.body["reason"]) == (409, "Conflict")
    assert f"Precondition failed: UID in precondition: {ANOTHER_UID}, UID in object meta: " in refused.message


def test_put_must_be_about_the_paths_object(api: Api) -> None:
    """Another name is refused, an absent object is not found."""
    api.post(CONFIGMAPS, config_map("settings"))

    assert api.call("PUT", SETTINGS, config_map("other")).status == 400
    assert api.call("PUT", f"{CONFIGMAPS}/absent", config_map("absent")).status == 404


def test_custom_object_must_say_which_version_it_replaces(api: Api) -> None:
    """As the real server asks of all custom kinds."""
    made = api.post(APPLICATIONS, SHOP).body

    refused = api.call("PUT", f"{APPLICATIONS}/shop", SHOP | {"spec": {"project": "b"}})
    replaced = api.call("PUT", f"{APPLICATIONS}/shop", made | {"spec": {"project": "b"}})

    assert refused.status == 422
    assert "must be specified for an update" in refused.message
    assert replaced.body["spec"] == {"project": "b"}


@pytest.mark.parametrize(
    ("content", "patch"),
    [
        (MERGE, {"spec": {"replicas": 3}}),
        (STRATEGIC, {"spec": {"replicas": 3}}),
        (JSON_PATCH, [{"op": "replace", "path": "/spec/replicas", "value": 3}]),
        (APPLY, {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {"replicas": 3}}),
    ],
)
def test_every_kind_of_patch_changes_the_field(api: Api, content: str, patch: object) -> None:
    """And makes a new generation."""
    api.post(DEPLOYMENTS, deployment())

    force = {"force": "true"} if content == APPLY else {}
    changed = api.patch(WEB, patch, content, fieldManager="ana", **force)

    assert changed.status == 200
    assert changed.body["spec"]["replicas"] == 3
    assert changed.body["metadata"]["generation"] == 2
    assert len(changed.body["spec"]["template"]["spec"]["containers"]) == 1


@pytest.mark.parametrize("content", [MERGE, STRATEGIC])
def test_patch_that_names_a_version_is_bound_to_it(api: Api, content: str) -> None:
    """409 when the object is a newer one."""
    made = api.post(DEPLOYMENTS, deployment()).body
    body = {"metadata": {"resourceVersion": made["metadata"]["resourceVersion"]}, "spec": {"replicas": 2}}

    first, again = api.patch(WEB, body, content), api.patch(WEB, body, content)

    assert (first.status, again.status) == (200, 409)


@pytest.mark.parametrize("content", [MERGE, STRATEGIC])
def test_patch_that_names_another_uid_is_invalid(api: Api, content: str) -> None:
    """The cause names the field, by which the product knows the object was made anew."""
    api.post(DEPLOYMENTS, deployment())

    refused = api.patch(WEB, {"metadata": {"uid": ANOTHER_UID, "labels": {"a": "b"}}}, content)

    assert (refused.status, refused.body["reason"]) == (422, "Invalid")
    assert refused.body["details"]["causes"][0]["field"] == "metadata.uid"


def test_patch_cannot_touch_the_status(api: Api) -> None:
    """It has its own path, which touches nothing else."""
    api.post(DEPLOYMENTS, deployment())

    api.patch(WEB, {"status": {"readyReplicas": 7}})
    assert "readyReplicas" not in api.get(WEB).body["status"]
    changed = api.patch(f"{WEB}/status", {"status": {"readyReplicas": 1}, "spec": {"replicas": 7}}).body

    assert changed["status"]["readyReplicas"] == 1
    assert changed["spec"]["replicas"] == 1


def test_strategic_patch_of_a_custom_object_is_an_unknown_format(api: Api) -> None:
    """415, with the types that would do."""
    api.post(APPLICATIONS, SHOP)

    refused = api.patch(f"{APPLICATIONS}/shop", {"spec": {}}, STRATEGIC)

    assert (refused.status, refused.body["reason"]) == (415, "UnsupportedMediaType")
    assert MERGE in refused.message


def test_apply_creates_what_is_not_there(api: Api) -> None:
    """201 at first, 200 from then on; YAML as kubectl sends it."""
    body = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {level: debug}\n"

    answers = [api.patch(SETTINGS, body, APPLY, fieldManager="ana") for _ in range(2)]

    assert [answer.status for answer in answers] == [201, 200]
    assert answers[0].body == answers[1].body
    entry = answers[0].body["metadata"]["managedFields"][0]
    assert (entry["manager"], entry["operation"]) == ("ana", "Apply")


def test_apply_to_a_vanished_object_is_a_conflict(api: Api) -> None:
    """A uid in the manifest says that an object is meant which exists."""
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "uid": ANOTHER_UID}}

    refused = api.patch(SETTINGS, manifest, APPLY, fieldManager="ana")

    assert (refused.status, refused.body["reason"]) == (409, "Conflict")
    assert "uid mismatch" in refused.message
    assert api.get(SETTINGS).status == 404


def test_apply_of_anothers_field_names_the_other(api: Api) -> None:
    """409 with a cause for each field; by force it is taken."""
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"level": "debug"}}
    api.patch(SETTINGS, manifest, APPLY, fieldManager="ana")
    wanted = manifest | {"data": {"level": "info"}}

    refused = api.patch(SETTINGS, wanted, APPLY, fieldManager="ben")
    taken = api.patch(SETTINGS, wanted, APPLY, fieldManager="ben", force="true")

    assert refused.status == 409
    assert 'conflict with "ana"' in refused.body["details"]["causes"][0]["message"]
    assert taken.body["data"] == {"level": "info"}


@pytest.mark.parametrize(
    ("content", "query", "field"),
    [
        (APPLY, {}, "fieldManager"),
        (MERGE, {"force": "true"}, "force"),
        (MERGE, {"dryRun": "Some"}, "dryRun"),
        (MERGE, {"fieldManager": "x" * 129}, "fieldManager"),
        (MERGE, {"fieldValidation": "Perhaps"}, "fieldValidation"),
    ],
)
def test_options_that_make_no_sense_are_invalid(api: Api, content: str, query: dict[str, str], field: str) -> None:
    """422 that names the option."""
    api.post(CONFIGMAPS, config_map("settings"))
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}}

    refused = api.patch(SETTINGS, body, content, **query)

    assert refused.status == 422
    assert refused.body["details"]["causes"][0]["field"] == field


def test_dry_run_answers_and_keeps_nothing(api: Api) -> None:
    """Of every verb."""
    api.post(DEPLOYMENTS, deployment())
    revision = api.store.revision

    made = api.post(DEPLOYMENTS, deployment("other"), dryRun="All")
    changed = api.patch(WEB, {"spec": {"replicas": 5}}, dryRun="All")
    gone = api.call("DELETE", WEB, dryRun="All")

    assert made.body["metadata"]["uid"]
    assert changed.body["spec"]["replicas"] == 5
    assert gone.status == 200
    assert api.store.revision == revision


def test_program_name_is_the_manager_where_none_is_named(api: Api) -> None:
    """The user agent up to its version."""
    made = api.post(DEPLOYMENTS, deployment()).body

    assert [entry["manager"] for entry in made["metadata"]["managedFields"]] == ["tests"]


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


def crd(**version: object) -> Json:
    """Return a definition of backups."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "backups.example.com"},
        "spec": {
            "group": "example.com",
            "names": {"kind": "Backup", "plural": "backups"},
            "scope": "Namespaced",
            "versions": [{"name": "v1", "served": True, "storage": True, **version}],
        },
    }


def named(kind: str, name: str) -> Json:
    """Return the beginning of a custom object."""
    return {"apiVersion": "example.com/v1", "kind": kind, "metadata": {"name": name}}


CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
BACKUPS = "/apis/example.com/v1/namespaces/default/backups"


def test_definition_serves_its_kind_until_it_is_deleted(api: Api) -> None:
    """With its objects, its place in discovery and its status path."""
    assert api.get(BACKUPS).status == 404

    made = api.post(CRDS, crd(subresources={"status": {}})).body
    api.post(BACKUPS, named("Backup", "daily") | {"spec": {"at": "02:00"}, "status": {"dropped": True}})
    changed = api.patch(f"{BACKUPS}/daily/status", {"status": {"done": True}}).body

    assert {each["type"]: each["status"] for each in made["status"]["conditions"]} == {
        "NamesAccepted": "True",
        "Established": "True",
    }
    assert changed["status"] == {"done": True}
    assert changed["metadata"]["generation"] == 1
    assert api.get("/apis/example.com/v1").body["resources"][0]["kind"] == "Backup"
    assert api.get(BACKUPS).body["items"][0]["kind"] == "Backup"
    api.call("DELETE", f"{CRDS}/backups.example.com")
    assert api.get(BACKUPS).status == 404
    assert api.store.list("CustomResourceDefinition") != []


def test_custom_object_must_say_its_kind(api: Api) -> None:
    """Of built-in ones the server knows it by the path."""
    refused = api.post(APPLICATIONS, {"metadata": {"name": "shop"}})

    assert refused.status == 400
    assert "Object 'Kind' is missing" in refused.message


def test_definition_that_is_wrong_or_too_much_is_refused(api: Api) -> None:
    """Wrong by 422, too much by name."""
    wrong = crd()
    wrong["metadata"]["name"] = "others.example.com"
    refused = api.post(CRDS, wrong)

    assert refused.status == 422
    assert "metadata.name" in refused.message
    with pytest.raises(NotInSandbox, match="scale subresource"):
        api.post(CRDS, crd(subresources={"scale": {}}))


def test_kind_whose_name_is_taken_keeps_apart(api: Api) -> None:
    """Two groups may have a Service each."""
    definition = crd()
    definition["metadata"]["name"] = "services.example.com"
    definition["spec"]["names"] = {"kind": "Service", "plural": "services"}
    api.post(CRDS, definition)

    api.post("/apis/example.com/v1/namespaces/default/services", named("Service", "mine") | {"spec": {}})

    assert api.get("/apis/example.com/v1/services").names == ["mine"]
    assert api.get("/api/v1/services").names == []
    assert [each["spec"] for each in api.store.list("Service.example.com")] == [{}]
