"""The job summary: what was found, which pull requests there are, how operations ended, what waits and why.

Protects: everything foreign goes through `markdown.py`, so that it can neither format nor link nor call anybody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.actions.telling import state_of
from reconciler.diffs import unified_diff
from reconciler.markdown import code, fenced, link, listed, prose

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from reconciler.errors import ReconcilerError
    from reconciler.model.facts import Unknown
    from reconciler.model.finding import Finding
    from reconciler.model.operation import Operation
    from reconciler.model.report import Held, PassReport, Plan, PlannedAction

_MOST = 200  # rows of a table; more is for `reconciler status`
_SENTENCE = 1500


def of_pass(report: PassReport) -> Iterator[str]:
    """Yield the sections about a pass."""
    yield _headline(report.sentence)
    waiting = dict(report.waiting)
    yield from _findings(report.findings)
    yield from _table(
        "Pull requests",
        ("Pull request", "Target", "State", "Waits for"),
        [_request(operation, waiting.get(operation.id, "")) for operation in report.operations],
    )
    yield from _table(
        "Outcomes",
        ("Operation", "Target", "Outcome", "Why"),
        [
            (prose(o.id), listed(o.targets), prose(o.outcome), prose(o.outcome_reason))
            for o in report.operations
            if o.outcome
        ],
    )
    yield from _list("Done", map(prose, report.lines))
    yield from _list("Failed", map(prose, report.problems))
    others = [(o, why) for o, why in report.waiting if not _has_request(report.operations, o)]
    yield from _list("Waiting", (f"{prose(operation)}: {prose(why)}" for operation, why in others))
    yield from _rest(report.held, report.unknown)


def of_plan(plan: Plan, sentence: str) -> Iterator[str]:
    """Yield the sections about a plan, with its diffs."""
    yield _headline(f"plan: {sentence}")
    yield from _findings(plan.findings)
    for remedy in plan.remedies:
        yield f"### {prose(remedy.remedy.finding.summary)}\n"
        for action in remedy.actions:
            yield from _planned(action)
    yield from _rest(plan.held, plan.unknown)


def of_nothing(sentence: str) -> Iterator[str]:
    """Yield the sections when no pass was made."""
    yield _headline(sentence)


def of_error(error: ReconcilerError, remedy: str) -> Iterator[str]:
    """Yield the sections about an error: what, and what a person can do."""
    first, *more = error.message.splitlines() or [""]
    yield f"## reconciler: failed\n\n{prose(first, _SENTENCE)} ({code(error.code)})\n"
    yield from _list("", map(prose, more))
    yield f"**Remedy:** {prose(remedy, _SENTENCE)}\n"


def _headline(sentence: str) -> str:
    return f"## reconciler\n\n{prose(sentence, _SENTENCE)}\n"


def _findings(findings: Sequence[Finding]) -> Iterator[str]:
    rows = [(prose(f.target), prose(f.summary), prose(f.severity), _evidence(f)) for f in findings]
    yield from _table("Findings", ("Target", "What", "Severity", "Newest evidence"), rows)


def _evidence(finding: Finding) -> str:
    newest = finding.evidence[-1]
    return f"{prose(newest.source)}: {prose(newest.text)}"


def _request(operation: Operation, waits: str) -> tuple[str, ...] | None:
    tracked = operation.pull_request
    if tracked is None:
        return None
    name = link(f"pull request {tracked.number}", tracked.url)
    return name, listed(operation.targets), state_of(tracked), prose(waits) if waits else "—"


def _has_request(operations: Iterable[Operation], wanted: str) -> bool:
    return any(o.id == wanted and o.pull_request for o in operations)


def _planned(planned: PlannedAction) -> Iterator[str]:
    verdict = planned.verdict
    yield f"- **{prose(planned.action.summary)}**: {prose(verdict.answer)}; {prose(verdict.message)}"
    if planned.problem:
        yield f"  - no pull request: {prose(planned.problem)}"
    if planned.proposal:
        yield f"  - pull request: {prose(planned.proposal.title)}"
        for edit in planned.proposal.edits:
            yield f"\n{fenced(unified_diff(edit.before, edit.after, edit.path), 'diff')}\n"


def _rest(held: Sequence[Held], unknown: Sequence[Unknown]) -> Iterator[str]:
    yield from _list("Held back", (f"{prose(h.finding.summary)}: {prose(h.reason)}" for h in held if h.code != "known"))
    yield from _list("Without an answer", (f"{prose(fact)}; {prose(fact.remedy)}" for fact in unknown))


def _table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str] | None]) -> Iterator[str]:
    cells = [row for row in rows if row is not None]
    if cells:
        lines = [f"### {title}", "", f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
        lines += [f"| {' | '.join(row)} |" for row in cells[:_MOST]]
        yield "\n".join([*lines, *_more(cells), ""])


def _list(title: str, items: Iterable[str]) -> Iterator[str]:
    lines = [f"- {item}" for item in items]
    if lines:
        yield "\n".join([*([f"### {title}", ""] if title else []), *lines[:_MOST], *_more(lines), ""])


def _more(items: Sequence[object]) -> list[str]:
    left = len(items) - _MOST
    return ["", f"and {left} more"] if left > 0 else []
