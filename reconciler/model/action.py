"""Typed changes, each with before and after, and the remedies made of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from reconciler.model.finding import Finding
from reconciler.model.objects import FieldPath, Inner, ObjectRef, format_path

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class ActionClass(StrEnum):
    """How an action reaches the cluster; a remedy with both is hybrid."""

    IMPERATIVE = "imperative"
    DECLARATIVE = "declarative"
    HYBRID = "hybrid"


class ActionName(StrEnum):
    """The closed set of actions, by the names that policies know. What has no executor yet is refused (`act/`)."""

    RESTART_DEPLOYMENT = "restart-deployment"
    RESTART_POD = "restart-pod"
    DELETE_POD = "delete-pod"
    CORDON_NODE = "cordon-node"
    UNCORDON_NODE = "uncordon-node"
    DRAIN_NODE = "drain-node"
    BACKUP_DATABASE = "backup-database"
    RESTORE_DATABASE = "restore-database"
    SET_MEMORY = "set-memory"
    REVERT_CHANGE = "revert-change"

    @property
    def action_class(self) -> ActionClass:
        """Imperative for what is done to running things, declarative for what Git describes."""
        return ActionClass.IMPERATIVE if self in _IMPERATIVE else ActionClass.DECLARATIVE


_IMPERATIVE = frozenset(
    {
        ActionName.RESTART_DEPLOYMENT,
        ActionName.RESTART_POD,
        ActionName.DELETE_POD,
        ActionName.CORDON_NODE,
        ActionName.UNCORDON_NODE,
        ActionName.DRAIN_NODE,
        ActionName.BACKUP_DATABASE,
        ActionName.RESTORE_DATABASE,
    }
)


class RiskLevel(StrEnum):
    """How much an action may hurt if it is wrong."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """One scalar field from one value to another, in the author's notation; None where the field is unset.

    A list item comes and goes with its merge key: that is a change of its own beside those of its other fields.
    """

    path: FieldPath
    before: str | None
    after: str | None

    def __str__(self) -> str:
        return f"{format_path(self.path)}: {shown(self.before)} → {shown(self.after)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement(FieldChange):
    """A change of a value that is there into another one: what a rendering can prove."""

    before: str
    after: str


def replacements(changes: Sequence[FieldChange]) -> tuple[Replacement, ...] | None:
    """Return the changes as replacements of whole fields; None where one sets, unsets or edits inside a text."""
    found = [
        Replacement(path=change.path, before=change.before, after=change.after)
        for change in changes
        if change.before is not None
        and change.after is not None
        and not any(isinstance(step, Inner) for step in change.path)
    ]
    return tuple(found) if len(found) == len(changes) else None


def shown(value: str | None) -> str:
    """Return a field's value as people read it."""
    return "unset" if value is None else value


@dataclass(frozen=True, slots=True, kw_only=True)
class BlastRadius:
    """What an action may disturb, known before it runs."""

    pods: int = 0
    workloads: int = 0
    nodes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One typed change of one target; `uid` pins the object that was looked at."""

    name: ActionName
    target: ObjectRef
    uid: str
    risk: RiskLevel
    summary: str
    changes: tuple[FieldChange, ...] = ()
    destructive: bool = False
    reversible: bool = True
    blast_radius: BlastRadius = BlastRadius()

    @property
    def action_class(self) -> ActionClass:
        """Imperative (run) or declarative (through Git)."""
        return self.name.action_class


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """The ordered actions that answer a finding, several findings of one object, or those of several objects.

    Several objects are of one delivering Application, their actions one object after the other; all declarative ones
    go into one proposal.
    """

    finding: Finding
    actions: tuple[Action, ...]
    rationale: str
    parent: str | None = None  # the operation that this one follows: a revert or the next remedy
    parts: tuple[Remedy, ...] = ()  # one a finding, where it answers several; empty: it answers `finding`

    @property
    def answers(self) -> tuple[Remedy, ...]:
        """One remedy for each finding: its parts, or itself."""
        return self.parts or (self,)

    @property
    def fingerprints(self) -> frozenset[str]:
        """The findings that it answers."""
        return frozenset(part.finding.fingerprint for part in self.answers)

    @property
    def targets(self) -> tuple[ObjectRef, ...]:
        """The objects that it acts on, each once."""
        return tuple(dict.fromkeys(action.target for action in self.actions))

    @property
    def declaratives(self) -> Mapping[int, Action]:
        """The declarative actions by their indices; the first index stands for the proposal that carries them all."""
        return {i: a for i, a in enumerate(self.actions) if a.action_class is ActionClass.DECLARATIVE}

    @property
    def leading(self) -> int | None:
        """The index that stands for the proposal; None where nothing is declarative."""
        return next(iter(self.declaratives), None)

    @property
    def imperatives(self) -> tuple[int, ...]:
        """The indices of the imperative actions."""
        return tuple(i for i, a in enumerate(self.actions) if a.action_class is ActionClass.IMPERATIVE)

    @property
    def fields(self) -> tuple[tuple[ObjectRef, FieldChange], ...]:
        """All fields that change through Git, in the order in which their values are told everywhere."""
        return tuple((a.target, change) for a in self.declaratives.values() for change in a.changes)

    @property
    def is_revert(self) -> bool:
        """It takes back what an earlier one did; it answers an outcome, not a finding."""
        return self.actions[0].name is ActionName.REVERT_CHANGE

    def together_with(self, index: int) -> tuple[int, ...]:
        """Return the indices of what goes together with an action, itself included: one proposal, or it alone."""
        declaratives = self.declaratives
        return tuple(declaratives) if index in declaratives else (index,)

    def findings_on(self, target: ObjectRef) -> tuple[Finding, ...]:
        """Return the findings that are answered by acting on one of its objects."""
        return tuple(part.finding for part in self.answers if any(a.target == target for a in part.actions))

    @property
    def action_class(self) -> ActionClass:
        """Hybrid when both classes are in it."""
        classes = {a.action_class for a in self.actions}
        return ActionClass.HYBRID if len(classes) > 1 else classes.pop()

    @property
    def digest(self) -> str:
        """What is proposed, values included: a person's no to it stands while this stays the same."""
        lines = [self.finding.fingerprint]
        for action in self.actions:
            if action.action_class is ActionClass.DECLARATIVE or len(self.actions) == 1:
                lines.append(f"{action.name}|{action.target.key}")
                lines += [str(change) for change in action.changes]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
