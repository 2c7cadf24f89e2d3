"""What the server says of itself, as clients look for kinds by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.sandbox.cluster.api import Api


def test_version_health_and_paths(api: Api) -> None:
    """The version says that it is the sandbox."""
    assert api.get("/version").body["gitVersion"] == "v1.36.3-sandbox"
    assert [api.get(path).body for path in ("/healthz", "/readyz", "/livez", "/livez/ping")] == ["ok"] * 4
    assert "/apis/apps" in api.get("/").body["paths"]
    assert api.get("/api").body["versions"] == ["v1"]


def test_groups_name_their_preferred_version(api: Api) -> None:
    """Alone and in the list, the preinstalled custom ones included."""
    listed = {group["name"]: group for group in api.get("/apis").body["groups"]}

    assert listed["argoproj.io"]["preferredVersion"]["version"] == "v1alpha1"
    assert listed["autoscaling"]["versions"] == [{"groupVersion": "autoscaling/v2", "version": "v2"}]
    assert api.get("/apis/apps").body["preferredVersion"] == {"groupVersion": "apps/v1", "version": "v1"}
    assert api.get("/apis/no.such").body == "404 page not found\n"
    assert api.get("/apis/apps/v7").body["reason"] == api.get("/api/v7").body["reason"] == "NotFound"


def test_resources_tell_names_scope_and_parts(api: Api) -> None:
    """So that kubectl finds `po`, and a scale is known to be one."""
    core = {entry["name"]: entry for entry in api.get("/api/v1").body["resources"]}
    apps = {entry["name"]: entry for entry in api.get("/apis/apps/v1").body["resources"]}

    assert core["pods"]["shortNames"] == ["po"]
    assert core["nodes"]["namespaced"] is False
    assert "deletecollection" not in core["namespaces"]["verbs"]
    assert core["pods/eviction"]["kind"] == "Eviction"
    assert apps["deployments/scale"] == {
        "name": "deployments/scale",
        "singularName": "",
        "namespaced": True,
        "group": "autoscaling",
        "version": "v1",
        "kind": "Scale",
        "verbs": ["get", "patch", "update"],
    }


def test_every_listed_resource_is_served(api: Api) -> None:
    """Discovery promises nothing that is not there."""
    groups = [version["groupVersion"] for g in api.get("/apis").body["groups"] for version in g["versions"]]
    paths = ["/api/v1", *(f"/apis/{group}" for group in groups if not group.startswith("authorization"))]

    statuses = {
        f"{path}/{entry['name']}": api.get(f"{path}/{entry['name']}").status
        for path in paths
        for entry in api.get(path).body["resources"]
        if "/" not in entry["name"]
    }

    assert len(statuses) > 25
    assert set(statuses.values()) == {200}
