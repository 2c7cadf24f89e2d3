"""Fixtures of the forge's tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.sandbox.forge.repository import BareRepository
from tests.needs import cannot_run
from tests.sandbox.forge import bare, described, rest
from tests.testbed import build

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def repository(tmp_path: Path) -> BareRepository:
    """A repository with one commit on main."""
    return BareRepository.create(tmp_path / "shop.git", bare.FILES, author=bare.ANA, at=bare.AT)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[rest.World]:
    """A forge of the test's own, behind a server."""
    with rest.world(tmp_path) as found:
        yield found


@pytest.fixture(scope="session")
def checker() -> Iterator[described.Checker]:
    """GitHub's description, enforced by Prism; one for the whole test run."""
    try:
        with described.checking() as found:
            yield found
    except build.Unavailable as reason:
        cannot_run("the GitHub tests", reason)


@pytest.fixture
def described_world(world: rest.World, checker: described.Checker) -> Iterator[rest.World]:
    """The same forge with the description in front of it: whatever breaks it fails the test."""
    checker.behind.handle = world.forge.handle
    world.url = checker.url
    yield world
    assert [each for each in world.violations if described.UNDESCRIBED not in each] == []
