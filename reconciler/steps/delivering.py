"""A pull request on its way: review, merge, then delivery of a descendant of the merge commit.

Protects invariants 3 (a list without our pull request proves nothing) and 7 (a reviewer's value becomes the expected
one; a close is a no).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.action import shown
from reconciler.model.delivery import find_application
from reconciler.model.facts import Unknown
from reconciler.model.operation import (
    Draft,
    EventKind,
    Operation,
    Outcome,
    TrackedPullRequest,
)
from reconciler.model.proposal import PullRequestState
from reconciler.model.quantity import same_quantities
from reconciler.steps.parts import attempt
from reconciler.steps.words import Perform, Record, Step, Verb, View, closing, declarative_of, effect_key, wait
from reconciler.track import DeliveryState, delivery_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.model.snapshot import Followed, Snapshot


def awaiting_git_pr(operation: Operation, view: View) -> Iterator[Step]:
    """The pull request is open: see what people did with it."""
    tracked, followed = operation.pull_request, view.snapshot.followed.get(operation.id)
    if tracked is None:
        return
    if followed is None:  # it was opened in this pass
        yield wait(operation, f"pull request {tracked.number} waits for a review: {tracked.url}")
        return
    found = followed.pull_request
    if isinstance(found, Unknown):
        yield wait(operation, f"pull request {tracked.number} is not known now ({found})")
    elif found is None:
        yield wait(operation, f"pull request {tracked.number} is not in the forge's list; that proves nothing")
    elif found.state is PullRequestState.OPEN:
        yield from _open(operation, tracked, followed, view)
    elif found.state is PullRequestState.CLOSED and effect_key(operation, 0, Verb.CLOSE) in operation.effects:
        yield closing(operation, Outcome.SUPERSEDED, "somebody set the field in base; the pull request was closed")
    elif found.state is PullRequestState.CLOSED:
        closer = found.closed_by or "somebody"
        closed = Draft(operation=operation.id, kind=EventKind.PULL_REQUEST_CLOSED, data={"by": closer})
        ended = closing(operation, Outcome.REJECTED, f"{closer} closed pull request {tracked.number}")
        yield Record(drafts=(closed, *ended.drafts))
    else:
        yield from _merged(operation, tracked, followed)


def _open(operation: Operation, tracked: TrackedPullRequest, followed: Followed, view: View) -> Iterator[Step]:
    """It waits for a review, or for nothing any more: somebody gave the field another value in base meanwhile.

    The end is seen in a later snapshot only: the pull request may be merged at this very moment.
    """
    at_base, declarative = followed.values_at_base, declarative_of(operation)
    if at_base is not None and not isinstance(at_base, Unknown) and declarative is not None:
        before = tuple(change.before for change in declarative[1].changes)
        if not same_quantities(at_base, before) and not same_quantities(at_base, operation.expected):
            found = ", ".join(map(shown, at_base))
            reason = f"somebody set the field to {found} in base, so this proposal is out of date"
            yield from attempt(operation, 0, Verb.CLOSE, view, reason=reason)
            yield wait(operation, f"pull request {tracked.number}: {reason}")
            return
    yield wait(operation, f"pull request {tracked.number} waits for a review: {tracked.url}")


def _merged(operation: Operation, tracked: TrackedPullRequest, followed: Followed) -> Iterator[Step]:
    """Read what the merge really holds: ours, a reviewer's own value, or nothing of it."""
    found, values = followed.pull_request, followed.values_at_merge
    if found is None or isinstance(found, Unknown) or found.merge_commit is None:
        yield wait(operation, f"pull request {tracked.number} is merged, its merge commit is not known yet")
        return
    if values is None or isinstance(values, Unknown):
        yield wait(operation, f"the content of merge commit {found.merge_commit[:8]} is not known now ({values})")
        return
    declarative = declarative_of(operation)
    before = tuple(change.before for change in declarative[1].changes) if declarative else ()
    merged = Draft(
        operation=operation.id,
        kind=EventKind.PULL_REQUEST_MERGED,
        data={
            "merge_commit": found.merge_commit,
            "by": found.merged_by,
            "expected": list(values),
            "modified_by_reviewer": not same_quantities(values, operation.expected),
        },
    )
    if _lacks(values, operation.expected) or same_quantities(values, before):
        lost = closing(operation, Outcome.SUPERSEDED, f"merge commit {found.merge_commit[:8]} does not hold the change")
        yield Record(drafts=(merged, *lost.drafts))
        return
    yield Record(drafts=(merged,))


