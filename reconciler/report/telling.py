"""One event as one sentence, for timelines and for `reconciler audit show`.

What a pass says about an event (`sentences.py`) is said here in the same words; this adds the events that only an
operation's story needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.model.conversation import CONVERSATION
from reconciler.model.operation import EventKind, Outcome
from reconciler.model.verdict import Answer
from reconciler.plain import counted
from reconciler.sentences import conversation_sentence, sentence

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.model.operation import Event, Operation


def told(event: Event, operation: Operation | None) -> str:
    """Say what an event records; without its operation (the events do not fold) only its kind is certain."""
    if event.operation == CONVERSATION:
        return (
            conversation_sentence(event) or f"{event.kind.value.replace('_', ' ')} {event.data.get('key', '')}".strip()
        )
    if operation is None:
        return event.kind.value.replace("_", " ")
    said = sentence(event, operation)
    if said is None and event.kind in _ONLY_HERE:
        said = _ONLY_HERE[event.kind](event.data, operation)
    return said or event.kind.value.replace("_", " ")


def mood(event: Event) -> str:
    """Return the style of an event: what went well, what went badly, what waits for somebody."""
    data = event.data
    match event.kind:
        case EventKind.OPERATION_CLOSED:
            return "good" if data.get("outcome") in {Outcome.VERIFIED, Outcome.RESOLVED} else "bad"
        case EventKind.VERDICT_GIVEN:
            return _BY_ANSWER.get(data["verdict"]["answer"], "warn")
        case EventKind.CHECKED:
            return "good" if data["clean"] else "warn"
        case kind:
            return _MOODS.get(kind, "place")


_BY_ANSWER = {Answer.GO.value: "good", Answer.REFUSE.value: "bad"}
_MOODS = {
    EventKind.APPROVAL_REQUESTED: "warn",
    EventKind.APPROVAL_GIVEN: "good",
    EventKind.APPROVAL_REJECTED: "bad",
    EventKind.EFFECT_COMPLETED: "good",
    EventKind.EFFECT_FAILED: "bad",
    EventKind.PULL_REQUEST_MERGED: "good",
    EventKind.PULL_REQUEST_CLOSED: "bad",
    EventKind.CHANGE_LIVE: "good",
    EventKind.VERIFICATION_COMPLETED: "good",
    EventKind.VERIFICATION_FAILED: "bad",
    EventKind.ESCALATED: "warn",
    EventKind.RETRY_ASKED: "warn",
}


def _action(data: Mapping[str, Any], operation: Operation) -> str:
    return operation.remedy.actions[int(data["action"])].name.value


def _verdict(data: Mapping[str, Any], operation: Operation) -> str:
    verdict = data["verdict"]
    answer = str(verdict["answer"]).replace("_", " ")
    return f"verdict on {_action(data, operation)}: {answer}, {verdict['message']} [{verdict['code']}]"


def _rejected(data: Mapping[str, Any], _: Operation) -> str:
    reason = data.get("reason")
    return f"rejected by {data['by']}" + (f": {reason}" if reason else "")


def _checked(data: Mapping[str, Any], _: Operation) -> str:
    checks = data.get("checks", ())
    open_checks = [str(c.get("name")) for c in checks if c.get("status") != "passed"]
    return "checks: all passed" if data["clean"] else f"checks: not yet {', '.join(open_checks) or 'clean'}"


_ONLY_HERE: Mapping[EventKind, Callable[[Mapping[str, Any], Operation], str]] = {
    EventKind.VERDICT_GIVEN: _verdict,
    EventKind.APPROVAL_GIVEN: lambda data, operation: f"{data['by']} approved {_action(data, operation)}",
    EventKind.APPROVAL_REJECTED: _rejected,
    EventKind.EFFECT_INTENDED: lambda data, _: f"intends {data['key']}",
    EventKind.EFFECT_COMPLETED: lambda data, _: f"completed {data['key']}",
    EventKind.PULL_REQUEST_CLOSED: lambda data, _: f"pull request closed by {data.get('by') or 'somebody'}",
    EventKind.PULL_REQUEST_INSPECTED: lambda data, _: data.get("said") or "looked at the pull request: nothing new",
    EventKind.TROUBLE_WATCHED: lambda data, _: "the trouble is gone now" if data["quiet"] else "the trouble is back",
    EventKind.CHECKED: _checked,
    EventKind.VERIFICATION_COMPLETED: lambda data, _: (
        f"verified: {counted(len(data.get('checks', ())), 'check')} passed"
    ),
}
