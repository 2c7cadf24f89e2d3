"""Code owners: who owns what, who is asked for a review, and what waits for theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reconciler.sandbox.forge import ADMIN, BOT
from tests.sandbox.forge.rest import BRANCH, PULLS, REPO

if TYPE_CHECKING:
    from tests.sandbox.forge.rest import World

ONE = f"{PULLS}/1"
OWNERS = "CODEOWNERS"
REQUIRED = {"required_approving_review_count": 1, "require_code_owner_reviews": True}


def _asked(world: World, path: str) -> list[str]:
    """Open a pull request that writes a file, and return who is asked for a review."""
    sha = world.tip()
    world.do(BOT, "POST", f"{REPO}/git/refs", ref=f"refs/heads/{BRANCH}", sha=sha)
    world.commit(BRANCH, path, "new\n")
    return [user["login"] for user in world.pull()["requested_reviewers"]]


def _waits(world: World) -> str:
    """Return `mergeable_state`, which is worked out when it is asked for again."""
    world.do("ana", "GET", ONE)
    state: str = world.do("ana", "GET", ONE)["mergeable_state"]
    return state


def _approve(world: World, user: str) -> None:
    world.do(user, "POST", f"{ONE}/reviews", event="APPROVE")


def _merged(world: World) -> tuple[int, str]:
    answer = world.ask(ADMIN, "PUT", f"{ONE}/merge")
    return answer.status, answer.json["message"]


@pytest.mark.parametrize(
    ("owners", "path", "asked"),
    [
        ("* @ana", "deep/down/web.yaml", ["ana"]),
        ("*.yaml @ana", "deep/down/web.yaml", ["ana"]),
        ("*.yaml @ana", "deep/down/web.yml", []),
        ("deploy/ @ana", "deep/deploy/down/web.yaml", ["ana"]),
        ("/deploy/ @ana", "deep/deploy/web.yaml", []),
        ("/deploy/ @ana", "deploy/down/web.yaml", ["ana"]),
        ("deploy/down @ana", "deploy/down/web.yaml", ["ana"]),
        ("deploy/down @ana", "deep/deploy/down/web.yaml", []),
        ("deploy/* @ana", "deploy/web2.yaml", ["ana"]),
        ("deploy/* @ana", "deploy/down/web.yaml", []),
        ("/* @ana", "deploy/down/web.yaml", []),
        ("deploy/**/web.yaml @ana", "deploy/web.yaml", ["ana"]),
        ("deploy/**/web.yaml @ana", "deploy/a/b/web.yaml", ["ana"]),
        ("**/down @ana", "a/b/down/web.yaml", ["ana"]),
        ("deploy/** @ana", "deploy/a/b", ["ana"]),
        ("deploy/we?.yaml @ana", "deploy/web.yaml", ["ana"]),
        ("a\\ file @ana", "a file", ["ana"]),
        ("* @ana\n*.yaml @forge-admin", "web.yaml", [ADMIN]),
        ("* @ana\n*.yaml", "web.yaml", []),
        ("* @ana @FORGE-ADMIN # both\n# nobody *\n\n", "web.yaml", ["ana", ADMIN]),
        ("* ana@example.com", "web.yaml", ["ana"]),
        ("* @ana\n!web.yaml @forge-admin\n[w]eb.yaml @forge-admin\nweb.yaml ana", "web.yaml", ["ana"]),
        ("* @nobody @mallory @reconciler-bot", "web.yaml", []),
        ("* @shop/platform", "web.yaml", []),
    ],
)
def test_the_last_line_that_matches_says_whose_a_file_is(
    world: World, owners: str, path: str, asked: list[str]
) -> None:
    """Patterns are gitignore's, but for `!`, ranges and a leading backslash; who may not write here owns nothing."""
    world.commit("main", OWNERS, owners, user=ADMIN)

    assert _asked(world, path) == asked


def test_the_first_of_three_places_counts(world: World) -> None:
    """`.github/` comes before the root, and that before `docs/`."""
    for folder, owner in (("docs/", BOT), ("", "ana"), (".github/", ADMIN)):
        world.commit("main", f"{folder}{OWNERS}", f"* @{owner}", user=ADMIN)

    assert _asked(world, "web.yaml") == [ADMIN]


def test_what_owners_are_asked_for_is_told_to_webhooks(world: World) -> None:
    """After the pull request was opened, in its author's name, and once each."""
    world.commit("main", OWNERS, "* @ana @forge-admin", user=ADMIN)
    hook = world.do(ADMIN, "POST", f"{REPO}/hooks", config={"url": "http://127.0.0.1:1"}, events=["pull_request"])

    _asked(world, "web.yaml")
    world.commit(BRANCH, "other.yaml", "new\n")

    told = world.do(ADMIN, "GET", f"{REPO}/hooks/{hook['id']}/deliveries")
    assert [each["action"] for each in reversed(told)] == [
        None,  # the ping
        "opened",
        "review_requested",
        "review_requested",
        "synchronize",
    ]
    assert [each["login"] for each in world.do(BOT, "GET", PULLS)[0]["requested_reviewers"]] == ["ana", ADMIN]


