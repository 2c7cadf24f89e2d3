"""Functions of numbers and of instant vectors."""

from __future__ import annotations

import calendar
import math
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from reconciler.sandbox.monitoring.samples import NAME
from reconciler.sandbox.monitoring.selectors import pattern
from reconciler.sandbox.monitoring.values import Element, QueryError, Vector, nameless

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.sandbox.monitoring.samples import Labels
    from reconciler.sandbox.monitoring.selectors import Matcher


# A reference to a group in a replacement.
_REFERENCE = re.compile(r"\$(?:\$|\{(?P<braced>[A-Za-z0-9_]+)\}|(?P<bare>[A-Za-z0-9_]+))")


def _guarded(function: Callable[[float], float], *, overflow: float = math.nan) -> Callable[[float], float]:
    """Let a function answer as Go's does where Python's raises."""

    def guarded(value: float) -> float:
        try:
            return function(value)
        except ValueError:
            return math.nan
        except OverflowError:
            return overflow

    return guarded


def _rounded(function: Callable[[float], int]) -> Callable[[float], float]:
    return lambda value: float(function(value)) if math.isfinite(value) else value


def _logarithm(function: Callable[[float], float]) -> Callable[[float], float]:
    return lambda value: -math.inf if value == 0 else _guarded(function)(value)


# Of one number, applied to each element of a vector.
MATH: Mapping[str, Callable[[float], float]] = {
    "abs": abs,
    "ceil": _rounded(math.ceil),
    "floor": _rounded(math.floor),
    "exp": _guarded(math.exp, overflow=math.inf),
    "sqrt": _guarded(math.sqrt),
    "ln": _logarithm(math.log),
    "log2": _logarithm(math.log2),
    "log10": _logarithm(math.log10),
    "sgn": lambda value: math.copysign(1, value) if value else value,
    "deg": math.degrees,
    "rad": math.radians,
}


def _moment(value: float) -> datetime:
    return datetime.fromtimestamp(value, UTC)


# Of a time in seconds, applied to each element of a vector, or to the time of the query.
DATES: Mapping[str, Callable[[float], float]] = {
    "minute": lambda value: _moment(value).minute,
    "hour": lambda value: _moment(value).hour,
    "day_of_week": lambda value: _moment(value).isoweekday() % 7,
    "day_of_month": lambda value: _moment(value).day,
    "day_of_year": lambda value: _moment(value).timetuple().tm_yday,
    "days_in_month": lambda value: calendar.monthrange(_moment(value).year, _moment(value).month)[1],
    "month": lambda value: _moment(value).month,
    "year": lambda value: _moment(value).year,
}


def mapped(function: Callable[[float], float], vector: Vector) -> Vector:
    """Apply a function to each element, which loses its name."""
    return [Element(nameless(e.labels), float(function(e.value))) for e in vector]


def _clamp(vector: Vector, low: float, high: float) -> Vector:
    if low > high:
        return []
    if math.isnan(low) or math.isnan(high):
        return mapped(lambda _: math.nan, vector)
    return mapped(lambda value: value if math.isnan(value) else max(low, min(high, value)), vector)


def _round(vector: Vector, nearest: float = 1.0) -> Vector:
    inverse = 1.0 / nearest if nearest else math.inf
    return mapped(lambda value: MATH["floor"](value * inverse + 0.5) / inverse, vector)


def _sort(vector: Vector, *, descending: bool) -> Vector:
    sign = -1 if descending else 1
    return sorted(vector, key=lambda e: (math.isnan(e.value), sign * e.value))


def _label_replace(vector: Vector, label: str, template: str, source: str, expression: str) -> Vector:
    regex, found = pattern(expression), []
    _check_label(label, "label_replace")
    for element in vector:
        match = regex.fullmatch(element.labels.get(source, ""))
        found.append(element if match is None else _relabelled(element, label, expand(template, match)))
    return found


def _label_join(vector: Vector, label: str, separator: str, *sources: str) -> Vector:
    _check_label(label, "label_join")
    return [_relabelled(e, label, separator.join(e.labels.get(name, "") for name in sources)) for e in vector]


def _relabelled(element: Element, label: str, value: str) -> Element:
    labels = {name: text for name, text in element.labels.items() if name != label}
    return Element(labels | {label: value} if value else labels, element.value)


def _check_label(label: str, function: str) -> None:
    if not label.isidentifier() or not label.isascii():
        raise QueryError(f"invalid destination label name in {function}(): {label}")


def expand(template: str, match: re.Match[str]) -> str:
    """Fill in `$1`, `${1}` and `${name}` as Go does: a group that is not there is empty."""

    def group(reference: re.Match[str]) -> str:
        name = reference["braced"] or reference["bare"]
        if name is None:
            return "$"
        key: int | str = int(name) if name.isdigit() else name
        try:
            return match[key] or ""
        except IndexError:
            return ""

    return _REFERENCE.sub(group, template)


def absent(matchers: list[Matcher], found: int) -> Vector:
    """Return one element, with the labels that the selector is sure of, where nothing was found."""
    if found:
        return []
    labels: Labels = {}
    unsure = set()
    for matcher in matchers:
        if matcher.kind == "=" and matcher.label not in labels:
            labels[matcher.label] = matcher.text
        else:
            unsure.add(matcher.label)
    return [Element({k: v for k, v in labels.items() if k not in unsure and k != NAME and v}, 1.0)]


# Of a vector and other arguments.
VECTORS: Mapping[str, Callable[..., Vector]] = {
    "clamp": _clamp,
    "clamp_min": lambda vector, low: _clamp(vector, low, math.inf),
    "clamp_max": lambda vector, high: _clamp(vector, -math.inf, high),
    "round": _round,
    "sort": lambda vector: _sort(vector, descending=False),
    "sort_desc": lambda vector: _sort(vector, descending=True),
    "label_replace": _label_replace,
    "label_join": _label_join,
    "vector": lambda value: [Element({}, value)],
}


def scalar(vector: Vector) -> float:
    """Return the value of a vector of one element, else NaN."""
    return vector[0].value if len(vector) == 1 else math.nan
