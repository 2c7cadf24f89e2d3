"""New findings: which get an operation, which share one, which are held, each with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.decide import decide
from reconciler.decide.past import held_by_past, refused_together, under_way
from reconciler.decide.pooling import pooled
from reconciler.decide.together import grouped
from reconciler.govern.guards import is_planned, pull_requests_left, waits_for_budget
from reconciler.model.action import Remedy
from reconciler.model.codec import encode
from reconciler.model.facts import Unknown
from reconciler.model.operation import (
    CARRIED,
    Draft,
    Effect,
    EffectStatus,
    EventKind,
    Operation,
    Outcome,
    Phase,
    key_of,
    parts_of,
)
from reconciler.model.report import Held
from reconciler.steps.joining import taken_up
from reconciler.steps.parting import Parting, parted
from reconciler.steps.words import Verb, View, closing, effect_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What becomes of this pass's findings."""

    remedies: tuple[Remedy, ...]  # each opens an operation
    revised: Mapping[str, Remedy]  # what planned operations stand for by now, by their ids
    absorbed: Mapping[str, str]  # planned operations that are taken in, and by which one
    parted: tuple[Parting, ...]  # planned operations that one of their objects holds up
    held: tuple[Held, ...]

    def carried(self, host: str, view: View) -> Iterator[Effect]:
        """Yield what operations did already that this one takes in, as its own effects: nothing is done twice."""
        for operation in view.history:
            if self.absorbed.get(operation.id) == host:
                yield from _carried(operation, host, self.revised[host])

    def drafts(self, view: View) -> Iterator[Draft]:
        """Yield what opens operations, and what puts planned ones together."""
        known = {operation.id: operation for operation in view.history}
        for operation, remedy in self.revised.items():
            effects = [encode(effect) for effect in self.carried(operation, view)]
            data = {"remedy": encode(remedy), "before": known[operation].remedy.finding.summary, "effects": effects}
            yield Draft(operation=operation, kind=EventKind.REMEDY_REVISED, data=data)
        for operation, host in self.absorbed.items():
            yield from closing(known[operation], Outcome.SUPERSEDED, f"it shares a pull request with {host}").drafts
        for parting in self.parted:
            yield from closing(parting.operation, Outcome.SUPERSEDED, parting.why).drafts
        for remedy in self.remedies:
            kind = EventKind.OPERATION_OPENED
            yield Draft(operation=view.next_id(), kind=kind, data={"remedy": encode(remedy)})
        for new in self.apart(view):
            brought = {"remedy": encode(new.remedy), "effects": [encode(effect) for effect in new.effects.values()]}
            yield Draft(operation=new.id, kind=EventKind.OPERATION_OPENED, data=brought)

    def apart(self, view: View) -> Iterator[Operation]:
        """Yield what goes on of operations that are taken apart, with what they did of it."""
        for parting in self.parted:
            for remedy in parting.remedies:
                operation = _new_operation(remedy, view, view.next_id())
                effects = {effect.key: effect for effect in _carried(parting.operation, operation.id, remedy)}
                yield replace(operation, effects=effects)


def opening(view: View) -> Opening:
    """Split the findings into new remedies and those that are held; put together what shares an object or a budget."""
    remedies, held = _new(view)
    guards = view.settings.guards
    left = pull_requests_left(view.history, guards, view.now)
    over = len(remedies) > left
    made = pooled(
        _of_objects(remedies, view),
        {o.id: o.remedy for o in view.history if over and _may_take_in(o, view)},
        view.snapshot,
        left=left,
        most=guards.max_objects_per_pull_request,
        may_share=lambda remedy: _may_share(remedy, view),
    )
    return Opening(
        remedies=made.opened,
        revised=made.revised,
        absorbed=made.absorbed,
        parted=tuple(parted(view)),
        held=tuple(held),
    )


