"""What a pass did and what a plan would do, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.diffs import unified_diff
from reconciler.model.verdict import Answer
from reconciler.report.diff import diff_lines
from reconciler.report.rows import headed
from reconciler.report.terminal import Line, Styled
from reconciler.report.times import moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.model.facts import Unknown
    from reconciler.model.proposal import Proposal
    from reconciler.model.report import Held, PassReport, Plan, PlannedAction, PlannedRemedy
    from reconciler.model.verdict import Verdict

_WORDS = {
    Answer.GO: ("would do", "good"),
    Answer.WAIT: ("would wait", "warn"),
    Answer.AWAIT_APPROVAL: ("would ask", "warn"),
    Answer.REFUSE: ("would refuse", "bad"),
}
_LABEL = 9  # the longest first word of a pass's lines


def pass_lines(report: PassReport) -> Iterator[Line]:
    """Yield what was done, what failed, waits, is held or unknown; a pass without any of these in one sentence."""
    yield from (_labelled("done", "good", line) for line in report.lines)
    yield from (_labelled("failed", "bad", problem) for problem in report.problems)
    yield from (_labelled("waits", "warn", f"{operation}: {reason}") for operation, reason in report.waiting)
    yield from _held_lines(report.held)
    yield from _unknown_lines(report.unknown)
    if not (report.lines or report.problems or report.waiting):
        yield Styled(report.sentence, "head")


def _labelled(label: str, style: str, text: str) -> Line:
    return Styled(label.ljust(_LABEL), style), text


def _held_lines(held: Iterable[Held]) -> Iterator[Line]:
    for one in held:
        if one.code == "known":  # its operation is listed already
            continue
        until = f", until {moment(one.until)} UTC" if one.until else ""
        yield _labelled("held", "faint", f"{one.finding.summary}: {one.reason}{until} [{one.code}]")


def _unknown_lines(unknown: Iterable[Unknown]) -> Iterator[Line]:
    for one in unknown:
        yield _labelled("unknown", "warn", f"{one}; nothing was done on what it would have told")


def plan_lines(plan: Plan) -> Iterator[Line]:
    """Yield each remedy with its verdicts and diffs, what is held, what is unknown, and a sentence."""
    for remedy in plan.remedies:
        yield from _remedy_lines(remedy)
        yield ""
    yield from _held_lines(plan.held)
    yield from _unknown_lines(plan.unknown)
    yield Styled(_plan_sentence(plan), "head")


def _remedy_lines(planned: PlannedRemedy) -> Iterator[Line]:
    finding = planned.remedy.finding
    yield headed(str(finding.target)), f"  {finding.summary}"
    for evidence in finding.evidence:
        yield Styled(f"  {moment(evidence.at)}  {evidence.source}: {evidence.text}", "faint")
    yield f"  {planned.remedy.rationale}"
    for action in planned.actions:
        yield from _action_lines(action)


def _action_lines(planned: PlannedAction) -> Iterator[Line]:
    action, verdict = planned.action, planned.verdict
    word, style = _WORDS[verdict.answer]
    yield "  ", Styled(word, style), f"  {action.summary}  ({action.action_class}, {action.risk} risk)"
    yield f"    {verdict.message} [{verdict.code}]"
    if verdict.answer is not Answer.GO and verdict.remedy:
        yield f"    remedy: {verdict.remedy}"
    yield from _brakes(verdict)
    if planned.problem:
        yield Styled(f"    no pull request: {planned.problem}", "bad")
    if planned.proposal:
        yield from _proposal_lines(planned.proposal)


def _brakes(verdict: Verdict) -> Iterator[Line]:
    for guard in verdict.guards:
        if not guard.passed:
            yield Styled(f"    guard {guard.name}: {guard.message}", "warn")


def _proposal_lines(proposal: Proposal) -> Iterator[Line]:
    yield f"    pull request: {proposal.title}"
    yield f"    branch {proposal.branch} into {proposal.base}"
    yield ""
    yield from diff_lines(unified_diff(proposal.before, proposal.after, proposal.located.path))


def _plan_sentence(plan: Plan) -> str:
    requests = sum(1 for r in plan.remedies for a in r.actions if a.proposal and a.verdict.answer is Answer.GO)
    actions = sum(1 for r in plan.remedies for a in r.actions if not a.proposal and a.verdict.answer is Answer.GO)
    parts = (
        _count(len(plan.findings), "finding"),
        f"{_count(requests, 'pull request')} and {_count(actions, 'direct action')} would follow",
        "nothing was touched",
    )
    return "; ".join(parts)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number or 'no'} {noun}s"
