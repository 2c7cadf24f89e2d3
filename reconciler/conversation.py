"""The fold from the ledger's events to what was said on the forge, beside the operations that `advance.py` folds.

An event whose operation is `CONVERSATION` belongs to none: what we said and to whom, what people told us. Whatever a
command does to an operation is an event of that operation, appended together with the hearing of it, all or none.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from reconciler.effects import with_event
from reconciler.errors import LedgerError
from reconciler.model.codec import decode
from reconciler.model.conversation import CONVERSATION, Command, Conversation, Stop, Word
from reconciler.model.operation import EventKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.model.operation import Effect, Event

_EFFECTS = {EventKind.EFFECT_INTENDED, EventKind.EFFECT_COMPLETED, EventKind.EFFECT_FAILED}


def conversed(events: Iterable[Event], start: Conversation | None = None) -> Conversation:
    """Return the conversation after these events.

    Raises LedgerError when one of them cannot be part of it.
    """
    conversation = start or Conversation()
    for event in events:
        if conversation.begun_at is None:
            conversation = replace(conversation, begun_at=event.at)
        if event.operation == CONVERSATION:
            conversation = _advanced(conversation, event)
    return conversation


def _advanced(conversation: Conversation, event: Event) -> Conversation:
    if event.kind in _EFFECTS:
        return replace(conversation, effects=with_event(_afresh(conversation.effects, event), event))
    if event.kind is EventKind.COMMENTS_HEARD:
        return _heard(conversation, event.data)
    raise LedgerError(
        code="ledger.illegal_event",
        message=f"event {event.sequence} ({event.kind}) belongs to an operation, and names none",
        remedy="run `reconciler audit verify`; if the chain is whole, another version wrote this ledger",
    )


def _afresh(effects: Mapping[str, Effect], event: Event) -> Mapping[str, Effect]:
    """Forget how often something else was tried in vain: what is said anew has all its tries."""
    before = effects.get(event.data["key"])
    announced = event.data.get("data", {}).get("digest")
    if event.kind is not EventKind.EFFECT_INTENDED or before is None or before.data.get("digest") == announced:
        return effects
    return {**effects, before.key: replace(before, attempts=0)}


def with_command(conversation: Conversation, command: Command) -> Conversation:
    """Return the conversation after one more command."""
    stopped = conversation.stopped
    if command.obeyed and command.everything:
        stop = Stop(by=command.by, at=command.at, number=command.number)
        stopped = stop if command.word == Word.STOP else None
    return replace(conversation, commands=(*conversation.commands, command), stopped=stopped)


def _heard(conversation: Conversation, data: Mapping[str, Any]) -> Conversation:
    for each in data["commands"]:
        conversation = with_command(conversation, decode(Command, each))
    return replace(conversation, read_until=datetime.fromisoformat(data["until"]))
