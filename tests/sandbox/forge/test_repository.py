"""The forge's bare repositories: compare-and-set, commits, merges and diffs, judged by git itself."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from reconciler.sandbox.forge.repository import (
    BareRepository,
    NotThere,
    PathRefused,
    RefMoved,
    RefRefused,
)
from tests.adapters.git_http import git
from tests.sandbox.forge.bare import ANA, AT, BOT, FILES, LATER, first_of, propose

if TYPE_CHECKING:
    from pathlib import Path


def test_created_repository_is_sound_and_holds_the_files(repository: BareRepository) -> None:
    """Git itself finds nothing wrong, and reads back what was given."""
    assert git(repository.path, "fsck", "--strict") == ""
    assert git(repository.path, "show", "main:deploy/web.yaml") == "memory: 512Mi\ncpu: 1"
    assert repository.default_branch == "main"
    assert repository.refs() == {"refs/heads/main": first_of(repository)}


def test_equal_arguments_make_equal_repositories(repository: BareRepository, tmp_path: Path) -> None:
    """Every time is given, so commit ids are the same on each run."""
    again = BareRepository.create(tmp_path / "again.git", FILES, author=ANA, at=AT)

    assert again.refs() == repository.refs()


def test_empty_repository_has_a_default_branch_and_takes_a_first_commit(tmp_path: Path) -> None:
    """Before the first commit the default branch is named and absent."""
    empty = BareRepository.create(tmp_path / "empty.git", {}, author=ANA, at=AT)
    before = (empty.default_branch, empty.head("main"), empty.refs())
    made = empty.commit_files("main", {"a": b"1"}, "first\n", author=ANA, at=AT)

    assert before == ("main", None, {})
    assert empty.commit(made).parents == ()


def test_folder_that_exists_is_left_alone(repository: BareRepository) -> None:
    """Creating never writes into somebody's folder."""
    with pytest.raises(FileExistsError):
        BareRepository.create(repository.path, FILES, author=ANA, at=AT)


def test_commit_says_who_wrote_what_and_when(repository: BareRepository) -> None:
    """A commit is read back as it was written."""
    made = repository.commit(propose(repository))

    assert (made.message, made.parents) == ("raise memory\n", (first_of(repository),))
    assert (made.author.name, made.author.email, made.author.at) == ("reconciler-bot", "bot@example.com", AT)
    assert made.committer == made.author


def test_files_are_removed_and_folders_made(repository: BareRepository) -> None:
    """A folder comes with its first file and goes with its last."""
    made = repository.commit_files("main", {"deploy/web.yaml": None, "b/c": b"c\n"}, "m\n", author=ANA, at=AT)

    assert [entry.path for entry in repository.tree(made, recursive=True)] == ["README.md", "b", "b/c"]
    with pytest.raises(NotThere):
        repository.commit_files("main", {"nowhere": None}, "m\n", author=ANA, at=AT)


@pytest.mark.parametrize("path", ["", "/a", "a//b", "../a", ".git/config", "deploy", "README.md/x", "a/"])
def test_impossible_paths_are_refused(repository: BareRepository, path: str) -> None:
    """No path leads out of the tree or into `.git`, and a folder is no file."""
    with pytest.raises(PathRefused):
        repository.commit_files("main", {path: b"x"}, "m\n", author=ANA, at=AT)


def test_executable_file_stays_executable(repository: BareRepository, tmp_path: Path) -> None:
    """Only the content changes."""
    git(tmp_path, "clone", "-q", str(repository.path), "work")
    (tmp_path / "work" / "run.sh").write_text("1\n")
    (tmp_path / "work" / "run.sh").chmod(0o755)
    git(tmp_path / "work", "add", "run.sh")
    git(tmp_path / "work", "commit", "-q", "-m", "run")
    git(tmp_path / "work", "push", "-q", "origin", "HEAD:main")
    made = repository.commit_files("main", {"run.sh": b"2\n"}, "m\n", author=ANA, at=AT)

    entry = repository.entry(made, "run.sh")
    assert entry is not None
    assert (entry.mode, repository.blob(entry.sha)) == (0o100755, b"2\n")


def test_commit_on_a_branch_that_moved_is_refused(repository: BareRepository) -> None:
    """Who believes in an older head writes nothing."""
    first = first_of(repository)
    second = repository.commit_files("main", {"a": b"1"}, "m\n", author=ANA, at=AT)

    with pytest.raises(RefMoved, match=rf"is at {second} but expected {first}"):
        repository.commit_files("main", {"a": b"2"}, "m\n", author=ANA, at=AT, expected_parent=first)
    assert repository.head("main") == second


def test_new_branch_must_be_new(repository: BareRepository) -> None:
    """A branch of that name is not overwritten."""
    made = propose(repository)

    with pytest.raises(RefMoved, match="reference already exists"):
        propose(repository, b"memory: 2Gi\n")
    assert repository.head("raise") == made


