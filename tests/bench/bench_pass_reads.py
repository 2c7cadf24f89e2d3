"""One pass's reads of 1,000 quiet workloads and 2,000 pods, against the same GETs and `json.loads` done bare."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import urllib3
import yaml

from reconciler.model.facts import Unknown
from reconciler.settings import ClusterSettings
from tests.bench import fleet
from tests.bench.figure import Figure
from tests.bench.measuring import milliseconds, own_peak_memory

if TYPE_CHECKING:
    from collections.abc import Callable

_RUNS = 7
_REACH = 2.0
_REACH_MB = 200.0
_LISTS = (
    "/api/v1/namespaces",
    "/apis/apps/v1/deployments",
    "/apis/apps/v1/statefulsets",
    "/apis/apps/v1/daemonsets",
    "/apis/apps/v1/replicasets",
    "/api/v1/pods",
    "/apis/autoscaling/v2/horizontalpodautoscalers",
)


def measure() -> list[Figure]:
    """Return the fastest of several passes of each, taken in turns, and the peak memory of a process that makes one."""
    with fleet.served() as served, tempfile.TemporaryDirectory() as folder:
        url = served.url
        observe, bare = _ours(url, Path(folder)), _floor(url)
        ours, floor = [], []
        for _ in range(_RUNS):
            ours.append(milliseconds(observe))
            floor.append(milliseconds(bare))
        memory, bare_memory = (_peak_memory(kind, url) for kind in ("ours", "floor"))
    best, lowest = min(ours), min(floor)
    return [
        Figure(
            name="reads of a pass, 1,000 workloads",
            ours=best,
            floor=lowest,
            unit="ms",
            reach=f"≤ {_REACH:g} × floor",
            ok=best <= _REACH * lowest,
        ),
        Figure(
            name="peak memory of these reads",
            ours=memory,
            floor=bare_memory,
            unit="MB",
            reach=f"< {_REACH_MB:.0f} MB",
            ok=memory < _REACH_MB,
        ),
    ]


def _ours(url: str, folder: Path) -> Callable[[], None]:
    """Return a call that observes the fleet through the adapter, as a pass does."""
    from reconciler.adapters.kubernetes_api import kubernetes_api

    kubeconfig = folder / "kubeconfig"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "fleet",
        "clusters": [{"name": "fleet", "cluster": {"server": url}}],
        "users": [{"name": "fleet", "user": {"token": "none"}}],
        "contexts": [{"name": "fleet", "context": {"cluster": "fleet", "user": "fleet"}}],
    }
    kubeconfig.write_text(yaml.safe_dump(config))
    api = kubernetes_api(ClusterSettings(name="fleet", kubeconfig=str(kubeconfig)))

    def observe() -> None:
        view = api.observe({})
        assert not isinstance(view.workloads, Unknown)
        assert not isinstance(view.pods, Unknown)
        assert (len(view.workloads), len(view.pods)) == (fleet.WORKLOADS, fleet.WORKLOADS * fleet.PODS_EACH)
        assert view.pods[0].owner in view.workloads

    return observe


def _floor(url: str) -> Callable[[], None]:
    """Return a call that makes the same requests one after the other and parses every page."""
    pool = urllib3.PoolManager(maxsize=4)

    def bare() -> None:
        for path in _LISTS:
            following = ""
            while True:
                query = "?limit=500" + (f"&continue={following}" if following else "")
                page = json.loads(pool.request("GET", url + path + query).data)
                following = page["metadata"].get("continue")
                if not following:
                    break

    return bare


def _peak_memory(kind: str, url: str) -> float:
    """Return the peak resident memory of a new process that reads once, in megabytes."""
    command = [sys.executable, "-m", "tests.bench.bench_pass_reads", kind, url]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _read_once(kind: str, url: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (_ours(url, Path(folder)) if kind == "ours" else _floor(url))()
    print(own_peak_memory())


if __name__ == "__main__":
    _read_once(*sys.argv[1:])
