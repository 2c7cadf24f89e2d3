"""GitHub Apps in the sandbox: proofs, installations, tokens of an hour, and commits that show as verified."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox.forge.keys import keys, proof
from tests.sandbox.forge.rest import PULLS, REPO, REPOSITORY, World

if TYPE_CHECKING:
    from tests.sandbox.forge.rest import Answer

PERMISSIONS = {"contents": "write", "pull_requests": "write"}


@pytest.fixture
def installed(world: World) -> tuple[int, int]:
    """The App `keeper`, let into the repository: its id and the installation's."""
    return world.forge.install_app("keeper", [REPOSITORY], keys().public, PERMISSIONS)


def token_of(world: World, installed: tuple[int, int], **given: Any) -> str:  # noqa: ANN401 - JSON of any shape
    """Return a new token of the installation."""
    app, installation = installed
    answer = world.ask(
        None, "POST", f"/app/installations/{installation}/access_tokens", token=proof(app), whole=given or {}
    )
    assert answer.status == 201, answer.body
    token: str = answer.json["token"]
    return token


def test_app_that_proves_itself_is_told_who_it_is_and_where(world: World, installed: tuple[int, int]) -> None:
    """By its number and by its client id."""
    app, installation = installed

    me = world.ask(None, "GET", "/app", token=proof(app)).json
    by_client = world.ask(None, "GET", f"{REPO}/installation", token=proof(me["client_id"])).json

    assert me["slug"] == "keeper"
    assert (by_client["id"], by_client["permissions"]) == (installation, {"metadata": "read", **PERMISSIONS})
    assert by_client["suspended_at"] is None


@pytest.mark.parametrize(
    ("made", "status", "said"),
    [
        ({"private": keys("another").private}, 401, "could not be decoded"),
        ({"lasts": -1}, 401, "in the future"),
        ({"lasts": 3600}, 401, "too far in the future"),
        ({"app": 999}, 404, "Integration not found"),
    ],
)
def test_proof_that_is_none_is_refused(
    world: World, installed: tuple[int, int], made: dict[str, Any], status: int, said: str
) -> None:
    """Another key, another time, another App."""
    answer = world.ask(None, "GET", "/app", token=proof(**{"app": installed[0], **made}))

    assert (answer.status, said in answer.said) == (status, True)


def test_token_is_good_for_an_hour(world: World, installed: tuple[int, int]) -> None:
    """Then it is a bad credential, for the API and for Git."""
    token = token_of(world, installed)

    def asked() -> Answer:
        return world.ask(None, "GET", PULLS, token=token)

    assert asked().status == 200
    world.clock.advance(timedelta(hours=1))
    assert asked().status == 401


def test_token_is_good_for_what_it_names(world: World, installed: tuple[int, int]) -> None:
    """Fewer permissions and repositories than the installation has; never more."""
    world.forge.create_repository("shop/other", {"README.md": "other\n"}, private=True, collaborators={})
    token = token_of(world, installed, permissions={"contents": "read"}, repositories=["manifests"])

    assert world.ask(None, "GET", f"{REPO}/git/ref/heads%2Fmain", token=token).status == 200
    refused = world.ask(None, "POST", f"{REPO}/git/blobs", token=token, content="x")
    assert (refused.status, refused.said) == (403, "Resource not accessible by integration")
    assert world.ask(None, "GET", PULLS, token=token).status == 403
    assert world.ask(None, "GET", "/repos/shop/other", token=token).status == 404
    path = f"/app/installations/{installed[1]}/access_tokens"
    for too_much in ({"permissions": {"workflows": "write"}}, {"repositories": ["other"]}):
        assert world.ask(None, "POST", path, token=proof(installed[0]), **too_much).status == 422


def test_suspended_and_missing_installations_give_no_token(world: World, installed: tuple[int, int]) -> None:
    """And the tokens that they gave are worth nothing."""
    app, installation = installed
    path = f"/app/installations/{installation}/access_tokens"
    token = token_of(world, installed)

    world.forge.suspend_app(installation)
    suspended = world.ask(None, "POST", path, token=proof(app))
    used = world.ask(None, "GET", PULLS, token=token)
    world.forge.uninstall_app(installation)
    gone = world.ask(None, "GET", f"{REPO}/installation", token=proof(app))

    assert (suspended.status, suspended.said) == (403, "This installation has been suspended")
    assert (used.status, gone.status) == (401, 404)
    assert world.ask(None, "POST", path, token=proof(app)).status == 404


def test_bot_has_no_user_and_no_proof_opens_a_repository(world: World, installed: tuple[int, int]) -> None:
    """An installation is no person, and a proof is for the App's own addresses."""
    token = token_of(world, installed)

    assert world.ask(None, "GET", "/user", token=token).status == 403
    assert world.ask(None, "GET", "/app", token=token).status == 401
    assert world.ask(None, "GET", PULLS, token=proof(installed[0])).status == 401


def test_commit_of_an_app_without_authors_is_verified(world: World, installed: tuple[int, int]) -> None:
    """By the bot and GitHub; the signed text with its signature is the commit's own object."""
    token, base = token_of(world, installed), world.tip()
    tree = world.ask(
        None,
        "POST",
        f"{REPO}/git/trees",
        token=token,
        base_tree=base,
        tree=[{"path": "a.txt", "mode": "100644", "type": "blob", "content": "a\n"}],
    ).json["sha"]
    made = world.ask(
        None, "POST", f"{REPO}/git/commits", token=token, message="Add a\n", tree=tree, parents=[base]
    ).json

    sealed = made["verification"]
    head, _, message = sealed["payload"].partition("\n\n")
    assert (sealed["verified"], sealed["reason"]) == (True, "valid")
    assert made["author"]["name"] == "keeper[bot]"
    assert made["author"]["email"].endswith("+keeper[bot]@users.noreply.github.com")
    assert (made["committer"]["name"], made["committer"]["email"]) == ("GitHub", "noreply@github.com")
    assert message == "Add a\n"
    signature = sealed["signature"].replace("\n", "\n ")
    whole = f"{head}\ngpgsig {signature}\n\n{message}".encode()
    named = hashlib.sha1(b"commit %d\0" % len(whole) + whole, usedforsecurity=False).hexdigest()
    assert named == made["sha"]


@pytest.mark.parametrize("who", ["author", "committer"])
def test_commit_with_a_name_in_it_is_not_verified(world: World, installed: tuple[int, int], who: str) -> None:
    """As on GitHub: custom authors are nobody that it vouches for."""
    token, base = token_of(world, installed), world.tip()
    tree = world.do("ana", "GET", f"{REPO}/git/commits/{base}")["tree"]["sha"]
    given = {"message": "m", "tree": tree, "parents": [base], who: {"name": "x", "email": "x@example.com"}}
    made = world.ask(None, "POST", f"{REPO}/git/commits", token=token, **given).json

    assert made["verification"]["reason"] == "unsigned"
