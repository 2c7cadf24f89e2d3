"""Merges and diffs in a bare repository: what the button makes of a pull request, and what its files tell."""

from __future__ import annotations

from typing import get_args

import pytest

from reconciler.sandbox.forge.repository import BareRepository, FileChange, MergeConflict, Method, Person
from tests.adapters.git_http import git
from tests.sandbox.forge.bare import ANA, AT, LATER, LINES, first_of, propose

FORGE = Person("GitHub", "noreply@github.com")


def press(repository: BareRepository, head: str, method: Method) -> str:
    """Merge as the forge's button does."""
    return repository.merge("main", head, method, message="merged\n", author=ANA, committer=FORGE, at=LATER)


def test_changed_file_holds_hunks_without_a_header(repository: BareRepository) -> None:
    """The patch is what GitHub shows, and the blob is the new content's."""
    first, head = first_of(repository), propose(repository)
    (change,) = repository.changed_files(first, head)

    assert change.patch == "@@ -1,2 +1,2 @@\n-memory: 512Mi\n+memory: 1Gi\n cpu: 1"
    assert (change.path, change.status, change.additions, change.deletions) == ("deploy/web.yaml", "modified", 1, 1)
    assert repository.blob(change.blob) == b"memory: 1Gi\ncpu: 1\n"


def test_changes_of_base_are_not_changes_of_the_pull_request(repository: BareRepository) -> None:
    """Three dots: what head did since it left base; two dots: all that differs."""
    head = propose(repository)
    second = repository.commit_files("main", {"a": b"1"}, "m\n", author=ANA, at=AT)

    assert [c.path for c in repository.changed_files(second, head)] == ["deploy/web.yaml"]
    assert [c.path for c in repository.changed_files(second, head, three_dots=False)] == ["a", "deploy/web.yaml"]


def test_every_kind_of_change_has_its_word(repository: BareRepository) -> None:
    """Added, removed, renamed and binary files are told as GitHub tells them."""
    head = repository.commit_files(
        "main",
        {"README.md": None, "docs/README.md": LINES.encode(), "new": b"1\n", "deploy/web.yaml": None, "b": b"\0\1"},
        "m\n",
        author=ANA,
        at=AT,
        new_branch="much",
    )
    changes = {change.path: change for change in repository.changed_files(first_of(repository), head)}

    assert {path: change.status for path, change in changes.items()} == {
        "new": "added",
        "b": "added",
        "deploy/web.yaml": "removed",
        "docs/README.md": "renamed",
    }
    assert changes["docs/README.md"].previous == "README.md"
    assert changes["b"] == FileChange(
        path="b", previous="", status="added", additions=0, deletions=0, patch="", blob=changes["b"].blob
    )


def test_merge_commit_has_two_parents(repository: BareRepository) -> None:
    """The base's head first, then the pull request's."""
    first, head = first_of(repository), propose(repository)
    merged = repository.commit(press(repository, head, "merge"))

    assert merged.parents == (first, head)
    assert (merged.author.name, merged.committer.name, merged.committer.at) == ("Ana", "GitHub", LATER)
    assert repository.head("main") == merged.sha


def test_squash_is_one_commit_on_base(repository: BareRepository) -> None:
    """The head is no ancestor of what came of it."""
    first, head = first_of(repository), propose(repository)
    merged = repository.commit(press(repository, head, "squash"))

    assert (merged.parents, merged.message) == ((first,), "merged\n")
    assert repository.read("main", "deploy/web.yaml") == b"memory: 1Gi\ncpu: 1\n"
    assert not repository.is_ancestor(head, merged.sha)


def test_rebase_replays_each_commit(repository: BareRepository) -> None:
    """Messages and authors stay, committers do not, and no merge commit comes along."""
    propose(repository)
    repository.commit_files("raise", {"a": b"1"}, "two\n", author=ANA, at=AT)
    second = repository.commit_files("main", {"b": b"1"}, "m\n", author=ANA, at=AT)
    other_side = repository.merge("raise", second, "merge", message="in\n", author=ANA, committer=ANA, at=AT)

    tip = press(repository, other_side, "rebase")

    replayed = repository.commits_between(second, tip)
    assert [(c.message, c.author.name, c.committer.name) for c in replayed] == [
        ("raise memory\n", "reconciler-bot", "GitHub"),
        ("two\n", "Ana", "GitHub"),
    ]
    assert repository.read("main", "b") == repository.read("main", "a") == b"1"


def test_rebase_leaves_out_what_base_has_already(repository: BareRepository) -> None:
    """A commit whose change somebody else brought in makes no empty commit."""
    head = propose(repository)
    same = repository.commit_files("main", {"deploy/web.yaml": b"memory: 1Gi\ncpu: 1\n"}, "m\n", author=ANA, at=AT)

    assert press(repository, head, "rebase") == same


@pytest.mark.parametrize("method", get_args(Method))
def test_conflict_merges_nothing(repository: BareRepository, method: Method) -> None:
    """Both sides changed a line: the branch stays where it is, and the path is named."""
    head = propose(repository)
    second = repository.commit_files("main", {"deploy/web.yaml": b"memory: 2Gi\ncpu: 1\n"}, "m\n", author=ANA, at=AT)

    with pytest.raises(MergeConflict, match=r"deploy/web\.yaml"):
        press(repository, head, method)
    assert repository.head("main") == second
    assert not repository.mergeable(second, head)


@pytest.mark.parametrize("method", get_args(Method))
def test_sides_that_changed_different_files_merge(repository: BareRepository, method: Method) -> None:
    """Base moved elsewhere: what both did is there afterwards, and git finds the result sound."""
    head = propose(repository)
    second = repository.commit_files("main", {"a": b"1"}, "m\n", author=ANA, at=AT)
    mergeable = repository.mergeable(second, head)

    press(repository, head, method)

    assert mergeable
    assert repository.read("main", "deploy/web.yaml") == b"memory: 1Gi\ncpu: 1\n"
    assert repository.read("main", "a") == b"1"
    assert git(repository.path, "fsck", "--strict") == ""
