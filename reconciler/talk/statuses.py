"""The commit status of a pull request: on its head what we wait for, and after the merge also how it ended. Pure.

While it is open the status is a success unless it is on hold: a pending one would keep a forge from merging it, and
whoever requires `reconciler` on a branch gets just that, a hold that holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.govern.approvals import approval_state
from reconciler.model.conversation import StatusState
from reconciler.model.facts import Unknown, known
from reconciler.model.operation import Operation, Outcome, Phase, TrackedPullRequest
from reconciler.model.proposal import PullRequest, PullRequestState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.model.objects import CommitId
    from reconciler.model.snapshot import Snapshot

Told = tuple["CommitId", StatusState, str]

_ENDS = {
    Outcome.VERIFIED: (StatusState.SUCCESS, "verified: the change is live and the trouble is gone"),
    Outcome.FAILED: (StatusState.FAILURE, "failed: the change is live and the trouble is still there"),
    Outcome.NOT_APPLIED: (StatusState.ERROR, "not applied: the change was merged and never went live"),
    Outcome.SUPERSEDED: (StatusState.ERROR, "superseded: somebody changed the field before ours went live"),
    Outcome.REJECTED: (StatusState.ERROR, "rejected by a person after the merge"),
}


def statuses(operation: Operation, snapshot: Snapshot, hold_label: str) -> Iterator[Told]:
    """Yield commit, state and description; nothing where it is not known how things stand (invariant 3)."""
    tracked = operation.pull_request
    if tracked is None:
        return
    if tracked.merge_commit is not None:
        told = _after_merge(operation)
        if told is not None:
            for commit in dict.fromkeys((tracked.head, tracked.merge_commit)):
                yield commit, *told
        return
    if isinstance(snapshot.pull_requests, Unknown):
        return
    found = next((p for p in snapshot.pull_requests if p.number == tracked.number), None)
    if operation.is_open and found is not None and found.state is PullRequestState.OPEN:
        yield found.head, *_while_open(tracked, found, hold_label, snapshot)


def is_held(number: int, snapshot: Snapshot, hold_label: str) -> bool:
    """Tell whether an open pull request is on hold, by a comment or its label; False where that is not known."""
    if number in snapshot.on_hold:
        return True
    found = next((p for p in known(snapshot.pull_requests, ()) if p.number == number), None)
    return found is not None and found.state is PullRequestState.OPEN and hold_label in found.labels


def _after_merge(operation: Operation) -> tuple[StatusState, str] | None:
    if operation.outcome is not None:
        return _ENDS.get(operation.outcome)
    if operation.phase is Phase.AWAITING_SYNC:
        return StatusState.PENDING, "merged: waits until a descendant of the merge commit is live"
    return StatusState.PENDING, "live: it stabilises, then checks judge it"


def _while_open(
    tracked: TrackedPullRequest, found: PullRequest, hold_label: str, snapshot: Snapshot
) -> tuple[StatusState, str]:
    if is_held(found.number, snapshot, hold_label):
        return StatusState.PENDING, "on hold: left alone until a person ends that"
    seen = tracked.inspected
    if seen is None or seen.head != found.head:
        return StatusState.SUCCESS, "waits for a review"
    opinions = approval_state(seen.reviews, head=seen.head, author=found.author)
    if opinions.changes_requested_by:
        return StatusState.SUCCESS, "waits: a reviewer asks for changes"
    if seen.foreign is not None:
        return StatusState.SUCCESS, "waits for people: it holds a commit that is not ours"
    if opinions.approved_by:
        return StatusState.SUCCESS, "approved: waits to be merged"
    return StatusState.SUCCESS, "waits for a review"
