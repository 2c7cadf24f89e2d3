"""Which reviews count: a review is the approval, so what counts as one is a rule of safety. Pure.

Protects invariant 9 (an approval is of an exact head) and invariant 7: whoever asks for changes is heard, whatever
head they saw. Nothing counts by default: a permission that the forge did not tell is none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.model.review import ReviewState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.model.objects import CommitId
    from reconciler.model.review import Review

_OPINIONS = frozenset({ReviewState.APPROVED, ReviewState.CHANGES_REQUESTED, ReviewState.DISMISSED})


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalState:
    """What the reviews of one head come to; each name is in one list only."""

    approved_by: tuple[str, ...] = ()  # their approval counts
    changes_requested_by: tuple[str, ...] = ()  # they may write, or we do not know that they may not
    not_counted: tuple[tuple[str, str], ...] = ()  # who said something that does not count, and why

    @property
    def persons(self) -> tuple[str, ...]:
        """Everybody whose approval stands on the forge, of this head or an older one."""
        return (*self.approved_by, *(who for who, why in self.not_counted if why == STALE))


STALE = "of an older head"


def approval_state(reviews: Iterable[Review], *, head: CommitId, author: str) -> ApprovalState:
    """Return who approves this head of the pull request that `author` opened.

    Of each user the newest opinion counts; a comment is none, and a dismissed one takes the earlier ones with it.
    Whoever else committed or pushed needs no rule here: a head that is not our own commit is never merged by us.
    """
    approved, objections, others = [], [], []
    for review in _newest_opinions(reviews):
        if review.state is ReviewState.CHANGES_REQUESTED:
            if review.may_write is False:
                others.append((review.user, "may not write here"))
            else:
                objections.append(review.user)
            continue
        against = _against(review, head, author)
        if against is None:
            approved.append(review.user)
        else:
            others.append((review.user, against))
    return ApprovalState(approved_by=tuple(approved), changes_requested_by=tuple(objections), not_counted=tuple(others))


def _newest_opinions(reviews: Iterable[Review]) -> list[Review]:
    newest = {review.user.casefold(): review for review in reviews if review.state in _OPINIONS}
    return [review for review in newest.values() if review.state is not ReviewState.DISMISSED]


def _against(review: Review, head: CommitId, author: str) -> str | None:
    """Return why an approval does not count, or None."""
    if review.bot:
        return "is no person"
    if review.user.casefold() == author.casefold():
        return "wrote it"
    if review.may_write is not True:
        return "may not write here" if review.may_write is False else "may write here or not, that is not known"
    return None if review.commit == head else STALE
