"""Pull requests over the API: what lists and single ones show, mergeability, merging, and who ended them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.sandbox.forge import ADMIN, BOT
from tests.sandbox.forge.rest import BRANCH, PULLS, REPO, REPOSITORY

if TYPE_CHECKING:
    from tests.sandbox.forge.rest import World

ONE = f"{PULLS}/1"


def numbers(world: World, query: str) -> list[int]:
    """Return which pull requests a list shows."""
    return [each["number"] for each in world.do("ana", "GET", f"{PULLS}?{query}")]


def read(world: World) -> Any:  # noqa: ANN401 - JSON of any shape
    """Return pull request 1."""
    return world.do("ana", "GET", ONE)


def state(world: World) -> tuple[bool | None, str]:
    """Return what is known of pull request 1's mergeability after a second look."""
    world.do("ana", "GET", ONE)
    found = read(world)
    return found["mergeable"], found["mergeable_state"]


def commits(world: World) -> list[Any]:
    """Return main's commits, newest first."""
    found: list[Any] = world.do("ana", "GET", f"{REPO}/commits")
    return found


def test_a_new_one_shows_both_sides_its_files_and_its_commits(world: World) -> None:
    """Head and base are commits, and the lists are filled."""
    head, base = world.branch(), world.tip()
    opened = world.pull(body="- why")

    files, listed = world.do("ana", "GET", f"{ONE}/files"), world.do("ana", "GET", f"{ONE}/commits")

    assert (opened["head"]["sha"], opened["base"]["sha"], opened["head"]["label"]) == (head, base, f"shop:{BRANCH}")
    assert (opened["state"], opened["user"]["login"], opened["body"], opened["draft"]) == ("open", BOT, "- why", False)
    assert (opened["commits"], opened["changed_files"], opened["additions"], opened["deletions"]) == (1, 1, 1, 0)
    assert [(each["filename"], each["status"]) for each in files] == [(f"{BRANCH}.txt", "added")]
    assert files[0]["patch"].splitlines()[1] == f"+{BRANCH}"
    assert [each["sha"] for each in listed] == [head]


def test_mergeability_is_unknown_at_first_and_worked_out_for_the_second_look(world: World) -> None:
    """The trial merge is a commit that no branch holds."""
    world.opened()

    first, second = read(world), read(world)

    assert (first["mergeable"], first["mergeable_state"], first["merge_commit_sha"]) == (None, "unknown", None)
    assert (second["mergeable"], second["mergeable_state"]) == (True, "clean")
    trial = world.do("ana", "GET", f"{REPO}/commits/{second['merge_commit_sha']}")
    assert [each["sha"] for each in trial["parents"]] == [world.tip(), world.tip(BRANCH)]


def test_a_push_to_base_makes_mergeability_unknown_again(world: World) -> None:
    """Nobody may rely on yesterday's."""
    world.opened()
    clean = state(world)
    world.commit("main", f"{BRANCH}.txt", "another", user="ana")

    first = read(world)

    assert clean == (True, "clean")
    assert (first["mergeable"], first["mergeable_state"]) == (None, "unknown")
    assert state(world) == (False, "dirty")


def test_mergeable_state_says_what_is_in_the_way(world: World) -> None:
    """Draft, unstable, blocked and behind, each for its own reason."""
    world.branch()
    world.pull(draft=True)
    drafted = state(world)
    world.do(BOT, "PATCH", ONE, state="closed")
    world.branch("reconciler/web-2")
    number = world.pull("reconciler/web-2")["number"]

    def look() -> str:
        world.do("ana", "GET", f"{PULLS}/{number}")
        word: str = world.do("ana", "GET", f"{PULLS}/{number}")["mergeable_state"]
        return word

    world.do(BOT, "POST", f"{REPO}/statuses/{world.tip('reconciler/web-2')}", state="failure", context="lint")
    unstable = look()
    world.protect(required_status_checks={"strict": True, "contexts": ["ci"]})
    blocked = look()
    world.do(BOT, "POST", f"{REPO}/statuses/{world.tip('reconciler/web-2')}", state="success", context="ci")
    world.do(ADMIN, "PUT", f"{REPO}/contents/other.txt", message="m", content="eA==")

    assert (drafted, unstable, blocked, look()) == ((True, "draft"), "unstable", "blocked", "behind")


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_the_merge_commit_is_what_base_has_now(world: World, method: str) -> None:
    """A merge has two parents, a squash one, a rebase copies; always base is where merge_commit_sha says."""
    world.opened()
    before, head = world.tip(), world.tip(BRANCH)
    world.commit("main", "other.txt", "other", user="ana")
    base = world.tip()

    answer = world.do("ana", "PUT", f"{ONE}/merge", merge_method=method, sha=head)

    found, [tip, *_] = read(world), commits(world)
    parents = {"merge": [base, head], "squash": [base], "rebase": [base]}
    titles = {
        "merge": f"Merge pull request #1 from shop/{BRANCH}",
        "squash": f"write {BRANCH}.txt (#1)",
        "rebase": f"write {BRANCH}.txt",
    }
    assert before != base
    assert answer == {"sha": tip["sha"], "merged": True, "message": "Pull Request successfully merged"}
    assert (found["merged"], found["merge_commit_sha"], found["merged_by"]["login"]) == (True, tip["sha"], "ana")
    assert (found["mergeable"], found["mergeable_state"]) == (None, "unknown")
    assert [each["sha"] for each in tip["parents"]] == parents[method]
    assert tip["commit"]["message"].splitlines()[0] == titles[method]


