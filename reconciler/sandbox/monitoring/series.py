"""The past of each series, as the moments at which it changed.

A sample at a time of scraping follows from the last change before it, so hours of quiet cost nothing, and a window of
samples is a few runs of equal steps. A counter that grows with time is a line: a value and its rise a second.
Times are milliseconds since 1970, as in Prometheus.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

from reconciler.sandbox.monitoring.samples import NAME, Labels

if TYPE_CHECKING:
    from collections.abc import Iterator

LOOKBACK = 300_000  # ms; an older sample no longer counts as current
MOST_POINTS = 5_000  # of one series; the older half is forgotten then

Point = tuple[int, float, float, bool]  # since when, the value then, its rise a second, whether the series is stale


class Run(NamedTuple):
    """Samples at equal steps, whose values lie on a line."""

    first: int
    size: int
    value: float
    rise: float = 0.0  # from one sample to the next
    step: int = 0

    @property
    def last(self) -> int:
        """When its last sample was taken."""
        return self.first + (self.size - 1) * self.step

    @property
    def last_value(self) -> float:
        """The value of its last sample."""
        return self.value + (self.size - 1) * self.rise

    def samples(self) -> Iterator[tuple[int, float]]:
        """Yield each sample's time and value."""
        for number in range(self.size):
            yield self.first + number * self.step, self.value + number * self.rise


Runs = list[Run]


class Series:
    """One series: its labels, name included, and its changes."""

    __slots__ = ("_bare", "_points", "labels")

    def __init__(self, labels: Labels) -> None:
        self.labels = labels
        self._bare: Labels | None = None
        self._points: list[Point] = []

    @property
    def bare(self) -> Labels:
        """Its labels without the name."""
        if self._bare is None:
            self._bare = {name: text for name, text in self.labels.items() if name != NAME}
        return self._bare

    @property
    def is_live(self) -> bool:
        """Whether its object is there."""
        return bool(self._points) and not self._points[-1][3]

    @property
    def slope(self) -> float:
        """How fast it grows now."""
        return self._points[-1][2] if self._points else 0.0

    @property
    def changed(self) -> int:
        """When it changed last."""
        return self._points[-1][0] if self._points else 0

    def set(self, at: int, value: float, slope: float = 0.0) -> bool:
        """Let it have a value from now on; whether that is a change."""
        if self._points:
            since, before, grew, gone = self._points[-1]
            if not gone and grew == slope and before + grew * (at - since) / 1000 == value:
                return False
        self._put((at, value, slope, False))
        return True

    def end(self, at: int) -> bool:
        """Let it be stale from now on; whether it was not."""
        if not self.is_live:
            return False
        self._put((at, 0.0, 0.0, True))
        return True

    def value(self, at: int) -> float | None:
        """Return its value at a moment, between scrapes too; None when there is none."""
        points = self._points
        index = len(points) if points and points[-1][0] <= at else self._upto(at)
        if not index:
            return None
        since, value, slope, gone = points[index - 1]
        return None if gone else value + slope * (at - since) / 1000

    def window(self, start: int, end: int, step: int) -> Runs:
        """Return its samples from start to end, both included."""
        points = self._points
        runs: Runs = []
        if points and points[-1][0] <= start:  # the usual case: nothing changed in the window
            since, value, slope, gone = points[-1]
            first = -(-start // step) * step
            if gone or first > end:
                return runs
            value += slope * (first - since) / 1000
            return [Run(first, (end - first) // step + 1, value, slope * step / 1000, step)]
        for index in range(max(self._upto(start) - 1, 0), self._upto(end)):
            since, value, slope, gone = points[index]
            if gone:
                continue
            first = -(-max(since, start) // step) * step
            until = end if index + 1 == len(points) else min(end, points[index + 1][0] - 1)
            if first <= until:
                value += slope * (first - since) / 1000
                runs.append(Run(first, (until - first) // step + 1, value, slope * step / 1000, step))
        return runs

    def lived(self, start: int, end: int) -> bool:
        """Whether it had a value at any moment between."""
        return not all(gone for _, _, _, gone in self._points[max(self._upto(start) - 1, 0) : self._upto(end)])

    def forget(self, before: int) -> None:
        """Drop the changes before a moment but for the last of them, whose value still holds."""
        if self._points and self._points[0][0] < before:
            del self._points[: max(self._upto(before) - 1, 0)]

    def _upto(self, at: int) -> int:
        """Return how many changes there were up to a moment."""
        return bisect_left(self._points, (at + 1,))

    def _put(self, point: Point) -> None:
        if self._points and self._points[-1][0] == point[0]:
            self._points.pop()
        self._points.append(point)
        if len(self._points) > MOST_POINTS:
            del self._points[: MOST_POINTS // 2]
