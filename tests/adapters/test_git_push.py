"""The remote in trouble: races, rejections, time limits, broken transfers; and the token, which shows nowhere."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from reconciler.adapters import git_remote
from reconciler.errors import Conflict, ReconcilerError, Refusal, SourceError, Unauthorized
from reconciler.model.facts import Unknown
from tests.adapters.git_http import GitServer, Handler, answers, die_midway, hang, serve_normally, trickle
from tests.adapters.git_shop import Shop, configured, open_shop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from reconciler.model.objects import CommitId
    from reconciler.ports import Repository

OURS = "reconciler/shop-web-1a2b3c"
LISTING, FETCH, PUSH = "service=git-upload-pack", "/git-upload-pack", "/git-receive-pack"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A served repository with one manifest."""
    with open_shop(tmp_path) as shop:
        yield shop


def edited(repository: Repository, shop: Shop, memory: str = "1Gi") -> CommitId:
    """Fetch, and commit an edit on top of the first commit."""
    repository.fetch()
    return repository.commit(shop.first, {"deploy/web.yaml": f"memory: {memory}\n".encode()}, "raise\n")


def exchanges() -> set[threading.Thread]:
    """Return the threads that talk to a server, or still wait for it."""
    return {thread for thread in threading.enumerate() if thread.name == "git"}


@pytest.mark.parametrize("branch", ["trunk", "main", "reconcilers/x", "x/reconciler/y", "reconciler"])
def test_only_branches_below_our_prefix_are_pushed(shop: Shop, branch: str) -> None:
    """Base, and every branch that is not ours, is refused before the server is asked."""
    repository = shop.repository()
    commit = edited(repository, shop)
    asked = len(shop.server.requests)

    with pytest.raises(Refusal) as refusal:
        repository.push(branch, commit, expected=shop.first)

    assert refusal.value.code == "git.not_our_branch"
    assert len(shop.server.requests) == asked


def test_base_is_not_pushed_even_below_our_prefix(shop: Shop) -> None:
    """A base branch that looks like ours is still base."""
    shop.ana.commit("reconciler/base", {"README.md": "x\n"})
    repository = shop.repository(base="reconciler/base")

    with pytest.raises(Refusal):
        repository.push("reconciler/base", edited(repository, shop), expected=None)


def test_of_two_racing_pushers_one_loses(shop: Shop) -> None:
    """Both see no branch, both send; the server takes one, and the other gets a conflict."""
    gate = threading.Barrier(2)

    def both_at_once(handler: Handler) -> None:
        gate.wait(10)
        serve_normally(handler)

    pushers = [shop.repository(f"{name}.git") for name in ("one", "two")]
    commits = [edited(pusher, shop, memory) for pusher, memory in zip(pushers, ("1Gi", "2Gi"), strict=True)]
    shop.server.faults[PUSH] = both_at_once

    def push(index: int) -> ReconcilerError | None:
        try:
            pushers[index].push(OURS, commits[index], expected=None)
        except ReconcilerError as error:
            return error
        return None

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(push, range(2)))
    winner = outcomes.index(None)

    assert isinstance(outcomes[1 - winner], Conflict), outcomes
    assert pushers[0].heads() == {"trunk": shop.first, OURS: commits[winner]}


def test_branch_that_moves_during_our_push_is_a_conflict(shop: Shop) -> None:
    """The server compares the old commit again; what a hook's time let in is not overwritten."""
    repository = shop.repository()
    ours = edited(repository, shop)
    shop.hook("pre-receive", f"unset GIT_QUARANTINE_PATH; git update-ref refs/heads/{OURS} {shop.first}")

    with pytest.raises(Conflict) as conflict:
        repository.push(OURS, ours, expected=None)

    assert conflict.value.code == "git.branch_moved"
    assert repository.heads() == {"trunk": shop.first, OURS: shop.first}


def test_hooks_no_is_an_error_with_its_words(shop: Shop) -> None:
    """libgit2 calls a rejected push a success; we do not."""
    repository = shop.repository()
    commit = edited(repository, shop)
    shop.hook("pre-receive", "echo 'changes only on weekdays' >&2; exit 1")

    with pytest.raises(Refusal, match="pre-receive hook declined: changes only on weekdays") as refusal:
        repository.push(OURS, commit, expected=None)

    assert refusal.value.code == "git.push_rejected"
    assert repository.heads() == {"trunk": shop.first}


def test_branch_that_a_merge_queue_keeps_is_no_refusal_that_stays(shop: Shop) -> None:
    """GitHub's GH006 for a queued pull request's branch goes away by itself, so it is a conflict and no rule's no."""
    repository = shop.repository()
    commit = edited(repository, shop)
    said = "GH006: Protected branch update failed. A pull request for this branch has been added to a merge queue."
    shop.hook("pre-receive", f"echo '{said}' >&2; exit 1")

    with pytest.raises(Conflict, match="in the merge queue") as conflict:
        repository.push(OURS, commit, expected=None)

    assert conflict.value.code == "git.queued"


