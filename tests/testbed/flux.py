"""Start Flux's source-controller and kustomize-controller beside a running cluster.

No notifications, no leader election, everything on loopback: source-controller serves what it fetched over HTTP to
its sister. helm-controller is not there: its module cannot be had where the testbed is built.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from tests.testbed.kube import Kube, KubeError, path_of
from tests.testbed.processes import LOOPBACK, Processes, answers, free_port, until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.testbed.build import Binaries
    from tests.testbed.control_plane import ControlPlane

KINDS = ("GitRepository", "HelmChart", "Kustomization")
INTERVAL = "10s"  # how soon a commit is seen without a nudge


def start(processes: Processes, binaries: Binaries, folder: Path, plane: ControlPlane) -> None:
    """Install the custom resource definitions and start both controllers."""
    kube = plane.kube()
    for name in ("source-crds", "kustomize-crds"):
        for file in sorted((binaries.folders["flux"] / name / "bases").glob("*.yaml")):
            kube.apply(yaml.safe_load(file.read_text()))
    until(lambda: all(_serves(kube, kind) for kind in KINDS), 30, "Flux's kinds are served")
    kube.close()
    artifacts = f"{LOOPBACK}:{free_port()}"
    storage = [
        "--storage-path",
        str(folder / "artifacts"),
        "--storage-addr",
        artifacts,
        "--storage-adv-addr",
        artifacts,
    ]
    (folder / "artifacts").mkdir(parents=True)
    for name, more in (("source-controller", storage), ("kustomize-controller", ["--requeue-dependency", "2s"])):
        home, health = folder / name, free_port()
        home.mkdir()
        process = processes.start(
            name,
            [
                binaries.program(name),
                *("--metrics-addr", f"{LOOPBACK}:{free_port()}", "--health-addr", f"{LOOPBACK}:{health}"),
                *("--events-addr", "", "--log-level", "error", *more),
            ],
            environment={
                "KUBECONFIG": str(plane.kubeconfigs["admin"]),
                "HOME": str(home),  # neither the user's git configuration nor their keys
                "TMPDIR": str(home),
            },
        )
        processes.until(process, answers(f"http://{LOOPBACK}:{health}/readyz"))


def _serves(kube: Kube, kind: str) -> bool:
    try:
        kube.call("GET", path_of(kind))
    except KubeError:
        return False
    return True
