"""Start Prometheus and Alertmanager, and the exporter that gives Prometheus something honest to scrape.

Names and labels of the alerts are those of kubernetes-mixin; their periods are shortened from minutes to seconds.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from reconciler.sandbox.monitoring.rules import RULES
from tests.testbed import packages
from tests.testbed.processes import LOOPBACK, Processes, answers, free_port

if TYPE_CHECKING:
    from tests.testbed.control_plane import ControlPlane

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Monitoring:
    """Where metrics and alerts are found."""

    prometheus: str
    alertmanager: str
    exporter: str


def start(processes: Processes, folder: Path) -> Monitoring:
    """Start Prometheus and Alertmanager; the exporter's port is already theirs, it may come up later."""
    folder.mkdir(parents=True, exist_ok=True)
    urls = Monitoring(*(f"http://{LOOPBACK}:{free_port()}" for _ in range(3)))
    (folder / "alertmanager.yml").write_text(yaml.safe_dump(_alertmanager_config()))
    (folder / "prometheus.yml").write_text(yaml.safe_dump(_prometheus_config(urls)))
    alertmanager = processes.start(
        "alertmanager",
        [
            packages.program(packages.ALERTMANAGER),
            f"--config.file={folder / 'alertmanager.yml'}",
            f"--storage.path={folder / 'alertmanager'}",
            f"--web.listen-address={_address(urls.alertmanager)}",
            "--cluster.listen-address=",
        ],
    )
    prometheus = processes.start(
        "prometheus",
        [
            packages.program(packages.PROMETHEUS),
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'prometheus'}",
            f"--web.listen-address={_address(urls.prometheus)}",
            "--web.enable-lifecycle",
            "--rules.alert.resend-delay=1s",
            "--log.level=warn",
        ],
    )
    processes.until(alertmanager, answers(f"{urls.alertmanager}/-/ready"))
    processes.until(prometheus, answers(f"{urls.prometheus}/-/ready"))
    return urls


def start_watcher(processes: Processes, folder: Path, plane: ControlPlane, urls: Monitoring) -> None:
    """Start the exporter (and, in the same process, what tells pods about their ConfigMap and node)."""
    connection = folder / "watcher.json"
    connection.touch(mode=0o600)
    authority = str(plane.authority)
    connection.write_text(json.dumps({"server": plane.server, "token": plane.tokens["admin"], "authority": authority}))
    paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    watcher = processes.start(
        "watcher",
        [sys.executable, "-m", "tests.testbed.watcher", connection, urls.exporter.rpartition(":")[2]],
        environment={"PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    processes.until(watcher, answers(f"{urls.exporter}/metrics"))


def _address(url: str) -> str:
    return url.removeprefix("http://")


def _prometheus_config(urls: Monitoring) -> dict[str, object]:
    def job(name: str, path: str) -> dict[str, object]:
        targets = [{"targets": [_address(urls.exporter)]}]
        return {"job_name": name, "metrics_path": path, "honor_labels": True, "static_configs": targets}

    return {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(RULES)],
        "scrape_configs": [job("kube-state-metrics", "/metrics"), job("kubelet", "/metrics/cadvisor")],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [_address(urls.alertmanager)]}]}]},
    }


def _alertmanager_config() -> dict[str, object]:
    route = {"receiver": "nobody", "group_by": ["..."], "group_wait": "0s", "group_interval": "1s"}
    return {"route": route, "receivers": [{"name": "nobody"}]}
