"""What PromQL computes with, and how Prometheus writes it down."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from reconciler.sandbox.monitoring.samples import NAME, Labels

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reconciler.sandbox.monitoring.series import Runs

_LONGEST_PLAIN = 1e15  # up to here a float's digits are those of the integer


class QueryError(Exception):
    """A query that Prometheus would refuse; `kind` is its errorType: bad_data or execution."""

    def __init__(self, message: str, kind: str = "execution") -> None:
        super().__init__(message)
        self.kind = kind


class Element(NamedTuple):
    """One series of an instant vector."""

    labels: Labels
    value: float


Vector = list[Element]


class Row(NamedTuple):
    """One series of a range vector; `bare` are its labels without the name."""

    labels: Labels
    bare: Labels
    runs: Runs


@dataclass(frozen=True, slots=True)
class Matrix:
    """A range vector, with the range that was asked for, in milliseconds."""

    rows: list[Row]
    start: int
    end: int


Value = float | str | Vector | Matrix


def nameless(labels: Labels) -> Labels:
    """Return labels without the metric's name."""
    return {name: value for name, value in labels.items() if name != NAME}


def kept(labels: Labels, names: Iterable[str]) -> Labels:
    """Return only these labels, those that are there."""
    return {name: labels[name] for name in names if name in labels}


def without(labels: Labels, names: Iterable[str]) -> Labels:
    """Return labels without these and without the metric's name."""
    dropped = {*names, NAME}
    return {name: value for name, value in labels.items() if name not in dropped}


def distinct(vector: Vector) -> Vector:
    """Return a vector whose series all differ. Raises QueryError for one that is there twice."""
    if len({frozenset(element.labels.items()) for element in vector}) != len(vector):
        raise QueryError("vector cannot contain metrics with the same labelset")
    return vector


def ordered(labels: Labels) -> tuple[tuple[str, str], ...]:
    """Return labels in the order in which Prometheus sorts series."""
    return tuple(sorted(labels.items()))


def total(values: Sequence[float]) -> float:
    """Return the sum, without the errors of rounding on the way."""
    try:
        return math.fsum(values)
    except (OverflowError, ValueError):  # too large, or infinities of both signs
        return sum(values)


def largest(values: Iterable[float]) -> float:
    """Return the largest number; NaN only where there is nothing else."""
    return max((value for value in values if not math.isnan(value)), default=math.nan)


def smallest(values: Iterable[float]) -> float:
    """Return the smallest number; NaN only where there is nothing else."""
    return min((value for value in values if not math.isnan(value)), default=math.nan)


def quantile(ratio: float, values: Sequence[float]) -> float:
    """Return a quantile, interpolated as Prometheus does."""
    if not values or math.isnan(ratio):
        return math.nan
    if not 0 <= ratio <= 1:
        return math.copysign(math.inf, ratio)
    ascending = sorted(values, key=lambda value: (not math.isnan(value), value))
    rank = ratio * (len(ascending) - 1)
    lower = math.floor(rank)
    upper = min(lower + 1, len(ascending) - 1)
    weight = rank - lower
    return ascending[lower] * (1 - weight) + ascending[upper] * weight


def number(value: float) -> str:
    """Write a number as Prometheus does: never with an exponent."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("+Inf" if value > 0 else "-Inf")
    if value == int(value) and abs(value) < _LONGEST_PLAIN:
        return "-0" if value == 0 and math.copysign(1, value) < 0 else str(int(value))
    return format(Decimal(repr(value)), "f")


def seconds(at: int) -> float:
    """Write a time as Prometheus does: seconds, with a fraction only where there is one."""
    return at / 1000 if at % 1000 else at // 1000


def exponent(value: float) -> str:
    """Write a number as Go's format `e` does, with the digits that it needs: `1e+00`."""
    if not math.isfinite(value):
        return number(value)
    sign, digits, shift = Decimal(repr(value)).normalize().as_tuple()
    text = "".join(map(str, digits))
    power = 0 if value == 0 else len(digits) - 1 + int(shift)
    fraction = f".{text[1:]}" if len(text) > 1 else ""
    return f"{'-' if sign else ''}{text[0]}{fraction}e{'-' if power < 0 else '+'}{abs(power):02d}"
