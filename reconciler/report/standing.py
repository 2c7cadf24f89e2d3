"""Where operations stand, one row each; what each of them waits for is said in `standing.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.model.operation import Outcome
from reconciler.report.blocks import Column
from reconciler.report.times import span
from reconciler.standing import awaited_approvals, standing

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.model.operation import Operation
    from reconciler.report.blocks import Row

_GOOD = frozenset({Outcome.VERIFIED, Outcome.RESOLVED})


def operation_row(operation: Operation, now: datetime) -> dict[str, Any]:
    """Return an operation as a JSON-ready row."""
    pull_request = operation.pull_request
    return {
        "id": operation.id,
        "target": operation.objects,
        "targets": [str(target) for target in operation.targets],
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
