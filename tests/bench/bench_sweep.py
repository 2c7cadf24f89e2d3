"""Thousands of random edits of made-up and found files, each judged by another parser; none may be wrong.

The floor is two bare compositions of the same texts, as in `bench_edit`.
"""

from __future__ import annotations

from tests.bench.figure import Figure
from tests.manifests.sweep import sweep

_EDITS = 3_000
_REACH_MS = 2.0  # found files are larger than one manifest


def measure() -> list[Figure]:
    """Return what an edit of the sweep needs; it is within reach only if no edit was wrong or changed other lines."""
    tally = sweep(_EDITS, seed=1, timed=True)
    ours, floor = (seconds / tally.edits * 1000 for seconds in (tally.seconds, tally.floor))
    faults = len(tally.wrong) + len(tally.noise)
    return [
        Figure(
            name=f"{_EDITS:,} random edits, {faults} wrong or noisy",
            ours=ours,
            floor=floor,
            unit="ms",
            reach=f"0 wrong, < {_REACH_MS:.0f} ms",
            ok=not faults and ours < _REACH_MS,
        )
    ]
