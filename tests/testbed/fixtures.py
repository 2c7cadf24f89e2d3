"""Pytest fixtures: the testbed comes up once a run, each test has a place of its own.

Without Go or on an unsupported system the tests are skipped with the reason; with `CI=true` a skip is a failure.
`RECONCILER_TESTBED=running` uses the testbed that `python -m tests.testbed up` left running, to save its start.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

import pytest

from tests.testbed import build, manifests, place, state
from tests.testbed import testbed as whole
from tests.testbed.forge import ForgeError
from tests.testbed.kube import Kube, KubeError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.testbed.place import Place
    from tests.testbed.testbed import Testbed

__all__ = ["Places", "cluster_admin", "place_of_its_own", "places", "pytest_collection_modifyitems", "testbed"]


class Places(Protocol):
    """Makes places for a test that wants its own manifests, another environment, or several."""

    def __call__(self, files: Mapping[str, str], *, environment: str = "production", application: bool = True) -> Place:
        """Make a place whose repository's first commit holds these files."""


@pytest.fixture(scope="session")
def testbed() -> Iterator[Testbed]:
    """The running testbed, one for the whole test run, on ports of its own."""
    if os.environ.get("RECONCILER_TESTBED") == "running":
        yield _running()
        return
    try:
        running, processes = whole.start(outlive=False)
    except build.Unavailable as reason:
        if os.environ.get("CI", "").lower() in ("1", "true"):
            pytest.fail(f"CI must run the real tests: {reason}", pytrace=False)
        pytest.skip(str(reason))
    try:
        yield running
    finally:
        processes.stop()
        whole.discard(running.folder)


@pytest.fixture(scope="session")
def cluster_admin(testbed: Testbed) -> Iterator[Kube]:
    """A connection to the cluster as its administrator."""
    kube = testbed.kube()
    yield kube
    kube.close()


@pytest.fixture
def places(testbed: Testbed, cluster_admin: Kube) -> Iterator[Places]:
    """Make places; they are removed after the test."""
    made: list[Place] = []

    def new(files: Mapping[str, str], *, environment: str = "production", application: bool = True) -> Place:
        made.append(place.make(testbed, cluster_admin, files, environment=environment, application=application))
        return made[-1]

    yield new
    for old in made:
        with suppress(KubeError, ForgeError):  # a test may have removed parts of it itself
            place.remove(old)


@pytest.fixture(name="place")
def place_of_its_own(places: Places) -> Place:
    """A place in production with one healthy Deployment, `web`, in `deploy/web.yaml`."""
    return places({"deploy/web.yaml": manifests.deployment("web")})


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the lanes apart: a test on the testbed says so by its marker."""
    for item in items:
        if "testbed" in getattr(item, "fixturenames", ()) and item.get_closest_marker("real") is None:
            raise pytest.UsageError(f"{item.nodeid} uses the testbed and lacks the marker `real`")


def _running() -> Testbed:
    known = state.load()
    if known is None or not all(process.is_alive for process in known.processes):
        pytest.fail("RECONCILER_TESTBED=running, but no testbed runs: python -m tests.testbed up", pytrace=False)
    return known
