"""Worlds for scenarios: a place on the testbed with a reconciler of its own."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from tests.scenarios.world import World
from tests.testbed import build
from tests.testbed import flux as controllers
from tests.testbed.processes import Processes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.beds.fixtures import Places
    from tests.testbed.testbed import Testbed


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


@pytest.fixture(scope="module")
def flux_runs(testbed: Testbed) -> Iterator[None]:
    """Flux's controllers beside the testbed, for the tests of a file."""
    binaries = build.build_all()
    folder = testbed.folder / f"flux-{secrets.token_hex(3)}"
    processes = Processes(folder / "logs", outlive=False)
    try:
        controllers.start(processes, binaries, folder, testbed.cluster)
        yield
    finally:
        processes.stop()
