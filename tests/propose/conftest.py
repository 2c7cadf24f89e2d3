"""A desk of the test's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.adapters.git_shop import open_shop
from tests.propose.desk import Desk, open_desk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A repository with webapp's manifest, and a forge without pull requests."""
    with open_shop(tmp_path) as shop:
        yield from open_desk(shop)
