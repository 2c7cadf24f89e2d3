"""OPA as the testbed builds it, without the rest of the testbed."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.needs import cannot_run
from tests.testbed import build, opa
from tests.testbed.processes import Processes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def binaries() -> build.Binaries:
    """Return OPA alone, built first if need be; where that cannot be the test is skipped, in CI it fails."""
    try:
        version = build.go_version()
        component = next(component for component in build.CATALOGUE if component.name == "opa")
        return build.Binaries({component.name: build.build(component, version)})
    except build.Unavailable as reason:
        cannot_run("the real tests", reason)


def opa_program() -> Path:
    """Return the path of `opa`."""
    return binaries().program("opa")


@contextmanager
def opa_server(folder: Path) -> Iterator[str]:
    """Run an OPA server without rules, its log in the folder, and give its URL."""
    processes = Processes(folder, outlive=False)
    try:
        yield opa.start(processes, binaries())
    finally:
        processes.stop()
