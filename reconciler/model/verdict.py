"""May this action be done, by whom, and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from reconciler.model.action import ActionClass

if TYPE_CHECKING:
    from collections.abc import Iterable


class Answer(StrEnum):
    """What governance says to one action."""

    GO = "go"
    WAIT = "wait"  # a guard brakes until a time, or a fact is unknown
    AWAIT_APPROVAL = "await_approval"
    REFUSE = "refuse"


class Route(StrEnum):
    """How the action is carried out once it may be."""

    RUN = "run"  # imperative, at once
    PULL_REQUEST = "pull_request"  # Git owns the field
    APPLY = "apply"  # nobody's Git owns it: server-side apply after a dry run


class Ownership(StrEnum):
    """Whether Git sets the fields that an action changes."""

    OWNED = "owned"
    NOT_OWNED = "not_owned"
    UNKNOWN = "unknown"
    CONFLICT = "conflict"  # two deliveries claim it
    AUTOSCALER = "autoscaler"


class PolicyWord(StrEnum):
    """The words a policy may answer with; anything else is a policy error and means no."""

    AUTO = "auto"
    MANUAL = "manual"
    PULL_REQUEST = "pull_request"
    DENY = "deny"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyAnswer:
    """One decision of a policy engine; `degraded` when it failed and the answer is our no."""

    word: PolicyWord
    code: str
    message: str
    remedy: str
    policy_hash: str
    approvers: tuple[str, ...] = ()
    min_approvers: int = 1
    degraded: bool = False


_GRAVITY = (Answer.GO, Answer.WAIT, Answer.AWAIT_APPROVAL, Answer.REFUSE)


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardAnswer:
    """One brake outside policy: did it let the action pass, and until when not."""

    name: str  # pause, cooldown, rate, open_pull_requests, circuit_breaker, attempts
    passed: bool
    message: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Governance's answer to one action; refusals carry code, message and remedy (invariant 8)."""

    answer: Answer
    route: Route
    code: str
    message: str
    remedy: str
    action_class: ActionClass
    environment: str
    ownership: Ownership
    policy_hash: str
    guards: tuple[GuardAnswer, ...] = ()
    approvers: tuple[str, ...] = ()
    min_approvers: int = 0
    until: datetime | None = None
    degraded: bool = False


def gravest(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the verdict on all of several actions that are done as one: they go only when each of them may.

    Of several waits it is the longest one.
    """

    def gravity(verdict: Verdict) -> tuple[int, float]:
        return _GRAVITY.index(verdict.answer), verdict.until.timestamp() if verdict.until else 0.0

    return max(verdicts, key=gravity)