def test_references_move_by_compare_and_set(repository: BareRepository) -> None:
    """Made, moved and deleted only from where the caller believes they are."""
    first, other = first_of(repository), propose(repository)
    for wrong in (other, None):
        with pytest.raises(RefMoved):
            repository.set_ref("refs/heads/main", other, expected=wrong)
    with pytest.raises(RefMoved, match="unable to resolve reference"):
        repository.set_ref("refs/heads/none", None, expected=first)

    repository.set_ref("refs/heads/main", other, expected=first)
    repository.set_ref("refs/heads/raise", None, expected=other)

    assert repository.refs() == {"refs/heads/main": other}


@pytest.mark.parametrize("name", ["refs/heads/a..b", "refs/heads/", "main?", "refs/heads/main/below"])
def test_impossible_references_are_refused(repository: BareRepository, name: str) -> None:
    """Bad names, and a name below a branch, say so; nothing is written."""
    first = first_of(repository)
    with pytest.raises(RefRefused):
        repository.set_ref(name, first, expected=None)

    assert repository.refs("refs/") == {"refs/heads/main": first}


def test_reference_to_a_missing_object_is_refused(repository: BareRepository) -> None:
    """A reference never dangles."""
    with pytest.raises(NotThere):
        repository.set_ref("refs/heads/x", "1" * 40, expected=None)


def test_names_resolve_to_commits(repository: BareRepository) -> None:
    """Branches, full references, HEAD and whole object names; nothing else."""
    first = first_of(repository)

    assert {repository.resolve(name) for name in ("main", "refs/heads/main", "heads/main", "HEAD", first)} == {first}
    assert [repository.resolve(name) for name in ("none", "1" * 40, "a b", "")] == [None] * 4


def test_files_are_read_at_a_commit(repository: BareRepository) -> None:
    """Content by path; folders and missing files are no content."""
    made = propose(repository)

    assert repository.read("main", "deploy/web.yaml") == b"memory: 512Mi\ncpu: 1\n"
    assert repository.read(made, "deploy/web.yaml") == b"memory: 1Gi\ncpu: 1\n"
    assert [repository.read("main", path) for path in ("deploy", "none", "", "deploy/web.yaml/x")] == [None] * 4


def test_trees_are_listed_with_kinds_and_sizes(repository: BareRepository) -> None:
    """One level, or everything below; a blob is no tree."""
    top = repository.tree(first_of(repository))

    assert [(entry.path, entry.kind, entry.mode) for entry in top] == [
        ("README.md", "blob", 0o100644),
        ("deploy", "tree", 0o040000),
    ]
    assert [(entry.path, entry.size) for entry in repository.tree(top[1].sha, recursive=True)] == [("web.yaml", 21)]
    with pytest.raises(NotThere):
        repository.tree(top[0].sha)


def test_history_is_told_in_order(repository: BareRepository) -> None:
    """Between two commits oldest first; a commit's past newest first."""
    first, one = first_of(repository), propose(repository)
    two = repository.commit_files("raise", {"a": b"1"}, "two\n", author=BOT, at=LATER)

    assert [commit.sha for commit in repository.commits_between(first, two)] == [one, two]
    assert [commit.sha for commit in repository.history(two)] == [two, one, first]
    assert repository.is_ancestor(first, two)
    assert not repository.is_ancestor(two, first)


def test_comparison_counts_both_sides(repository: BareRepository) -> None:
    """GitHub's four words for how two commits stand to each other."""
    first, head = first_of(repository), propose(repository)
    second = repository.commit_files("main", {"a": b"1"}, "m\n", author=ANA, at=AT)

    assert repository.compare(first, first) == (0, 0, "identical")
    assert repository.compare(first, head) == (1, 0, "ahead")
    assert repository.compare(head, first) == (0, 1, "behind")
    assert repository.compare(second, head) == (1, 1, "diverged")
    assert repository.merge_base(second, head) == first


def test_what_git_pushed_is_seen_at_once(repository: BareRepository, tmp_path: Path) -> None:
    """A handle that is open already sees the packs and references that others write."""
    first = first_of(repository)
    git(tmp_path, "clone", "-q", str(repository.path), "work")
    git(tmp_path / "work", "commit", "-q", "--allow-empty", "-m", "by git")
    git(tmp_path / "work", "push", "-q", "origin", "HEAD:refs/heads/theirs")
    git(repository.path, "pack-refs", "--all")
    git(repository.path, "repack", "-q", "-a", "-d")

    theirs = repository.head("theirs")
    assert theirs is not None
    assert repository.commit(theirs).parents == (first,)


def test_libgit2_is_loaded_only_when_it_is_used() -> None:
    """Who never opens a repository does not pay for it."""
    program = "import sys, reconciler.sandbox.forge.repository; sys.exit('pygit2' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