def test_a_merge_says_the_words_that_it_is_given(world: World) -> None:
    """Title and message are the caller's."""
    world.opened()

    world.do("ana", "PUT", f"{ONE}/merge", merge_method="squash", commit_title="Mine", commit_message="because")

    [tip, *_] = commits(world)
    assert tip["commit"]["message"] == "Mine\n\nbecause"
    assert (tip["commit"]["author"]["name"], tip["commit"]["committer"]["name"]) == (BOT, "GitHub")


def test_a_list_shows_a_merged_one_without_who_merged_it(world: World) -> None:
    """That costs a request of its own, as on GitHub."""
    world.opened()
    world.do("ana", "PUT", f"{ONE}/merge")

    [listed] = world.do("ana", "GET", f"{PULLS}?state=closed")

    assert listed["merge_commit_sha"] == world.tip()
    assert listed["merged_at"] is not None
    assert not {"merged_by", "merged", "mergeable", "mergeable_state"} & set(listed)


def test_the_issue_tells_who_ended_a_pull_request(world: World) -> None:
    """Closed or merged: the issue's closed_by, and the timeline's events with their actors."""
    world.opened()
    world.do("ana", "PATCH", ONE, state="closed")
    closed = world.do(BOT, "GET", f"{REPO}/issues/1")
    world.do(BOT, "PATCH", ONE, state="open")
    reopened = world.do(BOT, "GET", f"{REPO}/issues/1")
    world.do(ADMIN, "PUT", f"{ONE}/merge")

    merged = world.do(BOT, "GET", f"{REPO}/issues/1")
    told = [(each["event"], each["actor"]["login"]) for each in world.do(BOT, "GET", f"{REPO}/issues/1/events")]

    assert closed["pull_request"]["url"] == f"{world.url}{ONE}"
    assert (closed["closed_by"]["login"], reopened["closed_by"], merged["closed_by"]["login"]) == ("ana", None, ADMIN)
    assert told == [("closed", "ana"), ("reopened", BOT), ("merged", ADMIN), ("closed", ADMIN)]
    [*_, last, _] = world.do(BOT, "GET", f"{REPO}/issues/1/timeline")
    assert (last["event"], last["commit_id"]) == ("merged", world.tip())


def test_the_head_filter_counts_only_with_its_owner(world: World) -> None:
    """Bare, GitHub ignores it and shows everything."""
    for number in range(1, 4):
        world.opened(f"b{number}")

    assert numbers(world, "head=shop:b2") == [2]
    assert numbers(world, "head=SHOP:b2") == [2]
    assert numbers(world, "head=b2") == [3, 2, 1]
    assert numbers(world, "head=ana:b2") == []
    assert numbers(world, "base=other") == []


def test_lists_are_sorted_and_filtered_by_state(world: World) -> None:
    """Newest first unless asked otherwise; sorted by update, the oldest comes first unless asked otherwise."""
    for number in range(1, 4):
        world.opened(f"b{number}")
    world.clock.advance(timedelta(minutes=1))
    world.do("ana", "POST", f"{REPO}/issues/2/comments", body="hm")
    world.do("ana", "PATCH", ONE, state="closed")

    assert numbers(world, "state=open") == [3, 2]
    assert numbers(world, "state=closed") == [1]
    assert numbers(world, "state=all") == [3, 2, 1]
    assert numbers(world, "state=all&direction=asc") == [1, 2, 3]
    assert numbers(world, "state=all&sort=updated&direction=desc") == [2, 1, 3]
    assert numbers(world, "state=all&sort=updated") == [3, 1, 2]


def test_a_list_is_paged_by_links(world: World) -> None:
    """Next, last, previous and first, with the filters kept."""
    for number in range(1, 6):
        world.opened(f"b{number}")
    path = f"{PULLS}?state=all&per_page=2"

    first, middle, last = (world.ask("ana", "GET", f"{path}&page={page}") for page in (1, 2, 3))

    assert [[each["number"] for each in answer.json] for answer in (first, middle, last)] == [[5, 4], [3, 2], [1]]
    link = f"<{world.url}{PULLS}?state=all&per_page=2&page="
    assert first.headers["Link"] == f'{link}2>; rel="next", {link}3>; rel="last"'
    assert middle.headers["Link"].count("rel=") == 4
    assert last.headers["Link"] == f'{link}2>; rel="prev", {link}1>; rel="first"'
    assert numbers(world, "state=all&per_page=2&page=9") == []
    assert "Link" not in world.ask("ana", "GET", f"{PULLS}?state=all").headers


def test_editing_keeps_what_is_not_named(world: World) -> None:
    """A new title leaves the body, and is an event."""
    world.branch()
    world.pull(body="why")

    edited = world.do(BOT, "PATCH", ONE, title="better")

    assert (edited["title"], edited["body"]) == ("better", "why")
    [event] = world.do(BOT, "GET", f"{REPO}/issues/1/events")
    assert (event["event"], event["rename"]) == ("renamed", {"from": f"from {BRANCH}", "to": "better"})


def test_the_trials_and_heads_of_pull_requests_are_references_too(world: World) -> None:
    """As on GitHub, below refs/pull; they are no branches."""
    world.opened()
    state(world)

    listed = world.do("ana", "GET", f"{REPO}/git/matching-refs/pull/1")

    found = {each["ref"]: each["object"]["sha"] for each in listed}
    assert found == {"refs/pull/1/head": world.tip(BRANCH), "refs/pull/1/merge": read(world)["merge_commit_sha"]}
    assert {each["name"] for each in world.do("ana", "GET", f"{REPO}/branches")} == {"main", BRANCH}


def test_what_was_merged_is_what_git_holds(world: World) -> None:
    """The API and the bare repository are one."""
    world.opened()
    world.do("ana", "PUT", f"{ONE}/merge")

    assert world.forge.repository(REPOSITORY).git.read("main", f"{BRANCH}.txt") == BRANCH.encode()
