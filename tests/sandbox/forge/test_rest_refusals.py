"""What the forge does not have it refuses by name, and what a stranger may not see is not there."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.sandbox.forge import ADMIN, BOT
from reconciler.sandbox.forge.model import Permission
from tests.sandbox.forge.rest import BRANCH, PULLS, REPO

if TYPE_CHECKING:
    from tests.sandbox.forge.rest import World

RULE = {"name": "r", "enforcement": "active"}


@pytest.mark.parametrize(
    ("method", "path", "given", "feature"),
    [
        ("GET", f"{REPO}/milestones", {}, f"GET {REPO}/milestones"),
        ("PUT", f"{PULLS}/1/merge-async", {}, f"PUT {PULLS}/1/merge-async"),
        ("GET", "/search/issues?q=is:pr", {}, "GET /search/issues"),
        ("GET", "/no/such/address", {}, "GET /no/such/address"),
        ("GET", f"{REPO}/issues?milestone=1", {}, "the parameter milestone of GET /repos/{owner}/{repo}/issues"),
        ("POST", PULLS, {"issue": 1, "head": "x", "base": "main"}, "the field issue of POST"),
        ("POST", f"{REPO}/issues", {"title": "T", "milestone": 1}, "the field milestone of POST"),
        ("POST", f"{REPO}/hooks", {"config": {"url": "http://x"}, "events": ["star"]}, "the event star"),
        ("POST", f"{REPO}/rulesets", RULE | {"rules": [{"type": "merge_queue"}]}, "the rule merge_queue"),
        ("POST", f"{REPO}/rulesets", RULE | {"bypass_actors": [{}]}, "bypass_actors of a ruleset"),
        ("POST", "/graphql", {"query": "query Open { viewer { login } }"}, "GraphQL: Open"),
        ("POST", "/graphql", {"query": "{ viewer { login } }", "operationName": "Named"}, "GraphQL: Named"),
        ("POST", "/api/graphql", {"query": "mutation Merge { x }"}, "GraphQL: Merge"),
    ],
)
def test_what_is_missing_is_refused_by_its_name(
    world: World, method: str, path: str, given: dict[str, Any], feature: str
) -> None:
    """501, never an answer that could pass for GitHub's."""
    answer = world.ask(ADMIN, method, path, **given)

    assert answer.status == 501
    assert feature in answer.said


@pytest.mark.parametrize("kind", ["diff", "patch", "html+json", "full+json"])
def test_other_forms_of_a_pull_request_are_refused(world: World, kind: str) -> None:
    """Only JSON is made of it."""
    world.opened()

    answer = world.ask(BOT, "GET", f"{PULLS}/1", headers={"Accept": f"application/vnd.github.v3.{kind}"})

    assert (answer.status, kind in answer.said) == (501, True)


def test_a_private_repository_is_seen_by_its_collaborators_alone(world: World) -> None:
    """To others it is not there, and in no list of theirs."""
    world.forge.create_repository("shop/secret", {"a": "b"}, private=True, collaborators={"ana": Permission.READ})

    seen = {user: world.ask(user, "GET", "/repos/shop/secret").status for user in ("ana", "mallory", None)}
    listed = [each["full_name"] for each in world.do("mallory", "GET", "/users/shop/repos")]

    assert seen == {"ana": 200, "mallory": 404, None: 404}
    assert listed == ["shop/manifests"]


def test_a_public_repository_is_read_without_a_token(world: World) -> None:
    """Its permissions are nobody's business then."""
    answer = world.ask(None, "GET", REPO)

    assert (answer.status, "permissions" in answer.json) == (200, False)


@pytest.mark.parametrize("form", ["token {}", "Bearer {}", "basic"])
def test_a_token_comes_in_three_ways(world: World, form: str) -> None:
    """As clients send it."""
    token = world.forge.tokens[BOT]
    word = base64.b64encode(f"{BOT}:{token}".encode()).decode()
    header = f"Basic {word}" if form == "basic" else form.format(token)

    assert world.do("ana", "GET", "/user", headers={"Authorization": header})["login"] == BOT


def test_a_permission_is_told_in_both_scales(world: World) -> None:
    """The older one knows neither triage nor maintain."""
    path = f"{REPO}/collaborators"
    world.do(ADMIN, "PUT", f"{path}/mallory", permission="maintain")

    found = {user: world.do(BOT, "GET", f"{path}/{user}/permission") for user in ("mallory", "ana", ADMIN)}

    assert {user: (each["permission"], each["role_name"]) for user, each in found.items()} == {
        "mallory": ("write", "maintain"),
        "ana": ("write", "write"),
        ADMIN: ("admin", "admin"),
    }


def test_labels_of_a_reader_are_dropped_in_silence(world: World) -> None:
    """As GitHub does, the issue is made all the same."""
    made = world.do("mallory", "POST", f"{REPO}/issues", title="T", labels=["urgent"], assignees=["ana"])

    assert (made["labels"], made["assignees"]) == ([], [])


def test_an_archived_repository_can_be_read_and_revived(world: World) -> None:
    """Only an administrator revives it."""
    world.opened()
    world.do(ADMIN, "PATCH", REPO, archived=True)
    read = world.do(BOT, "GET", f"{PULLS}/1")
    refused = world.ask(ADMIN, "PATCH", REPO, description="new").status
    world.do(ADMIN, "PATCH", REPO, archived=False)

    assert (read["state"], refused) == ("open", 403)
    assert world.ask(BOT, "POST", f"{PULLS}/1/reviews", event="COMMENT", body="x").status == 200


def test_the_enterprise_address_is_the_same_forge(world: World) -> None:
    """Below /api/v3, and so are the links that it gives."""
    world.opened()

    found = world.do(BOT, "GET", f"/api/v3{PULLS}/1")

    assert found["url"] == f"{world.url}/api/v3{PULLS}/1"
    assert found["html_url"] == f"{world.url}/shop/manifests/pull/1"
    assert found["head"]["ref"] == BRANCH


@pytest.mark.parametrize("body", ["{", "[1]"])
def test_a_body_that_is_no_object_is_refused(world: World, body: str) -> None:
    """400 with GitHub's words."""
    headers = {"Authorization": f"token {world.forge.tokens[BOT]}"}

    response = world.pool.request("POST", f"{world.url}{PULLS}", headers=headers, body=body.encode())

    assert response.status == 400
    assert response.json()["message"] in ("Problems parsing JSON", "Body should be a JSON object")
