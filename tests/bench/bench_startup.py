"""How long a person waits for `reconciler --help`, against Python and click with an empty command."""

from __future__ import annotations

import subprocess
import sys
import time

from tests.bench.figure import Figure

_RUNS = 15
_REACH_MS = 150.0
_OURS = "from reconciler.cli import main; main()"
_FLOOR = "import click; click.command()(lambda: None)()"


def measure() -> list[Figure]:
    """Return the fastest of several starts of each, taken in turns so that noise meets both."""
    ours, floor = [], []
    for _ in range(_RUNS):
        ours.append(_milliseconds(_OURS))
        floor.append(_milliseconds(_FLOOR))
    best = min(ours)
    return [
        Figure(
            name="reconciler --help",
            ours=best,
            floor=min(floor),
            unit="ms",
            reach=f"< {_REACH_MS:.0f} ms",
            ok=best < _REACH_MS,
        )
    ]


def _milliseconds(code: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code, "--help"], check=True, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - started) * 1000
