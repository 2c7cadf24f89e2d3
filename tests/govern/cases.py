"""Actions, histories and a shorthand for verdicts, on top of the common worlds."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from reconciler.govern.verdicts import govern
from reconciler.model.action import Action, ActionClass, ActionName, FieldChange, Remedy, RiskLevel
from reconciler.model.operation import Effect, EffectStatus, Operation, Outcome
from tests.worlds import LIMIT, NOW, WEBAPP, Story, oom_finding, settings, snapshot

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from reconciler.model.objects import FieldPath, ObjectRef
    from reconciler.model.snapshot import Snapshot
    from reconciler.model.verdict import Verdict
    from reconciler.ports import Policy
    from reconciler.settings import Settings

REPLICAS: FieldPath = ("spec", "replicas")


def action(name: ActionName = ActionName.RESTART_DEPLOYMENT, *paths: FieldPath, target: ObjectRef = WEBAPP) -> Action:
    """Return an action on webapp; a declarative one changes the memory limit unless paths say otherwise."""
    declarative = name.action_class is ActionClass.DECLARATIVE
    changed = paths or ((LIMIT,) if declarative else ())
    return Action(
        name=name,
        target=target,
        uid="uid-webapp",
        risk=RiskLevel.LOW,
        summary=f"{name} {target}",
        changes=tuple(FieldChange(path=path, before="512Mi", after="1Gi") for path in changed),
    )


def operation(*actions: Action, name: str = "op-1", opened_at: datetime = NOW - timedelta(minutes=10)) -> Operation:
    """Return a decided operation of these actions."""
    remedy = Remedy(finding=oom_finding(), actions=actions or (action(),), rationale="")
    return replace(Story(remedy).operation, id=name, opened_at=opened_at)


def with_effect(
    made: Operation,
    verb: str = "run",
    *,
    index: int = 0,
    ago: timedelta = timedelta(minutes=1),
    status: EffectStatus = EffectStatus.COMPLETED,
) -> Operation:
    """Return the operation with one effect, announced some time ago."""
    key = f"{made.id}:{index}:{verb}"
    done = None if status is EffectStatus.INTENDED else NOW - ago
    effect = Effect(key=key, status=status, intended_at=NOW - ago, attempts=1, data={}, finished_at=done)
    return replace(made, effects={**made.effects, key: effect})


def closed(made: Operation, outcome: Outcome, *, ago: timedelta = timedelta(minutes=1)) -> Operation:
    """Return the operation, ended some time ago."""
    return replace(made, outcome=outcome, closed_at=NOW - ago)


def verdict(
    policy: Policy,
    asked: Action,
    *,
    of: Operation | None = None,
    world: Snapshot | None = None,
    history: Sequence[Operation] = (),
    configured: Settings | None = None,
) -> Verdict:
    """Ask governance about an action, first in its remedy unless the operation says otherwise."""
    index = of.remedy.actions.index(asked) if of else 0
    known = (*history, of) if of else tuple(history)
    return govern(asked, index, of, world or snapshot(), known, configured or settings(), policy, NOW)
