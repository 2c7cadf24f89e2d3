"""A proposal on its way to the forge, while people and other machines are at work on the same branch."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.errors import Conflict, Refusal, SourceError
from reconciler.model.proposal import PullRequestState
from reconciler.propose.publish import publish, rewrite
from tests.adapters.git_http import Handler, answers, git, serve_normally
from tests.adapters.git_shop import Person
from tests.manifests.examples import MANIFEST
from tests.propose.desk import FILE, raised_to, with_more_evidence

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.model.proposal import Proposal
    from tests.propose.desk import Desk

OURS = "reconciler <reconciler@localhost>"


def test_published_is_one_commit_on_base_and_one_pull_request(desk: Desk) -> None:
    """Branch, commit, title and body as proposed."""
    proposal = desk.propose()
    opened = desk.publish(proposal)

    assert (opened.number, opened.state, opened.branch) == (1, PullRequestState.OPEN, proposal.branch)
    assert desk.log(proposal.branch) == [OURS]
    assert desk.show(desk.head(proposal.branch)) == proposal.edits[0].after
    assert git(desk.shop.bare, "diff", "--numstat", "trunk", proposal.branch) == f"1\t1\t{FILE}"
    assert (desk.pulls.found[0]["title"], desk.pulls.found[0]["body"]) == (proposal.title, proposal.body)


def test_git_and_forge_are_asked_side_by_side(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person waits for the slower of two servers, and not for one after the other."""
    both = threading.Barrier(2, timeout=5)
    proposal, repository, forge = desk.propose(), desk.repository(), desk.forge
    heads, find = repository.heads, forge.find

    def met(ask: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever was asked for
        both.wait()
        return ask()

    monkeypatch.setattr(repository, "heads", lambda: met(heads))
    monkeypatch.setattr(forge, "find", lambda branch: met(lambda: find(branch)))

    assert publish(proposal, repository, forge).number == 1


def test_publishing_again_changes_nothing(desk: Desk) -> None:
    """Invariant 6: a repeat finds the same commit and the same pull request."""
    first = desk.publish(desk.propose())
    head = desk.head(first.branch)
    pushes = desk.shop.server.requests.count("POST git-receive-pack")

    again = desk.publish(desk.propose(operation=with_more_evidence()))

    assert (again.number, desk.head(first.branch)) == (first.number, head)
    assert (desk.pulls.opened, len(desk.pulls.found)) == (1, 1)
    assert desk.shop.server.requests.count("POST git-receive-pack") == pushes


def test_two_machines_make_one_commit_and_one_pull_request(desk: Desk) -> None:
    """Invariant 6: two mirrors, two ledgers, one branch."""
    ours = desk.publish(desk.propose())
    theirs = desk.publish(desk.propose(operation=with_more_evidence(), mirror="other.git"), mirror="other.git")

    assert theirs.number == ours.number
    assert len(desk.log(ours.branch)) == 1
    assert len(desk.pulls.found) == 1


def test_push_that_came_before_a_crash_is_adopted(desk: Desk) -> None:
    """Invariant 1: the branch is there, the pull request is not."""
    proposal = desk.propose()
    desk.publish(proposal)
    desk.pulls.found.clear()

    assert desk.publish(desk.propose()).number == 1
    assert len(desk.log(proposal.branch)) == 1


# --- people on our branch -------------------------------------------------------------------------------------------


def pushed_by(desk: Desk, proposal: Proposal, *, email: str, trailers: str = "") -> str:
    """Let somebody with this e-mail put a commit on our branch."""
    somebody = Person(desk.shop.folder / "somebody", str(desk.shop.bare))
    somebody.commit(proposal.branch, {"README.md": "mine"})
    git(
        somebody.folder,
        *("-c", "user.name=x", "commit", "-q", "--amend", "--reset-author", "-m", f"mine\n\n{trailers}"),
        GIT_AUTHOR_EMAIL=email,
        GIT_COMMITTER_EMAIL=email,
    )
    git(somebody.folder, "push", "-q", "--force", str(desk.shop.bare), f"HEAD:refs/heads/{proposal.branch}")
    return git(somebody.folder, "rev-parse", "HEAD")


@pytest.mark.parametrize(
    ("email", "trailers"),
    [
        ("ana@example.com", ""),
        ("ana@example.com", "Proposal-Id: {identity}"),
        ("reconciler@localhost", ""),
        ("reconciler@localhost", "Proposal-Id: 0123456789abcdef0123456789abcdef"),
    ],
    ids=["a person's", "a person's copy of our trailers", "ours by e-mail alone", "ours, another proposal's"],
)
def test_foreign_commit_on_our_branch_is_never_overwritten(desk: Desk, email: str, trailers: str) -> None:
    """Invariant 7: hands off, and a person is told what to do."""
    proposal = desk.propose()
    theirs = pushed_by(desk, proposal, email=email, trailers=trailers.format(identity=proposal.identity))

    with pytest.raises(Refusal) as refused:
        desk.publish(desk.propose())

    assert refused.value.code == "propose.foreign_commit"
    assert "delete it" in refused.value.remedy
    assert desk.head(proposal.branch) == theirs
    assert desk.pulls.opened == 0


def test_foreign_commit_on_top_of_ours_is_never_overwritten(desk: Desk) -> None:
    """Invariant 7: a reviewer's commit on the open pull request stands."""
    opened = desk.publish(desk.propose())
    desk.shop.ana.folder.mkdir(exist_ok=True)
    git(desk.shop.ana.folder, "fetch", "-q", str(desk.shop.bare), opened.branch)
    theirs = desk.shop.ana.commit(opened.branch, {"README.md": "reviewed"}, base="FETCH_HEAD")

    with pytest.raises(Refusal) as refused:
        desk.publish(desk.propose(raised_to("2Gi")))

    assert refused.value.code == "propose.foreign_commit"
    assert desk.head(opened.branch) == theirs


def test_commit_that_arrives_between_look_and_push_wins(desk: Desk) -> None:
    """Invariant 7: our push carries a lease; the server compares, we lose cleanly."""
    desk.publish(desk.propose())
    proposal = desk.propose(raised_to("2Gi"))
    theirs: list[str] = []

    def ana_first(handler: Handler) -> None:
        del desk.shop.server.faults["/git-receive-pack"]
        theirs.append(desk.shop.ana.commit(proposal.branch, {"README.md": "mine"}))
        serve_normally(handler)

    desk.shop.server.faults["/git-receive-pack"] = ana_first

    with pytest.raises(Conflict):
        desk.publish(proposal)

    assert [desk.head(proposal.branch)] == theirs


# --- our own branch, moved on ---------------------------------------------------------------------------------------


def test_better_value_updates_our_branch_and_keeps_the_pull_request(desk: Desk) -> None:
    """Invariant 6: one open pull request for each field, whatever its value."""
    first = desk.publish(desk.propose())
    better = desk.propose(raised_to("2Gi"))
    again = desk.publish(better)

    assert again.number == first.number
    assert desk.show(desk.head(better.branch)) == better.edits[0].after
    assert desk.log(better.branch) == [OURS]


def test_moved_base_is_rendered_anew_on_the_same_branch(desk: Desk) -> None:
    """Never a rebase: the edit is made again on what base holds now."""
    first = desk.publish(desk.propose())
    longer = f"# A new first line.\n{MANIFEST}"
    base = desk.shop.ana.commit("trunk", {FILE: longer}, base="trunk")
    moved = desk.propose()
    again = desk.publish(moved)

    assert again.number == first.number
    assert desk.log(moved.branch, "%P") == [base]
    assert desk.show(desk.head(moved.branch)) == longer.replace("1, memory: 512Mi", "1, memory: 1Gi")


def test_branch_that_outlived_its_merge_is_used_again(desk: Desk) -> None:
    """After a merge the same field may need a better value: a new pull request, not a comment on the old."""
    first = desk.publish(desk.propose())
    desk.pulls.merge(desk.shop.ana.merge("trunk", first.branch))
    remedy = raised_to("2Gi")
    (limit,) = remedy.actions[1].changes
    assert limit.before == "512Mi"
    desk.shop.ana.commit("trunk", {FILE: MANIFEST + "# later\n"}, base="trunk")
    again = desk.publish(desk.propose(remedy))

    assert again.number == 2
    assert desk.log(again.branch) == [OURS]


# --- what people said on the forge ----------------------------------------------------------------------------------


def test_pull_request_closed_on_this_very_proposal_is_not_opened_again(desk: Desk) -> None:
    """Invariant 7: a close stands even when the ledger that remembered it is lost."""
    opened = desk.publish(desk.propose())
    desk.pulls.close()
    desk.shop.ana.delete(opened.branch)

    with pytest.raises(Refusal) as refused:
        desk.publish(desk.propose(operation=with_more_evidence(), mirror="other.git"), mirror="other.git")

    assert refused.value.code == "propose.rejected_before"
    assert refused.value.message == "ana closed pull request 1 on this same proposal"
    assert (desk.pulls.opened, desk.head(opened.branch)) == (1, None)


def test_close_of_one_value_is_no_close_of_another(desk: Desk) -> None:
    """A person's no is to exactly this."""
    desk.publish(desk.propose())
    desk.pulls.close()

    assert desk.publish(desk.propose(raised_to("2Gi"))).number == 2


def test_open_pull_request_is_adopted(desk: Desk) -> None:
    """Invariant 6: found by its branch, without any store."""
    proposal = desk.propose()
    desk.pulls.add(proposal.branch, body=proposal.body)

    assert desk.publish(proposal).number == 1
    assert desk.pulls.opened == 0


def test_reopened_pull_request_is_adopted(desk: Desk) -> None:
    """A person who reopens it wants it."""
    opened = desk.publish(desk.propose())
    desk.pulls.close()
    desk.pulls.found[0]["state"] = "open"

    assert desk.publish(desk.propose()).number == opened.number
    assert desk.pulls.opened == 1


def test_pull_request_of_a_fork_is_not_ours(desk: Desk) -> None:
    """Whoever forks the repository may name a branch as they like: neither adopted, nor is its close our no."""
    proposal = desk.propose()
    desk.pulls.add(proposal.branch, body=proposal.body, fork=True)
    desk.pulls.close()

    assert desk.publish(proposal).number == 2


def test_head_that_the_ledger_knows_is_written_anew_whoever_its_commit_names(desk: Desk) -> None:
    """So a change of our name, or of who makes our commits, leaves no pull request behind; others are foreign."""
    opened = desk.publish(desk.propose())
    better = desk.propose(raised_to("2Gi"))
    desk.pulls.found[0]["draft"] = True
    renamed = desk.shop.repository("mirror.git", base="trunk", author_email="new@localhost")

    with pytest.raises(Refusal) as caught:
        rewrite(better, opened.number, renamed, desk.forge, known=None)
    head = rewrite(better, opened.number, renamed, desk.forge, known=opened.head)

    assert caught.value.code == "propose.foreign_commit"
    assert desk.head(opened.branch) == head != opened.head


# --- servers that do not answer -------------------------------------------------------------------------------------


def test_git_that_does_not_list_its_branches_stops_before_anything_is_done(desk: Desk) -> None:
    """Invariant 3: an unknown branch is not an absent one."""
    proposal = desk.propose()
    desk.shop.server.faults["service=git-upload-pack"] = answers(503)

    with pytest.raises(SourceError):
        desk.publish(proposal)

    assert desk.head(proposal.branch) is None
    assert desk.pulls.opened == 0


def test_forge_that_does_not_answer_stops_before_the_push(desk: Desk) -> None:
    """Invariant 3: whether a person closed it is not known, so nothing is pushed."""
    proposal = desk.propose()
    del desk.pulls.wire.script["GET /api/v1/repos/o/r/pulls"]

    with pytest.raises(SourceError):
        desk.publish(proposal)

    assert desk.head(proposal.branch) is None


def test_protected_branch_is_a_refusal_with_the_servers_reason(desk: Desk) -> None:
    """A hook's no is no outage."""
    proposal = desk.propose()
    desk.shop.hook("pre-receive", "echo 'no robots here' >&2; exit 1")

    with pytest.raises(Refusal):
        desk.publish(proposal)

    assert (desk.head(proposal.branch), desk.pulls.opened) == (None, 0)
