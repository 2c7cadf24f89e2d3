"""PromQL: a query is understood once, and answers at one moment or at many.

The grammar is that of the library promql-parser, the meaning that of Prometheus 2 (`planner.py`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.sandbox.monitoring.planner import Planner
from reconciler.sandbox.monitoring.plans import Moment, Plan
from reconciler.sandbox.monitoring.values import Element, QueryError, Value, ordered
from reconciler.sandbox.wire import NotInSandbox

if TYPE_CHECKING:
    from reconciler.sandbox.monitoring.history import History
    from reconciler.sandbox.monitoring.samples import Labels

_UNKNOWN = re.compile(r"unknown function with name '(\w+)'")
_REAL_BUT_UNKNOWN = frozenset({"holt_winters"})  # Prometheus 2 has it, the library's grammar no longer

Line = tuple["Labels", list[tuple[int, float]]]


@dataclass(frozen=True, slots=True)
class Query:
    """A query that was understood; `names` are the metrics it looks at (None: any), `reach` how far back, in ms."""

    kind: str
    names: frozenset[str | None]
    reach: int
    knows_time: bool
    _plan: Plan

    def instant(self, at: int) -> Value:
        """Answer at one moment. Raises QueryError."""
        found: Value = self._plan.ask(Moment(at, at, at))
        return found

    def range(self, start: int, end: int, step: int) -> list[Line]:
        """Answer at each step, as series ordered by their labels. Raises QueryError."""
        if self.kind not in ("vector", "scalar"):
            kind = {"matrix": "range vector"}.get(self.kind, self.kind)
            message = f'invalid expression type "{kind}" for range query, must be Scalar or instant Vector'
            raise QueryError(message, "bad_data")
        lines: dict[tuple[tuple[str, str], ...], Line] = {}
        for at in range(start, end + 1, step):
            found = self._plan.ask(Moment(at, start, end))
            for element in found if self.kind == "vector" else [Element({}, found)]:
                key = ordered(element.labels)
                lines.setdefault(key, (element.labels, []))[1].append((at, element.value))
        return [lines[key] for key in sorted(lines)]


def understand(text: str, history: History, interval: int) -> Query:
    """Read a query; `interval` is the step of subqueries that name none. Raises QueryError and NotInSandbox."""
    import promql_parser

    try:
        expression = promql_parser.parse(text)
    except ValueError as error:
        name = _UNKNOWN.search(str(error))
        if name and name[1] in _REAL_BUT_UNKNOWN:
            raise NotInSandbox(f"the PromQL function {name[1]}") from error
        raise QueryError(f'invalid parameter "query": 1:1: parse error: {error}', "bad_data") from error
    planner = Planner(history, interval)
    plan = planner.plan(expression)
    return Query(plan.kind, frozenset(planner.names), planner.reach, planner.knows_time, plan)
