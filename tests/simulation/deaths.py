"""Passes that die: each a process of its own, killed at one of its points."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.beds.on_sandbox import SandboxBed

if TYPE_CHECKING:
    from tests.scenarios.world import World


def killed_at(world: World, point: int) -> bool:
    """Make one pass, at the world's time, that dies at this point; False when it had fewer points and lived."""
    bed = world.place.bed
    virtual = [bed.clock.now().isoformat()] if isinstance(bed, SandboxBed) else []
    done = subprocess.run(
        [sys.executable, "-m", "tests.simulation.killed", str(world.config), str(point), *virtual],
        env={**os.environ, **world.environ},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode in {0, -signal.SIGKILL}, done.stderr
    return done.returncode != 0
