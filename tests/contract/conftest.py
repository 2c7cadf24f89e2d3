"""The sandbox's GitHub, GitHub's own description before it, and a GitHub by others: each one for the whole test run."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from reconciler.sandbox.clock import SandboxClock
from reconciler.sandbox.forge import Forge
from reconciler.sandbox.wire import Server
from tests.needs import cannot_run
from tests.testbed import build, github_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.testbed.github_front import Front
    from tests.testbed.github_server import GitHub


def _install() -> None:
    """Get the checker, or skip with the reason."""
    try:
        github_server.install()
    except build.Unavailable as reason:
        cannot_run("the GitHub tests", reason)


@pytest.fixture(scope="session")
def github_double() -> Iterator[GitHub]:
    """The GitHub server, one for the whole test run."""
    _install()
    with github_server.running() as running:
        yield running


@pytest.fixture(scope="session")
def sandbox_github(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Forge]]:
    """The sandbox's GitHub alone, one for the whole test run."""
    forge = Forge(SandboxClock(), tmp_path_factory.mktemp("forge"), ids=random.Random(0))
    server = Server(forge.handle, name="GitHub")
    forge.url = server.url
    server.start()
    yield server, forge
    server.stop()


@pytest.fixture(scope="session")
def checked_github(sandbox_github: tuple[Server, Forge]) -> Iterator[Front]:
    """GitHub's own description of its API, before the sandbox's GitHub."""
    _install()
    with github_server.checked(sandbox_github[0].url) as front:
        yield front
