"""The remedy for a change that did not help: the inverse edit, as a new pull request."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.manifests.hashed import may_become
from reconciler.model.action import Action, ActionClass, ActionName, FieldChange, Remedy, RiskLevel, shown

if TYPE_CHECKING:
    from reconciler.model.objects import ObjectRef
    from reconciler.model.operation import Operation


def revert_of(operation: Operation) -> Remedy | str:
    """Return the inverse of an operation's delivered change, or why there is none.

    The values to replace are the ones that went live (`expected`), a reviewer's where one changed ours; if somebody
    has moved them since, the edit's precondition refuses and nothing is reverted.
    """
    declarative = [a for a in operation.remedy.actions if a.action_class is ActionClass.DECLARATIVE]
    if not declarative or operation.remedy.actions[0].name is ActionName.REVERT_CHANGE:
        return "there is nothing that can be reverted"
    action = declarative[0]
    changes = tuple(
        FieldChange(path=change.path, before=live, after=change.before)
        for change, live in zip(action.changes, operation.expected, strict=True)
    )
    pull_request = f"pull request {operation.pull_request.number}" if operation.pull_request else "the change"
    target, uid = _delivered(action, operation)
    inverse = Action(
        name=ActionName.REVERT_CHANGE,
        target=target,
        uid=uid,
        risk=RiskLevel.LOW,
        summary=f"{target.name}: revert {pull_request}, {shown(changes[0].before)} → {shown(changes[0].after)}",
        changes=changes,
        blast_radius=action.blast_radius,
    )
    whole = Remedy(
        finding=operation.remedy.finding,
        actions=(inverse,),
        rationale=f"{pull_request} was delivered and did not help, so its change is taken back.",
        parent=operation.id,
    )
    return replace(whole, parts=tuple(_part(whole, part) for part in operation.remedy.parts))


def _delivered(action: Action, operation: Operation) -> tuple[ObjectRef, str]:
    """Return what holds the change by now; where names follow content, that is an object nobody has looked at yet."""
    tracked = operation.pull_request
    becomes = tracked.located.becomes if tracked else None
    if becomes is None or not may_become(action.target, becomes):
        return action.target, action.uid
    return becomes, ""


def _part(whole: Remedy, part: Remedy) -> Remedy:
    """Return what is taken back of one part, so that its finding is spoken for meanwhile."""
    paths = {change.path for action in part.actions for change in action.changes}
    (inverse,) = whole.actions
    changes = tuple(change for change in inverse.changes if change.path in paths)
    return replace(whole, finding=part.finding, actions=(replace(inverse, changes=changes),))
