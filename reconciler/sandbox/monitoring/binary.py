"""PromQL's binary operators, and how the series of two vectors find each other."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.sandbox.monitoring.values import Element, QueryError, Vector, kept, nameless, without

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from reconciler.sandbox.monitoring.samples import Labels


def _divide(left: float, right: float) -> float:
    if right:
        return left / right
    if left == 0 or math.isnan(left) or math.isnan(right):
        return math.nan
    return math.copysign(math.inf, left) * math.copysign(1, right)


def _remainder(left: float, right: float) -> float:
    try:
        return math.fmod(left, right)
    except ValueError:
        return math.nan


def _power(left: float, right: float) -> float:
    try:
        return math.pow(left, right)
    except OverflowError:
        return -math.inf if left < 0 and right % 2 else math.inf
    except ValueError:  # zero to a negative power, or a root of a negative number
        if left:
            return math.nan
        return math.copysign(math.inf, left) if right % 2 else math.inf


ARITHMETIC: Mapping[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divide,
    "%": _remainder,
    "^": _power,
}
COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}
SETS = frozenset({"and", "or", "unless"})


@dataclass(frozen=True, slots=True)
class Operation:
    """An operator with its modifiers."""

    op: str
    as_bool: bool = False
    on: bool = False  # `names` are those to match by, not those to ignore
    names: tuple[str, ...] = ()
    many: str = ""  # the side with several series a match, `left` or `right`; empty: neither
    included: tuple[str, ...] = ()  # labels that come from the other side

    @property
    def filters(self) -> bool:
        """Whether it keeps or drops the left side's elements as they are."""
        return self.op in COMPARISONS and not self.as_bool

    def signature(self, labels: Labels) -> Hashable:
        """Return what two series must have in common to match."""
        if self.on:
            return tuple(labels.get(name, "") for name in self.names)
        return frozenset(without(labels, self.names).items())

    def result(self, left: float, right: float) -> float | None:
        """Return what comes of two numbers; None where a comparison drops them."""
        if self.op in ARITHMETIC:
            return ARITHMETIC[self.op](left, right)
        holds = COMPARISONS[self.op](left, right)
        if self.as_bool:
            return float(holds)
        return left if holds else None


def of_scalars(operation: Operation, left: float, right: float) -> float:
    """Combine two numbers; the parser saw to it that a comparison says `bool`."""
    found = operation.result(left, right)
    return math.nan if found is None else found


def of_vector_and_scalar(operation: Operation, vector: Vector, scalar: float, *, swapped: bool) -> Vector:
    """Combine each element with a number; `swapped`: the number stands on the left."""
    found = []
    for element in vector:
        left, right = (scalar, element.value) if swapped else (element.value, scalar)
        value = operation.result(left, right)
        if value is None:
            continue
        if operation.filters:
            found.append(element)  # a filter keeps the vector's value, whatever side it is on
        else:
            found.append(Element(nameless(element.labels), value))
    return found


def of_sets(operation: Operation, left: Vector, right: Vector) -> Vector:
    """Combine two vectors by `and`, `or` or `unless`."""
    rights = {operation.signature(element.labels) for element in right}
    if operation.op == "and":
        return [element for element in left if operation.signature(element.labels) in rights]
    if operation.op == "unless":
        return [element for element in left if operation.signature(element.labels) not in rights]
    lefts = {operation.signature(element.labels) for element in left}
    return left + [element for element in right if operation.signature(element.labels) not in lefts]


def of_vectors(operation: Operation, left: Vector, right: Vector) -> Vector:
    """Combine the elements that match. Raises QueryError where it is not clear which with which."""
    swapped = operation.many == "right"
    many, one = (right, left) if swapped else (left, right)
    partners = _partners(operation, one, side="left" if swapped else "right")
    found: Vector = []
    seen: set[Hashable] = set()
    for element in many:
        signature = operation.signature(element.labels)
        partner = partners.get(signature)
        if partner is None:
            continue
        first, second = (partner, element) if swapped else (element, partner)
        value = operation.result(first.value, second.value)
        if value is None:
            continue
        labels = _labels(operation, element.labels, partner.labels)
        mark = (signature, frozenset(labels.items())) if operation.many else signature
        if mark in seen:
            raise QueryError(
                "multiple matches for labels: grouping labels must ensure unique matches"
                if operation.many
                else "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
            )
        seen.add(mark)
        found.append(Element(labels, value))
    return found


def _partners(operation: Operation, one: Vector, side: str) -> dict[Hashable, Element]:
    found: dict[Hashable, Element] = {}
    for element in one:
        signature = operation.signature(element.labels)
        other = found.setdefault(signature, element)
        if other is not element:
            match = kept(element.labels, operation.names) if operation.on else without(element.labels, operation.names)
            raise QueryError(
                f"found duplicate series for the match group {written(match)} on the {side} hand-side of the operation:"
                f" [{written(element.labels)}, {written(other.labels)}]"
                ";many-to-many matching not allowed: matching labels must be unique on one side"
            )
    return found


def _labels(operation: Operation, many: Labels, one: Labels) -> Labels:
    labels = dict(many) if operation.filters else nameless(many)
    if not operation.many:
        if operation.on:
            return kept(labels, operation.names)
        return {name: value for name, value in labels.items() if name not in operation.names}
    for name in operation.included:
        labels.pop(name, None)
        if one.get(name):
            labels[name] = one[name]
    return labels


def written(labels: Labels) -> str:
    """Write labels as Prometheus does in its errors."""
    return "{" + ", ".join(f'{name}="{value}"' for name, value in sorted(labels.items())) + "}"