def _lacks(values: Sequence[str | None], expected: Sequence[str | None]) -> bool:
    """Tell whether a field is absent that was to be set."""
    return any(value is None and wanted is not None for value, wanted in zip(values, expected, strict=True))


# --- merged, not live yet ------------------------------------------------------------------------------------------


def awaiting_sync(operation: Operation, view: View) -> Iterator[Step]:
    """It is merged: follow delivery until a descendant of the merge commit is live."""
    tracked, followed = operation.pull_request, view.snapshot.followed.get(operation.id)
    if tracked is None or followed is None:
        yield wait(operation, "the merge was seen in this pass")
        return
    at_base = followed.values_at_base
    if at_base is not None and not isinstance(at_base, Unknown) and not same_quantities(at_base, operation.expected):
        found = ", ".join(map(shown, at_base))
        yield closing(operation, Outcome.SUPERSEDED, f"a later commit set the field to {found} before it went live")
        return
    application = find_application(tracked.located.application, view.snapshot.applications)
    if isinstance(application, Unknown):
        yield from _patience(operation, tracked, view, f"delivery is not known now ({application})")
        return
    report = delivery_of(
        application,
        contains_merge=followed.contains_merge,
        live=_live_values(operation, view.snapshot),
        expected=operation.expected,
    )
    match report.state:
        case DeliveryState.LIVE:
            revision = application.revisions[tracked.located.source_index]
            data = {"revision": revision, "values": list(operation.expected)}
            yield Record(drafts=(Draft(operation=operation.id, kind=EventKind.CHANGE_LIVE, data=data),))
            return
        case DeliveryState.WAITING_FOR_REVISION | DeliveryState.STALE_STATUS if not application.refresh_pending:
            yield from _nudge(operation, view)
        case DeliveryState.WAITING_FOR_WINDOW | DeliveryState.AWAITING_MANUAL_SYNC | DeliveryState.UNKNOWN:
            yield from _patience(operation, tracked, view, f"{report.state}: {report.message}")
            return
        case _:
            pass
    if _is_overdue(operation, tracked, view):
        yield closing(operation, Outcome.NOT_APPLIED, f"{report.state}: {report.message}", escalate=True)
        return
    yield wait(operation, f"{report.state}: {report.message}")


def _patience(operation: Operation, tracked: TrackedPullRequest, view: View, reason: str) -> Iterator[Step]:
    """Wait for what only people or other systems can bring, without an end, but tell a person once (invariant 10)."""
    if _is_overdue(operation, tracked, view) and not operation.escalated:
        data = {"reason": f"merged, and still not live: {reason}"}
        yield Record(drafts=(Draft(operation=operation.id, kind=EventKind.ESCALATED, data=data),))
    yield wait(operation, reason)


def _is_overdue(operation: Operation, tracked: TrackedPullRequest, view: View) -> bool:
    return view.now > (tracked.merged_at or operation.updated_at) + view.settings.delivery.liveness_limit


def _live_values(operation: Operation, snapshot: Snapshot) -> tuple[str | None, ...] | Unknown:
    declarative = declarative_of(operation)
    if declarative is None or isinstance(snapshot.fields, Unknown):
        return snapshot.fields if isinstance(snapshot.fields, Unknown) else ()
    keys = [(declarative[1].target, change.path) for change in declarative[1].changes]
    missing = [key for key in keys if key not in snapshot.fields]
    if missing:
        return Unknown("kubernetes", f"{missing[0][0]} was not read")
    return tuple(snapshot.fields[key] for key in keys)


def _nudge(operation: Operation, view: View) -> Iterator[Step]:
    """Ask delivery to reread Git, again only after the configured interval, for a request may be lost."""
    key = effect_key(operation, 0, Verb.REFRESH)
    effect = operation.effects.get(key)
    last = (effect.finished_at or effect.intended_at) if effect else None
    if last is None or view.now - last >= view.settings.delivery.nudge_interval:
        yield Perform(operation=operation.id, key=key, verb=Verb.REFRESH, action=0)
