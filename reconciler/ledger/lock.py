"""One pass at a time: an advisory lock beside the ledger file.

Protects: two passes on one machine never act on the same ledger at once. The kernel lets go of the lock when its
holder dies, however it dies; a lock file that stays behind means nothing. Passes on several machines are kept apart
by compare-and-set alone.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from reconciler.errors import Busy
from reconciler.ledger.schema import mapped

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the lock file, with our process id in it.

    Raises Busy when another holder lives, LedgerError when the file cannot be opened.
    """
    with mapped(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)  # not inherited by programs that we start
    try:
        _take(descriptor, path)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        try:
            yield
        finally:
            os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)  # the file itself stays: removing it would let two holders in


def _take(descriptor: int, path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
        raise Busy(
            code="ledger.busy",
            message=f"another pass holds {path.name.removesuffix('.lock')}"
            + (f" (process {holder})" if holder else ""),
            remedy="wait until it ends, or stop that process",
        ) from error
