"""A merged change on its way into the cluster: delivery of a descendant of the merge commit.

Protects invariant 3 (what delivery does not say proves nothing) and 7 (a later commit is not ours to judge).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.action import shown
from reconciler.model.codec import encode
from reconciler.model.delivery import find_application
from reconciler.model.facts import Unknown
from reconciler.model.operation import (
    Draft,
    EventKind,
    Operation,
    Outcome,
    TrackedPullRequest,
)
from reconciler.model.quantity import same_quantities
from reconciler.model.snapshot import Renamed
from reconciler.steps.words import Perform, Record, Step, Verb, View, closing, effect_key, wait
from reconciler.track import DeliveryState, delivery_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.model.snapshot import Followed, Snapshot


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
        live=live_values(operation, view.snapshot),
        expected=operation.expected,
    )
    match report.state:
        case DeliveryState.LIVE:
            index = tracked.located.source_index
            revision = next(iter(application.revisions[index : index + 1]), tracked.merge_commit or "")
            data = {"revision": revision, "values": list(operation.expected), **_name_of_now(followed)}
            yield Record(drafts=(Draft(operation=operation.id, kind=EventKind.CHANGE_LIVE, data=data),))
            return
        case DeliveryState.WAITING_FOR_REVISION | DeliveryState.STALE_STATUS if not application.refresh_pending:
            yield from _nudge(operation, view)
        case (
            DeliveryState.WAITING_FOR_WINDOW
            | DeliveryState.AWAITING_MANUAL_SYNC
            | DeliveryState.ON_HOLD
            | DeliveryState.UNKNOWN
        ):
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


def live_values(operation: Operation, snapshot: Snapshot) -> tuple[str | None, ...] | Unknown:
    """Return what the remedy's fields hold in the cluster."""
    if isinstance(snapshot.fields, Unknown):
        return snapshot.fields
    keys = [(target, change.path) for target, change in operation.remedy.fields]
    missing = [key for key in keys if key not in snapshot.fields]
    if missing:
        return Unknown("kubernetes", f"{missing[0][0]} was not read")
    return tuple(snapshot.fields[key] for key in keys)


def _name_of_now(followed: Followed) -> dict[str, object]:
    """Return what the target is called by now, to be written down where its name follows its content."""
    return {"target": encode(followed.renamed.target)} if isinstance(followed.renamed, Renamed) else {}


def _nudge(operation: Operation, view: View) -> Iterator[Step]:
    """Ask delivery to reread Git, again only after the configured interval, for a request may be lost."""
    key = effect_key(operation, 0, Verb.REFRESH)
    effect = operation.effects.get(key)
    last = (effect.finished_at or effect.intended_at) if effect else None
    if last is None or view.now - last >= view.settings.delivery.nudge_interval:
        yield Perform(operation=operation.id, key=key, verb=Verb.REFRESH, action=0)
