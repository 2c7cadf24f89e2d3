"""The loop as a process of its own: `reconciler run --interval`, its passes read as they come."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from tests.scenarios.world import World

_PATIENCE = 60.0  # seconds for the whole process; a test that hangs is a test that failed
_LISTENS = re.compile(r"listening for webhooks on (\S+)")


class Loop:
    """A running `reconciler run --interval`; use as a context manager."""

    def __init__(self, world: World, interval: str, **environ: str) -> None:
        command = [sys.executable, "-m", "reconciler", "--config", str(world.config)]
        self.process = subprocess.Popen(
            [*command, "run", "--interval", interval, "--output", "json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **world.environ, **environ},
        )
        self._watchdog = threading.Timer(_PATIENCE, self.process.kill)
        self._watchdog.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._watchdog.cancel()
        self.process.kill()
        self.process.communicate()

    def address(self) -> str:
        """Return where it listens, which it tells before its first pass."""
        found = _LISTENS.match(self.said())
        assert found
        return found[1]

    def said(self) -> str:
        """Return the next line of the standard error, without its end."""
        assert self.process.stderr
        return self.process.stderr.readline().rstrip("\n")

    def passed(self) -> dict[str, Any]:
        """Return the next pass's report."""
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, "the loop has ended"
        report: dict[str, Any] = json.loads(line)
        return report

    def stop(self) -> tuple[int, str]:
        """End it as a person or a machine does; return the exit code and what it said last."""
        self.process.send_signal(signal.SIGTERM)
        _, said = self.process.communicate()
        return self.process.returncode, said
