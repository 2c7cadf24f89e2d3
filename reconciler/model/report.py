"""What a pass tells about itself: one sentence, and the values behind it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from reconciler.model.action import Action, Remedy
from reconciler.model.facts import Unknown
from reconciler.model.finding import Finding
from reconciler.model.operation import Operation
from reconciler.model.proposal import Proposal
from reconciler.model.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A finding that opens no operation now, and why."""

    finding: Finding
    code: str  # known, rejected_before, failed_before, refused_before, attempts, no_remedy
    reason: str
    operation: str | None = None  # the operation that already speaks for it
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PassReport:
    """One pass: what was found, done and waited for."""

    started_at: datetime
    finished_at: datetime
    sentence: str  # the pass in one line
    lines: tuple[str, ...]  # one sentence for each thing done, in order
    waiting: tuple[tuple[str, str], ...]  # (operation id, what it waits for), and a pull request that nothing follows
    findings: tuple[Finding, ...]
    held: tuple[Held, ...]
    operations: tuple[Operation, ...]  # open ones, and those that ended in this pass
    unknown: tuple[Unknown, ...]  # sources that did not answer; nothing was done on their facts
    problems: tuple[str, ...] = ()  # effects that failed in this pass


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedAction:
    """What a pass would do with one action."""

    action: Action
    verdict: Verdict
    proposal: Proposal | None = None  # the pull request that would be opened
    problem: str | None = None  # why no proposal could be made


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRemedy:
    """A finding's remedy with the verdict on each action."""

    remedy: Remedy
    actions: tuple[PlannedAction, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What `reconciler run --once` would start now; making it touches nothing."""

    taken_at: datetime
    findings: tuple[Finding, ...]
    remedies: tuple[PlannedRemedy, ...]
    held: tuple[Held, ...]
    unknown: tuple[Unknown, ...]
