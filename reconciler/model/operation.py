"""A remedy's life: what it is, how far it has come, how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from reconciler.model.action import Remedy
from reconciler.model.objects import CommitId, ObjectRef
from reconciler.model.proposal import Located
from reconciler.model.review import Inspection
from reconciler.model.verdict import Verdict


class Phase(StrEnum):
    """Where an operation stands."""

    DECIDED = "decided"
    AWAITING_APPROVAL = "awaiting_approval"
    AWAITING_GIT_PR = "awaiting_git_pr"
    AWAITING_SYNC = "awaiting_sync"
    STABILIZING = "stabilizing"
    CLOSED = "closed"


class Outcome(StrEnum):
    """How an operation ended."""

    VERIFIED = "verified"
    FAILED = "failed"  # delivered, and the trouble is still there
    REJECTED = "rejected"  # a person said no
    REFUSED = "refused"  # we said no
    SUPERSEDED = "superseded"  # somebody changed the field before ours went live, or another operation took it in
    NOT_APPLIED = "not_applied"  # merged, but never live within the limit
    RESOLVED = "resolved"  # the trouble ended before anything was done, or before our proposal was merged


class EventKind(StrEnum):
    """What can happen to an operation, in the past tense."""

    OPERATION_OPENED = "operation_opened"
    VERDICT_GIVEN = "verdict_given"
    APPROVAL_REQUESTED = "approval_requested"
    APPROVAL_GIVEN = "approval_given"
    APPROVAL_REJECTED = "approval_rejected"
    EFFECT_INTENDED = "effect_intended"
    EFFECT_COMPLETED = "effect_completed"
    EFFECT_FAILED = "effect_failed"
    PULL_REQUEST_OPENED = "pull_request_opened"
    PULL_REQUEST_INSPECTED = "pull_request_inspected"
    REMEDY_REVISED = "remedy_revised"
    PULL_REQUEST_UPDATED = "pull_request_updated"
    TROUBLE_WATCHED = "trouble_watched"
    PULL_REQUEST_MERGED = "pull_request_merged"
    PULL_REQUEST_CLOSED = "pull_request_closed"
    CHANGE_LIVE = "change_live"
    CHECKED = "checked"
    VERIFICATION_COMPLETED = "verification_completed"
    VERIFICATION_FAILED = "verification_failed"
    ESCALATED = "escalated"
    RETRY_ASKED = "retry_asked"
    OPERATION_CLOSED = "operation_closed"
    COMMENTS_HEARD = "comments_heard"  # belongs to no operation


class EffectStatus(StrEnum):
    """How far one outside write has come."""

    INTENDED = "intended"
    COMPLETED = "completed"
    FAILED = "failed"


CARRIED = "of"  # in an effect's data: the operation that did it, before this one took that in


def key_of(operation: str, index: int, verb: str) -> str:
    """Return the idempotency key of an effect: `<operation>:<action index>:<verb>`."""
    return f"{operation}:{index}:{verb}"


def parts_of(key: str) -> tuple[str, int, str]:
    """Return operation, action index and verb of an effect's key."""
    operation, index, verb = key.rsplit(":", 2)
    return operation, int(index), verb


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One outside write: announced, then done or failed; `key` makes it happen once."""

    key: str
    status: EffectStatus
    intended_at: datetime
    attempts: int
    data: Mapping[str, Any]
    result: Mapping[str, Any] = field(default_factory=dict)
    finished_at: datetime | None = None
    error: str | None = None
    permanent: bool = False  # the failure will not go away by trying again


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A named person's yes to one action."""

    action: int
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedPullRequest:
    """What the ledger remembers of our pull request."""

    number: int
    url: str
    branch: str
    head: CommitId
    digest: str
    located: Located
    opened_at: datetime
    merge_commit: CommitId | None = None
    merged_by: str | None = None
    merged_at: datetime | None = None
    modified_by_reviewer: bool = False
    closed_by: str | None = None
    outdated: bool = False  # the remedy was revised since
    written_at: datetime | None = None  # when we wrote to it last; None: when it was opened
    inspected: Inspection | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """The fold of one operation's events; `advance.py` is the only maker."""

    id: str
    remedy: Remedy
    phase: Phase
    opened_at: datetime
    updated_at: datetime
    version: int  # sequence number of its last event, for compare-and-set
    verdicts: Mapping[int, Verdict] = field(default_factory=dict)
    effects: Mapping[str, Effect] = field(default_factory=dict)
    approvals: tuple[Approval, ...] = ()
    approval_requested: tuple[int, ...] = ()
    rejected_by: str | None = None
    rejection_reason: str = ""
    pull_request: TrackedPullRequest | None = None
    # Values of `remedy.fields`, in that order.
    expected: tuple[str | None, ...] = ()  # what must be live, a reviewer's value where one changed ours
    written: tuple[str | None, ...] = ()  # what our pull request holds: it may be behind a remedy that was revised
    live_at: datetime | None = None
    clean_reads: int = 0
    quiet_passes: int = 0  # in a row, in which the trouble was not there while its pull request was open
    quiet_since: datetime | None = None
    escalated: bool = False
    retried: bool = False  # a person asked for it to be tried again: what it came to holds nothing back any more
    outcome: Outcome | None = None
    outcome_reason: str = ""
    closed_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Still to be followed."""
        return self.phase is not Phase.CLOSED

    @property
    def target(self) -> ObjectRef:
        """The object it is about; of several, the first."""
        return self.remedy.finding.target

    @property
    def targets(self) -> tuple[ObjectRef, ...]:
        """All objects it is about."""
        return self.remedy.targets

    @property
    def objects(self) -> str:
        """All objects it is about, in words."""
        return ", ".join(map(str, self.targets))

    @property
    def names(self) -> str:
        """Their names alone."""
        return ", ".join(target.name for target in self.targets)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One recorded fact; `hash` covers all of it and the hash of the event before."""

    sequence: int
    at: datetime
    operation: str
    kind: EventKind
    data: Mapping[str, Any]
    previous: str
    hash: str
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An event before the ledger gave it its place in the chain."""

    operation: str
    kind: EventKind
    data: Mapping[str, Any] = field(default_factory=dict)
