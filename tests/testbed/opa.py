"""Start an OPA server without policies, and load a folder of them when a test asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import urllib3

from tests.testbed.processes import LOOPBACK, Processes, answers, free_port

if TYPE_CHECKING:
    from pathlib import Path

    from tests.testbed.build import Binaries


def start(processes: Processes, binaries: Binaries) -> str:
    """Start OPA and return its URL."""
    url = f"http://{LOOPBACK}:{free_port()}"
    address = url.removeprefix("http://")
    process = processes.start(
        "opa",
        [
            binaries.program("opa"),
            *("run", "--server", f"--addr={address}", "--log-level=error", "--skip-version-check"),
        ],
    )
    processes.until(process, answers(f"{url}/health"))
    return url


def load(url: str, folder: Path) -> list[str]:
    """Load all policies of a folder (its tests left out) under their relative paths, which are returned."""
    pool = urllib3.PoolManager(retries=False, timeout=10.0)
    loaded = []
    for file in sorted(folder.rglob("*.rego")):
        if file.name.endswith("_test.rego"):
            continue
        name = str(file.relative_to(folder))
        answer = pool.request("PUT", f"{url}/v1/policies/{name}", body=file.read_bytes())
        if answer.status != 200:
            raise ValueError(f"OPA refuses {name}: {answer.data.decode()[:1000]}")
        loaded.append(name)
    return loaded
