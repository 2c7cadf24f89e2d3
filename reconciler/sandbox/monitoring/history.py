"""All series: which there are, whose they are, and when those of a name changed last.

Protects: memory is bounded; what is older than the retention is forgotten.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from reconciler.sandbox.monitoring.samples import NAME, Labels, Sample
from reconciler.sandbox.monitoring.series import Series

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping

RETENTION = 6 * 3_600_000  # ms
_PRUNE = 600_000  # ms between two looks for what is too old
_NEVER = 1 << 60  # ms; later than any scrape
_NONE: Labels = {}

Key = tuple[str, ...]  # a metric's name and its labels' values: among one owner's series, each name has the same labels
Identity = frozenset[tuple[str, str]]


@dataclass(slots=True)
class Family:
    """What all series of one name have in common."""

    changed: int = 0  # ms, the newest change
    version: int = 0  # grows with each change
    growing: int = 0  # series that grow with time


class History:
    """The series of one Prometheus, scraped every `step` milliseconds until `now`."""

    def __init__(self, step: int, now: Callable[[], int] = lambda: _NEVER, retention: int = RETENTION) -> None:
        self.step = step
        self.now = now
        self.retention = retention
        self.forgotten = 0  # series that are no more; changes with each
        self.families: defaultdict[str, Family] = defaultdict(Family)
        self._series: defaultdict[str, dict[Identity, Series]] = defaultdict(dict)
        self._owned: dict[Hashable, dict[Key, Series]] = {}
        self._pruned = 0

    def put(self, owner: Hashable, samples: Iterable[Sample], at: int, target: Labels = _NONE) -> None:
        """Let an owner have exactly these series from now on, with the labels of the target that they come from.

        Those that it had besides are stale.
        """
        before = self._owned.get(owner, {})
        now: dict[Key, Series] = {}
        for sample in samples:
            key = (sample.name, *sample.labels.values())
            now[key] = series = before.get(key) or self._find(sample, target)
            grew = series.slope
            if series.set(at, sample.value, sample.slope):
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

    def of(self, name: str | None = None, skip: int = 0) -> Iterator[Series]:
        """Yield the series of a name in the order in which they came, less the first `skip`; or all."""
        if name is not None:
            yield from islice(self._series[name].values() if name in self._series else (), skip, None)
            return
        for series in self._series.values():
            yield from series.values()

    def count(self, name: str) -> int:
        """Return how many series of a name there are."""
        return len(self._series[name]) if name in self._series else 0

    def _find(self, sample: Sample, target: Labels) -> Series:
        """Return the series of a sample, the one that there was before if there was one."""
        labels = {NAME: sample.name, **sample.labels, **target}
        if "" in labels.values():  # a label without a value is none
            labels = {name: text for name, text in labels.items() if text}
        family, identity = self._series[sample.name], frozenset(labels.items())
        series = family.get(identity)
        if series is None:
            series = family[identity] = Series(labels)
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
                    self.forgotten += 1
                else:
                    series.forget(horizon)
