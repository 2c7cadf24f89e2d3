"""The HTTP API: definitions, and the objects of the kinds that they define."""

from __future__ import annotations

import pytest

from reconciler.sandbox.wire import NotInSandbox
from tests.sandbox.cluster.api import MERGE, STRATEGIC, Api, Json

APPLICATIONS = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications"
SHOP = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "shop"}, "spec": {"a": 1}}
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
BACKUPS = "/apis/example.com/v1/namespaces/default/backups"


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


def test_custom_object_must_say_which_version_it_replaces(api: Api) -> None:
    """As the real server asks of all custom kinds."""
    made = api.post(APPLICATIONS, SHOP).body

    refused = api.call("PUT", f"{APPLICATIONS}/shop", SHOP | {"spec": {"project": "b"}})
    replaced = api.call("PUT", f"{APPLICATIONS}/shop", made | {"spec": {"project": "b"}})

    assert refused.status == 422
    assert "must be specified for an update" in refused.message
    assert replaced.body["spec"] == {"project": "b"}


def test_strategic_patch_of_a_custom_object_is_an_unknown_format(api: Api) -> None:
    """415, with the types that would do."""
    api.post(APPLICATIONS, SHOP)

    refused = api.patch(f"{APPLICATIONS}/shop", {"spec": {}}, STRATEGIC)

    assert (refused.status, refused.body["reason"]) == (415, "UnsupportedMediaType")
    assert MERGE in refused.message


def test_custom_object_must_say_its_kind(api: Api) -> None:
    """Of built-in ones the server knows it by the path."""
    refused = api.post(APPLICATIONS, {"metadata": {"name": "shop"}})

    assert refused.status == 400
    assert "Object 'Kind' is missing" in refused.message


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
