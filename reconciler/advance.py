"""The fold from the ledger's events to operations, by the table of phases.

Theory of operation. An operation is nothing but the fold of its events; no field of it is ever stored. `phases.NEXT`
says which event may follow in which phase and where it leads. An event that the table does not allow raises
`IllegalEvent` and changes nothing: either the ledger was altered or two versions of the program disagree, and in
both cases going on would be a guess.

Protects invariant 1 (intent before effect): effects are known by their intent, whether or not a result followed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from reconciler.effects import with_event
from reconciler.errors import LedgerError
from reconciler.model.action import Remedy
from reconciler.model.codec import decode
from reconciler.model.conversation import CONVERSATION
from reconciler.model.objects import CommitId, ObjectRef
from reconciler.model.operation import (
    Approval,
    Effect,
    EffectStatus,
    Event,
    EventKind,
    Operation,
    Outcome,
    Phase,
    TrackedPullRequest,
)
from reconciler.model.review import Inspection
from reconciler.model.verdict import Verdict
from reconciler.phases import NEXT


class IllegalEvent(LedgerError):
    """An event that cannot happen in the phase that its operation is in."""


def fold(events: Iterable[Event], start: Mapping[str, Operation] | None = None) -> dict[str, Operation]:
    """Return every operation by id, in the order in which they were opened.

    Raises IllegalEvent when the events do not follow the table.
    """
    operations = dict(start or {})
    for event in events:
        if event.operation == CONVERSATION:
            continue  # `conversation.py` folds those
        operations[event.operation] = advance(operations.get(event.operation), event)
    return operations


def advance(operation: Operation | None, event: Event) -> Operation:
    """Apply one event to an operation, or open a new one.

    Raises IllegalEvent when the table does not allow it; the operation stays as it was.
    """
    if event.kind is EventKind.OPERATION_OPENED:
        if operation is not None:
            raise _illegal(event, f"{event.operation} exists already")
        return _opened(event)
    if operation is None:
        raise _illegal(event, f"{event.operation} was never opened")
    phase = NEXT[operation.phase].get(event.kind)
    if phase is None:
        raise _illegal(event, f"{event.operation} is {operation.phase}")
    advanced = replace(operation, phase=phase, updated_at=event.at, version=event.sequence)
    return _APPLY[event.kind](advanced, event, event.data)


def _illegal(event: Event, because: str) -> IllegalEvent:
    return IllegalEvent(
        code="ledger.illegal_event",
        message=f"event {event.sequence} ({event.kind}) cannot happen: {because}",
        remedy="run `reconciler audit verify`; if the chain is whole, an older version wrote this ledger",
    )


def _opened(event: Event) -> Operation:
    """Open it; what an operation did that was taken apart comes with what is left of it."""
    remedy = decode(Remedy, event.data["remedy"])
    return Operation(
        id=event.operation,
        remedy=remedy,
        phase=Phase.DECIDED,
        opened_at=event.at,
        updated_at=event.at,
        version=event.sequence,
        expected=_wanted(remedy),
        written=_wanted(remedy),
        effects=_brought(event.data),
    )


def _brought(data: Mapping[str, Any]) -> dict[str, Effect]:
    return {effect.key: effect for effect in (decode(Effect, e) for e in data.get("effects", ()))}


def _wanted(remedy: Remedy) -> tuple[str | None, ...]:
    return tuple(change.after for _, change in remedy.fields)


Apply = Callable[[Operation, Event, Mapping[str, Any]], Operation]


def _verdict_given(operation: Operation, _: Event, data: Mapping[str, Any]) -> Operation:
    verdict = decode(Verdict, data["verdict"])
    return replace(operation, verdicts={**operation.verdicts, data["action"]: verdict})


def _approval_requested(operation: Operation, _: Event, data: Mapping[str, Any]) -> Operation:
    return replace(operation, approval_requested=(*operation.approval_requested, data["action"]))


def _approval_given(operation: Operation, event: Event, data: Mapping[str, Any]) -> Operation:
    approval = Approval(action=data["action"], by=data["by"], at=event.at)
    return replace(operation, approvals=(*operation.approvals, approval))


def _approval_rejected(operation: Operation, _: Event, data: Mapping[str, Any]) -> Operation:
    return replace(operation, rejected_by=data["by"], rejection_reason=data.get("reason", ""))


def _effect(operation: Operation, event: Event, _: Mapping[str, Any]) -> Operation:
    return replace(operation, effects=with_event(operation.effects, event))


def _retry_asked(operation: Operation, _: Event, __: Mapping[str, Any]) -> Operation:
    """Let everything that failed be tried at once, as if it had not been tried yet; what it announced stays known.

    Of one that has ended, how it ended holds nothing back any more; an end that comes later counts anew.
    """
    effects = {
        key: replace(effect, status=EffectStatus.INTENDED, attempts=0, permanent=False, error=None)
        if effect.status is EffectStatus.FAILED
        else effect
        for key, effect in operation.effects.items()
    }
    return replace(operation, effects=effects, retried=not operation.is_open)


def _pull_request_opened(operation: Operation, _: Event, data: Mapping[str, Any]) -> Operation:
    return replace(operation, pull_request=decode(TrackedPullRequest, _with_sites(data["pull_request"])))


def _with_sites(tracked: Mapping[str, Any]) -> Mapping[str, Any]:
    """Bring a pull request of an older ledger, which knew one file and no sites, into today's shape."""
    located = tracked["located"]
    if "sites" in located:
        return tracked
    place = {key: located[key] for key in ("path", "blob", "document")}
    kept = {key: value for key, value in located.items() if key not in place}
    return {**tracked, "located": {**kept, "sites": [{**place, "field": [], "before": "", "after": ""}]}}


