"""The past of each series, as the moments at which it changed.

A sample at a time of scraping follows from the last change before it, so hours of quiet cost nothing, and a window of
samples is a few runs of equal steps. A counter that grows with time is a line: a value and its rise a second.
Times are milliseconds since 1970, as in Prometheus.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.sandbox.monitoring.samples import Labels

LOOKBACK = 300_000  # ms; an older sample no longer counts as current
MOST_POINTS = 5_000  # of one series; the older half is forgotten then


@dataclass(frozen=True, slots=True)
class Run:
    """Samples at equal steps, whose values lie on a line."""

    first: int
    count: int
    value: float
    rise: float = 0.0  # from one sample to the next
    step: int = 0

    @property
    def last(self) -> int:
        """When its last sample was taken."""
        return self.first + (self.count - 1) * self.step

    @property
    def last_value(self) -> float:
        """The value of its last sample."""
        return self.value + (self.count - 1) * self.rise

    def samples(self) -> Iterator[tuple[int, float]]:
        """Yield each sample's time and value."""
        for number in range(self.count):
            yield self.first + number * self.step, self.value + number * self.rise


Runs = list[Run]


class Series:
    """One series: its labels, name included, and its changes."""

    __slots__ = ("_gone", "_slopes", "_times", "_values", "labels")

    def __init__(self, labels: Labels) -> None:
        self.labels = labels
        self._times: list[int] = []
        self._values: list[float] = []
        self._slopes: list[float] = []  # a second
        self._gone: list[bool] = []

    @property
    def is_live(self) -> bool:
        """Whether its object is there."""
        return bool(self._times) and not self._gone[-1]

    @property
    def slope(self) -> float:
        """How fast it grows now."""
        return self._slopes[-1] if self.is_live else 0.0

    @property
    def changed(self) -> int:
        """When it changed last."""
        return self._times[-1] if self._times else 0

    def set(self, at: int, value: float, slope: float = 0.0) -> bool:
        """Let it have a value from now on; whether that is a change."""
        if self.is_live and self._slopes[-1] == slope and self.value(at) == value:
            return False
        self._put(at, float(value), slope, gone=False)
        return True

    def end(self, at: int) -> bool:
        """Let it be stale from now on; whether it was not."""
        if not self.is_live:
            return False
        self._put(at, 0.0, 0.0, gone=True)
        return True

    def value(self, at: int) -> float | None:
        """Return its value at a moment, between scrapes too; None when there is none."""
        index = bisect_right(self._times, at) - 1
        if index < 0 or self._gone[index]:
            return None
        return self._values[index] + self._slopes[index] * (at - self._times[index]) / 1000

    def current(self, at: int, step: int) -> tuple[int, float] | None:
        """Return its newest sample at a moment, unless it is stale."""
        scraped = at // step * step
        value = self.value(scraped)
        return None if value is None or scraped < at - LOOKBACK else (scraped, value)

    def window(self, start: int, end: int, step: int) -> Runs:
        """Return its samples from start to end, both included."""
        times, runs = self._times, []
        for index in range(max(bisect_right(times, start) - 1, 0), bisect_right(times, end)):
            if self._gone[index]:
                continue
            first = -(-max(times[index], start) // step) * step
            until = end if index + 1 == len(times) else min(end, times[index + 1] - 1)
            if first <= until:
                slope = self._slopes[index] / 1000
                value = self._values[index] + slope * (first - times[index])
                runs.append(Run(first, (until - first) // step + 1, value, slope * step, step))
        return runs

    def lived(self, start: int, end: int) -> bool:
        """Whether it had a value at any moment between."""
        low, high = max(bisect_right(self._times, start) - 1, 0), bisect_right(self._times, end)
        return not all(self._gone[low:high])

    def forget(self, before: int) -> None:
        """Drop the changes before a moment but for the last of them, whose value still holds."""
        self._cut(bisect_left(self._times, before) - 1)

    def _put(self, at: int, value: float, slope: float, *, gone: bool) -> None:
        if self._times and self._times[-1] == at:
            self._pop()
        self._times.append(at)
        self._values.append(value)
        self._slopes.append(slope)
        self._gone.append(gone)
        if len(self._times) > MOST_POINTS:
            self._cut(MOST_POINTS // 2)

    def _pop(self) -> None:
        for column in (self._times, self._values, self._slopes, self._gone):
            column.pop()

    def _cut(self, count: int) -> None:
        if count > 0:
            del self._times[:count], self._values[:count], self._slopes[:count], self._gone[:count]
