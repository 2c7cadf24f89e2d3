"""A world of the test's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.adapters.git_shop import open_shop
from tests.adapters.wire import Wire
from tests.passes.world import World
from tests.propose.desk import Pulls

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """One Deployment, `cart`, that is OOMKilled at 512Mi; nothing was done about it yet."""
    with open_shop(tmp_path) as shop, Wire() as wire:
        yield World(shop, Pulls(wire))
