"""PromQL's aggregations: one answer for each group of series."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from reconciler.sandbox.monitoring.values import (
    Element,
    Vector,
    kept,
    largest,
    number,
    quantile,
    smallest,
    total,
    without,
)
from reconciler.sandbox.wire import NotInSandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reconciler.sandbox.monitoring.history import Identity
    from reconciler.sandbox.monitoring.samples import Labels

    Values = Sequence[float]


def aggregate(op: str, vector: Vector, *, by: bool, names: tuple[str, ...], argument: float | str | None) -> Vector:
    """Aggregate a vector, group by group in the order in which the groups appear."""
    groups: dict[Identity, tuple[Labels, Vector]] = {}
    for element in vector:
        labels = kept(element.labels, names) if by else without(element.labels, names)
        groups.setdefault(frozenset(labels.items()), (labels, []))[1].append(element)
    if op in _SIMPLE:
        return [Element(labels, _SIMPLE[op]([e.value for e in group])) for labels, group in groups.values()]
    found: Vector = []
    for labels, group in groups.values():
        if op == "count_values":
            found += _count_values(labels, group, str(argument))
        elif op == "quantile":
            found.append(Element(labels, quantile(_number(argument), [e.value for e in group])))
        else:
            found += _best(group, _number(argument), largest=op == "topk")
    return found


def check(op: str) -> None:
    """Refuse an aggregation that is not here."""
    if op not in _SIMPLE and op not in _WITH_ARGUMENT:
        raise NotInSandbox(f"the PromQL aggregation {op}")


def _count_values(labels: Labels, group: Vector, label: str) -> Vector:
    counts: dict[str, int] = {}
    for element in group:
        text = number(element.value)
        counts[text] = counts.get(text, 0) + 1
    return [Element(labels | {label: text}, float(count)) for text, count in counts.items()]


def _best(group: Vector, count: float, *, largest: bool) -> Vector:
    """Return the elements of the largest or smallest values, best first; a NaN is worse than any number."""
    if not count >= 1:
        return []
    sign = -1 if largest else 1
    in_order = sorted(group, key=lambda element: (math.isnan(element.value), sign * element.value))
    return in_order[: int(min(count, len(group)))]


def _number(argument: float | str | None) -> float:
    return argument if isinstance(argument, float | int) else math.nan


def _average(values: Values) -> float:
    return total(values) / len(values)


def _variance(values: Values) -> float:
    mean = _average(values)
    return total([(value - mean) ** 2 for value in values]) / len(values)


_SIMPLE: Mapping[str, Callable[[Values], float]] = {
    "sum": total,
    "avg": _average,
    "min": smallest,
    "max": largest,
    "count": lambda values: float(len(values)),
    "group": lambda _: 1.0,
    "stdvar": _variance,
    "stddev": lambda values: math.sqrt(_variance(values)),
}
_WITH_ARGUMENT = frozenset({"topk", "bottomk", "quantile", "count_values"})
