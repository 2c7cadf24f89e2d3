"""What a pass did and what a plan would do, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.diffs import unified_diff
from reconciler.model.verdict import Answer, Route
from reconciler.plain import counted
from reconciler.report.blocks import Diff, Node, Styled, Told
from reconciler.report.times import moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.model.facts import Unknown
    from reconciler.model.proposal import Proposal
    from reconciler.model.report import Held, PassReport, Plan, PlannedAction, PlannedRemedy
    from reconciler.model.verdict import Verdict
    from reconciler.report.blocks import Block

_WORDS = {
    Answer.GO: ("would do", "good"),
    Answer.WAIT: ("would wait", "warn"),
    Answer.AWAIT_APPROVAL: ("would ask", "warn"),
    Answer.REFUSE: ("would refuse", "bad"),
}


def pass_blocks(report: PassReport) -> Iterator[Block]:
    """Yield what was done, what failed, waits, is held or unknown; a pass without any of these in one sentence."""
    yield from (Told("done", "good", line) for line in report.lines)
    yield from (Told("failed", "bad", problem) for problem in report.problems)
    yield from (Told("waits", "warn", f"{operation}: {reason}") for operation, reason in report.waiting)
    yield from _held(report.held)
    yield from _unknown(report.unknown)
    if not (report.lines or report.problems or report.waiting):
        yield Styled(report.sentence, "head")


def _held(held: Iterable[Held]) -> Iterator[Block]:
    for one in held:
        if one.code == "known":  # its operation is listed already
            continue
        until = f", until {moment(one.until)} UTC" if one.until else ""
        yield Told("held", "faint", (f"{one.finding.summary}: {one.reason}{until}", _code(one.code)))


def _unknown(unknown: Iterable[Unknown]) -> Iterator[Block]:
    """Yield what did not answer; a remedy that mends several is said once, under the last of them."""
    silent = tuple(unknown)
    last = {one.remedy: number for number, one in enumerate(silent)}
    for number, one in enumerate(silent):
        below = (f"remedy: {one.remedy}",) if one.remedy and last[one.remedy] == number else ()
        yield Told("unknown", "warn", f"{one}; nothing was done on what it would have told", below)


def plan_blocks(plan: Plan) -> Iterator[Block]:
    """Yield each remedy with its verdicts and diffs, what is held, what is unknown, and a sentence."""
    for remedy in plan.remedies:
        yield _remedy(remedy)
        yield ""
    yield from _held(plan.held)
    yield from _unknown(plan.unknown)
    yield Styled(plan_sentence(plan), "head")


def _remedy(planned: PlannedRemedy) -> Node:
    finding = planned.remedy.finding
    evidence = (Styled(f"{moment(e.at)}  {e.source}: {e.text}", "faint") for e in finding.evidence)
    actions = map(_action, planned.actions)
    line = (Styled(", ".join(map(str, planned.remedy.targets)), "head"), f"  {finding.summary}")
    return Node(line, (*evidence, planned.remedy.rationale, *actions))


def _action(planned: PlannedAction) -> Node:
    action, verdict = planned.action, planned.verdict
    word, style = _WORDS[verdict.answer]
    kind = Styled(f"  ({action.action_class}, {action.risk} risk)", "faint")
    line = (Styled(word, style), "  ", Styled(action.summary, "head"), kind)
    return Node(line, tuple(_grounds(planned)))


def _grounds(planned: PlannedAction) -> Iterator[Block]:
    verdict = planned.verdict
    yield verdict.message, _code(verdict.code)
    if verdict.answer is not Answer.GO and verdict.remedy:
        yield f"remedy: {verdict.remedy}"
    yield from _brakes(verdict)
    if planned.problem:
        yield Styled(f"no pull request: {planned.problem}", "bad")
    if planned.proposal:
        yield from _proposal(planned.proposal)


def _brakes(verdict: Verdict) -> Iterator[Block]:
    for guard in verdict.guards:
        if not guard.passed:
            yield Styled(f"guard {guard.name}: {guard.message}", "warn")


def _proposal(proposal: Proposal) -> Iterator[Block]:
    yield f"pull request: {proposal.title}"
    yield "branch ", Styled(proposal.branch, "place"), " into ", Styled(proposal.base, "place")
    yield from (Diff(unified_diff(edit.before, edit.after, edit.path)) for edit in proposal.edits)


def _code(code: str) -> Styled:
    return Styled(f" [{code}]", "faint")


def plan_sentence(plan: Plan) -> str:
    """Say a plan in one line."""
    requests = sum(1 for r in plan.remedies for a in r.actions if a.proposal and a.verdict.answer is Answer.GO)
    going = [a for r in plan.remedies for a in r.actions if a.verdict.answer is Answer.GO]
    actions = sum(1 for action in going if action.verdict.route is not Route.PULL_REQUEST)
    what = f"{counted(requests, 'pull request', none='no')} and {counted(actions, 'direct action', none='no')}"
    parts = (
        counted(len(plan.findings), "finding", none="no"),
        f"{what} would follow",
        "nothing was touched",
    )
    return "; ".join(parts)
