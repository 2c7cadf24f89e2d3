"""Pytest fixtures: each test that asks for a place runs in both worlds, the sandbox and the testbed.

A sandbox is made for each test; the testbed comes up once a run. `pytest.mark.beds("testbed")` keeps a test to one.

Without Go or on an unsupported system the tests are skipped with the reason; with `CI=true` a skip is a failure.
`RECONCILER_TESTBED=running` uses the testbed that `python -m tests.testbed up` left running, to save its start.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

import pytest

from reconciler.sandbox.people import ForgeError
from tests.beds import manifests, place
from tests.beds.on_sandbox import SandboxBed
from tests.needs import cannot_run
from tests.testbed import build, state
from tests.testbed import testbed as whole
from tests.testbed.kube import Kube, KubeError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.beds.bed import Bed
    from tests.beds.place import Place
    from tests.testbed.testbed import Testbed

__all__ = [
    "Places",
    "bed",
    "cluster_admin",
    "place_of_its_own",
    "places",
    "pytest_collection_modifyitems",
    "pytest_generate_tests",
    "testbed",
]

LONG = {"lifecycle", "actions"}  # folders of tests
BEDS = {"sandbox": [], "testbed": [pytest.mark.real]}


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
        cannot_run("the real tests", reason)
    try:
        yield running
    finally:
        processes.stop()
        whole.discard(running.folder)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that has a place in both worlds, or in those that its marker `beds` names."""
    if "bed" in metafunc.fixturenames:
        marker = metafunc.definition.get_closest_marker("beds")
        names = marker.args if marker else tuple(BEDS)
        metafunc.parametrize("bed", [pytest.param(name, marks=BEDS[name], id=name) for name in names], indirect=True)


@pytest.fixture
def bed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bed]:
    """The test's world."""
    if request.param == "testbed":
        yield request.getfixturevalue("testbed")
        return
    from reconciler.sandbox.sandbox import Sandbox  # most tests need none

    with Sandbox(tmp_path / "sandbox") as sandbox:
        yield SandboxBed(sandbox)


@pytest.fixture
def cluster_admin(bed: Bed) -> Iterator[Kube]:
    """A connection to the cluster as its administrator."""
    kube = bed.kube()
    yield kube
    kube.close()


@pytest.fixture
def places(bed: Bed, cluster_admin: Kube) -> Iterator[Places]:
    """Make places; they are removed after the test."""
    made: list[Place] = []

    def new(files: Mapping[str, str], *, environment: str = "production", application: bool = True) -> Place:
        made.append(place.make(bed, cluster_admin, files, environment=environment, application=application))
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
    """Keep the lanes apart: a test on the testbed says so by its marker, long stories have a lane of their own."""
    for item in items:
        sampled = item.get_closest_marker("sample") and item.get_closest_marker("real")
        if LONG.intersection(item.path.parts) and not sampled:
            item.add_marker(pytest.mark.long)
        if "testbed" in getattr(item, "fixturenames", ()) and item.get_closest_marker("real") is None:
            raise pytest.UsageError(f"{item.nodeid} uses the testbed and lacks the marker `real`")


def _running() -> Testbed:
    known = state.load()
    if known is None or not all(process.is_alive for process in known.processes):
        pytest.fail("RECONCILER_TESTBED=running, but no testbed runs: python -m tests.testbed up", pytrace=False)
    return known
