"""A pull request that somebody ended: what their merge really holds, and whose close it was.

Protects invariants 7 (a reviewer's value becomes the expected one; a close is a no) and 9 (what was merged is read
from the merge commit, never assumed).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from reconciler.model.facts import Unknown
from reconciler.model.operation import Draft, Effect, EffectStatus, EventKind, Operation, Outcome, TrackedPullRequest
from reconciler.model.proposal import PullRequest
from reconciler.model.quantity import same_quantities
from reconciler.plain import one_line
from reconciler.steps.words import Record, Step, Verb, View, closing, effect_key, escalation, wait

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.model.snapshot import Followed

_MEANWHILE = timedelta(seconds=5)  # between the forge's clock and ours
_SUPERSEDED = "somebody set the field in base; the pull request was closed"


def closed(operation: Operation, tracked: TrackedPullRequest, found: PullRequest, view: View) -> Iterator[Step]:
    """Ours ends it as announced; a person's is a no; one that a missing base took with it is neither."""
    if isinstance(view.snapshot.base, Unknown):
        yield wait(operation, f"pull request {tracked.number} is closed, and base is not known ({view.snapshot.base})")
        return
    effect = operation.effects.get(effect_key(operation, 0, Verb.CLOSE))
    if effect is not None and _is_ours(effect, found):
        outcome = Outcome(effect.data.get("outcome") or Outcome.SUPERSEDED)
        yield closing(operation, outcome, str(effect.data.get("reason") or _SUPERSEDED))
        return
    closer = found.closed_by or "somebody"
    said = Draft(operation=operation.id, kind=EventKind.PULL_REQUEST_CLOSED, data={"by": closer})
    ended = closing(operation, Outcome.REJECTED, f"{closer} closed pull request {tracked.number}")
    yield Record(drafts=(said, *ended.drafts))


def _is_ours(close: Effect, found: PullRequest) -> bool:
    """Tell whether an end is our announced close: a person may have been faster, or opened it again and closed it.

    An account of ours that is not its author's is known by the time: nothing happened after our close.
    """
    if found.closed_by in {None, found.author}:
        return True
    if close.status is not EffectStatus.COMPLETED or close.finished_at is None:
        return False
    return found.updated_at is None or found.updated_at <= close.finished_at + _MEANWHILE


def merged(operation: Operation, tracked: TrackedPullRequest, followed: Followed, view: View) -> Iterator[Step]:
    """Read what the merge really holds: ours, a reviewer's own value, or nothing of it."""
    found, values = followed.pull_request, followed.values_at_merge
    if isinstance(found, PullRequest) and followed.elsewhere is not None:
        by = found.merged_by or "somebody"
        where = f"{by} merged pull request {tracked.number} into {one_line(followed.elsewhere)}, which is not base"
        yield closing(operation, Outcome.REJECTED, where, escalate=True)
        return
    if found is None or isinstance(found, Unknown) or found.merge_commit is None:
        yield wait(operation, f"pull request {tracked.number} is merged, its merge commit is not known yet")
        return
    if values is None or isinstance(values, Unknown):
        reason = f"the content of merge commit {found.merge_commit[:8]} is not known now ({values})"
        overdue = view.now > (found.updated_at or operation.updated_at) + view.settings.delivery.liveness_limit
        if overdue and not operation.escalated:  # base may have been forced, or rewritten, away from it (invariant 10)
            yield Record(drafts=(escalation(operation, f"pull request {tracked.number} is merged, but {reason}"),))
        yield wait(operation, reason)
        return
    changes = [change for _, change in operation.remedy.fields]
    before, wanted = tuple(change.before for change in changes), tuple(change.after for change in changes)
    # A remedy may have been revised without its pull request having been updated yet: then `written` is what we wrote.
    ours = same_quantities(values, wanted) or same_quantities(values, operation.written)
    merged = Draft(
        operation=operation.id,
        kind=EventKind.PULL_REQUEST_MERGED,
        data={
            "merge_commit": found.merge_commit,
            "by": found.merged_by,
            "expected": list(values),
            "modified_by_reviewer": not ours,
        },
    )
    if _lacks(values, wanted) or same_quantities(values, before):
        lost = closing(operation, Outcome.SUPERSEDED, f"merge commit {found.merge_commit[:8]} does not hold the change")
        yield Record(drafts=(merged, *lost.drafts))
        return
    yield Record(drafts=(merged,))


def _lacks(values: Sequence[str | None], wanted: Sequence[str | None]) -> bool:
    """Tell whether a field is absent that was to be set."""
    return any(value is None and after is not None for value, after in zip(values, wanted, strict=True))
