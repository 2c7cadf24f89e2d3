"""May this action be done now: the policy's word, the guards, ownership and people's answers in one verdict.

The rules are asked in order of weight: is it still the object that was looked at, does a person want to decide, is
everything known that must be, does Git or an autoscaler own the field, and only then policy and guards. What Git
owns can only become a pull request, whatever the policy says.

Protects invariants 3 (nothing is done on unknown facts), 4 (Git owns what Git owns), 7 (people win) and 8 (fail
closed).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.govern.facts import WORKLOAD_KINDS, approvers_of, environment_of, facts_for, grounds_of
from reconciler.govern.ownership import Claim
from reconciler.model.action import Action
from reconciler.model.facts import Unknown
from reconciler.model.verdict import Answer, GuardAnswer, Ownership, PolicyAnswer, PolicyWord, Route, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from reconciler.model.operation import Operation
    from reconciler.model.snapshot import Snapshot
    from reconciler.ports import Policy
    from reconciler.settings import Settings

_DOCTOR = "see `reconciler doctor` for the source that did not answer; it is tried again with every pass"
_REMEDIES = {
    "pause": "take away the pause: guards.paused in the configuration, the annotation reconciler.dev/paused, or with"
    " `/reconciler resume` a person's stop",
    "cooldown": "nothing to do; it goes on when the target has rested (guards.cooldown)",
    "rate": "nothing to do; it goes on when the hour has passed (guards.actions_per_hour, pull_requests_per_hour)",
    "open_pull_requests": "merge or close some of them, or raise guards.max_open_pull_requests",
    "circuit_breaker": "look at why it failed; it is tried again after guards.circuit_rest",
    "attempts": "look at the finding yourself; what was tried did not end it (guards.attempts_per_day)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Everything that one action is judged by."""

    action: Action
    claim: Claim
    route: Route
    unknown: list[tuple[str, str]]
    gone: str | None  # why the target is no longer the object that was looked at
    escalated: bool
    approvers: frozenset[str]  # who said yes to this action
    policy: PolicyAnswer
    guards: tuple[GuardAnswer, ...]
    environment: str


def govern(  # noqa: PLR0917 - what an action is judged by
    action: Action,
    index: int,
    operation: Operation | None,
    snapshot: Snapshot,
    history: Sequence[Operation],
    settings: Settings,
    policy: Policy,
    now: datetime,
) -> Verdict:
    """Return the verdict on one action, by fresh facts; `index` is its place in the remedy."""
    seen = grounds_of(action, index, operation, snapshot, history, settings, now)
    facts = facts_for(action, index, operation, snapshot, history, settings, now, grounds=seen)
    case = Case(
        action=action,
        claim=seen.claim,
        route=seen.route,
        unknown=seen.unknown,
        gone=_gone(action, snapshot),
        escalated="escalate" in seen.flags,
        approvers=approvers_of(index, operation),
        policy=policy.decide(facts),
        guards=seen.guards,
        environment=environment_of(action.target, snapshot),
    )
    return judge(case)


def judge(case: Case) -> Verdict:
    """Return the verdict of the first step that has something against the action, or go."""
    for step in (_of_people, _of_facts, _of_ownership, _of_pause_and_policy, _of_guards, _of_approval):
        verdict = step(case)
        if verdict is not None:
            return verdict
    return _verdict(case, Answer.GO, case.policy.code, case.policy.message, "")


def _of_people(case: Case) -> Verdict | None:
    if case.gone is not None:
        remedy = "nothing to do; the next pass looks at what is there now"
        return _verdict(case, Answer.REFUSE, "target.changed", case.gone, remedy)
    if case.escalated and not case.approvers:
        message = "an annotation on the target or its namespace asks that a person decides"
        remedy = "approve or reject it, or take away the annotation reconciler.dev/escalate"
        return _verdict(case, Answer.AWAIT_APPROVAL, "operator_escalation", message, remedy)
    return None


def _of_facts(case: Case) -> Verdict | None:
    if case.unknown:
        message = "not known: " + "; ".join(f"{name} ({reason})" for name, reason in case.unknown)
        return _verdict(case, Answer.WAIT, "fact.unknown", message, _DOCTOR)
    return None


def _of_ownership(case: Case) -> Verdict | None:
    if case.claim.ownership is Ownership.CONFLICT:
        remedy = "let one Application own the object and all the fields that are changed together"
        return _verdict(case, Answer.REFUSE, "ownership.conflict", case.claim.reason, remedy)
    if case.claim.ownership is Ownership.AUTOSCALER:
        remedy = "change the autoscaler's bounds instead"
        return _verdict(case, Answer.REFUSE, "ownership.autoscaler", case.claim.reason, remedy)
    return None


def _of_pause_and_policy(case: Case) -> Verdict | None:
    pause = next(guard for guard in case.guards if guard.name == "pause")
    if not pause.passed:
        return _verdict(case, Answer.WAIT, "guard.paused", pause.message, _REMEDIES["pause"])
    policy = case.policy
    if policy.degraded:  # no answer is neither yes nor a lasting no: the next pass asks again
        return _verdict(case, Answer.WAIT, policy.code, policy.message, policy.remedy)
    if policy.word is PolicyWord.DENY:
        return _verdict(case, Answer.REFUSE, policy.code, policy.message, policy.remedy)
    if policy.word is PolicyWord.PULL_REQUEST and case.route is not Route.PULL_REQUEST:
        message = f"the policy wants a pull request, but the only way to do this is to {case.route} it"
        remedy = "correct the policy: pull_request is an answer to changes of what Git owns"
        return _verdict(case, Answer.REFUSE, "policy.no_such_route", message, remedy)
    return None


def _of_guards(case: Case) -> Verdict | None:
    braking = [guard for guard in case.guards if not guard.passed]
    if not braking:
        return None
    last = max(braking, key=lambda guard: guard.until.timestamp() if guard.until else 0.0)
    return _verdict(case, Answer.WAIT, f"guard.{last.name}", last.message, _REMEDIES[last.name], until=last.until)


def _of_approval(case: Case) -> Verdict | None:
    if case.policy.word is not PolicyWord.MANUAL or len(case.approvers) >= max(1, case.policy.min_approvers):
        return None
    return _verdict(case, Answer.AWAIT_APPROVAL, case.policy.code, case.policy.message, case.policy.remedy)


def _gone(action: Action, snapshot: Snapshot) -> str | None:
    if isinstance(snapshot.workloads, Unknown) or action.target.kind not in WORKLOAD_KINDS:
        return None  # not to be told; `unknown_facts` says so
    workload = snapshot.workloads.get(action.target)
    if workload is None:
        return f"{action.target} is gone"
    return None if workload.uid == action.uid else f"{action.target} was deleted and made anew since it was looked at"


def _verdict(
    case: Case, answer: Answer, code: str, message: str, remedy: str, *, until: datetime | None = None
) -> Verdict:
    asks = answer is Answer.AWAIT_APPROVAL
    return Verdict(
        answer=answer,
        route=case.route,
        code=code,
        message=message,
        remedy=remedy,
        action_class=case.action.action_class,
        environment=case.environment,
        ownership=case.claim.ownership,
        policy_hash=case.policy.policy_hash,
        guards=case.guards,
        approvers=case.policy.approvers if asks else (),
        min_approvers=max(1, case.policy.min_approvers) if asks else 0,
        until=until,
        degraded=case.policy.degraded,
    )
