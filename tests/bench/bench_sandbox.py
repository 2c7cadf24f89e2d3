"""The sandbox's own speed: how soon it is ready, how fast its lists are, how long a whole demonstration takes."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import urllib3

from reconciler.sandbox import certificates
from reconciler.sandbox.sandbox import Sandbox
from tests.bench.figure import Figure
from tests.bench.measuring import milliseconds

if TYPE_CHECKING:
    from collections.abc import Iterator

_PODS = 2000
_TEAMS = 20
_RUNS = 5
_TURNS = 3
_READY_MS, _LIST_MS, _DEMO_S = 1000.0, 500.0, 5.0
_STARTS = "from pathlib import Path; import sys; from reconciler.sandbox.sandbox import Sandbox"
_READY = f"{_STARTS}; sandbox = Sandbox(Path(sys.argv[1])); sandbox.start(); sandbox.stop()"
_BARE = "import dulwich.repo, http.server, json, pygit2, urllib3, yaml"


def measure() -> list[Figure]:
    """Return the figures; each floor is the same bytes or the same libraries without the sandbox."""
    return [_ready(), _list(), _demo()]


def _ready() -> Figure:
    """A process of its own, from nothing to serving, against the imports of its libraries."""
    with tempfile.TemporaryDirectory() as folder:
        ours = [_process(_READY, f"{folder}/{n}") for n in range(_RUNS)]
        floor = [_process(_BARE, "") for _ in range(_RUNS)]
    best = min(ours)
    return Figure("sandbox ready, cold process", best, min(floor), "ms", f"< {_READY_MS:.0f} ms", best < _READY_MS)


def _process(code: str, argument: str) -> float:
    return milliseconds(lambda: subprocess.run([sys.executable, "-c", code, argument], check=True))


def _list() -> Figure:
    """All pods in pages of 500, parsed, against the same pages from a server that holds only their bytes.

    The client is a process of its own, as every user's is: in ours, its parser's garbage would be collected among all
    objects of the sandbox, which takes as long as parsing. Both servers speak TLS.
    """
    with tempfile.TemporaryDirectory() as folder, Sandbox(Path(folder)) as sandbox:
        _fill(sandbox)
        token, authority = sandbox.cluster.tokens["admin"], str(sandbox.authority)
        with urllib3.PoolManager(ca_certs=authority) as pool:
            pages = dict(_pages(pool, sandbox.kubernetes.url, {"Authorization": f"Bearer {token}"}))
        with _bare(pages, Path(folder) / "bare") as (url, trusted):
            pairs = [
                (_listed(sandbox.kubernetes.url, token, authority), _listed(url, "", trusted)) for _ in range(_TURNS)
            ]
    ours, floor = (min(each) for each in zip(*pairs, strict=True))
    assert sum(len(json.loads(page)["items"]) for page in pages.values()) == _PODS
    return Figure(f"{_PODS} pods listed from the sandbox", ours, floor, "ms", f"< {_LIST_MS:.0f} ms", ours < _LIST_MS)


def _listed(url: str, token: str, authority: str) -> float:
    """Return the milliseconds of a new process's fastest list."""
    command = [sys.executable, "-m", "tests.bench.bench_sandbox", url, token, authority]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _client(url: str, token: str, authority: str) -> None:
    """Say how long the fastest of several lists took, in milliseconds."""
    with urllib3.PoolManager(ca_certs=authority) as pool:
        headers = {"Authorization": f"Bearer {token}"}
        print(min(milliseconds(lambda: deque(_pages(pool, url, headers), maxlen=0)) for _ in range(_RUNS)))


def _fill(sandbox: Sandbox) -> None:
    """Make two thousand pods of a realistic size, which nothing drives on."""
    with sandbox.clock.lock:
        for number in range(_TEAMS):
            sandbox.cluster.store.create(_namespace(number), manager="kubectl")
        for number in range(_PODS):
            sandbox.cluster.store.create(_pod(number), manager="kubelet")


def _namespace(number: int) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"team-{number}"}}


def _pod(number: int) -> dict[str, Any]:
    container = {
        "name": "web",
        "image": f"registry.example/shop/web:1.{number % 7}",
        "env": [{"name": f"SETTING_{n}", "value": f"value {n} of pod {number}"} for n in range(20)],
        "resources": {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "512Mi"}},
        "volumeMounts": [{"name": f"v{n}", "mountPath": f"/mnt/{n}"} for n in range(5)],
    }
    status = {
        "phase": "Running",
        "conditions": [{"type": kind, "status": "True"} for kind in ("Initialized", "ContainersReady", "Ready")],
        "containerStatuses": [{"name": "web", "ready": True, "restartCount": 0, "state": {"running": {}}}],
    }
    metadata = {"name": f"web-{number:05d}", "namespace": f"team-{number % _TEAMS}", "labels": {"app": "web"}}
    volumes = [{"name": f"v{n}", "emptyDir": {}} for n in range(5)]
    spec = {"nodeName": "node-1", "containers": [container], "volumes": volumes}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": status}


def _pages(pool: urllib3.PoolManager, url: str, headers: dict[str, str]) -> Iterator[tuple[str, bytes]]:
    """Yield each page's path, and the page, which was parsed."""
    following = ""
    while True:
        path = f"/api/v1/pods?limit=500&continue={following}" if following else "/api/v1/pods?limit=500"
        data = pool.request("GET", f"{url}{path}", headers=headers).data
        following = json.loads(data)["metadata"].get("continue", "")
        yield path, data
        if not following:
            return


@contextmanager
def _bare(pages: dict[str, bytes], folder: Path) -> Iterator[tuple[str, str]]:
    """Serve the same pages by their paths; lend the address, and whom to trust."""
    folder.mkdir()
    files = certificates.make(folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, pages))
    server.socket = certificates.server_context(files).wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_address[1]}", str(files.authority)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def __init__(self, pages: dict[str, bytes], *arguments: Any) -> None:  # noqa: ANN401 - the library's own
        self._pages = pages
        super().__init__(*arguments)

    def do_GET(self) -> None:
        """Answer with one page."""
        page = self._pages[self.path]
        self.send_response(200)
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_: object) -> None:
        """Keep the terminal clean."""


def _demo() -> Figure:
    """The whole demonstration as a person starts it, against the imports that it cannot do without."""
    command = Path(sys.executable).with_name("reconciler")
    imports = "import click, github, kubernetes, prometheus_api_client, pygit2, regopy, rich, jinja2, pydantic"
    ours = min(_seconds([command, "demo"]) for _ in range(_RUNS))
    floor = min(_seconds([sys.executable, "-c", imports]) for _ in range(_RUNS))
    return Figure("reconciler demo, all of its own time", ours, floor, "s", f"< {_DEMO_S:.0f} s", ours < _DEMO_S)


def _seconds(command: list[Any]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


if __name__ == "__main__":
    _client(*sys.argv[1:])
