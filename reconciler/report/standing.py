"""Where operations stand: one row each, and in one sentence what each of them waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.model.operation import EffectStatus, Operation, Outcome, Phase
from reconciler.model.verdict import Answer
from reconciler.report.blocks import Column
from reconciler.report.times import span

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.report.blocks import Row

_GOOD = frozenset({Outcome.VERIFIED, Outcome.RESOLVED})


def standing(operation: Operation) -> str:
    """Say in one sentence what an operation waits for, or how it ended."""
    if operation.outcome is not None:
        return operation.outcome_reason or operation.outcome.value
    if operation.rejected_by is not None:
        return f"rejected by {operation.rejected_by}; the next pass closes it"
    asked = _asked(operation)
    match operation.phase:
        case Phase.AWAITING_GIT_PR:
            return f"a person merges or closes {_pull_request(operation)}{asked and f'; {asked}'}"
        case Phase.AWAITING_SYNC:
            return f"delivery brings {_merge_commit(operation)}"
        case Phase.STABILIZING:
            return "it stabilises, then checks judge it" if not operation.clean_reads else "one more clean read"
        case _:
            return asked or _hindered(operation) or "the next pass"


def awaited_approvals(operation: Operation) -> tuple[int, ...]:
    """Return the actions that a person was asked to approve and that lack an approval."""
    if not operation.is_open or operation.rejected_by is not None:
        return ()
    requested = dict.fromkeys(operation.approval_requested)
    return tuple(index for index in requested if _lacks_approval(operation, index))


def _lacks_approval(operation: Operation, index: int) -> bool:
    verdict = operation.verdicts.get(index)
    wanted = max(1, verdict.min_approvers if verdict else 1)
    return len({a.by for a in operation.approvals if a.action == index}) < wanted


def _asked(operation: Operation) -> str:
    names = ", ".join(operation.remedy.actions[i].name for i in awaited_approvals(operation))
    return f"an approval of {names}, by `reconciler approve`" if names else ""


def _hindered(operation: Operation) -> str:
    failed = [e for e in operation.effects.values() if e.status is EffectStatus.FAILED]
    if failed:
        return f"try {failed[-1].attempts + 1}, after: {failed[-1].error}"
    braked = [v for v in operation.verdicts.values() if v.answer is Answer.WAIT]
    return braked[-1].message if braked else ""


def _pull_request(operation: Operation) -> str:
    return f"pull request {operation.pull_request.number}" if operation.pull_request else "the pull request"


def _merge_commit(operation: Operation) -> str:
    merge = operation.pull_request.merge_commit if operation.pull_request else None
    return f"merge commit {merge[:8]}" if merge else "the merge commit"


def operation_row(operation: Operation, now: datetime) -> dict[str, Any]:
    """Return an operation as a JSON-ready row."""
    pull_request = operation.pull_request
    return {
        "id": operation.id,
        "target": str(operation.target),
        "cluster": operation.target.cluster,
        "summary": operation.remedy.finding.summary,
        "phase": operation.phase.value,
        "outcome": operation.outcome.value if operation.outcome else None,
        "standing": standing(operation),
        "escalated": operation.escalated,
        "awaits_approval": list(awaited_approvals(operation)),
        "pull_request": pull_request.number if pull_request else None,
        "pull_request_url": pull_request.url if pull_request else None,
        "opened_at": operation.opened_at.isoformat(),
        "updated_at": operation.updated_at.isoformat(),
        "age_seconds": int((now - operation.opened_at).total_seconds()),
    }


def operation_columns(now: datetime) -> tuple[Column, ...]:
    """Return the columns of `reconciler status`."""
    return (
        Column("ID", lambda r: r["id"], whole=True),
        Column("TARGET", lambda r: r["target"], least=28),
        Column("PHASE", _phase, phase_style, least=17, under="ID"),
        Column("WAITS FOR / OUTCOME", lambda r: r["standing"], least=30, under="TARGET"),
        Column("PR", lambda r: f"#{r['pull_request']}" if r["pull_request"] else "—", whole=True),
        Column("AGE", lambda r: _age(r, now), whole=True),
    )


def _phase(row: Row) -> str:
    return f"{row['outcome'] or row['phase']}{' (escalated)' if row['escalated'] else ''}"


def phase_style(row: Row) -> str:
    """Return the style of a row: what waits for a person stands out."""
    if row["outcome"] is None:
        return "warn" if row["awaits_approval"] or row["escalated"] else "place"
    return "good" if Outcome(row["outcome"]) in _GOOD else "bad"


def _age(row: Row, now: datetime) -> str:
    from datetime import datetime as moment

    return span(now - moment.fromisoformat(row["opened_at"]))
