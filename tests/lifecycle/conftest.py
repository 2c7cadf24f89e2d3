"""A life on each forge: the sandbox's GitHub in the fast lane, the testbed's Gitea in the real one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.lifecycle.life import FILES, Life
from tests.lifecycle.sides import GiteaSide, GitHubSide, sandbox_github

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.sandbox.clock import SandboxClock
    from reconciler.sandbox.forge import Forge


@pytest.fixture(scope="session")
def github_alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Forge, SandboxClock]]:
    """The sandbox's GitHub, one for the whole test run."""
    with sandbox_github(tmp_path_factory.mktemp("github")) as served:
        yield served


@pytest.fixture
def on_github(tmp_path: Path) -> Iterator[Life]:
    """A life on a GitHub of its own, for tests that break it."""
    with sandbox_github(tmp_path / "github") as (forge, clock):
        yield Life(GitHubSide(forge, clock, FILES), tmp_path)


@pytest.fixture(params=["github", pytest.param("gitea", marks=pytest.mark.real)])
def life(request: pytest.FixtureRequest, tmp_path: Path) -> Life:
    """A life in a repository of its own."""
    if request.param == "gitea":
        return Life(GiteaSide(request.getfixturevalue("testbed"), FILES), tmp_path)
    forge, clock = request.getfixturevalue("github_alone")
    return Life(GitHubSide(forge, clock, FILES), tmp_path)
