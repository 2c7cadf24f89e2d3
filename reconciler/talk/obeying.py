"""What a command does: which events it becomes, and what its author is answered. Pure.

Protects invariant 7 in both directions: a person's word is recorded whole, as their own, and only where the table of
phases allows it; a stop and a hold can be said in more places than they can be taken back by mistake.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.model.conversation import Comment, Conversation, Word
from reconciler.model.operation import Draft, EffectStatus, EventKind, Operation
from reconciler.phases import NEXT
from reconciler.standing import awaited_approvals
from reconciler.talk.commands import Order

if TYPE_CHECKING:
    from collections.abc import Callable


ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Obeyed:
    """What became of a command."""

    answer: str
    obeyed: bool = True
    operation: str | None = None
    drafts: tuple[Draft, ...] = ()
    everything: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A command where it was said: below our pull request, whose operation it is about, or on the dashboard."""

    comment: Comment
    order: Order
    operation: Operation | None  # None: on the dashboard
    history: Sequence[Operation]
    conversation: Conversation


def obey(said: Said) -> Obeyed:
    """Return what a command of somebody who may give it comes to."""
    if said.order.problem:
        return _no(said.order.problem)
    return _OBEY[Word(said.order.word)](said)


def _no(answer: str, operation: str | None = None) -> Obeyed:
    return Obeyed(obeyed=False, answer=answer, operation=operation)


def _meant(said: Said) -> Operation | Obeyed:
    """Return the operation that a command is about: a pull request's own, on the dashboard the one it names."""
    if said.operation is not None:
        return _no("here it takes no argument") if said.order.argument else said.operation
    wanted = said.order.argument
    if not wanted:
        return _no(f"name the operation, as in `/reconciler {said.order.word} op-…`")
    found = [o for o in said.history if o.id == wanted] or [o for o in said.history if o.id.startswith(wanted)]
    if len(found) == 1:
        return found[0]
    return _no("several operations begin so; give more of the id" if found else "there is no such operation")


def _explain(said: Said) -> Obeyed:
    meant = _meant(said)
    if isinstance(meant, Obeyed):
        return meant
    return Obeyed(answer=f"the story of {meant.id} is below", operation=meant.id)


def _retry(said: Said) -> Obeyed:
    """Try again what failed; of an operation that has ended, let its finding be answered anew."""
    meant = _meant(said)
    if isinstance(meant, Obeyed):
        return meant
    failed = any(effect.status is EffectStatus.FAILED for effect in meant.effects.values())
    if meant.is_open and not failed:
        return _no(f"nothing of {meant.id} has failed", meant.id)
    if meant.retried:
        return _no(f"{meant.id} holds nothing back any more", meant.id)
    again = "is tried again now" if meant.is_open else "holds nothing back any more, if the trouble is still there"
    draft = Draft(operation=meant.id, kind=EventKind.RETRY_ASKED, data={"by": said.comment.author})
    return Obeyed(answer=f"{meant.id} {again}", operation=meant.id, drafts=(draft,))


def _hold(said: Said) -> Obeyed:
    if said.operation is None:
        return _no("say it on the pull request that is to be left alone")
    if said.order.argument:
        return _no("it takes no argument")
    return Obeyed(answer="this pull request is left alone until `/reconciler resume`", operation=said.operation.id)


def _stop(said: Said) -> Obeyed:
    if said.order.argument not in {"", ALL}:
        return _no("it takes no argument: it is about everything")
    how = "`/reconciler resume`" if said.operation is None else "`/reconciler resume all`"
    return Obeyed(answer=f"nothing new is started until {how}", everything=True)


def _resume(said: Said) -> Obeyed:
    """End a stop by `all`, or on the dashboard; on a pull request, else, its hold."""
    if said.order.argument not in {"", ALL}:
        return _no("it takes no argument but `all`")
    if said.operation is None or said.order.argument == ALL:
        if said.conversation.stopped is None:
            return _no("nothing is stopped by a comment")
        return Obeyed(answer="what is new is started again", everything=True)
    still = "; everything is still stopped: `/reconciler resume all`" if said.conversation.stopped else ""
    return Obeyed(answer=f"this pull request is followed again{still}", operation=said.operation.id)


def _approve(said: Said) -> Obeyed:
    """Say yes to actions that wait for it; a pull request itself is approved by a review."""
    meant = _meant(said)
    if isinstance(meant, Obeyed):
        return meant
    by = said.comment.author
    given = {approval.action for approval in meant.approvals if approval.by.casefold() == by.casefold()}
    waiting = awaited_approvals(meant)
    mine = [index for index in waiting if index not in given]
    if not mine or EventKind.APPROVAL_GIVEN not in NEXT[meant.phase]:
        why = f"{by} has approved it already, and somebody else is needed too" if waiting else "no action waits for it"
        return _no(f"{why}; a pull request is approved by a review", meant.id)
    names = ", ".join(dict.fromkeys(meant.remedy.actions[index].name for index in mine))
    drafts = tuple(
        Draft(operation=meant.id, kind=EventKind.APPROVAL_GIVEN, data={"action": index, "by": by}) for index in mine
    )
    return Obeyed(answer=f"approved: {names}", operation=meant.id, drafts=drafts)


_OBEY: dict[Word, Callable[[Said], Obeyed]] = {
    Word.EXPLAIN: _explain,
    Word.RETRY: _retry,
    Word.HOLD: _hold,
    Word.STOP: _stop,
    Word.RESUME: _resume,
    Word.APPROVE: _approve,
}
