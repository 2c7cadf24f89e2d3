"""An open pull request on every forge: its reviews, whether it can be merged, and our merge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.errors import Conflict
from reconciler.model.objects import CommitId
from reconciler.model.proposal import PullRequestState
from reconciler.model.review import MergeState, ReviewState
from tests.beds.users import REVIEWER
from tests.contract.pulls import BRANCH, listed, proposal

if TYPE_CHECKING:
    from tests.contract.forge_worlds import ForgeWorld


def opened(world: ForgeWorld) -> tuple[int, str]:
    """Open a pull request; return its number and head."""
    head = world.push(BRANCH)
    return world.adapter().open(proposal()).number, head


def mergeability(world: ForgeWorld, number: int, *, other_than: str = "unknown") -> MergeState:
    """Ask until the forge has worked it out; the first time it may not have looked."""
    for _ in range(20):
        found = world.adapter().mergeability(number)
        if found.state != other_than:
            break
    return found.state


def test_reviews_tell_what_was_said_about_which_head_and_by_whom(judging: ForgeWorld) -> None:
    """Invariant 9: an approval is of a commit, by somebody with rights."""
    number, head = opened(judging)
    assert judging.adapter().reviews(number) == ()
    judging.review(number, "COMMENT")
    judging.review(number, "APPROVE")

    found = judging.adapter().reviews(number)

    assert [(r.user, r.state, r.commit) for r in found] == [
        (REVIEWER, ReviewState.COMMENTED, head),
        (REVIEWER, ReviewState.APPROVED, head),
    ]
    assert (found[-1].may_write, found[-1].bot) == (True, False)


def test_review_keeps_the_head_that_it_saw(judging: ForgeWorld) -> None:
    """A later push makes an approval stale, and that shows."""
    number, head = opened(judging)
    judging.review(number, "APPROVE")
    judging.commit_to(BRANCH, "more.txt", "hers")

    (review,) = judging.adapter().reviews(number)

    (pull,) = listed(judging)
    assert review.commit == head != pull.head


def test_request_for_changes_and_its_dismissal_are_told(judging: ForgeWorld) -> None:
    """An objection stands until it is dismissed; then it is told as such."""
    number, _ = opened(judging)
    judging.review(number, "REQUEST_CHANGES")
    assert [r.state for r in judging.adapter().reviews(number)] == [ReviewState.CHANGES_REQUESTED]

    judging.dismiss(number)

    assert [r.state for r in judging.adapter().reviews(number)] == [ReviewState.DISMISSED]


def test_list_tells_who_was_asked_for_a_review(judging: ForgeWorld) -> None:
    """Code owners are asked by the forge itself; the list that each pass reads names them."""
    judging.push(BRANCH)
    judging.adapter(reviewers=(REVIEWER,)).open(proposal())

    assert [p.asked for p in listed(judging)] == [(REVIEWER,)]


def test_list_tells_labels(judging: ForgeWorld) -> None:
    """A label such as `hold` costs no call of its own."""
    number, _ = opened(judging)

    judging.label(number, "hold")

    assert [p.labels for p in listed(judging)] == [("hold",)]


def test_update_changes_title_and_text_and_nothing_else(judging: ForgeWorld) -> None:
    """The same pull request says something else."""
    number, head = opened(judging)

    judging.adapter().update(number, title="2Gi instead", body="It needs more.")

    (pull,) = listed(judging)
    assert (pull.number, pull.title, pull.body) == (number, "2Gi instead", "It needs more.")
    assert (pull.state, pull.head) == (PullRequestState.OPEN, head)


def test_mergeability_tells_clean_from_conflicting(judging: ForgeWorld) -> None:
    """What base took meanwhile decides."""
    number, _ = opened(judging)
    assert mergeability(judging, number) is MergeState.CLEAN

    judging.commit_to("main", f"{BRANCH}.txt", "something else")

    assert mergeability(judging, number, other_than="clean") in {MergeState.DIRTY, MergeState.UNKNOWN}
    assert mergeability(judging, number) is judging.conflicting


def test_mergeability_names_the_check_that_has_not_passed(judging: ForgeWorld) -> None:
    """A person is told what it waits for."""
    number, head = opened(judging)
    assert mergeability(judging, number) is MergeState.CLEAN

    judging.report(head, "pending")

    found = judging.adapter().mergeability(number)
    assert found.state is MergeState.UNSTABLE
    assert "ci pending" in found.reason


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_our_merge_of_the_head_gives_bases_new_tip(judging: ForgeWorld, method: str) -> None:
    """However it is merged."""
    number, head = opened(judging)
    assert mergeability(judging, number) is MergeState.CLEAN

    commit = judging.adapter().merge(number, head=CommitId(head), method=method)

    assert commit == judging.base_head()
    found = judging.adapter().find(BRANCH)
    assert found is not None
    assert (found.state, found.merged_by, found.merge_commit) == (PullRequestState.MERGED, judging.bot, commit)


def test_merge_of_a_head_that_moved_is_a_conflict_and_merges_nothing(judging: ForgeWorld) -> None:
    """Invariant 9: what nobody looked at is not merged."""
    number, head = opened(judging)
    judging.commit_to(BRANCH, "more.txt", "hers")
    assert mergeability(judging, number) is MergeState.CLEAN
    before = judging.base_head()

    with pytest.raises(Conflict):
        judging.adapter().merge(number, head=CommitId(head), method="merge")

    assert judging.base_head() == before
    assert [p.state for p in listed(judging)] == [PullRequestState.OPEN]


def test_merge_with_conflicts_is_a_wait_and_not_a_refusal(judging: ForgeWorld) -> None:
    """The forge's no may pass, so it is no lasting one of ours."""
    number, head = opened(judging)
    judging.commit_to("main", f"{BRANCH}.txt", "something else")

    with pytest.raises(Conflict):
        judging.adapter().merge(number, head=CommitId(head), method="merge")

    assert [p.state for p in listed(judging)] == [PullRequestState.OPEN]
