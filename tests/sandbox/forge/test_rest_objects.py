"""Files, trees, commits and comparisons over the API, and that the Git repository holds the same."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from reconciler.sandbox.forge import BOT
from tests.sandbox.forge.rest import BRANCH, FILES, REPO, REPOSITORY

if TYPE_CHECKING:
    from tests.sandbox.forge.rest import World

GIT = f"{REPO}/git"


def test_a_file_is_read_with_its_content_and_its_blob(world: World) -> None:
    """The sha is what a later write must name."""
    found = world.do(BOT, "GET", f"{REPO}/contents/deploy%2Fweb.yaml")

    assert base64.b64decode(found["content"]).decode() == FILES["deploy/web.yaml"]
    assert (found["type"], found["size"], found["name"]) == ("file", 21, "web.yaml")
    assert world.do(BOT, "GET", f"{GIT}/blobs/{found['sha']}")["content"] == found["content"]


def test_a_folder_lists_what_it_holds(world: World) -> None:
    """One level, by full paths."""
    root = world.do(BOT, "GET", f"{REPO}/contents")

    assert [(each["path"], each["type"]) for each in root] == [("README.md", "file"), ("deploy", "dir")]
    assert [each["path"] for each in world.do(BOT, "GET", f"{REPO}/contents/deploy")] == ["deploy/web.yaml"]


def test_a_file_is_had_raw(world: World) -> None:
    """By the media type."""
    answer = world.ask(BOT, "GET", f"{REPO}/contents/README.md", headers={"Accept": "application/vnd.github.raw+json"})

    assert answer.body.decode() == FILES["README.md"]


def test_a_write_is_a_commit_of_who_asked(world: World) -> None:
    """Author and committer; its parent is where the branch was."""
    before = world.tip()
    made = world.do(BOT, "PUT", f"{REPO}/contents/a.txt", message="a file", content="YQo=")

    commit = world.do(BOT, "GET", f"{REPO}/commits/main")
    assert (commit["sha"], commit["author"]["login"], commit["commit"]["message"]) == (
        made["commit"]["sha"],
        BOT,
        "a file",
    )
    assert [each["sha"] for each in commit["parents"]] == [before]
    assert [(each["filename"], each["status"]) for each in commit["files"]] == [("a.txt", "added")]
    assert world.forge.repository(REPOSITORY).git.read("main", "a.txt") == b"a\n"


def test_the_first_file_of_an_empty_repository_makes_its_branch(world: World) -> None:
    """Before that there is nothing to list."""
    world.do(BOT, "POST", "/user/repos", name="empty")
    path = f"/repos/{BOT}/empty"
    nothing = world.ask(BOT, "GET", f"{path}/commits")
    world.do(BOT, "PUT", f"{path}/contents/a.txt", message="first", content="YQo=")

    assert (nothing.status, nothing.said) == (409, "Git Repository is empty.")
    assert [each["name"] for each in world.do(BOT, "GET", f"{path}/branches")] == ["main"]


def test_a_commit_is_built_from_blobs_and_trees(world: World) -> None:
    """What the base tree holds stays, what is named changes, null takes away."""
    main = world.tip()
    entries = [
        {"path": "deploy/more/new.yaml", "mode": "100644", "type": "blob", "content": "x: 1\n"},
        {"path": "README.md", "mode": "100644", "type": "blob", "sha": None},
    ]
    tree = world.do(BOT, "POST", f"{GIT}/trees", base_tree=main, tree=entries)["sha"]
    author = {"name": "Ana", "email": "ana@example.com", "date": "2025-12-24T18:00:00Z"}
    made = world.do(BOT, "POST", f"{GIT}/commits", message="built", tree=tree, parents=[main], author=author)
    world.do(BOT, "PATCH", f"{GIT}/refs/heads/main", sha=made["sha"])

    listed = world.do(BOT, "GET", f"{GIT}/trees/main?recursive=1")["tree"]
    paths = [each["path"] for each in listed if each["type"] == "blob"]
    assert paths == ["deploy/more/new.yaml", "deploy/web.yaml"]
    assert made["author"] == author
    assert world.do(BOT, "GET", f"{REPO}/commits/main")["author"]["login"] == "ana"


def test_the_same_commit_has_the_same_name(world: World) -> None:
    """Written twice, it is one."""
    main = world.tip()
    tree = world.do(BOT, "GET", f"{GIT}/commits/{main}")["tree"]["sha"]
    given = {"message": "same", "tree": tree, "parents": [main]}

    shas = {world.do(BOT, "POST", f"{GIT}/commits", **given)["sha"] for _ in range(2)}

    assert len(shas) == 1


def test_a_comparison_counts_both_ways(world: World) -> None:
    """From where the two parted."""
    start = world.tip()
    world.branch()
    world.commit("main", "other.txt", "other", user="ana")

    found = world.do(BOT, "GET", f"{REPO}/compare/main...reconciler%2Fweb-0123")

    assert (found["status"], found["ahead_by"], found["behind_by"]) == ("diverged", 1, 1)
    assert found["merge_base_commit"]["sha"] == start
    assert [each["filename"] for each in found["files"]] == [f"{BRANCH}.txt"]
    assert len(found["commits"]) == found["total_commits"] == 1


def test_commits_are_listed_by_path_author_and_time(world: World) -> None:
    """Newest first; a shortened name is enough to read one."""
    world.commit("main", "a.txt", "1", user="ana")
    sha = world.commit("main", "a.txt", "2", user=BOT)
    world.commit("main", "b.txt", "1", user=BOT)

    def titles(query: str) -> list[str]:
        return [each["commit"]["message"] for each in world.do(BOT, "GET", f"{REPO}/commits?{query}")]

    assert titles("") == ["write b.txt", "write a.txt", "write a.txt", "Initial commit"]
    assert titles("path=a.txt") == ["write a.txt"] * 2
    assert titles("author=ana") == ["write a.txt"]
    assert titles(f"sha={sha[:10]}&per_page=1") == ["write a.txt"]
    assert titles("since=2027-01-01T00:00:00Z") == []
    assert world.do(BOT, "GET", f"{REPO}/commits/{sha[:10]}")["sha"] == sha


def test_a_commit_knows_its_pull_requests(world: World) -> None:
    """The head's by its branch, the merge commit by its merge."""
    number = world.opened()
    head = world.tip(BRANCH)
    merge = world.do("ana", "PUT", f"{REPO}/pulls/{number}/merge", merge_method="squash")["sha"]

    found = {sha: world.do(BOT, "GET", f"{REPO}/commits/{sha}/pulls") for sha in (head, merge)}

    assert {sha: [each["number"] for each in pulls] for sha, pulls in found.items()} == {head: [1], merge: [1]}


@pytest.mark.parametrize("path", ["../x", ".git/config", "a//b", "/a"])
def test_a_tree_with_a_path_that_cannot_be_is_refused(world: World, path: str) -> None:
    """Git has no such files; nothing is written."""
    entry = {"path": path, "mode": "100644", "type": "blob", "content": "x"}

    assert world.ask(BOT, "POST", f"{GIT}/trees", tree=[entry]).status == 422
