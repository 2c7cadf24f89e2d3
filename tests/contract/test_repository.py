"""What every Git server must let the Repository port do: one suite for git's own, the sandbox's and Gitea."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from reconciler.errors import Conflict, Refusal, SourceError, Unauthorized
from reconciler.model.facts import Unknown
from reconciler.model.objects import CommitId
from reconciler.model.proposal import TreeFile
from tests.adapters.git_shop import configured
from tests.contract.git_remotes import Login, Remote, on_git, on_gitea, on_sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.ports import Repository

OURS = "reconciler/shop-web-1a2b3c"


@pytest.fixture(params=["git", "sandbox", pytest.param("gitea", marks=pytest.mark.real)])
def remote(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Remote]:
    """An empty repository on one of the servers."""
    if request.param == "gitea":
        server = on_gitea(tmp_path, request.getfixturevalue("testbed").gitea)
    else:
        server = on_git(tmp_path) if request.param == "git" else on_sandbox(tmp_path)
    with server as served:
        yield served


@pytest.fixture
def first(remote: Remote) -> CommitId:
    """The repository's first commit, on its default branch."""
    return remote.person.commit("trunk", {"deploy/web.yaml": "memory: 512Mi\n", "README.md": "# shop\n"})


@pytest.fixture
def repository(remote: Remote, tmp_path: Path) -> Repository:
    """The adapter with a token that may write."""
    return as_user(remote, remote.writer, tmp_path / "mirror.git")


def as_user(remote: Remote, login: Login, mirror: Path) -> Repository:
    """Return the adapter with somebody's token."""
    return configured(remote.url, mirror, token=login.token, username=login.username)


def edited(repository: Repository, base: CommitId, memory: str) -> CommitId:
    """Fetch, and commit another amount of memory on top of `base`."""
    repository.fetch()
    return repository.commit(base, {"deploy/web.yaml": f"memory: {memory}\n".encode()}, "raise memory\n")


def test_base_is_the_remotes_own_default_branch(repository: Repository, first: CommitId) -> None:
    """Nobody needs to configure a base branch that is not called main."""
    assert repository.fetch() == first
    assert repository.base == "trunk"
    assert repository.heads() == {"trunk": first}


def test_fetched_files_can_be_listed_and_read(repository: Repository, first: CommitId) -> None:
    """What a person pushed arrives byte for byte."""
    repository.fetch()
    found = repository.entry(first, "deploy/web.yaml")

    assert list(repository.files(first, "deploy")) == [found]
    assert isinstance(found, TreeFile)
    assert found.mode == 0o100644
    assert repository.read(found.blob) == b"memory: 512Mi\n"


def test_commit_is_pushed_to_a_new_branch(repository: Repository, first: CommitId) -> None:
    """The remote branch is at our commit, base is where it was."""
    commit = edited(repository, first, "1Gi")

    repository.push(OURS, commit, expected=None)

    assert repository.heads() == {"trunk": first, OURS: commit}


def test_pushing_the_same_again_changes_nothing(repository: Repository, first: CommitId) -> None:
    """Invariant 6: a repeated push is a no-op, whatever the branch was expected to be."""
    commit = edited(repository, first, "1Gi")
    repository.push(OURS, commit, expected=None)

    repository.push(OURS, commit, expected=None)

    assert repository.heads() == {"trunk": first, OURS: commit}


def test_our_branch_moves_to_a_commit_on_a_newer_base(repository: Repository, remote: Remote, first: CommitId) -> None:
    """A proposal is made anew on the new base and replaces the old one on the same branch."""
    old = edited(repository, first, "1Gi")
    repository.push(OURS, old, expected=None)
    second = remote.person.commit("trunk", {"README.md": "# shop 2\n"})
    new = edited(repository, second, "1Gi")

    repository.push(OURS, new, expected=old)

    assert repository.heads() == {"trunk": second, OURS: new}


