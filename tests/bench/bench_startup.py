"""How long a person waits for `reconciler --help`, against Python and click with an empty command."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench.figure import Figure
from tests.bench.measuring import installed_environment, milliseconds

_RUNS = 15
_REACH_MS = 150.0
_OURS = "from reconciler.cli import main; main()"
_FLOOR = "import click; click.command()(lambda: None)()"


def measure() -> list[Figure]:
    """Return the fastest of several starts of each, taken in turns so that noise meets both."""
    with tempfile.TemporaryDirectory() as folder:
        environment = installed_environment(Path(folder))
        times = [(_start(_OURS, environment), _start(_FLOOR, environment)) for _ in range(_RUNS)]
    best, floor = (min(each) for each in zip(*times, strict=True))
    return [
        Figure(
            name="reconciler --help",
            ours=best,
            floor=floor,
            unit="ms",
            reach=f"< {_REACH_MS:.0f} ms",
            ok=best < _REACH_MS,
        )
    ]


def _start(code: str, environment: dict[str, str]) -> float:
    command = [sys.executable, "-c", code, "--help"]
    return milliseconds(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment))
