"""From a finding to its pull request in the sandbox: the 95th percentile of many passes, against a bare push and POST.

Ours is a whole warm pass, observation, restart and the sandbox's own work included, which is more than our own time.
"""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from statistics import quantiles
from typing import TYPE_CHECKING

from reconciler.model.operation import EventKind
from reconciler.reconcile import reconcile
from reconciler.sandbox.sandbox import Sandbox
from tests.beds import place
from tests.beds.on_sandbox import SandboxBed
from tests.bench.bare_pull_request import prepared
from tests.bench.figure import Figure
from tests.bench.measuring import milliseconds
from tests.scenarios.world import World, hungry

if TYPE_CHECKING:
    from collections.abc import Iterator

_RUNS = 20
_REACH_MS = 1000.0


def measure() -> list[Figure]:
    """Time passes and bare openings in turns, each in a world of its own."""
    pairs = []
    for _ in range(_RUNS):
        with _in_trouble() as world, prepared(world.place) as bare:
            pulls = f"{world.place.bed.forge_url}/repos/{world.place.repository}/pulls"
            pairs.append((_warm(world), milliseconds(replace(bare, pulls=pulls).run)))
    ours, floor = (quantiles(times, n=20)[-1] for times in zip(*pairs, strict=True))
    return [
        Figure(
            name=f"finding to PR, sandbox, p95 of {_RUNS}",
            ours=ours,
            floor=floor,
            unit="ms",
            reach=f"< {_REACH_MS:,.0f} ms",
            ok=ours < _REACH_MS,
        )
    ]


@contextmanager
def _in_trouble() -> Iterator[World]:
    """Make a sandbox with a container that is being OOMKilled."""
    with tempfile.TemporaryDirectory() as folder, Sandbox(Path(folder) / "sandbox") as sandbox:
        bed = SandboxBed(sandbox)
        kube = bed.kube()
        try:
            made = place.make(bed, kube, hungry())
            made.wait_for_sync(health=None)
            made.wait_until_waiting("CrashLoopBackOff", restarts=1)
            yield World(place=made, folder=Path(folder))
        finally:
            kube.close()


def _warm(world: World) -> float:
    """Time the pass that meets the trouble, in a process that has made a pass before."""
    made, settings = world.made(), world.settings
    blind = settings.model_copy(update={"memory": settings.memory.model_copy(update={"window": timedelta(0)})})
    ports = made.ports()
    reconcile(ports, blind)  # sees no kill, as the pass before the trouble would
    taken = milliseconds(partial(reconcile, ports, settings))
    assert world.kinds().count(EventKind.PULL_REQUEST_OPENED) == 1, world.kinds()
    return taken