def _carried(operation: Operation, host: str, remedy: Remedy) -> Iterator[Effect]:
    indices = {(action.name, action.target): index for index, action in enumerate(remedy.actions)}
    for index in operation.remedy.imperatives:
        effect = operation.effects.get(effect_key(operation, index, Verb.RUN))
        place = operation.remedy.actions[index].name, operation.remedy.actions[index].target
        if effect is not None and place in indices:
            key = key_of(host, indices[place], Verb.RUN)
            yield replace(effect, key=key, data={**effect.data, CARRIED: effect.data.get(CARRIED, operation.id)})


def supposed(remedy: Remedy, view: View, operation_id: str = "op") -> Operation:
    """Return a remedy as an operation that does not exist yet, with the verdicts that it would have."""
    return _judged(_new_operation(remedy, view, operation_id), view)


def _new_operation(remedy: Remedy, view: View, operation_id: str) -> Operation:
    phase, now = Phase.DECIDED, view.now
    return Operation(id=operation_id, remedy=remedy, phase=phase, opened_at=now, updated_at=now, version=0)


def supposed_all(made: Opening, view: View) -> Iterator[Operation]:
    """Yield the operations that would be opened or revised, with the verdicts that they would have."""
    for operation in view.history:
        if operation.id in made.revised:
            remedy = made.revised[operation.id]
            effects = {effect.key: effect for effect in made.carried(operation.id, view)}
            yield _judged(replace(operation, remedy=remedy, effects={**operation.effects, **effects}), view)
    for remedy in made.remedies:
        yield supposed(remedy, view, view.next_id())
    for operation in made.apart(view):
        yield _judged(operation, view)


def _judged(operation: Operation, view: View) -> Operation:
    verdicts = {index: view.judge(operation, index) for index in range(len(operation.remedy.actions))}
    return replace(operation, verdicts=verdicts)


def _may_share(remedy: Remedy, view: View) -> bool:
    """Tell whether nothing but the budgets is against a remedy, and it spoilt nothing that it was part of."""
    if refused_together(remedy, view.history):
        return False
    verdicts = supposed(remedy, view).verdicts
    return all(waits_for_budget(verdicts[index]) for index in remedy.declaratives)


def _may_take_in(operation: Operation, view: View) -> bool:
    """Tell whether an operation is planned, and nobody was asked or told anything about its pull request yet.

    It follows no other one, and nothing that it began is unfinished.
    """
    remedy = operation.remedy
    if not is_planned(operation) or remedy.parent is not None or operation.rejected_by is not None:
        return False
    tried = any(
        parts_of(e.key)[2] == Verb.PROPOSE or e.status is not EffectStatus.COMPLETED for e in operation.effects.values()
    )
    if tried or operation.approval_requested or operation.approvals:
        return False
    if refused_together(remedy, view.history):
        return False
    return all(waits_for_budget(view.judge(operation, index)) for index in remedy.declaratives)


def _new(view: View) -> tuple[list[Remedy], list[Held]]:
    remedies: list[Remedy] = []
    held: list[Held] = []
    guards = view.settings.guards
    for finding in () if isinstance(view.findings, Unknown) else view.findings.values():
        already = under_way(finding, view.history)
        if already is not None:
            held.append(already)
            continue
        remedy = decide(finding, view.snapshot, view.settings)
        if isinstance(remedy, str):
            held.append(Held(finding=finding, code="no_remedy", reason=remedy))
            continue
        kept = held_by_past(remedy, view.history, guards, view.now)
        kept = kept or taken_up(remedy, view.history, view.snapshot, view.settings)
        if kept is not None:
            held.append(kept)
        else:
            remedies.append(remedy)
    return remedies, held


def _of_objects(remedies: Sequence[Remedy], view: View) -> list[Remedy]:
    """Return one remedy an object; where all of one was refused, each finding is tried alone."""
    together = grouped(remedies, view.snapshot)
    guards = view.settings.guards
    apart = [g.parts if g.parts and held_by_past(g, view.history, guards, view.now) else (g,) for g in together]
    return [remedy for group in apart for remedy in group]
