"""A new finding of an object that an operation is on already: it joins that one, while its pull request is still ours.

A pull request that people hold, approved or committed to is left as it is (invariant 7); then the finding gets an
operation of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.decide.past import was_refused
from reconciler.decide.together import fits
from reconciler.govern.approvals import approval_state
from reconciler.model.facts import Unknown
from reconciler.model.operation import Operation, Phase
from reconciler.model.proposal import PullRequestState
from reconciler.model.report import Held
from reconciler.steps.parts import given_up
from reconciler.steps.words import Verb, effect_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.model.action import Remedy
    from reconciler.model.snapshot import Snapshot
    from reconciler.settings import Settings


def taken_up(remedy: Remedy, history: Sequence[Operation], snapshot: Snapshot, settings: Settings) -> Held | None:
    """Return the open operation that the finding joins as soon as its pull request can be written anew."""
    if was_refused(remedy, history):
        return None
    for operation in history:
        may_take = operation.phase is Phase.DECIDED or (
            operation.phase is Phase.AWAITING_GIT_PR and not _left_alone(operation, snapshot, settings)
        )
        if may_take and fits(operation.remedy, remedy, snapshot):
            reason = f"it joins {operation.id}, which is on the same object"
            return Held(finding=remedy.finding, code="joins", reason=reason, operation=operation.id)
    return None


def _left_alone(operation: Operation, snapshot: Snapshot, settings: Settings) -> bool:
    """Tell whether its pull request is surely not ours to write any more; what is not known is waited for."""
    leading, followed = operation.remedy.leading, snapshot.followed.get(operation.id)
    update = None if leading is None else operation.effects.get(effect_key(operation, leading, Verb.UPDATE))
    if update is not None and given_up(update, settings):
        return True
    found = followed.pull_request if followed else None
    if followed is None or found is None or isinstance(found, Unknown):
        return False
    held = found.number in snapshot.on_hold or settings.forge.hold_label in found.labels
    if held or found.state is not PullRequestState.OPEN:
        return True
    seen = followed.inspection
    if seen is None or isinstance(seen, Unknown):
        return False
    approved = approval_state(seen.reviews, head=seen.head, author=found.author).persons
    return seen.foreign is not None or bool(approved)
