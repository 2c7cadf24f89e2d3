"""What a plan is, and what the nodes of PromQL's grammar say of themselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from reconciler.sandbox.monitoring import binary
from reconciler.sandbox.monitoring.selectors import matchers_of, name_of
from reconciler.sandbox.monitoring.values import Element, Vector, distinct
from reconciler.sandbox.wire import NotInSandbox

if TYPE_CHECKING:
    from datetime import timedelta

    from reconciler.sandbox.monitoring.selectors import Matcher

Node = Any  # of the grammar; its classes are the library's, which is imported only when a query is read


class Moment(NamedTuple):
    """When a plan is asked, and the query's own first and last moment, for `@ start()` and `@ end()`."""

    at: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Plan:
    """An expression that can be asked; `kind` is vector, scalar, matrix or string.

    `uniform`: its series all have the same name or none, so that they differ without it too.
    """

    kind: str
    ask: Callable[[Moment], Any]
    uniform: bool = False

    def unnamed(self, ask: Callable[[Moment], Vector]) -> Plan:
        """Return a plan of vectors made of this plan's without the name. Raises QueryError where series then agree."""
        if self.uniform:
            return Plan("vector", ask, uniform=True)
        return Plan("vector", lambda moment: distinct(ask(moment)))


def operation_of(node: Node) -> binary.Operation:
    """Return an operator with its modifiers. Raises NotInSandbox."""
    modifier, op = node.modifier, str(node.op)
    if op not in binary.ARITHMETIC and op not in binary.COMPARISONS and op not in binary.SETS:
        raise NotInSandbox(f"the PromQL operator {op}")
    if modifier is None:
        return binary.Operation(op)
    fill = modifier.fill_values
    if fill is not None and (fill.lhs is not None or fill.rhs is not None):
        raise NotInSandbox("PromQL's fill modifier")
    matching, cardinality = modifier.matching, str(modifier.card).rpartition(".")[2]
    return binary.Operation(
        op,
        as_bool=modifier.return_bool,
        on=matching is not None and str(matching.type).endswith(".Include"),
        names=() if matching is None else tuple(matching.labels),
        many={"ManyToOne": "left", "OneToMany": "right"}.get(cardinality, ""),
        included=tuple(modifier.group_labels or ()),
    )


def is_uniform(selector: Node) -> bool:
    """Whether all series of a selector have the same name."""
    return name_of(matchers_of(selector)) is not None


def elements(plan: Plan, moment: Moment) -> Vector:
    """Ask a plan of a vector or of a number, for a vector."""
    found = plan.ask(moment)
    return found if plan.kind == "vector" else [Element({}, found)]


def bare(node: Node) -> Node:
    """Return a node without the parentheses around it."""
    return bare(node.expr) if type(node).__name__ == "ParenExpr" else node


def sure_of(node: Node) -> list[Matcher]:
    """Return the matchers of what `absent` looks at, where it is a selector."""
    found = bare(node)
    if type(found).__name__ == "MatrixSelector":
        found = found.vector_selector
    return matchers_of(found) if type(found).__name__ == "VectorSelector" else []


def span_of(duration: timedelta) -> int:
    """Return a duration's milliseconds."""
    return round(duration.total_seconds() * 1000)
