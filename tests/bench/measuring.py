"""The rulers that measurements share: a stopwatch, this process's peak memory, and how a process of its own starts."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def milliseconds(call: Callable[[], object]) -> float:
    """Return how long a call takes."""
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1000


def processor_milliseconds(call: Callable[[], object]) -> float:
    """Return how long a call, which waits for nobody, would take on a machine of its own: all threads' work."""
    started = time.process_time()
    call()
    return (time.process_time() - started) * 1000


def own_peak_memory() -> float:
    """Return the most memory that this process ever had resident, in megabytes."""
    status = Path("/proc/self/status").read_text()  # getrusage's figure would include the parent before its exec
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def installed_environment(folder: Path) -> dict[str, str]:
    """Return an environment whose Python keeps bytecode, in this folder, as every installed program has it.

    The first process in it compiles what it imports, so it is not one to be measured.
    """
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONPYCACHEPREFIX": str(folder)}