def _pull_request_merged(operation: Operation, event: Event, data: Mapping[str, Any]) -> Operation:
    if operation.pull_request is None:
        raise _illegal(event, f"{operation.id} has no pull request")
    merged = replace(
        operation.pull_request,
        merge_commit=CommitId(data["merge_commit"]),
        merged_by=data.get("by"),
        merged_at=event.at,
        modified_by_reviewer=data.get("modified_by_reviewer", False),
    )
    # It reaches the cluster, whatever was said before: a no that came too late to close it is over.
    return replace(operation, pull_request=merged, expected=tuple(data["expected"]), rejected_by=None)


def _pull_request_closed(operation: Operation, event: Event, data: Mapping[str, Any]) -> Operation:
    if operation.pull_request is None:
        raise _illegal(event, f"{operation.id} has no pull request")
    return replace(operation, pull_request=replace(operation.pull_request, closed_by=data.get("by") or "somebody"))


def _pull_request_inspected(operation: Operation, event: Event, data: Mapping[str, Any]) -> Operation:
    if operation.pull_request is None:
        raise _illegal(event, f"{operation.id} has no pull request")
    inspected = decode(Inspection, data["inspection"])
    values = inspected.values
    # Who edits the value in our branch means it: theirs is the one to expect. A field they took away is no value.
    edited = tuple(values) if values is not None and all(value is not None for value in values) else None
    return replace(
        operation,
        pull_request=replace(operation.pull_request, inspected=inspected),
        expected=operation.expected if edited is None else tuple(value or "" for value in edited),
    )


def _remedy_revised(operation: Operation, _: Event, data: Mapping[str, Any]) -> Operation:
    """Let it go further, or stand for more; what its pull request holds, if there is one, is as it was.

    What an operation did that it takes in comes with it.
    """
    remedy = decode(Remedy, data["remedy"])
    effects = {**operation.effects, **_brought(data)}
    revised = replace(operation, remedy=remedy, effects=effects, expected=_wanted(remedy), written=_wanted(remedy))
    if operation.pull_request is None:
        return revised
    there = dict(zip(((t, c.path) for t, c in operation.remedy.fields), operation.written, strict=True))
    written = tuple(there.get((target, change.path), change.before) for target, change in remedy.fields)
    return replace(revised, written=written, pull_request=replace(operation.pull_request, outdated=True))


def _pull_request_updated(operation: Operation, event: Event, data: Mapping[str, Any]) -> Operation:
    if operation.pull_request is None:
        raise _illegal(event, f"{operation.id} has no pull request")
    updated = decode(TrackedPullRequest, data["pull_request"])
    written = _wanted(operation.remedy)
    return replace(operation, written=written, pull_request=replace(updated, written_at=event.at))


def _trouble_watched(operation: Operation, event: Event, data: Mapping[str, Any]) -> Operation:
    if not data["quiet"]:
        return replace(operation, quiet_passes=0, quiet_since=None)
    since = operation.quiet_since or event.at
    return replace(operation, quiet_passes=operation.quiet_passes + 1, quiet_since=since)


def _change_live(operation: Operation, event: Event, data: Mapping[str, Any]) -> Operation:
    live, tracked = replace(operation, live_at=event.at), operation.pull_request
    if tracked is None or "target" not in data:
        return live
    located = replace(tracked.located, becomes=decode(ObjectRef, data["target"]))
    return replace(live, pull_request=replace(tracked, located=located))


def _checked(operation: Operation, _: Event, data: Mapping[str, Any]) -> Operation:
    return replace(operation, clean_reads=operation.clean_reads + 1 if data["clean"] else 0)


def _unchanged(operation: Operation, _: Event, __: Mapping[str, Any]) -> Operation:
    return operation


def _escalated(operation: Operation, _: Event, __: Mapping[str, Any]) -> Operation:
    return replace(operation, escalated=True)


def _closed(operation: Operation, event: Event, data: Mapping[str, Any]) -> Operation:
    return replace(
        operation, outcome=Outcome(data["outcome"]), outcome_reason=data.get("reason", ""), closed_at=event.at
    )


_APPLY: Mapping[EventKind, Apply] = {
    EventKind.VERDICT_GIVEN: _verdict_given,
    EventKind.APPROVAL_REQUESTED: _approval_requested,
    EventKind.APPROVAL_GIVEN: _approval_given,
    EventKind.APPROVAL_REJECTED: _approval_rejected,
    EventKind.EFFECT_INTENDED: _effect,
    EventKind.EFFECT_COMPLETED: _effect,
    EventKind.EFFECT_FAILED: _effect,
    EventKind.PULL_REQUEST_OPENED: _pull_request_opened,
    EventKind.PULL_REQUEST_MERGED: _pull_request_merged,
    EventKind.PULL_REQUEST_CLOSED: _pull_request_closed,
    EventKind.PULL_REQUEST_INSPECTED: _pull_request_inspected,
    EventKind.REMEDY_REVISED: _remedy_revised,
    EventKind.PULL_REQUEST_UPDATED: _pull_request_updated,
    EventKind.TROUBLE_WATCHED: _trouble_watched,
    EventKind.CHANGE_LIVE: _change_live,
    EventKind.CHECKED: _checked,
    EventKind.VERIFICATION_COMPLETED: _unchanged,
    EventKind.VERIFICATION_FAILED: _unchanged,
    EventKind.ESCALATED: _escalated,
    EventKind.RETRY_ASKED: _retry_asked,
    EventKind.OPERATION_CLOSED: _closed,
}
