"""A ledger in a folder of the test's own, closed at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.ledger.sqlite import SqliteLedger

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the ledger will be; neither file nor folder is there yet."""
    return tmp_path / "memory" / "ledger.db"


@pytest.fixture
def ledger(path: Path) -> Iterator[SqliteLedger]:
    """Yield an empty ledger."""
    made = SqliteLedger(path)
    yield made
    made.close()
