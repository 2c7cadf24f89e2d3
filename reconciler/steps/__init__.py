"""What an operation needs next, from its own state and the snapshot. Pure: it asks nobody and writes nothing.

Read `next_steps` first: one function a phase, each returning facts to record, effects to perform, or the reason to
wait. A pass applies the answer and asks again until nothing is left to do now (`reconcile.py`).

Protects invariants 2 (level-triggered: only the snapshot and the ledger decide), 3 (unknown waits) and 10 (tries and
waits have limits; reaching one escalates once).
"""

from __future__ import annotations

from reconciler.model.operation import Operation, Phase
from reconciler.model.proposal import PullRequest, PullRequestState
from reconciler.steps.deciding import decided, mitigations, rejected
from reconciler.steps.delivering import awaiting_sync
from reconciler.steps.judging import stabilizing
from reconciler.steps.reviewing import awaiting_git_pr
from reconciler.steps.words import Perform, Record, Step, Verb, View, Wait

__all__ = ["Perform", "Record", "Step", "Verb", "View", "Wait", "next_steps"]


def next_steps(operation: Operation, view: View) -> tuple[Step, ...]:
    """Return what the operation needs now; waits alone mean that it needs nothing."""
    if operation.rejected_by is not None:
        return tuple(awaiting_git_pr(operation, view) if _was_merged(operation, view) else rejected(operation, view))
    match operation.phase:
        case Phase.DECIDED | Phase.AWAITING_APPROVAL:
            return tuple(decided(operation, view))
        case Phase.AWAITING_GIT_PR:
            return (*mitigations(operation, view), *awaiting_git_pr(operation, view))
        case Phase.AWAITING_SYNC:
            return tuple(awaiting_sync(operation, view))
        case Phase.STABILIZING:
            return tuple(stabilizing(operation, view))
        case Phase.CLOSED:
            return ()


def _was_merged(operation: Operation, view: View) -> bool:
    """Tell whether somebody merged what was rejected before we saw it: it reaches the cluster, so it is followed."""
    followed = view.snapshot.followed.get(operation.id)
    found = followed.pull_request if followed is not None else None
    return (
        operation.phase is Phase.AWAITING_GIT_PR
        and isinstance(found, PullRequest)
        and found.state is PullRequestState.MERGED
    )
