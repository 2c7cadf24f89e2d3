"""The words that steps are said in, and the frozen view that they are decided from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from reconciler.govern.verdicts import govern
from reconciler.model.facts import Fact, Unknown
from reconciler.model.finding import Finding
from reconciler.model.operation import (
    Draft,
    EventKind,
    Operation,
    Outcome,
    key_of,
)
from reconciler.model.snapshot import Snapshot
from reconciler.model.verdict import gravest
from reconciler.ports import Policy
from reconciler.settings import Settings

if TYPE_CHECKING:
    from reconciler.model.objects import ObjectRef
    from reconciler.model.verdict import Verdict


class Verb(StrEnum):
    """The outside writes that an operation can need; the last part of an effect's key."""

    RUN = "run"
    PROPOSE = "propose"
    APPLY = "apply"
    UPDATE = "update"
    MERGE = "merge"
    CLOSE = "close"
    REFRESH = "refresh"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Facts to append, all at once."""

    drafts: tuple[Draft, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Perform:
    """One effect to announce and then do."""

    operation: str
    key: str
    verb: Verb
    action: int
    reason: str = ""  # what people are told, where the effect tells them something
    outcome: Outcome | None = None  # how the operation ends once it is done, where it ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Nothing to do now, and why."""

    operation: str
    reason: str
    until: datetime | None = None


Step = Record | Perform | Wait


def _nobodys(_: int) -> None:
    """Tell of no objection: nobody is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Everything that decides, frozen for one pass; `objection` asks what was said meanwhile against a merge."""

    snapshot: Snapshot
    findings: Fact[Mapping[str, Finding]]  # by fingerprint
    settings: Settings
    policy: Policy
    now: datetime
    history: Sequence[Operation]
    next_id: Callable[[], str] = field(repr=False)
    objection: Callable[[int], str | None] = field(default=_nobodys, repr=False)

    def judge(self, operation: Operation, index: int) -> Verdict:
        """Ask governance about one action, on the facts of this pass."""
        return govern(
            operation.remedy.actions[index],
            index,
            operation,
            self.snapshot,
            self.history,
            self.settings,
            self.policy,
            self.now,
        )

    def judge_together(self, operation: Operation, index: int) -> Verdict:
        """Ask about all actions that go together with this one: the gravest verdict is the one on all of them.

        Its message names the object, where it is not on all of them.
        """
        verdicts = {i: self.judge(operation, i) for i in operation.remedy.together_with(index)}
        verdict, whose = gravest(verdicts.values()), gravest_on(operation, verdicts)
        return replace(verdict, message=f"{whose}: {verdict.message}") if whose else verdict


def gravest_on(operation: Operation, verdicts: Mapping[int, Verdict]) -> str:
    """Name the object that the gravest verdict is on, where several go together and it is not on all of them."""
    verdict = gravest(verdicts.values())
    on = [i for i, one in verdicts.items() if (one.answer, one.code) == (verdict.answer, verdict.code)]
    return "" if len(on) == len(verdicts) else operation.remedy.actions[on[0]].target.name


def effect_key(operation: Operation, index: int, verb: Verb) -> str:
    """Return the idempotency key of an operation's effect."""
    return key_of(operation.id, index, verb)


def wait(operation: Operation, reason: str, until: datetime | None = None) -> Wait:
    """Return a wait of this operation."""
    return Wait(operation=operation.id, reason=reason, until=until)


def escalation(operation: Operation, reason: str) -> Draft:
    """Return the handing over of an operation to a person."""
    return Draft(operation=operation.id, kind=EventKind.ESCALATED, data={"reason": reason})


def closing(operation: Operation, outcome: Outcome, reason: str, *, escalate: bool = False) -> Record:
    """Return the end of an operation; `escalate` hands it to a person as well, who is told once (invariant 10)."""
    drafts = [escalation(operation, reason)] if escalate and not operation.escalated else []
    drafts.append(
        Draft(operation=operation.id, kind=EventKind.OPERATION_CLOSED, data={"outcome": outcome, "reason": reason})
    )
    return Record(drafts=tuple(drafts))


def trouble_is_there(operation: Operation, view: View, target: ObjectRef | None = None) -> bool | None:
    """Tell whether any of the findings that it answers is there; None where that is not known (invariant 3).

    With a target, those that are answered by acting on it.
    """
    if isinstance(view.findings, Unknown):
        return None
    remedy = operation.remedy
    answered = remedy.fingerprints if target is None else {f.fingerprint for f in remedy.findings_on(target)}
    return not answered.isdisjoint(view.findings)
