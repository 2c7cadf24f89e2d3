"""Which approvals count, rule by rule."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.govern.approvals import STALE, ApprovalState, approval_state
from reconciler.model.objects import CommitId
from reconciler.model.review import Review, ReviewState

HEAD, OLDER = CommitId("a" * 40), CommitId("b" * 40)


def review(user: str = "ana", state: str = "approved", **changes: Any) -> Review:  # noqa: ANN401 - any field
    """Return a review of the head by somebody who may write."""
    made: dict[str, Any] = {"user": user, "state": ReviewState(state), "commit": HEAD, "may_write": True}
    return Review(**made | changes)


def judged(*reviews: Review) -> ApprovalState:
    """Return what the reviews of the bot's pull request come to."""
    return approval_state(reviews, head=HEAD, author="reconciler-bot")


def approved(state: ApprovalState) -> bool:
    """Tell whether somebody approved what would be merged, and nobody objects."""
    return bool(state.approved_by) and not state.changes_requested_by


def test_no_review_is_no_approval() -> None:
    """Silence is not consent."""
    assert judged() == ApprovalState()
    assert not approved(judged())


def test_approval_of_the_exact_head_by_a_writer_counts() -> None:
    """This is the one way to an approval."""
    assert judged(review()).approved_by == ("ana",)
    assert approved(judged(review()))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"commit": OLDER}, STALE),
        ({"may_write": False}, "may not write here"),
        ({"may_write": None}, "may write here or not, that is not known"),
        ({"bot": True}, "is no person"),
        ({"user": "Reconciler-Bot"}, "wrote it"),
    ],
    ids=["older head", "reader", "permission unknown", "bot", "author, in other case"],
)
def test_approval_that_does_not_count_says_why(changes: dict[str, Any], why: str) -> None:
    """Invariant 9: another head, another person's rights, a bot's word or one's own word approve nothing."""
    state = judged(review(**changes))

    assert not approved(state)
    assert [reason for _, reason in state.not_counted] == [why]


def test_newest_opinion_of_a_user_counts() -> None:
    """A later no takes the yes back, and a later yes the no."""
    assert judged(review(), review(state="changes_requested")).approved_by == ()
    assert approved(judged(review(state="changes_requested"), review()))
    assert judged(review(), review(commit=OLDER)).not_counted == (("ana", STALE),)


def test_comment_is_no_opinion() -> None:
    """Talking after an approval leaves it as it is."""
    assert approved(judged(review(), review(state="commented", may_write=None)))


def test_dismissed_review_takes_the_earlier_ones_with_it() -> None:
    """It was dismissed, so its author has said nothing."""
    assert judged(review(), review(state="dismissed")) == ApprovalState()


def test_one_request_for_changes_outweighs_every_approval() -> None:
    """Invariant 7: people win, also the one who objects."""
    state = judged(review("ana"), review("bea"), review("cem", "changes_requested"))

    assert state.approved_by == ("ana", "bea")
    assert state.changes_requested_by == ("cem",)
    assert not approved(state)


@pytest.mark.parametrize(("may_write", "blocks"), [(True, True), (None, True), (False, False)])
def test_request_for_changes_blocks_unless_its_author_may_surely_not_write(*, may_write: Any, blocks: bool) -> None:  # noqa: ANN401
    """Fail closed: what is not known blocks; a passer-by does not."""
    state = judged(review("ana"), review("mallory", "changes_requested", may_write=may_write))

    assert approved(state) is not blocks


def test_request_for_changes_of_an_older_head_still_stands() -> None:
    """Its author has not taken it back."""
    assert judged(review(state="changes_requested", commit=OLDER)).changes_requested_by == ("ana",)


def test_persons_are_all_whose_approval_stands_whichever_head_they_saw() -> None:
    """Who approved an older head has looked at it, too: it is theirs."""
    assert judged(review("ana"), review("bea", commit=OLDER), review("bot", bot=True)).persons == ("ana", "bea")
