"""One measured figure, beside the floor of the same work done bare in the same run."""

from __future__ import annotations

from dataclasses import dataclass


class Skipped(Exception):
    """A measurement cannot be made here; says why."""


@dataclass(frozen=True)
class Figure:
    """What we need, what the bare work needs, and whether that is within reach."""

    name: str
    ours: float
    floor: float
    unit: str
    reach: str  # the goal in words: `< 150 ms`
    ok: bool

    @property
    def ratio(self) -> float:
        """How many times the floor we need."""
        return self.ours / self.floor if self.floor else float("inf")