def test_branch_in_the_place_of_our_folder_is_a_refusal_that_stays(shop: Shop) -> None:
    """A branch named like our prefix blocks every push; trying again would not help, and `doctor` says so."""
    repository = shop.repository()
    commit = edited(repository, shop)
    shop.ana.commit("reconciler", {"README.md": "x\n"})

    with pytest.raises(Refusal, match="cannot create"):
        repository.push(OURS, commit, expected=None)

    diagnosis = repository.examine()[-1]
    assert (diagnosis.subject, diagnosis.works) == ("git push", False)
    assert "branch_prefix" in diagnosis.remedy


def test_hook_that_does_not_speak_utf8_is_a_failure_and_no_crash(shop: Shop) -> None:
    """Bytes that libgit2's binding cannot decode end the exchange; what came of it is looked up next time."""
    repository = shop.repository()
    commit = edited(repository, shop)
    shop.hook("pre-receive", "printf 'caf\\351' >&2; exit 1")

    with pytest.raises(SourceError) as failure:
        repository.push(OURS, commit, expected=None)

    assert failure.value.code == "git.failed"


@pytest.mark.parametrize("where", [LISTING, FETCH])
@pytest.mark.parametrize("misdeed", [hang, trickle])
def test_server_that_does_not_finish_a_fetch_times_out(
    shop: Shop, where: str, misdeed: Callable[[Handler], None]
) -> None:
    """Neither silence nor a trickle holds a pass longer than the configured time."""
    repository = shop.repository(seconds=0.5)
    shop.server.faults[where] = misdeed
    before = time.monotonic()

    with pytest.raises(SourceError) as late:
        repository.fetch()

    assert late.value.code == "git.timeout"
    assert time.monotonic() - before < 5


def test_server_that_does_not_finish_a_push_times_out(shop: Shop) -> None:
    """A push has the same limit."""
    commit = edited(shop.repository(), shop)
    shop.server.faults[PUSH] = hang

    with pytest.raises(SourceError) as late:
        shop.repository(seconds=0.5).push(OURS, commit, expected=None)

    assert late.value.code == "git.timeout"


def test_abandoned_exchanges_are_bounded(shop: Shop) -> None:
    """Invariant 10: a server that never lets go does not collect a thread from each pass."""
    repository = shop.repository(seconds=0.3)
    shop.server.faults[LISTING] = trickle
    before = exchanges()
    passes = 2 * git_remote._EXCHANGES
    with ThreadPoolExecutor(passes) as pool:
        heads = list(pool.map(lambda _: repository.heads(), range(passes)))

    assert len(exchanges() - before) <= git_remote._EXCHANGES
    assert all(isinstance(answer, Unknown) for answer in heads)


@pytest.mark.parametrize("where", [LISTING, FETCH])
@pytest.mark.parametrize(
    "misdeed",
    [die_midway, answers(500), answers(503), answers(200, b"<html>log in</html>")],
    ids=["dies midway", "500", "503", "a login page"],
)
def test_broken_fetch_is_an_error_and_the_next_one_works(
    shop: Shop, where: str, misdeed: Callable[[Handler], None]
) -> None:
    """A transfer that breaks off leaves a mirror that the next fetch completes."""
    repository = shop.repository()
    shop.server.faults[where] = misdeed
    with pytest.raises(SourceError) as broken:
        repository.fetch()
    shop.server.faults.clear()

    assert repository.fetch() == shop.first
    assert broken.value.code == "git.failed"


def test_push_whose_answer_was_lost_is_found_done(shop: Shop) -> None:
    """Invariant 1: the server dies after taking the branch; pushing again is a no-op that succeeds."""
    repository = shop.repository()
    commit = edited(repository, shop)
    shop.server.faults[PUSH] = die_midway
    with pytest.raises(SourceError):
        repository.push(OURS, commit, expected=None)
    shop.server.faults.clear()

    repository.push(OURS, commit, expected=None)

    assert repository.heads() == {"trunk": shop.first, OURS: commit}


def test_server_that_is_gone_is_unknown(shop: Shop, tmp_path: Path) -> None:
    """Invariant 3: no answer is unknown for a read, and an error for a fetch."""
    with GitServer(tmp_path) as stopped:
        url = stopped.url("shop.git")
    repository = configured(url, shop.folder / "m.git")

    with pytest.raises(SourceError) as gone:
        repository.fetch()

    assert gone.value.code == "git.failed"
    assert isinstance(repository.heads(), Unknown)
    assert [d.works for d in repository.examine()] == [True, False]


@pytest.mark.parametrize("status", [401, 403])
def test_refusal_in_the_middle_of_a_push_is_unauthorized(shop: Shop, status: int) -> None:
    """A token that expires or lacks a right is told apart from a failing server."""
    repository = shop.repository()
    commit = edited(repository, shop)
    shop.server.faults[PUSH] = answers(status)

    with pytest.raises(Unauthorized):
        repository.push(OURS, commit, expected=None)