def test_a_push_asks_the_owners_of_what_it_adds(world: World) -> None:
    """Who took the request back, or has reviewed, is not asked again."""
    world.commit("main", OWNERS, "a.yaml @ana\nb.yaml @forge-admin", user=ADMIN)
    _asked(world, "a.yaml")
    world.do(BOT, "DELETE", f"{ONE}/requested_reviewers", reviewers=["ana"])

    world.commit(BRANCH, "b.yaml", "new\n")

    assert [each["login"] for each in world.do(BOT, "GET", ONE)["requested_reviewers"]] == [ADMIN]


def test_a_draft_asks_nobody(world: World) -> None:
    """Owners are asked when a pull request is ready."""
    world.commit("main", OWNERS, "* @ana", user=ADMIN)
    world.branch()

    assert world.pull(draft=True)["requested_reviewers"] == []


def test_it_is_blocked_until_an_owner_approves(world: World) -> None:
    """Another writer's approval is not enough; the refusal names whose is missing."""
    world.commit("main", OWNERS, "* @forge-admin", user=ADMIN)
    world.protect(required_pull_request_reviews=REQUIRED, enforce_admins=True)
    _asked(world, "web.yaml")
    _approve(world, "ana")

    assert _waits(world) == "blocked"
    assert _merged(world) == (405, f"Waiting on code owner review from {ADMIN}.")

    _approve(world, ADMIN)

    assert _waits(world) == "clean"
    assert _merged(world)[0] == 200


def test_every_line_wants_one_of_its_owners(world: World) -> None:
    """Of two owners of a file one is enough, of two files each needs one."""
    world.commit("main", OWNERS, "a.yaml @ana @forge-admin\nb.yaml @forge-admin\nc.yaml @shop/platform", user=ADMIN)
    _asked(world, "a.yaml")
    world.commit(BRANCH, "b.yaml", "new\n")
    world.protect(required_pull_request_reviews=REQUIRED, enforce_admins=True)

    assert _merged(world)[1] == f"Waiting on code owner review from ana and/or {ADMIN}."

    _approve(world, "ana")

    assert _merged(world)[1] == f"Waiting on code owner review from {ADMIN}."

    world.commit(BRANCH, "c.yaml", "new\n")

    assert _merged(world)[1] == f"Waiting on code owner review from {ADMIN} and/or shop/platform."


def test_what_nobody_owns_waits_for_no_owner(world: World) -> None:
    """The rule is about files that have owners; with no approvals wanted either, it may be merged."""
    world.commit("main", OWNERS, "other/ @forge-admin", user=ADMIN)
    world.protect(required_pull_request_reviews=REQUIRED | {"required_approving_review_count": 0}, enforce_admins=True)
    _asked(world, "web.yaml")

    assert _merged(world)[0] == 200


def test_a_ruleset_may_want_owners_too(world: World) -> None:
    """Under its own name of the rule."""
    world.commit("main", OWNERS, "* @forge-admin", user=ADMIN)
    off = ("dismiss_stale_reviews_on_push", "require_last_push_approval", "required_review_thread_resolution")
    parameters = {"required_approving_review_count": 0, "require_code_owner_review": True} | dict.fromkeys(off, False)
    rules: list[dict[str, Any]] = [{"type": "pull_request", "parameters": parameters}]
    where = {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": []}}
    world.do(ADMIN, "POST", f"{REPO}/rulesets", name="r", enforcement="active", conditions=where, rules=rules)
    _asked(world, "web.yaml")

    assert _merged(world) == (405, f"Waiting on code owner review from {ADMIN}.")


def test_a_team_that_would_have_to_approve_is_refused_by_name(world: World) -> None:
    """There are no teams here, so nobody could ever merge it; where the rule is off, nothing is refused."""
    world.commit("main", OWNERS, "* @ana @shop/platform", user=ADMIN)
    world.protect(required_pull_request_reviews=REQUIRED)
    world.branch()

    answer = world.ask(BOT, "POST", PULLS, head=BRANCH, base="main", title="T")

    assert (answer.status, "the code owner @shop/platform, a team" in answer.said) == (501, True)
    assert world.do(BOT, "GET", PULLS) == []


def test_protection_tells_whether_owners_are_wanted(world: World) -> None:
    """It is kept when another part is changed, and gone with the whole."""
    path = f"{REPO}/branches/main/protection"
    world.protect(required_pull_request_reviews=REQUIRED)

    reviews = f"{path}/required_pull_request_reviews"
    changed = world.do(ADMIN, "PATCH", reviews, required_approving_review_count=2)
    assert changed["require_code_owner_reviews"] is True

    world.do(ADMIN, "DELETE", reviews)
    world.do(ADMIN, "PUT", path, whole=_without_owners())
    assert world.do(ADMIN, "GET", reviews)["require_code_owner_reviews"] is False


def _without_owners() -> dict[str, Any]:
    off = dict.fromkeys(("required_status_checks", "restrictions", "enforce_admins"))
    return off | {"required_pull_request_reviews": {"required_approving_review_count": 1}}
