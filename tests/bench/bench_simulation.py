"""How fast a thousand simulated passes are, with random faults, deaths and people, from seeds."""

from __future__ import annotations

import os
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from itertools import count, islice
from multiprocessing import get_context
from pathlib import Path

from tests.bench.figure import Figure
from tests.simulation.chaos import Run, simulate

_PASSES = 1000
_REACH_S = 60.0
_CORES = os.cpu_count() or 1
_AT_ONCE = 4 * _CORES


def measure() -> list[Figure]:
    """Return the time of a thousand passes; the floor is the time that the sandbox's servers worked."""
    passes, served, seeds = 0, 0.0, count()
    started = time.perf_counter()
    with ProcessPoolExecutor(_CORES, mp_context=get_context("spawn")) as pool:
        while passes < _PASSES:
            for lived, worked in pool.map(_story, islice(seeds, _AT_ONCE)):
                passes, served = passes + lived, served + worked
    own = (time.perf_counter() - started) * _PASSES / passes
    name = f"{_PASSES} simulated passes, {next(seeds)} stories on {_CORES} cores"
    floor = served * _PASSES / passes / _CORES
    return [Figure(name, own, floor, "s", f"< {_REACH_S:.0f} s", own < _REACH_S)]


def _story(seed: int) -> tuple[int, float]:
    """Return a story's passes, and the seconds in which the sandbox's servers worked."""
    with tempfile.TemporaryDirectory() as folder:
        run = simulate(seed, Path(folder))
    return run.passes, _served(run)


def _served(run: Run) -> float:
    return sum(server.busy for server in run.sandbox.servers)
