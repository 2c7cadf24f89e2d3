"""Functions of a range of samples: each answers for one series, or None where it has no answer.

The samples come as runs (see `series.Run`), so most answers need no look at each sample. The extrapolation of `rate`
and `increase` is that of Prometheus 2, step by step.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from reconciler.sandbox.monitoring.values import largest, quantile, smallest, total

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reconciler.sandbox.monitoring.series import Runs

_NEAR = 1.1  # average gaps between samples; a range's edge further off than this is not extrapolated to


class Window(NamedTuple):
    """The range that was asked for, and the function's other arguments."""

    start: int
    end: int
    arguments: tuple[float, ...] = ()

    @property
    def seconds(self) -> float:
        """Its length."""
        return (self.end - self.start) / 1000


def extrapolated(runs: Runs, window: Window, *, counter: bool) -> float | None:
    """Return by how much a series grew over the whole range, judged by the samples in it."""
    if len(runs) == 1 and runs[0].size > 1 and not runs[0].rise:
        return 0.0  # the usual case: nothing happened
    count = _count(runs)
    if count < 2:  # noqa: PLR2004 - one sample tells no growth
        return None
    growth = runs[-1].last_value - runs[0].value + (_lost(runs) if counter else 0.0)
    sampled = (runs[-1].last - runs[0].first) / 1000
    gap = sampled / (count - 1)
    to_start, to_end = (runs[0].first - window.start) / 1000, (window.end - runs[-1].last) / 1000
    if counter and growth > 0 and runs[0].value >= 0:
        to_start = min(to_start, sampled * (runs[0].value / growth))  # a counter was never below zero
    reach = sampled + sum(edge if edge < gap * _NEAR else gap / 2 for edge in (to_start, to_end))
    return growth * (reach / sampled)


def _rate(runs: Runs, window: Window) -> float | None:
    growth = extrapolated(runs, window, counter=True)
    return None if growth is None else growth / window.seconds


def _increase(runs: Runs, window: Window) -> float | None:
    return extrapolated(runs, window, counter=True)


def _delta(runs: Runs, window: Window) -> float | None:
    return extrapolated(runs, window, counter=False)


def _irate(runs: Runs, _: Window) -> float | None:
    pair = _newest_two(runs)
    if pair is None:
        return None
    (before, old), (at, new) = pair
    return (new if new < old else new - old) / ((at - before) / 1000)


def _idelta(runs: Runs, _: Window) -> float | None:
    pair = _newest_two(runs)
    return None if pair is None else pair[1][1] - pair[0][1]


def _sum(runs: Runs, _: Window) -> float:
    return total([run.size * (run.value + run.last_value) / 2 for run in runs])


def _average(runs: Runs, window: Window) -> float:
    return _sum(runs, window) / _count(runs)


def _maximum(runs: Runs, _: Window) -> float:
    return largest(value for run in runs for value in (run.value, run.last_value))


def _minimum(runs: Runs, _: Window) -> float:
    return smallest(value for run in runs for value in (run.value, run.last_value))


def _variance(runs: Runs, window: Window) -> float:
    mean = _average(runs, window)
    return total([(value - mean) ** 2 for run in runs for _, value in run.samples()]) / _count(runs)


def _deviation(runs: Runs, window: Window) -> float:
    return math.sqrt(_variance(runs, window))


def _quantile(runs: Runs, window: Window) -> float:
    return quantile(window.arguments[0], [value for run in runs for _, value in run.samples()])


def _changes(runs: Runs, _: Window) -> float:
    within = sum(run.size - 1 for run in runs if run.rise)
    return float(within + sum(after.value != before.last_value for before, after in pairwise(runs)))


def _resets(runs: Runs, _: Window) -> float:
    within = sum(run.size - 1 for run in runs if run.rise < 0)
    return float(within + sum(after.value < before.last_value for before, after in pairwise(runs)))


def _deriv(runs: Runs, _: Window) -> float | None:
    line = _line(runs, runs[0].first)
    return None if line is None else line[0]


def _predict(runs: Runs, window: Window) -> float | None:
    line = _line(runs, window.end)
    return None if line is None else line[0] * window.arguments[0] + line[1]


RANGES: Mapping[str, Callable[[Runs, Window], float | None]] = {
    "rate": _rate,
    "increase": _increase,
    "delta": _delta,
    "irate": _irate,
    "idelta": _idelta,
    "deriv": _deriv,
    "predict_linear": _predict,
    "changes": _changes,
    "resets": _resets,
    "sum_over_time": _sum,
    "avg_over_time": _average,
    "max_over_time": _maximum,
    "min_over_time": _minimum,
    "stdvar_over_time": _variance,
    "stddev_over_time": _deviation,
    "quantile_over_time": _quantile,
    "count_over_time": lambda runs, _: float(_count(runs)),
    "last_over_time": lambda runs, _: runs[-1].last_value,
    "present_over_time": lambda *_: 1.0,
}


def _count(runs: Runs) -> int:
    return sum(run.size for run in runs)


def _lost(runs: Runs) -> float:
    """Return what a counter had reached at each of its resets."""
    return sum(before.last_value for before, after in pairwise(runs) if after.value < before.last_value)


def _newest_two(runs: Runs) -> Sequence[tuple[int, float]] | None:
    newest = [sample for run in runs[-2:] for sample in run.samples()][-2:]
    return newest if len(newest) == 2 else None  # noqa: PLR2004 - two


def _line(runs: Runs, origin: int) -> tuple[float, float] | None:
    """Return slope a second and value at the origin of the line nearest to all samples."""
    points = [((at - origin) / 1000, value) for run in runs for at, value in run.samples()]
    if len(points) < 2:  # noqa: PLR2004 - one point makes no line
        return None
    if all(value == points[0][1] for _, value in points):
        return 0.0, points[0][1]
    middle = math.fsum(x for x, _ in points) / len(points)
    height = math.fsum(y for _, y in points) / len(points)
    spread = math.fsum((x - middle) ** 2 for x, _ in points)
    slope = math.fsum((x - middle) * (y - height) for x, y in points) / spread
    return slope, height - slope * middle