def test_foreign_commit_on_our_branch_is_not_overwritten(
    repository: Repository, remote: Remote, first: CommitId
) -> None:
    """Invariant 7: a branch that somebody else moved is theirs."""
    ours = edited(repository, first, "1Gi")
    repository.push(OURS, ours, expected=None)
    theirs = remote.person.commit(OURS, {"deploy/web.yaml": "memory: 768Mi\n"})

    with pytest.raises(Conflict) as conflict:
        repository.push(OURS, edited(repository, first, "2Gi"), expected=ours)

    assert conflict.value.code == "git.branch_moved"
    assert repository.heads() == {"trunk": first, OURS: theirs}


def test_existing_branch_is_not_taken_for_a_new_one(repository: Repository, remote: Remote, first: CommitId) -> None:
    """Where we expected nothing and there is something, we lose."""
    theirs = remote.person.commit(OURS, {"deploy/web.yaml": "memory: 768Mi\n"})

    with pytest.raises(Conflict):
        repository.push(OURS, edited(repository, first, "2Gi"), expected=None)

    assert repository.heads() == {"trunk": first, OURS: theirs}


def test_deleted_branch_is_not_made_again(repository: Repository, remote: Remote, first: CommitId) -> None:
    """A person who deletes our branch wins over an update of it."""
    ours = edited(repository, first, "1Gi")
    repository.push(OURS, ours, expected=None)
    remote.person.delete(OURS)

    with pytest.raises(Conflict):
        repository.push(OURS, edited(repository, first, "2Gi"), expected=ours)

    assert repository.heads() == {"trunk": first}


def test_rejection_by_the_servers_rules_is_an_error(repository: Repository, remote: Remote, first: CommitId) -> None:
    """A hook's or a branch protection's no is a refusal that carries the server's words."""
    remote.forbid(OURS)

    with pytest.raises(Refusal) as refusal:
        repository.push(OURS, edited(repository, first, "1Gi"), expected=None)

    assert refusal.value.code == "git.push_rejected"
    assert "declined" in refusal.value.message
    assert repository.heads() == {"trunk": first}


def test_callers_at_the_same_time_are_each_answered_for_their_own_branch(
    remote: Remote, repository: Repository, first: CommitId
) -> None:
    """However their pushes travel: one branch is forbidden, one stands elsewhere, and the others arrive."""
    theirs = remote.person.commit(f"{OURS}-moved", {"README.md": "x\n"})
    remote.forbid(f"{OURS}-forbidden")
    commits = {f"{OURS}-{name}": edited(repository, first, name) for name in ("a", "b", "c", "forbidden", "moved")}

    def push(branch: str) -> type[Exception] | None:
        try:
            repository.push(branch, commits[branch], expected=None)
        except (Conflict, Refusal) as error:
            return type(error)
        return None

    with ThreadPoolExecutor(len(commits)) as callers:
        told = dict(zip(commits, callers.map(push, commits), strict=True))

    assert told.pop(f"{OURS}-forbidden") is Refusal
    assert told.pop(f"{OURS}-moved") is Conflict
    assert told == dict.fromkeys(told)
    arrived = {branch: commits[branch] for branch in told}
    assert repository.heads() == {"trunk": first, f"{OURS}-moved": theirs} | arrived


def test_wrong_token_is_unauthorized(remote: Remote, first: CommitId, tmp_path: Path) -> None:
    """A refused token is told apart from a server that does not answer, and nothing is shown of it."""
    wrong = Login(username=remote.writer.username, token="f" * 40)
    stranger = as_user(remote, wrong, tmp_path / "mirror.git")

    with pytest.raises(Unauthorized) as refused:
        stranger.fetch()

    assert refused.value.code == "git.unauthorized"
    assert wrong.token not in str(refused.value)
    assert isinstance(stranger.heads(), Unknown), first


