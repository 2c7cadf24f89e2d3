"""Worlds for scenarios: a place on the testbed with a reconciler of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import pytest

from tests.scenarios.world import World

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.beds.fixtures import Places


class Worlds(Protocol):
    """Makes worlds."""

    def __call__(
        self,
        files: Mapping[str, str],
        *,
        environment: str = "production",
        application: bool = True,
        **overrides: dict[str, Any],
    ) -> World:
        """Make a world whose repository holds these files; overrides are sections of the configuration."""


@pytest.fixture
def worlds(places: Places, tmp_path: Path) -> Worlds:
    """Make worlds; their places go after the test."""

    def new(
        files: Mapping[str, str],
        *,
        environment: str = "production",
        application: bool = True,
        **overrides: dict[str, Any],
    ) -> World:
        place = places(files, environment=environment, application=application)
        folder = tmp_path / place.namespace
        folder.mkdir()
        return World(place=place, folder=folder, overrides=overrides)

    return new
