"""Plans of the nodes of PromQL's grammar: a plan answers at any moment.

The meaning is that of Prometheus 2. What is not here is refused when the plan is made (NotInSandbox names it), so that
no answer is ever wrong for lack of a function.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from reconciler.sandbox.monitoring import aggregates, binary, functions
from reconciler.sandbox.monitoring.plans import (
    Moment,
    Node,
    Plan,
    bare,
    elements,
    is_uniform,
    operation_of,
    span_of,
    sure_of,
)
from reconciler.sandbox.monitoring.ranges import RANGES, Window
from reconciler.sandbox.monitoring.samples import NAME
from reconciler.sandbox.monitoring.selectors import find, matchers_of, name_of
from reconciler.sandbox.monitoring.series import LOOKBACK, Run
from reconciler.sandbox.monitoring.values import Element, Matrix, Row, Vector, distinct, nameless
from reconciler.sandbox.wire import NotInSandbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.sandbox.monitoring.history import History
    from reconciler.sandbox.monitoring.series import Series

MOST_STEPS = 11_000  # of a range query or subquery, Prometheus' own limit for the former
_KEEPS_NAME = frozenset({"last_over_time"})


class Planner:
    """Makes plans of the grammar's nodes; notes on the way what the query depends on."""

    def __init__(self, history: History, interval: int) -> None:
        self._history = history
        self._interval = interval
        self._makers: dict[str, Callable[[Node], Plan]] = {
            "NumberLiteral": self._number,
            "StringLiteral": self._string,
            "ParenExpr": self._parentheses,
            "UnaryExpr": self._negation,
            "VectorSelector": self._instant_selector,
            "MatrixSelector": self._range_selector,
            "SubqueryExpr": self._subquery,
            "AggregateExpr": self._aggregation,
            "BinaryExpr": self._binary,
            "Call": self._call,
        }
        self.names: set[str | None] = set()
        self.reach = 0
        self.knows_time = False

    def plan(self, node: Node) -> Plan:
        """Return the plan of a node. Raises NotInSandbox."""
        make = self._makers.get(type(node).__name__)
        if make is None:
            raise NotInSandbox(f"PromQL's {type(node).__name__}")
        return make(node)

    def _number(self, node: Node) -> Plan:
        value = float(node.val)
        return Plan("scalar", lambda _: value)

    def _string(self, node: Node) -> Plan:
        text = str(node.val)
        return Plan("string", lambda _: text)

    def _parentheses(self, node: Node) -> Plan:
        return self.plan(node.expr)

    def _negation(self, node: Node) -> Plan:
        inner = self.plan(node.expr)
        if inner.kind == "scalar":
            return Plan("scalar", lambda moment: -inner.ask(moment))
        return inner.unnamed(lambda moment: functions.mapped(lambda value: -value, inner.ask(moment)))

    def _instant_selector(self, node: Node) -> Plan:
        series, shift, scraped = self._series(node), self._shift(node), self._scraped

        def ask(moment: Moment) -> Vector:
            at = scraped(shift(moment))
            if at is None:
                return []
            return [Element(one.labels, value) for one in series() if (value := one.value(at)) is not None]

        return Plan("vector", ask, uniform=is_uniform(node))

    def _range_selector(self, node: Node) -> Plan:
        selector, length = node.vector_selector, span_of(node.range)
        series, shift, history = self._series(selector), self._shift(selector), self._history
        self.reach += length

        def ask(moment: Moment) -> Matrix:
            end = shift(moment)
            start, until, step = end - length, min(end, history.now()), history.step
            rows = [Row(one.labels, one.bare, runs) for one in series() if (runs := one.window(start, until, step))]
            return Matrix(rows, start, end)

        return Plan("matrix", ask, uniform=is_uniform(selector))

    def _subquery(self, node: Node) -> Plan:
        inner, shift, length = self.plan(node.expr), self._shift(node), span_of(node.range)
        step = span_of(node.step) if node.step else self._interval
        self.reach += length + step
        self.knows_time = True  # its steps are those of the clock, not of the query

        def ask(moment: Moment) -> Matrix:
            end = shift(moment)
            start = end - length
            if length // step > MOST_STEPS:
                raise NotInSandbox(f"subqueries of more than {MOST_STEPS} steps")
            lines: dict[frozenset[tuple[str, str]], Row] = {}
            for at in range(-(-start // step) * step, end + 1, step):
                for element in elements(inner, moment._replace(at=at)):
                    key = frozenset(element.labels.items())
                    if key not in lines:
                        lines[key] = Row(element.labels, nameless(element.labels), [])
                    lines[key].runs.append(Run(at, 1, element.value))
            return Matrix(list(lines.values()), start, end)

        return Plan("matrix", ask, uniform=inner.uniform)

    def _aggregation(self, node: Node) -> Plan:
        op, inner = str(node.op), self.plan(node.expr)
        aggregates.check(op)
        argument = None if node.param is None else self.plan(node.param)
        by = node.modifier is None or str(node.modifier.type).endswith(".By")
        names = () if node.modifier is None else tuple(node.modifier.labels)

        def ask(moment: Moment) -> Vector:
            value = None if argument is None else argument.ask(moment)
            return aggregates.aggregate(op, inner.ask(moment), by=by, names=names, argument=value)

        return Plan("vector", ask, uniform=inner.uniform or (NAME not in names and op not in ("topk", "bottomk")))

    def _binary(self, node: Node) -> Plan:
        left, right, operation = self.plan(node.lhs), self.plan(node.rhs), operation_of(node)

        def of_vectors(moment: Moment) -> Vector:
            if operation.op in binary.SETS:
                return distinct(binary.of_sets(operation, left.ask(moment), right.ask(moment)))
            return distinct(binary.of_vectors(operation, left.ask(moment), right.ask(moment)))

        def mixed(moment: Moment) -> Vector:
            swapped = left.kind == "scalar"
            vector, scalar = (right, left) if swapped else (left, right)
            return binary.of_vector_and_scalar(operation, vector.ask(moment), scalar.ask(moment), swapped=swapped)

        if left.kind == right.kind == "scalar":
            return Plan("scalar", lambda moment: binary.of_scalars(operation, left.ask(moment), right.ask(moment)))
        if left.kind == right.kind:
            return Plan("vector", of_vectors)
        return (right if left.kind == "scalar" else left).unnamed(mixed)

    def _call(self, node: Node) -> Plan:
        name, arguments = node.func.name, list(node.args)
        if name in RANGES:
            return self._over_range(name, arguments)
        special: Callable[[list[Node]], Plan] | None = getattr(self, f"_call_{name}", None)
        if special is not None:
            return special(arguments)
        plans = [self.plan(argument) for argument in arguments]
        if name in functions.DATES:
            return self._date(functions.DATES[name], plans)
        if name in functions.MATH:
            function = functions.MATH[name]
            return plans[0].unnamed(lambda moment: functions.mapped(function, plans[0].ask(moment)))
        if name in functions.VECTORS:
            whole = functions.VECTORS[name]
            return Plan("vector", lambda moment: distinct(whole(*(plan.ask(moment) for plan in plans))))
        raise NotInSandbox(f"the PromQL function {name}")

    def _over_range(self, name: str, arguments: list[Node]) -> Plan:
        plans = [self.plan(argument) for argument in arguments]
        matrix = next(plan for plan in plans if plan.kind == "matrix")
        others = [plan for plan in plans if plan is not matrix]
        function, keeps_name = RANGES[name], name in _KEEPS_NAME

        def ask(moment: Moment) -> Vector:
            found: Matrix = matrix.ask(moment)
            window = Window(found.start, found.end, tuple(plan.ask(moment) for plan in others))
            vector = []
            for row in found.rows:
                value = function(row.runs, window)
                if value is not None:
                    vector.append(Element(row.labels if keeps_name else row.bare, value))
            return vector

        return matrix.unnamed(ask)

    def _date(self, function: Callable[[float], float], plans: list[Plan]) -> Plan:
        self.knows_time = True
        if plans:
            return plans[0].unnamed(lambda moment: functions.mapped(function, plans[0].ask(moment)))
        return Plan("vector", lambda moment: [Element({}, float(function(moment.at / 1000)))])

    def _call_time(self, _: list[Node]) -> Plan:
        self.knows_time = True
        return Plan("scalar", lambda moment: moment.at / 1000)

    def _call_pi(self, _: list[Node]) -> Plan:
        return Plan("scalar", lambda _: math.pi)

    def _call_scalar(self, arguments: list[Node]) -> Plan:
        inner = self.plan(arguments[0])
        return Plan("scalar", lambda moment: functions.scalar(inner.ask(moment)))

    def _call_timestamp(self, arguments: list[Node]) -> Plan:
        """Plan the time of the sample itself for a selector, of the query for anything else."""
        self.knows_time = True
        inner, selector = self.plan(arguments[0]), bare(arguments[0])
        if type(selector).__name__ != "VectorSelector":
            return inner.unnamed(lambda moment: functions.mapped(lambda _: moment.at / 1000, inner.ask(moment)))
        shift, scraped = self._shift(selector), self._scraped

        def ask(moment: Moment) -> Vector:
            at = scraped(shift(moment))
            return [] if at is None else functions.mapped(lambda _: at / 1000, inner.ask(moment))

        return inner.unnamed(ask)

    def _call_absent(self, arguments: list[Node]) -> Plan:
        inner, matchers = self.plan(arguments[0]), sure_of(arguments[0])
        return Plan("vector", lambda moment: functions.absent(matchers, len(inner.ask(moment))))

    def _call_absent_over_time(self, arguments: list[Node]) -> Plan:
        inner, matchers = self.plan(arguments[0]), sure_of(arguments[0])
        return Plan("vector", lambda moment: functions.absent(matchers, len(inner.ask(moment).rows)))

    def _series(self, selector: Node) -> Callable[[], list[Series]]:
        """Return what finds a selector's series; it remembers them, and looks only at those that came since."""
        matchers, history = matchers_of(selector), self._history
        name = name_of(matchers)
        self.names.add(name)
        forgotten = seen = 0
        found: list[Series] = []

        def series() -> list[Series]:
            nonlocal forgotten, seen, found
            if name is None or forgotten != history.forgotten:
                forgotten, seen, found = history.forgotten, 0, []
            if name is None or seen != history.count(name):
                found += find(history, matchers, skip=seen)
                seen = 0 if name is None else history.count(name)
            return found

        return series

    def _scraped(self, at: int) -> int | None:
        """Return when the samples that are current at a moment were taken; None when that is too long ago."""
        step = self._history.step
        found = min(at, self._history.now()) // step * step
        return None if found < at - LOOKBACK else found

    def _shift(self, node: Node) -> Callable[[Moment], int]:
        """Return what turns the query's moment into that of a selector or subquery."""
        offset = span_of(node.offset) if node.offset else 0
        self.reach += abs(offset)
        if node.at is None:
            return lambda moment: moment.at - offset
        self.knows_time = True
        kind = str(node.at.type).rpartition(".")[2]
        if kind == "Start":
            return lambda moment: moment.start - offset
        if kind == "End":
            return lambda moment: moment.end - offset
        fixed = round(node.at.at.timestamp() * 1000)
        return lambda _: fixed - offset