def test_missing_token_is_unauthorized(remote: Remote, tmp_path: Path) -> None:
    """A private repository without a token says that a token is wanted."""
    with pytest.raises(Unauthorized, match="wants a token"):
        as_user(remote, Login(username="", token=""), tmp_path / "mirror.git").fetch()


def test_reader_may_fetch_but_not_push(remote: Remote, first: CommitId, tmp_path: Path) -> None:
    """A token that may only read is unauthorized to push, and `doctor` does not promise more than it knows."""
    reader = as_user(remote, remote.reader, tmp_path / "mirror.git")
    commit = edited(reader, first, "1Gi")
    *others, push = reader.examine()

    with pytest.raises(Unauthorized):
        reader.push(OURS, commit, expected=None)

    assert [d.subject for d in others if d.works] == ["git mirror", "git remote", "git base branch"]
    assert "does not let us in" in push.detail or "shows only when we push" in push.detail


def test_writer_is_told_that_everything_works(repository: Repository, remote: Remote, first: CommitId) -> None:
    """Examining is harmless: the remote is as it was."""
    assert [d.works for d in repository.examine()] == [True, True, True, True]
    assert repository.heads() == {"trunk": first}
    assert remote.url in repository.examine()[1].detail


def test_missing_repository_is_told_from_a_refused_token(remote: Remote, tmp_path: Path) -> None:
    """A wrong address has its own error."""
    lost = configured(
        remote.missing_url, tmp_path / "m.git", token=remote.writer.token, username=remote.writer.username
    )

    with pytest.raises(SourceError) as missing:
        lost.fetch()

    assert missing.value.code == "git.not_found"


def test_empty_repository_has_no_base_yet(repository: Repository) -> None:
    """An empty repository is an error with a remedy, and its branches are known to be none."""
    with pytest.raises(SourceError) as empty:
        repository.fetch()

    assert empty.value.code == "git.no_base"
    assert repository.heads() == {}


def test_contains_follows_merges(repository: Repository, remote: Remote, first: CommitId) -> None:
    """Ancestry is of the whole history, through the second parent too."""
    ours = edited(repository, first, "1Gi")
    repository.push(OURS, ours, expected=None)
    merge = remote.person.merge("trunk", OURS)
    repository.fetch()

    assert repository.contains(merge, ours) is True
    assert repository.contains(merge, merge) is True
    assert repository.contains(ours, merge) is False


def test_contains_is_unknown_for_commits_outside_the_mirror(repository: Repository, first: CommitId) -> None:
    """Invariant 3: a revision that we do not have is unknown, in both places, until it was fetched."""
    elsewhere = CommitId("1" * 40)
    repository.fetch()

    assert isinstance(repository.contains(elsewhere, first), Unknown)
    assert isinstance(repository.contains(first, elsewhere), Unknown)
    assert isinstance(repository.contains(CommitId("HEAD"), first), Unknown)


def test_fetch_follows_a_base_that_was_pushed_with_force(
    repository: Repository, remote: Remote, first: CommitId
) -> None:
    """A rewritten base is the base; the old commits stay known."""
    second = remote.person.commit("trunk", {"README.md": "two\n"})
    repository.fetch()
    rewritten = remote.person.commit("trunk", {"README.md": "other\n"}, base=first)

    assert repository.fetch() == rewritten
    assert repository.contains(rewritten, second) is False
    assert repository.contains(rewritten, first) is True


def test_pull_request_branches_arrive_with_a_fetch(repository: Repository, remote: Remote, first: CommitId) -> None:
    """A person's commit on our branch can be described: who made it, and that it lacks our trailers."""
    theirs = remote.person.commit(OURS, {"README.md": "mine\n"}, message="tune\n\nmore\n\nReviewed-by: Ana\n")
    repository.fetch()

    described = repository.describe(theirs)

    assert (described.commit, described.author_email) == (theirs, "ana@example.com")
    assert described.trailers == {"Reviewed-by": "Ana"}
    assert repository.contains(theirs, first) is True
