"""Say where short-lived files go: into memory where there is plenty, because a disk makes every durable write wait.

Tests make thousands of ledgers and repositories that nobody needs a second later.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108 - only its name is taken; pytest makes a folder of its own user in it
ENOUGH = 4 << 30  # bytes


def folder(memory: Path = MEMORY) -> str:
    """Return the folder in memory if it is one, is large, and lets hooks and tools be run from it."""
    try:
        found = os.statvfs(memory)
    except OSError:
        return tempfile.gettempdir()
    fit = found.f_bavail * found.f_frsize >= ENOUGH and not found.f_flag & (os.ST_NOEXEC | os.ST_RDONLY)
    return str(memory) if fit and memory.is_mount() and os.access(memory, os.W_OK) else tempfile.gettempdir()


if __name__ == "__main__":
    print(folder())
