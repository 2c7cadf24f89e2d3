"""A whole pass over 1,000 quiet workloads and 2,000 pods, against the same requests made bare.

Ours is `reconcile` with the real adapters, all of them asked over HTTP. The floor makes the same requests with the
same concurrency and only parses the answers: what nobody who looks at this cluster can save.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import yaml

from tests.adapters.git_http import TOKEN, USER
from tests.bench import fleet
from tests.bench.figure import Figure
from tests.bench.fleet_sources import FORGE_REPOSITORY
from tests.bench.measuring import milliseconds, own_peak_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

_RUNS = 9
_REACH = 2.0
_REACH_MB = 200.0
_LISTS = (
    "/apis/apps/v1/replicasets",
    "/api/v1/pods",
    "/apis/apps/v1/deployments",
    "/apis/apps/v1/statefulsets",
    "/apis/apps/v1/daemonsets",
    "/api/v1/namespaces",
    "/apis/autoscaling/v2/horizontalpodautoscalers",
)
_APPLICATIONS = "/apis/argoproj.io/v1alpha1/applications"
_PEAKS = (
    "max by (namespace,pod,container) (max_over_time("
    'container_memory_working_set_bytes{container!="",container!="POD"}[3600s]))'
)
_OTHERS = (
    f"/api/v1/query?{urlencode({'query': _PEAKS, 'time': '1772352000.000'})}",
    "/api/v2/alerts?active=true&silenced=false&inhibited=false",
    f"/api/v1/repos/{FORGE_REPOSITORY}/pulls?state=all&sort=recentupdate&page=1&limit=50",
)


def measure() -> list[Figure]:
    """Return the median of several passes of each, taken in turns, and the peak memory of a process that makes one."""
    with fleet.served() as served, tempfile.TemporaryDirectory() as folder:
        with _ours(served, Path(folder)) as make_pass, _floor(served, Path(folder)) as bare:
            make_pass(), bare()  # libraries are loaded and connections made
            times = [(milliseconds(make_pass), milliseconds(bare)) for _ in range(_RUNS)]
        memory, bare_memory = (_peak_memory(kind, served) for kind in ("ours", "floor"))
    ours, floor = (median(each) for each in zip(*times, strict=True))
    return [
        Figure(
            name="quiet pass, 1,000 workloads",
            ours=ours,
            floor=floor,
            unit="ms",
            reach=f"≤ {_REACH:g} × floor",
            ok=ours <= _REACH * floor,
        ),
        Figure(
            name="peak memory of a quiet pass",
            ours=memory,
            floor=bare_memory,
            unit="MB",
            reach=f"< {_REACH_MB:.0f} MB",
            ok=memory < _REACH_MB,
        ),
    ]


@contextmanager
def _ours(served: fleet.Addresses, folder: Path) -> Iterator[Callable[[], None]]:
    """Lend a call that makes a whole pass, as each turn of `reconciler run --interval` does."""
    from reconciler.composition import Composition
    from reconciler.configuration import load
    from reconciler.reconcile import reconcile

    environ = {"RECONCILER_GIT_TOKEN": TOKEN, "RECONCILER_FORGE_TOKEN": TOKEN}
    settings = load(_configuration(served, folder), environ)
    made = Composition(settings, environ)
    ports = made.ports()

    def make_pass() -> None:
        with made.ledger.exclusive():
            report = reconcile(ports, settings)
        assert (report.unknown, report.findings, report.operations) == ((), (), ()), report

    yield make_pass


def _configuration(served: fleet.Addresses, folder: Path) -> Path:
    kubeconfig, file = folder / "kubeconfig", folder / "reconciler.yaml"
    cluster = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "fleet",
        "clusters": [{"name": "fleet", "cluster": {"server": served.url}}],
        "users": [{"name": "fleet", "user": {"token": "none"}}],
        "contexts": [{"name": "fleet", "context": {"cluster": "fleet", "user": "fleet"}}],
    }
    kubeconfig.write_text(yaml.safe_dump(cluster))
    sections = {
        "cluster": {"kubeconfig": str(kubeconfig)},
        "metrics": {"url": served.url},
        "alerts": {"url": served.url},
        "repository": {"url": served.repository, "username": USER},
        "forge": {"kind": "gitea", "url": served.url, "repository": FORGE_REPOSITORY},
    }
    file.write_text(yaml.safe_dump(sections))
    return file


@contextmanager
def _floor(served: fleet.Addresses, folder: Path) -> Iterator[Callable[[], None]]:
    """Lend a call that makes the same requests side by side, four LISTs at once, and parses every answer."""
    import pygit2
    import urllib3

    pool = urllib3.PoolManager(maxsize=8)
    remote = pygit2.init_repository(str(folder / "bare.git"), bare=True).remotes.create_anonymous(served.repository)
    callbacks = pygit2.RemoteCallbacks(credentials=pygit2.UserPass(USER, TOKEN))

    def get(path: str) -> dict[str, dict[str, str]]:
        answer: dict[str, dict[str, str]] = json.loads(pool.request("GET", served.url + path).data)
        return answer

    def whole(path: str) -> None:
        page = get(f"{path}?limit=500")
        while following := page["metadata"].get("continue"):
            page = get(f"{path}?limit=500&continue={following}")

    with ThreadPoolExecutor(4) as lists, ThreadPoolExecutor(5) as others:

        def bare() -> None:
            gc.disable()  # as we do while we read; with it the floor would be two thirds higher
            asked: list[Future[Any]] = [lists.submit(whole, path) for path in _LISTS]
            asked.append(others.submit(whole, _APPLICATIONS))
            asked += [others.submit(get, path) for path in _OTHERS]
            asked.append(others.submit(remote.list_heads, callbacks=callbacks))
            for future in asked:
                future.result()
            gc.enable()

        yield bare


def _peak_memory(kind: str, served: fleet.Addresses) -> float:
    """Return the peak resident memory of a new process that makes one pass, in megabytes."""
    command = [sys.executable, "-m", "tests.bench.bench_quiet_pass", kind, served.url, served.repository]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _once(kind: str, url: str, repository: str) -> None:
    made = _ours if kind == "ours" else _floor
    with tempfile.TemporaryDirectory() as folder, made(fleet.Addresses(url, repository), Path(folder)) as call:
        call()
    print(own_peak_memory())


if __name__ == "__main__":
    _once(*sys.argv[1:])
