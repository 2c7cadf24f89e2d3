"""What is planned together is taken apart again when something holds one of its objects, and not the others.

A pause, a missing approval or an owner that is not known any more may last for ever: it must not keep the others from
their pull request. Nobody was shown anything yet, so nothing is lost: what was done goes along. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.decide.together import together
from reconciler.govern.guards import is_announced, waits_for_budget
from reconciler.model.action import Remedy
from reconciler.model.operation import EffectStatus, Operation, Phase, parts_of
from reconciler.steps.parts import given_up
from reconciler.steps.words import Verb

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.model.objects import ObjectRef
    from reconciler.steps.words import View

_BEFORE = frozenset({Phase.DECIDED, Phase.AWAITING_APPROVAL})


@dataclass(frozen=True, slots=True, kw_only=True)
class Parting:
    """One operation that ends, and what goes on instead of it."""

    operation: Operation
    remedies: tuple[Remedy, ...]  # what may go, together; then what is held, one an object
    why: str


def parted(view: View) -> Iterator[Parting]:
    """Yield the planned operations that one object holds, or some of theirs do."""
    for operation in view.history:
        if not _may_part(operation, view):
            continue
        verdicts = {index: view.judge(operation, index) for index in operation.remedy.declaratives}
        held = {operation.remedy.actions[i].target: v for i, v in verdicts.items() if not waits_for_budget(v)}
        if held and len(held) < len(operation.targets):
            first, verdict = next(iter(held.items()))
            why = f"{first} holds the others up ({verdict.message}), so each goes its own way"
            yield Parting(operation=operation, remedies=tuple(_apart(operation.remedy, frozenset(held))), why=why)


def _may_part(operation: Operation, view: View) -> bool:
    """Tell whether nobody was shown its pull request, or said anything to it, and nothing of it is under way."""
    if operation.phase not in _BEFORE or len(operation.targets) == 1 or operation.remedy.parent is not None:
        return False
    if is_announced(operation) or operation.approvals or operation.rejected_by is not None:
        return False
    return all(
        parts_of(effect.key)[2] == Verb.RUN
        and (effect.status is EffectStatus.COMPLETED or given_up(effect, view.settings))
        for effect in operation.effects.values()
    )


def _apart(remedy: Remedy, held: frozenset[ObjectRef]) -> Iterator[Remedy]:
    yield together([part for part in remedy.answers if held.isdisjoint(part.targets)])
    for target in (target for target in remedy.targets if target in held):
        yield together([part for part in remedy.answers if target in part.targets])
