"""The HTTP API: an object is replaced, patched and applied, and what each of them refuses."""

from __future__ import annotations

import pytest

from tests.sandbox.cluster.api import (
    APPLY,
    CONFIGMAPS,
    DEPLOYMENTS,
    JSON_PATCH,
    MERGE,
    STRATEGIC,
    Api,
    config_map,
    deployment,
)

WEB = f"{DEPLOYMENTS}/web"
SETTINGS = f"{CONFIGMAPS}/settings"
ANOTHER_UID = "00000000-0000-0000-0000-000000000000"


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
