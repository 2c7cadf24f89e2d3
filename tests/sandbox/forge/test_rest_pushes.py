"""What a push, a deletion, a fork and a rename do to pull requests."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from reconciler.sandbox.forge import ADMIN, BOT
from tests.sandbox.forge.rest import BRANCH, PULLS, REPO, REPOSITORY

if TYPE_CHECKING:
    from tests.sandbox.forge.rest import World

ONE = f"{PULLS}/1"
FORK = "/repos/mallory/manifests"


def reference(branch: str) -> str:
    """Return where a branch's reference is in the API."""
    return f"{REPO}/git/refs/{quote(f'heads/{branch}', safe='')}"


def words(world: World, number: int = 1) -> list[tuple[str, str]]:
    """Return what happened to a pull request, and by whom."""
    found = world.do("ana", "GET", f"{REPO}/issues/{number}/events")
    return [(each["event"], each["actor"]["login"]) for each in found]


def test_the_head_of_a_pull_request_follows_pushes(world: World) -> None:
    """Head, files and commits are the new ones."""
    world.opened()
    sha = world.commit(BRANCH, "more.txt", "more")

    found = world.do("ana", "GET", ONE)

    assert (found["head"]["sha"], found["commits"], found["changed_files"]) == (sha, 2, 2)
    assert words(world) == []


def test_a_forced_push_is_an_event(world: World) -> None:
    """The pull request stays open, at the new head."""
    world.opened()
    main = world.tip()
    world.branch("elsewhere")
    other = world.tip("elsewhere")

    world.do(BOT, "PATCH", reference(BRANCH), sha=other, force=True)

    found = world.do("ana", "GET", ONE)
    assert main != other
    assert (found["state"], found["head"]["sha"]) == ("open", other)
    assert words(world) == [("head_ref_force_pushed", BOT)]


def test_a_head_without_commits_left_closes_its_pull_request(world: World) -> None:
    """Nothing is left to merge."""
    world.opened()

    world.do(BOT, "PATCH", reference(BRANCH), sha=world.tip(), force=True)

    assert world.do("ana", "GET", ONE)["state"] == "closed"
    assert words(world)[-1] == ("closed", BOT)


def test_deleting_the_head_closes_its_pull_request(world: World) -> None:
    """Whoever deleted the branch has closed it."""
    world.opened()

    world.do("ana", "DELETE", reference(BRANCH))

    found = world.do("ana", "GET", f"{REPO}/issues/1")
    assert (found["state"], found["closed_by"]["login"]) == ("closed", "ana")
    assert words(world) == [("closed", "ana"), ("head_ref_deleted", "ana")]


def test_a_merged_head_that_is_deleted_stays_merged(world: World) -> None:
    """And its pull request still shows it."""
    world.opened()
    head = world.tip(BRANCH)
    world.do("ana", "PUT", f"{ONE}/merge")
    world.do("ana", "DELETE", reference(BRANCH))

    found = world.do("ana", "GET", ONE)

    assert (found["merged"], found["head"]["ref"], found["head"]["sha"]) == (True, BRANCH, head)


def test_a_repository_may_delete_heads_by_itself(world: World) -> None:
    """When it merges, and only then."""
    world.do(ADMIN, "PATCH", REPO, delete_branch_on_merge=True)
    world.opened()
    world.opened("other")
    world.do("ana", "PATCH", f"{PULLS}/2", state="closed")

    world.do("ana", "PUT", f"{ONE}/merge")

    assert {each["name"] for each in world.do("ana", "GET", f"{REPO}/branches")} == {"main", "other"}
    assert words(world) == [("merged", "ana"), ("closed", "ana"), ("head_ref_deleted", "ana")]


def test_pushing_the_head_to_base_merges_its_pull_request(world: World) -> None:
    """Who pushed has merged it, and the merge commit is the head itself."""
    world.opened()
    head = world.tip(BRANCH)

    world.do("ana", "PATCH", reference("main"), sha=head)

    found = world.do("ana", "GET", ONE)
    assert (found["merged"], found["merged_by"]["login"], found["merge_commit_sha"]) == (True, "ana", head)
    assert words(world) == [("merged", "ana"), ("closed", "ana")]


def test_merging_a_branch_elsewhere_names_the_merge_commit(world: World) -> None:
    """The commit by which base took the head, not base's newest."""
    world.opened()
    made = world.do("ana", "POST", f"{REPO}/merges", base="main", head=BRANCH)["sha"]
    world.commit("main", "later.txt", "later", user="ana")

    assert world.do("ana", "GET", ONE)["merge_commit_sha"] == made


def test_deleting_the_base_closes_what_goes_there(world: World) -> None:
    """A base of its own, deleted."""
    world.branch("base")
    world.branch()
    world.pull(base="base")

    world.do("ana", "DELETE", reference("base"))

    assert world.do("ana", "GET", ONE)["state"] == "closed"
    assert words(world) == [("closed", "ana")]


