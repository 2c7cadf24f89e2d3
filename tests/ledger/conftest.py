"""A ledger in a folder of the test's own, closed at its end; or one in each of the places where it may be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.ledger.sqlite import SqliteLedger
from tests.ledger.stores import shelf

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.ledger.stores import Shelf


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


@pytest.fixture(params=["file", "git", "sandbox", pytest.param("gitea", marks=pytest.mark.real)], name="shelf")
def shelf_of_each_kind(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shelf]:
    """An empty ledger in each of the places."""
    with shelf(request.param, tmp_path, lambda: request.getfixturevalue("testbed").gitea) as made:
        yield made
