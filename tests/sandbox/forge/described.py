"""GitHub's own description of its API, put before the sandbox's forge: every request and answer is checked by Prism."""

from __future__ import annotations

import json
import re
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.sandbox.forge.rest.server import ROUTES
from reconciler.sandbox.wire import Response, Server
from tests.testbed import github_server
from tests.testbed.processes import LOOPBACK, Processes, answers, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.sandbox.wire import Request

UNDESCRIBED = "Selected route not found"  # the addresses of old, which clients still use


@dataclass(frozen=True, slots=True)
class Checker:
    """Prism, and the server behind it, whose handler each test sets."""

    url: str
    behind: Server
    operations: frozenset[tuple[str, str]]  # described: method and path, its parameters nameless


@contextmanager
def checking() -> Iterator[Checker]:
    """Run Prism over the paths that the forge serves; raises build.Unavailable where there is no Node."""
    home = github_server.install()
    description = json.loads((home / github_server.DESCRIPTION).read_text())
    with tempfile.TemporaryDirectory(prefix="described-") as name:
        folder = Path(name)
        served = {shape(route.path) for route in ROUTES}
        trimmed = github_server.reduced(description, lambda path: shape(path) in served)
        (folder / "description.json").write_text(json.dumps(trimmed))
        processes, behind = Processes(folder / "logs", outlive=False), Server(_nobody).start()
        try:
            port = free_port()
            command: list[str | Path] = ["node", home / "node_modules/.bin/prism", "proxy"]
            command += [folder / "description.json", behind.url, "--host", LOOPBACK, "--port", str(port)]
            prism = processes.start("prism", command)
            url = f"http://{LOOPBACK}:{port}"
            processes.until(prism, answers(f"{url}/rate_limit"), github_server.START_DEADLINE)
            yield Checker(url, behind, _operations(description))
        finally:
            processes.stop()
            behind.stop()


def shape(path: str) -> str:
    """Return a path without the names of its parameters."""
    return re.sub(r"\{[^}]*\}", "{}", path)


def _nobody(_: Request) -> Response:
    return Response(200, b"{}", {"Content-Type": "application/json"})


def _operations(description: dict[str, Any]) -> frozenset[tuple[str, str]]:
    paths = description["paths"].items()
    return frozenset((method.upper(), shape(path)) for path, item in paths for method in item)
