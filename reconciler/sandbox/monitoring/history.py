"""All series: which there are, whose they are, and when those of a name changed last.

Protects: memory is bounded; what is older than the retention is forgotten.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.sandbox.monitoring.samples import Labels
from reconciler.sandbox.monitoring.series import Series

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Mapping

NAME = "__name__"
RETENTION = 6 * 3_600_000  # ms
_PRUNE = 600_000  # ms between two looks for what is too old

Key = frozenset[tuple[str, str]]


@dataclass(slots=True)
class Family:
    """What all series of one name have in common."""

    changed: int = 0  # ms, the newest change
    version: int = 0  # grows with each change
    growing: int = 0  # series that grow with time


@dataclass(frozen=True, slots=True)
class Value:
    """What a series is from now on: its labels with the name, a value, and its rise a second."""

    labels: Labels
    value: float
    slope: float = 0.0


class History:
    """The series of one Prometheus, scraped every `step` milliseconds."""

    def __init__(self, step: int, retention: int = RETENTION) -> None:
        self.step = step
        self.retention = retention
        self.census = 0  # changes when series come or are forgotten
        self.families: defaultdict[str, Family] = defaultdict(Family)
        self._series: defaultdict[str, dict[Key, Series]] = defaultdict(dict)
        self._owned: dict[Hashable, dict[Key, Series]] = {}
        self._pruned = 0

    def put(self, owner: Hashable, values: Iterable[Value], at: int) -> None:
        """Let an owner have exactly these series from now on; those that it had besides are stale."""
        before = self._owned.get(owner, {})
        now: dict[Key, Series] = {}
        for value in values:
            key = frozenset(value.labels.items())
            now[key] = series = before.get(key) or self._find(value.labels, key)
            grew = series.slope
            if series.set(at, value.value, value.slope):
                self._note(series, grew, at)
        for key, series in before.items():
            grew = series.slope
            if key not in now and series.end(at):
                self._note(series, grew, at)
        if now:
            self._owned[owner] = now
        else:
            self._owned.pop(owner, None)
        if at - self._pruned >= _PRUNE:
            self._prune(at)

    def owned(self, owner: Hashable) -> Mapping[Key, Series]:
        """Return an owner's live series."""
        return self._owned.get(owner, {})

    def names(self) -> list[str]:
        """Return the names of all families that have series."""
        return [name for name, series in self._series.items() if series]

    def of(self, name: str | None = None) -> Iterator[Series]:
        """Yield the series of a name, or all."""
        if name is not None:
            yield from self._series[name].values() if name in self._series else ()
            return
        for series in self._series.values():
            yield from series.values()

    def _find(self, labels: Labels, key: Key) -> Series:
        family = self._series[labels[NAME]]
        series = family.get(key)
        if series is None:
            series = family[key] = Series(labels)
            self.census += 1
        return series

    def _note(self, series: Series, grew: float, at: int) -> None:
        family = self.families[series.labels[NAME]]
        family.changed, family.version = at, family.version + 1
        family.growing += (series.slope != 0) - (grew != 0)

    def _prune(self, at: int) -> None:
        self._pruned, horizon = at, at - self.retention
        for family in self._series.values():
            for key, series in list(family.items()):
                if not series.is_live and series.changed < horizon:
                    del family[key]
                    self.census += 1
                else:
                    series.forget(horizon)
