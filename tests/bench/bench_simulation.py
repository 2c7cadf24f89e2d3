"""How fast a thousand simulated passes are, with random faults, deaths and people, from seeds."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from tests.bench.figure import Figure
from tests.simulation.chaos import Run, simulate

_PASSES = 1000
_REACH_S = 60.0


def measure() -> list[Figure]:
    """Return the time of a thousand passes; the floor is the time that the sandbox's servers worked in them."""
    passes, own, served = 0, 0.0, 0.0
    seed = 0
    while passes < _PASSES:
        with tempfile.TemporaryDirectory() as folder:
            started = time.perf_counter()
            run = simulate(seed, Path(folder))
            own += time.perf_counter() - started
        passes += run.passes
        served += _served(run)
        seed += 1
    scaled = own * _PASSES / passes
    name = f"{_PASSES} simulated passes, {seed} stories"
    return [Figure(name, scaled, served * _PASSES / passes, "s", f"< {_REACH_S:.0f} s", scaled < _REACH_S)]


def _served(run: Run) -> float:
    return sum(server.busy for server in run.sandbox.servers)
