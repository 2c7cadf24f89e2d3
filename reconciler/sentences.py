"""Events as sentences for people: the pass's log lines, and the story that `explain` tells."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from reconciler.model.facts import Unknown
from reconciler.model.operation import Event, EventKind, Operation, parts_of
from reconciler.plain import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.model.report import Held
    from reconciler.model.snapshot import Snapshot

_MOST = 3  # waits in one sentence; the report lists all

Words = Callable[[Mapping[str, Any], Operation], str | None]


def sentence(event: Event, operation: Operation) -> str | None:
    """Return one event in words, or None for one that only its operation's story needs."""
    words = _WORDS.get(event.kind)
    return words(event.data, operation) if words else None


def _opened(data: Mapping[str, Any], operation: Operation) -> str:
    follows = f", after {data['parent']}" if data.get("parent") else ""
    return f"opened {operation.id}{follows}: {operation.remedy.finding.summary}"


def _asked(data: Mapping[str, Any], operation: Operation) -> str:
    return f"asked for an approval: {operation.remedy.actions[data['action']].summary} ({operation.id})"


def _done(data: Mapping[str, Any], operation: Operation) -> str | None:
    action = operation.remedy.actions[parts_of(data["key"])[1]]
    said = {
        "run": f"ran {action.name} on {action.target}",
        "apply": f"applied {action.summary}",
        "refresh": f"asked delivery to reread Git for {operation.names}",
        "close": f"closed the pull request of {operation.id}",
        "merge": f"merged the pull request of {operation.id}",
    }
    return said.get(data.get("verb", ""))


def _pull_request(data: Mapping[str, Any], operation: Operation) -> str:
    return f"opened pull request {data['pull_request']['number']}: {data.get('title', operation.names)}"


def _updated(data: Mapping[str, Any], _: Operation) -> str:
    return f"updated pull request {data['pull_request']['number']} in place: {data.get('why', '')}"


def _revised(_: Mapping[str, Any], operation: Operation) -> str:
    changed = [a.summary for a in operation.remedy.actions if a.changes]
    return f"revised {operation.id}: {', '.join(changed)}"


def _merged(data: Mapping[str, Any], operation: Operation) -> str:
    number = operation.pull_request.number if operation.pull_request else "?"
    edited = ", with a reviewer's own value" if data.get("modified_by_reviewer") else ""
    by = f" by {data['by']}" if data.get("by") else ""
    return f"pull request {number} was merged{by}{edited}"


def _checked(data: Mapping[str, Any], operation: Operation) -> str:
    return f"checked {operation.names}: {'all passed' if data['clean'] else 'not every check could be made'}"


def _not_cured(data: Mapping[str, Any], operation: Operation) -> str:
    are = "are" if len(operation.targets) > 1 else "is"
    return f"{operation.names} {are} not cured: {data['analysis']}"


_WORDS: Mapping[EventKind, Words] = {
    EventKind.OPERATION_OPENED: _opened,
    EventKind.APPROVAL_REQUESTED: _asked,
    EventKind.EFFECT_COMPLETED: _done,
    EventKind.PULL_REQUEST_OPENED: _pull_request,
    EventKind.PULL_REQUEST_INSPECTED: lambda data, _: data.get("said") or None,
    EventKind.REMEDY_REVISED: _revised,
    EventKind.PULL_REQUEST_UPDATED: _updated,
    EventKind.PULL_REQUEST_MERGED: _merged,
    EventKind.CHANGE_LIVE: lambda _, operation: f"the change of {operation.names} is live",
    EventKind.CHECKED: _checked,
    EventKind.VERIFICATION_FAILED: _not_cured,
    EventKind.ESCALATED: lambda data, operation: f"handed {operation.id} to a person: {data['reason']}",
    EventKind.RETRY_ASKED: lambda data, operation: f"{data['by']} wants {operation.id} to be tried again",
    EventKind.OPERATION_CLOSED: lambda data, o: f"{o.id} ended {data['outcome']}: {data['reason']}",
}


def conversation_sentence(event: Event) -> str | None:
    """Return an event that belongs to no operation in words: what people told us, and what we said and where."""
    if event.kind is EventKind.COMMENTS_HEARD:
        said = [
            f"{c['by']} said {c['word'] or 'nothing'} on {c['number']}: {c['answer']}" for c in event.data["commands"]
        ]
        return "; ".join(said) or None
    if event.kind is EventKind.EFFECT_COMPLETED:
        return str(event.data["result"].get("summary", "")) or None
    return None


def pass_sentence(
    lines: Sequence[str],
    waiting: Mapping[str, str],
    unknown: Sequence[Unknown],
    snapshot: Snapshot,
    *,
    held: Sequence[Held] = (),
    paused: bool,
) -> str:
    """Return the pass in one line: what was done, what is waited for, and who did not answer."""
    said = [*lines, *_waits(waiting), *_holds(held)] or [f"nothing to do: {_quiet(snapshot)}"]
    text = "; ".join(said)
    if unknown:
        silent = ", ".join(sorted({fact.source for fact in unknown}))
        text += f" (no answer from {silent}; nothing was decided on their facts)"
    return f"paused: {text}" if paused else text


def _waits(waiting: Mapping[str, str]) -> list[str]:
    said = [f"{operation} waits: {reason}" for operation, reason in list(waiting.items())[:_MOST]]
    more = len(waiting) - len(said)
    return [*said, f"{counted(more, 'more operation')} {'waits' if more == 1 else 'wait'}"] if more > 0 else said


def _holds(held: Sequence[Held]) -> list[str]:
    return [f"held: {h.finding.summary}: {h.reason}" for h in held if h.code != "known"][:_MOST]


def _quiet(snapshot: Snapshot) -> str:
    if isinstance(snapshot.workloads, Unknown):
        return "the cluster is not known now"
    return f"{counted(len(snapshot.workloads), 'workload')}, none in trouble that is not handled"
