"""The remedy for a change that did not help: the inverse edit, as a new pull request; of several objects, in one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.manifests.rendering.hashed import may_become
from reconciler.model.action import Action, ActionName, FieldChange, Remedy, RiskLevel, shown
from reconciler.model.quantity import same_quantities

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.model.objects import FieldPath, ObjectRef
    from reconciler.model.operation import Operation

    Live = Mapping[tuple[ObjectRef, FieldPath], str | None]


def revert_of(operation: Operation) -> Remedy | str:
    """Return the inverse of an operation's delivered change, or why there is none.

    The values to replace are the ones that went live (`expected`), a reviewer's where one changed ours; if somebody
    has moved them since, the edit's precondition refuses and nothing is reverted.
    """
    declarative = operation.remedy.declaratives.values()
    if not declarative or operation.remedy.is_revert:
        return "there is nothing that can be reverted"
    pull_request = f"pull request {operation.pull_request.number}" if operation.pull_request else "the change"
    live = dict(zip(((t, c.path) for t, c in operation.remedy.fields), operation.expected, strict=True))
    several = len(declarative) > 1
    inverses = tuple(
        _inverse(action, changes, pull_request, operation)
        for action in declarative
        if (changes := _taken_back(action, live, several=several))
    )
    if not inverses:
        return "nothing of it was delivered"
    whole = Remedy(
        finding=operation.remedy.finding,
        actions=inverses,
        rationale=f"{pull_request} was delivered and did not help, so its change is taken back.",
        parent=operation.id,
    )
    return replace(whole, parts=tuple(filter(None, (_part(whole, part) for part in operation.remedy.parts))))


def _taken_back(action: Action, live: Live, *, several: bool) -> tuple[FieldChange, ...]:
    """Return the inverse changes; of several objects, without those that a reviewer took out of the pull request."""
    inverse = (
        FieldChange(path=change.path, before=live[action.target, change.path], after=change.before)
        for change in action.changes
    )
    return tuple(c for c in inverse if not several or not same_quantities((c.before,), (c.after,)))


def _inverse(action: Action, changes: tuple[FieldChange, ...], pull_request: str, operation: Operation) -> Action:
    target, uid = _delivered(action, operation)
    return Action(
        name=ActionName.REVERT_CHANGE,
        target=target,
        uid=uid,
        risk=RiskLevel.LOW,
        summary=f"{target.name}: revert {pull_request}, {shown(changes[0].before)} → {shown(changes[0].after)}",
        changes=changes,
        blast_radius=action.blast_radius,
    )


def _delivered(action: Action, operation: Operation) -> tuple[ObjectRef, str]:
    """Return what holds the change by now; where names follow content, that is an object nobody has looked at yet."""
    tracked = operation.pull_request
    becomes = tracked.located.becomes if tracked else None
    if becomes is None or not may_become(action.target, becomes):
        return action.target, action.uid
    return becomes, ""


def _part(whole: Remedy, part: Remedy) -> Remedy | None:
    """Return what is taken back of one part, so that its finding is spoken for meanwhile; None: nothing is."""
    paths = {(action.target, change.path) for action in part.actions for change in action.changes}
    mine = [
        replace(a, changes=changes)
        for a in whole.actions
        if (changes := tuple(c for c in a.changes if (a.target, c.path) in paths))
    ]
    return replace(whole, finding=part.finding, actions=tuple(mine)) if mine else None
