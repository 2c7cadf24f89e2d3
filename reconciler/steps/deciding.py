"""A decided operation: run the imperative half, start the declarative one, and end it when neither can go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.facts import Unknown
from reconciler.model.operation import (
    Draft,
    Effect,
    EffectStatus,
    EventKind,
    Operation,
    Outcome,
)
from reconciler.model.verdict import Answer
from reconciler.steps.parts import attempt, completed, failure, given_up, part
from reconciler.steps.words import (
    Record,
    Step,
    Verb,
    View,
    Wait,
    closing,
    effect_key,
    escalation,
    trouble_is_there,
    wait,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


def decided(operation: Operation, view: View) -> Iterator[Step]:
    """Both halves of a hybrid remedy go at the same time; the declarative one settles the operation."""
    if _resolved(operation, view):
        yield closing(operation, Outcome.RESOLVED, "the trouble ended before anything was done")
        return
    begun = tuple(mitigations(operation, view))
    yield from begun
    leading = operation.remedy.leading
    deciding = operation.remedy.imperatives if leading is None else operation.remedy.together_with(leading)
    if leading is not None and completed(operation, leading) is None:
        steps = tuple(part(operation, leading, view))
        yield from steps
        if steps:
            return
    # Ending comes last: what may still run now runs first.
    if all(isinstance(step, Wait) for step in begun):
        yield from _settled_by(operation, deciding, view)


def _resolved(operation: Operation, view: View) -> bool:
    """Nothing was announced yet, and the trouble is provably gone; a revert answers an outcome, not a finding."""
    if operation.effects:
        return False
    if operation.remedy.is_revert:
        return False
    return trouble_is_there(operation, view) is False


def mitigations(operation: Operation, view: View) -> Iterator[Step]:
    """The imperative half: only while its object's trouble is there, for it would disturb one that has recovered."""
    for index in operation.remedy.imperatives:
        effect = operation.effects.get(effect_key(operation, index, Verb.RUN))
        if effect is not None and effect.status is EffectStatus.COMPLETED:
            continue
        if effect is not None and given_up(effect, view.settings):
            if not operation.escalated:
                yield Record(drafts=(escalation(operation, f"{effect.key} was given up: {effect.error}"),))
            continue
        # What was announced is finished in any case: nobody knows whether it happened.
        present = trouble_is_there(operation, view, operation.remedy.actions[index].target)
        if present or (effect is not None and effect.status is EffectStatus.INTENDED):
            yield from part(operation, index, view)


def _settled_by(operation: Operation, indices: tuple[int, ...], view: View) -> Iterator[Step]:
    """Go on when the deciding actions are done, end when one of them will not happen."""
    undone = [index for index in indices if completed(operation, index) is None]
    for index in undone:
        reason = failure(operation, index, view.settings)
        if reason is not None:
            refused = operation.verdicts[index].answer is Answer.REFUSE
            alone = len(operation.targets) == 1  # of several, each is tried alone first
            yield closing(operation, Outcome.REFUSED, reason, escalate=alone and not refused)
            return
    if undone:
        return
    data = {"values": list(operation.expected)}
    yield Record(drafts=(Draft(operation=operation.id, kind=EventKind.CHANGE_LIVE, data=data),))


# --- rejected by a person on the command line ----------------------------------------------------------------------


def rejected(operation: Operation, view: View) -> Iterator[Step]:
    """A person said no on the command line: close the pull request if one is open, then end.

    The end is seen in a later snapshot only: somebody may have merged it at that very moment.
    """
    reason = f"rejected by {operation.rejected_by}"
    if operation.rejection_reason:
        reason += f": {operation.rejection_reason}"
    if not _may_have_one_open(operation):
        yield closing(operation, Outcome.REJECTED, reason)
        return
    key = effect_key(operation, 0, Verb.CLOSE)
    effect = operation.effects.get(key)
    if effect is not None and effect.status is EffectStatus.COMPLETED and not _is_seen(operation, effect, view):
        yield wait(operation, f"{reason}; how its pull request ended is seen in the next pass")
    elif effect is not None and (effect.status is EffectStatus.COMPLETED or given_up(effect, view.settings)):
        yield closing(operation, Outcome.REJECTED, reason, escalate=effect.status is EffectStatus.FAILED)
    else:
        yield from attempt(operation, 0, Verb.CLOSE, view, reason=reason)


def _is_seen(operation: Operation, close: Effect, view: View) -> bool:
    """Tell whether the snapshot knows what became of the pull request after our close."""
    followed = view.snapshot.followed.get(operation.id)
    if followed is None or operation.pull_request is None:
        return True
    return view.snapshot.taken_at > (close.finished_at or close.intended_at) and not isinstance(
        followed.pull_request, Unknown
    )


def _may_have_one_open(operation: Operation) -> bool:
    """Tell whether a pull request may be open; one that was only announced may be, after a crash (invariant 1)."""
    tracked = operation.pull_request
    if tracked is None:
        return any("branch" in effect.data for effect in operation.effects.values())
    return tracked.merge_commit is None and tracked.closed_by is None
