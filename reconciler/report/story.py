"""The story of an operation, from its evidence to its outcome, told from the ledger alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.model.action import ActionClass
from reconciler.model.operation import Effect, EffectStatus, EventKind, Outcome
from reconciler.model.verdict import Answer
from reconciler.report.rows import headed
from reconciler.report.standing import standing
from reconciler.report.telling import told
from reconciler.report.terminal import Line, Styled
from reconciler.report.times import moment, span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from reconciler.model.finding import Evidence
    from reconciler.model.operation import Event, Operation, TrackedPullRequest
    from reconciler.model.verdict import Verdict

_ANSWERS = {Answer.GO: "good", Answer.WAIT: "warn", Answer.AWAIT_APPROVAL: "warn", Answer.REFUSE: "bad"}
_CHECKS = {"passed": "good", "failed": "bad", "pending": "warn", "unknown": "warn"}
_GOOD = frozenset({Outcome.VERIFIED, Outcome.RESOLVED})


def story(operation: Operation, events: Iterable[Event], now: datetime) -> Iterator[Line]:
    """Yield everything that is known of an operation, oldest first; `events` are its own."""
    own = tuple(events)
    yield from _opening(operation)
    yield from _evidence_lines(operation)
    yield from _verdict_lines(operation)
    yield from _effect_lines(operation)
    if operation.pull_request:
        yield from _pull_request_lines(operation.pull_request)
    yield from _check_lines(own)
    yield from _timeline(operation, own)
    yield from _ending(operation, now)


def _opening(operation: Operation) -> Iterator[Line]:
    yield headed(operation.id), f"  {operation.remedy.finding.summary}"
    yield f"  {operation.remedy.rationale}"
    if operation.remedy.parent:
        yield f"  follows {operation.remedy.parent}: `reconciler explain {operation.remedy.parent}`"


def _section(title: str) -> Iterator[Line]:
    yield ""
    yield headed(title)


def _evidence_lines(operation: Operation) -> Iterator[Line]:
    yield from _section("Evidence")
    for evidence in operation.remedy.finding.evidence:
        yield Styled(f"  {moment(evidence.at)}", "faint"), f"  {evidence.source}: {evidence.text}"
        if evidence.values:
            yield Styled(f"    {_figures(evidence)}", "faint")


def _figures(evidence: Evidence) -> str:
    return ", ".join(f"{key}={value}" for key, value in sorted(evidence.values.items()))


def _verdict_lines(operation: Operation) -> Iterator[Line]:
    yield from _section("Actions and verdicts")
    for index, action in enumerate(operation.remedy.actions):
        yield f"  {index}  {action.summary}  ({action.action_class}, {action.risk} risk)"
        if action.action_class is ActionClass.DECLARATIVE:
            yield from (f"       {change}" for change in action.changes)
        verdict = operation.verdicts.get(index)
        yield from _said(verdict) if verdict else iter(["     not judged yet"])
        for approval in (a for a in operation.approvals if a.action == index):
            yield f"     approved by {approval.by} at {moment(approval.at)}"


def _said(verdict: Verdict) -> Iterator[Line]:
    answer = Styled(verdict.answer.value.replace("_", " "), _ANSWERS[verdict.answer])
    yield "     ", answer, f" by {verdict.route.value.replace('_', ' ')}: {verdict.message} [{verdict.code}]"
    if verdict.answer is not Answer.GO and verdict.remedy:
        yield f"     remedy: {verdict.remedy}"
    environment = f"environment {verdict.environment}, Git: {verdict.ownership.value.replace('_', ' ')}"
    yield Styled(f"     {environment}, policy {verdict.policy_hash[:12] or 'none'}", "faint")
    for guard in verdict.guards:
        style = "faint" if guard.passed else "warn"
        yield Styled(f"     guard {guard.name}: {'passed' if guard.passed else 'braked'}, {guard.message}", style)


def _effect_lines(operation: Operation) -> Iterator[Line]:
    if operation.effects:
        yield from _section("Effects")
    for effect in operation.effects.values():
        yield from _effect(effect)


def _effect(effect: Effect) -> Iterator[Line]:
    tries = "" if effect.attempts == 1 else f", {effect.attempts} tries"
    took = f", took {span(effect.finished_at - effect.intended_at)}" if effect.finished_at else ""
    style = {EffectStatus.COMPLETED: "good", EffectStatus.FAILED: "bad"}.get(effect.status, "warn")
    intended = f" {effect.key}: intended {moment(effect.intended_at)}"
    yield "  ", Styled(effect.status.value, style), f"{intended}{took}{tries}"
    if effect.error:
        yield f"    {effect.error}{' (not tried again)' if effect.permanent else ''}"


def _pull_request_lines(pull_request: TrackedPullRequest) -> Iterator[Line]:
    yield from _section("Pull request")
    yield f"  {pull_request.number}  ", Styled(pull_request.url, "place")
    yield f"  opened {moment(pull_request.opened_at)}, branch {pull_request.branch}, file {pull_request.located.path}"
    if pull_request.merged_at and pull_request.merge_commit:
        by = pull_request.merged_by or "somebody"
        waited = span(pull_request.merged_at - pull_request.opened_at)
        edited = ", with a value of the reviewer's own" if pull_request.modified_by_reviewer else ""
        yield f"  merged by {by} after {waited} as {pull_request.merge_commit[:12]}{edited}"
    if pull_request.closed_by:
        yield f"  closed by {pull_request.closed_by}"


def _check_lines(events: tuple[Event, ...]) -> Iterator[Line]:
    """Yield the newest checks, expected against actual."""
    judged = [event for event in events if event.data.get("checks")]
    if not judged:
        return
    yield from _section(f"Checks at {moment(judged[-1].at)}")
    for check in judged[-1].data["checks"]:
        yield from _check(check)


def _check(check: Mapping[str, Any]) -> Iterator[Line]:
    status = str(check.get("status", "unknown"))
    yield "  ", Styled(status.ljust(7), _CHECKS.get(status, "warn")), f"  {check.get('name')}"
    yield f"           expected {check.get('expected')}, found {check.get('actual')}"


def _timeline(operation: Operation, events: tuple[Event, ...]) -> Iterator[Line]:
    yield from _section("Timeline (UTC)")
    before = operation.opened_at
    for event in events:
        later = f"+{span(event.at - before)}" if event.kind is not EventKind.OPERATION_OPENED else ""
        before = event.at
        yield Styled(f"  {moment(event.at)}  {later:>8}", "faint"), f"  {told(event, operation)}"


def _ending(operation: Operation, now: datetime) -> Iterator[Line]:
    yield ""
    if operation.outcome is None:
        yield Styled("open", "warn"), f" for {span(now - operation.opened_at)}; waits for: {standing(operation)}"
    else:
        style = "good" if operation.outcome in _GOOD else "bad"
        took = span((operation.closed_at or now) - operation.opened_at)
        yield Styled(operation.outcome.value, style), f" after {took}: {operation.outcome_reason}"
    if operation.escalated:
        yield Styled("a person was asked to look", "warn")
