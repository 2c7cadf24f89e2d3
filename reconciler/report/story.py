"""The story of an operation, from its evidence to its outcome, told from the ledger alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.action import ActionClass, shown
from reconciler.model.objects import format_path
from reconciler.model.operation import EffectStatus, EventKind, Outcome
from reconciler.model.verdict import Answer
from reconciler.report.blocks import Card, Column, Node, Section, Styled, Table
from reconciler.report.telling import mood, told
from reconciler.report.times import moment, span
from reconciler.standing import standing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime
    from typing import Any

    from reconciler.model.action import Action, FieldChange
    from reconciler.model.finding import Evidence
    from reconciler.model.operation import Effect, Event, Operation, TrackedPullRequest
    from reconciler.model.verdict import Verdict
    from reconciler.report.blocks import Block, Line

_ANSWERS = {Answer.GO: "good", Answer.WAIT: "warn", Answer.AWAIT_APPROVAL: "warn", Answer.REFUSE: "bad"}
_CHECKS = {"passed": "good", "failed": "bad", "pending": "warn", "unknown": "warn"}
_EFFECTS = {EffectStatus.COMPLETED: "good", EffectStatus.FAILED: "bad", EffectStatus.INTENDED: "warn"}
_GOOD = frozenset({Outcome.VERIFIED, Outcome.RESOLVED})


def story(operation: Operation, events: Iterable[Event], now: datetime) -> Iterator[Block]:
    """Yield everything that is known of an operation, oldest first; `events` are its own."""
    own = tuple(events)
    yield _opening(operation, now)
    yield Section("Evidence", tuple(map(_evidence, operation.remedy.finding.evidence)))
    actions = (_action(operation, index, action) for index, action in enumerate(operation.remedy.actions))
    yield Section("Actions and verdicts", tuple(actions))
    if operation.effects:
        yield Section("Effects", tuple(map(_effect, operation.effects.values())))
    if operation.pull_request:
        yield Section("Pull request", tuple(_pull_request(operation.pull_request)))
    yield from _checks(own)
    yield _timeline(operation, own)
    yield ""
    yield _ending(operation, now)
    if operation.escalated:
        yield Styled("a person was asked to look", "warn")


def _opening(operation: Operation, now: datetime) -> Card:
    remedy = operation.remedy
    lines: list[Line] = [Styled(remedy.finding.summary, "head"), remedy.rationale]
    if remedy.parent:
        lines.append(f"follows {remedy.parent}: `reconciler explain {remedy.parent}`")
    return Card(operation.id, tuple(lines), footer=_ending(operation, now), style=_mood(operation))


def _evidence(evidence: Evidence) -> Node:
    figures = ", ".join(f"{key}={value}" for key, value in sorted(evidence.values.items()))
    line = (Styled(f"{moment(evidence.at)}  ", "faint"), Styled(evidence.source, "place"), f": {evidence.text}")
    return Node(line, (Styled(figures, "faint"),) if figures else ())


def _action(operation: Operation, index: int, action: Action) -> Node:
    kind = Styled(f"  ({action.action_class}, {action.risk} risk)", "faint")
    line = (Styled(f"{index}  ", "faint"), Styled(action.summary, "head"), kind)
    return Node(line, tuple(_grounds(operation, index, action)), step=3)


def _grounds(operation: Operation, index: int, action: Action) -> Iterator[Block]:
    if action.action_class is ActionClass.DECLARATIVE:
        yield from map(_change, action.changes)
    verdict = operation.verdicts.get(index)
    yield from _said(verdict) if verdict else iter(["not judged yet"])
    for approval in (a for a in operation.approvals if a.action == index):
        yield f"approved by {approval.by} at {moment(approval.at)}"


def _change(change: FieldChange) -> Line:
    return (
        f"  {format_path(change.path)}: ",
        Styled(shown(change.before), "bad"),
        " → ",
        Styled(shown(change.after), "good"),
    )


def _said(verdict: Verdict) -> Iterator[Block]:
    answer = Styled(verdict.answer.value.replace("_", " "), _ANSWERS[verdict.answer])
    route = verdict.route.value.replace("_", " ")
    yield answer, f" by {route}: {verdict.message}", Styled(f" [{verdict.code}]", "faint")
    if verdict.answer is not Answer.GO and verdict.remedy:
        yield f"remedy: {verdict.remedy}"
    environment = f"environment {verdict.environment}, Git: {verdict.ownership.value.replace('_', ' ')}"
    yield Styled(f"{environment}, policy {verdict.policy_hash[:12] or 'none'}", "faint")
    for guard in verdict.guards:
        style = "faint" if guard.passed else "warn"
        yield Styled(f"guard {guard.name}: {'passed' if guard.passed else 'braked'}, {guard.message}", style)


def _effect(effect: Effect) -> Node:
    tries = "" if effect.attempts == 1 else f", {effect.attempts} tries"
    took = f", took {span(effect.finished_at - effect.intended_at)}" if effect.finished_at else ""
    intended = f" {effect.key}: intended {moment(effect.intended_at)}"
    line = (Styled(effect.status.value, _EFFECTS[effect.status]), f"{intended}{took}{tries}")
    why = f"{effect.error}{' (not tried again)' if effect.permanent else ''}"
    return Node(line, (why,) if effect.error else ())


def _pull_request(pull_request: TrackedPullRequest) -> Iterator[Block]:
    files = ", ".join(pull_request.located.paths)
    yield f"{pull_request.number}  ", Styled(pull_request.url, "place")
    yield f"opened {moment(pull_request.opened_at)}, branch {pull_request.branch}, file {files}"
    if pull_request.merged_at and pull_request.merge_commit:
        by = pull_request.merged_by or "somebody"
        waited = span(pull_request.merged_at - pull_request.opened_at)
        edited = ", with a value of the reviewer's own" if pull_request.modified_by_reviewer else ""
        yield f"merged by {by} after {waited} as {pull_request.merge_commit[:12]}{edited}"
    if pull_request.closed_by:
        yield f"closed by {pull_request.closed_by}"


def _checks(events: tuple[Event, ...]) -> Iterator[Section]:
    """Yield the newest checks, expected against actual."""
    judged = [event for event in events if event.data.get("checks")]
    if judged:
        newest = judged[-1]
        yield Section(f"Checks at {moment(newest.at)}", tuple(map(_check, newest.data["checks"])))


def _check(check: Mapping[str, Any]) -> Node:
    status = str(check.get("status", "unknown"))
    line = (Styled(status.ljust(7), _CHECKS.get(status, "warn")), f"  {check.get('name')}")
    return Node(line, (f"expected {check.get('expected')}, found {check.get('actual')}",), step=9)


def _timeline(operation: Operation, events: tuple[Event, ...]) -> Section:
    rows, before = [], operation.opened_at
    for event in events:
        later = f"+{span(event.at - before)}" if event.kind is not EventKind.OPERATION_OPENED else ""
        before = event.at
        what = {"text": told(event, operation), "mood": mood(event)}
        rows.append({"at": moment(event.at), "later": f"{later:>8}", **what})
    columns = (
        Column("", lambda r: r["at"], lambda _: "faint", whole=True),
        Column("", lambda r: r["later"], lambda _: "faint", whole=True),
        Column("", lambda r: r["text"]),
    )
    return Section("Timeline (UTC)", (Table(columns, rows, titles=False, dot=lambda r: r["mood"]),))


def _ending(operation: Operation, now: datetime) -> Line:
    style = _mood(operation)
    if operation.outcome is None:
        return Styled("open", style), f" for {span(now - operation.opened_at)}; waits for: {standing(operation)}"
    took = span((operation.closed_at or now) - operation.opened_at)
    return Styled(operation.outcome.value, style), f" after {took}: {operation.outcome_reason}"


def _mood(operation: Operation) -> str:
    if operation.outcome is None:
        return "warn"
    return "good" if operation.outcome in _GOOD else "bad"
