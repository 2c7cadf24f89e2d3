"""The forge through the clients that people use: PyGithub, and git itself against protected branches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from github import Auth, Github, GithubException, UnknownObjectException

from reconciler.sandbox.forge import ADMIN, BOT, ForgeError
from tests.adapters.git_http import git
from tests.sandbox.forge.rest import BRANCH, PULLS, REPO, REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

    from github.Repository import Repository

    from tests.sandbox.forge.rest import World


def repository(world: World, user: str = BOT, name: str = REPOSITORY) -> Repository:
    """Return the repository through PyGithub, as somebody."""
    client = Github(
        auth=Auth.Token(world.forge.tokens[user]),
        base_url=world.url,
        retry=None,
        seconds_between_requests=None,
        seconds_between_writes=None,
    )
    return client.get_repo(name)


def test_pygithub_takes_a_change_from_branch_to_merge(world: World) -> None:
    """Branch, file, pull request, labels, review, merge: as one would write it."""
    ours, hers = repository(world), repository(world, "ana")
    main = ours.get_branch("main")
    ours.create_git_ref(f"refs/heads/{BRANCH}", main.commit.sha)
    file = ours.get_contents("deploy/web.yaml", ref=BRANCH)
    assert not isinstance(file, list)
    ours.update_file(file.path, "more memory", "memory: 1Gi\n", file.sha, branch=BRANCH)
    opened = ours.create_pull(base="main", head=BRANCH, title="more", body="why")
    opened.add_to_labels("memory")
    opened.create_review_request(reviewers=["ana"])
    review = hers.get_pull(opened.number).create_review(event="APPROVE", body="good")
    merged = hers.get_pull(opened.number).merge(merge_method="squash", sha=opened.head.sha)

    found = ours.get_pull(opened.number)
    assert (found.merged, found.merge_commit_sha, found.merged_by.login) == (True, merged.sha, "ana")
    assert (review.state, review.commit_id) == ("APPROVED", opened.head.sha)
    assert [label.name for label in found.labels] == ["memory"]
    assert [each.filename for each in found.get_files()] == ["deploy/web.yaml"]
    assert [(each.event, each.actor.login) for each in found.get_issue_events()][-2:] == [
        ("merged", "ana"),
        ("closed", "ana"),
    ]


def test_pygithub_pages_through_long_lists(world: World) -> None:
    """By the links that the answers give."""
    for number in range(35):
        world.do(BOT, "POST", f"{REPO}/issues", title=f"T{number}")

    assert len(list(repository(world).get_issues(state="all"))) == 35


def test_pygithub_follows_a_renamed_repository(world: World) -> None:
    """And sees its present name."""
    world.do(ADMIN, "PATCH", REPO, name="renamed")

    assert repository(world).full_name == "shop/renamed"


def test_pygithub_sets_and_reads_protection(world: World) -> None:
    """As an administrator; to others it is not there."""
    branch = repository(world, ADMIN).get_branch("main")
    branch.edit_protection(strict=True, contexts=["ci"], required_approving_review_count=1)

    found = branch.get_protection()

    checks, reviews = found.required_status_checks, found.required_pull_request_reviews
    assert checks is not None
    assert reviews is not None
    assert (checks.strict, checks.contexts, reviews.required_approving_review_count) == (True, ["ci"], 1)
    with pytest.raises(UnknownObjectException):
        repository(world).get_branch("main").get_protection()


def test_pygithub_sees_refusals_as_its_own_errors(world: World) -> None:
    """With GitHub's words in them."""
    world.opened()

    with pytest.raises(GithubException) as caught:
        repository(world).create_pull(base="main", head=BRANCH, title="again")

    assert caught.value.status == 422
    assert caught.value.data["errors"][0]["message"] == f"A pull request already exists for shop:{BRANCH}."


def test_git_pushes_where_the_rules_let_it(world: World, tmp_path: Path) -> None:
    """To a branch of one's own; the protected one says why not, and its pull request follows the push."""
    world.protect(required_pull_request_reviews={"required_approving_review_count": 1})
    world.opened()
    clone = tmp_path / "clone"
    address = world.url.replace("://", f"://{BOT}:{world.forge.tokens[BOT]}@")
    git(tmp_path, "clone", "-q", f"{address}/{REPOSITORY}.git", str(clone))
    git(clone, "checkout", "-q", BRANCH)
    (clone / "more.txt").write_text("more\n")
    git(clone, "add", "more.txt")
    git(clone, "-c", "user.name=bot", "-c", "user.email=bot@example.com", "commit", "-q", "-m", "more")
    git(clone, "push", "-q", "origin", BRANCH)
    refused = world.forge.may_push(BOT, REPOSITORY, "refs/heads/main", world.tip(), world.tip(BRANCH))

    with pytest.raises(Exception, match="GH006: Protected branch update failed for refs/heads/main"):
        git(clone, "push", "-q", "origin", f"{BRANCH}:main")

    found = world.do("ana", "GET", f"{PULLS}/1")
    assert found["head"]["sha"] == git(clone, "rev-parse", "HEAD").strip()
    assert found["commits"] == 2
    assert refused == "Changes must be made through a pull request."


def test_people_in_the_sandbox_act_without_a_connection(world: World) -> None:
    """By the same handler, and are refused in the same way."""
    number = world.opened()

    world.forge.call("ana", "POST", f"{REPO}/issues/{number}/comments", body="hello")

    assert [each["body"] for each in world.forge.call(BOT, "GET", f"{REPO}/issues/{number}/comments")] == ["hello"]
    with pytest.raises(ForgeError, match="409"):
        world.forge.call("ana", "PUT", f"{PULLS}/{number}/merge", sha="0" * 40)