def test_a_stacked_pull_request_goes_on_to_the_base_below(world: World) -> None:
    """When its base was merged and is deleted."""
    world.opened("lower")
    sha = world.tip("lower")
    world.do(BOT, "POST", f"{REPO}/git/refs", ref="refs/heads/upper", sha=sha)
    world.commit("upper", "upper.txt", "upper")
    world.pull("upper", base="lower")
    world.do("ana", "PUT", f"{ONE}/merge")

    world.do("ana", "DELETE", reference("lower"))

    found = world.do("ana", "GET", f"{PULLS}/2")
    assert (found["state"], found["base"]["ref"], found["commits"]) == ("open", "main", 1)


def test_a_closed_one_reopens_at_the_head_that_went_on(world: World) -> None:
    """Commits on top are no obstacle."""
    world.opened()
    world.do("ana", "PATCH", ONE, state="closed")
    sha = world.commit(BRANCH, "more.txt", "more")

    assert world.do("ana", "PATCH", ONE, state="open")["head"]["sha"] == sha


def test_a_fork_opens_pull_requests_by_its_owner_and_branch(world: World) -> None:
    """Head and base are different repositories, and the head's objects come along."""
    world.do("mallory", "POST", f"{REPO}/forks")
    sha = world.branch("idea", user="mallory", repository="mallory/manifests")

    opened = world.pull("mallory:idea", user="mallory")

    assert (opened["head"]["sha"], opened["head"]["label"]) == (sha, "mallory:idea")
    assert opened["head"]["repo"]["full_name"] == "mallory/manifests"
    assert opened["head"]["repo"]["id"] != opened["base"]["repo"]["id"]
    assert opened["maintainer_can_modify"]
    assert [each["number"] for each in world.do("ana", "GET", f"{PULLS}?head=mallory:idea")] == [1]
    assert world.do("ana", "PUT", f"{ONE}/merge", merge_method="squash")["merged"]


def test_a_push_to_a_fork_moves_the_head_here(world: World) -> None:
    """Nobody has to tell the base's repository."""
    world.do("mallory", "POST", f"{REPO}/forks")
    world.branch("idea", user="mallory", repository="mallory/manifests")
    world.pull("mallory:idea", user="mallory")
    sha = world.commit("idea", "more.txt", "more", user="mallory", repository="mallory/manifests")

    assert world.do("ana", "GET", ONE)["head"]["sha"] == sha
    assert world.do("ana", "GET", f"{REPO}/git/ref/pull%2F1%2Fhead")["object"]["sha"] == sha


def test_a_deleted_fork_leaves_a_head_without_a_repository(world: World) -> None:
    """As GitHub shows it: null."""
    world.do("mallory", "POST", f"{REPO}/forks")
    world.branch("idea", user="mallory", repository="mallory/manifests")
    world.pull("mallory:idea", user="mallory")
    world.do("mallory", "DELETE", FORK)

    assert world.do("ana", "GET", ONE)["head"]["repo"] is None


def test_renaming_a_branch_takes_its_pull_requests_along(world: World) -> None:
    """From it and to it."""
    world.opened()
    world.do(BOT, "POST", f"{REPO}/branches/{quote(BRANCH, safe='')}/rename", new_name="renamed")
    world.do(ADMIN, "POST", f"{REPO}/branches/main/rename", new_name="trunk")

    found = world.do("ana", "GET", ONE)

    assert (found["state"], found["head"]["ref"], found["base"]["ref"]) == ("open", "renamed", "trunk")
    assert world.do("ana", "GET", REPO)["default_branch"] == "trunk"


def test_a_renamed_repository_is_found_by_its_former_name(world: World) -> None:
    """The redirect leads to the id, and the id to the repository; its pull requests are still there."""
    world.opened()
    world.do(ADMIN, "PATCH", REPO, name="renamed")

    answer = world.ask("ana", "GET", f"{PULLS}/1?")
    place = answer.headers["Location"]
    followed = world.do("ana", "GET", place.removeprefix(world.url))

    assert (answer.status, answer.json["url"]) == (301, place)
    assert followed["base"]["repo"]["full_name"] == "shop/renamed"
    assert world.forge.repository_path(REPOSITORY) == world.forge.repository_path("shop/renamed")


def test_whoever_follows_repositories_is_told_of_each_push(world: World) -> None:
    """By name, whatever moved the reference."""
    told: list[str] = []
    world.forge.state.on_push = told.append

    world.opened()
    world.do("ana", "PUT", f"{ONE}/merge")
    git = world.forge.repository(REPOSITORY).git
    tip = git.head("main")
    git.set_ref("refs/heads/pushed", tip, expected=None)
    world.forge.on_push(REPOSITORY, "refs/heads/pushed", None, tip, "ana")

    assert told == [REPOSITORY] * 4
