"""What people and rules say about an open pull request: reviews, whose commits it holds, whether it could be merged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from reconciler.model.objects import CommitId


class ReviewState(StrEnum):
    """What a reviewer said last; a comment is no opinion."""

    APPROVED = "approved"
    CHANGES_REQUESTED = "changes_requested"
    COMMENTED = "commented"
    DISMISSED = "dismissed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """One review as the forge tells it, oldest first where there are several."""

    user: str
    state: ReviewState
    commit: CommitId  # the head that its author saw
    may_write: bool | None = None  # None: the forge did not say, or was not asked because it was no opinion
    bot: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What an open pull request looked like when its reviews and its head were read.

    The ledger keeps it, so that they are read again only when the forge says that something changed.
    """

    head: CommitId
    updated_at: datetime | None  # as the forge had it then
    reviews: tuple[Review, ...] = ()
    foreign: str | None = None  # who made a commit on it that is not ours
    values: tuple[str | None, ...] | None = None  # the changed fields at a foreign head


class MergeState(StrEnum):
    """What a forge says of a merge, by GitHub's words; `queued` is in a merge queue."""

    CLEAN = "clean"
    BLOCKED = "blocked"
    BEHIND = "behind"
    DIRTY = "dirty"
    DRAFT = "draft"
    UNSTABLE = "unstable"
    QUEUED = "queued"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mergeability:
    """Whether the forge would merge a pull request now, and why not."""

    state: MergeState
    reason: str = ""
