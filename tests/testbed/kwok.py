"""Start kwok, which plays the kubelets, with stages of ours: how pods live, and how they fail.

The stages are in `stages/`. A pod stage states when it applies (one word of `pod.jq`), after which delay, and the
event that it leaves; what becomes of the pod's status is told once for all of them, in `pod.tpl`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tests.testbed.processes import LOOPBACK, Processes, answers, free_port

if TYPE_CHECKING:
    from tests.testbed.build import Binaries
    from tests.testbed.control_plane import ControlPlane
    from tests.testbed.kube import Kube

STAGES = Path(__file__).parent / "stages"
NODES = ("node-1", "node-2", "node-3")
CAPACITY = {"cpu": "64", "memory": "256Gi", "pods": "500"}


def start(processes: Processes, binaries: Binaries, folder: Path, plane: ControlPlane) -> None:
    """Create the nodes and start kwok; the nodes become ready by its doing."""
    config = folder / "stages.yaml"
    config.write_text(yaml.safe_dump_all(stages(), sort_keys=False))
    kube = plane.kube()
    for name in NODES:
        kube.apply(_node(name))
        kube.patch("Node", name, {"status": {"capacity": CAPACITY, "allocatable": CAPACITY}}, subresource="status")
    kube.close()
    port = free_port()
    process = processes.start(
        "kwok",
        [
            binaries.program("kwok"),
            f"--kubeconfig={plane.kubeconfigs['admin']}",
            f"--config={config}",
            "--manage-all-nodes=true",
            "--node-lease-duration-seconds=40",
            "--cidr=10.128.0.0/16",
            f"--node-ip={LOOPBACK}",
            f"--server-address={LOOPBACK}:{port}",
        ],
    )
    processes.until(process, answers(f"http://{LOOPBACK}:{port}/healthz"))


def are_ready(kube: Kube) -> bool:
    """Whether all nodes are ready and untainted, and pods can be created in the default namespace."""
    nodes = kube.objects("Node")
    return (
        len(nodes) == len(NODES)
        and all(map(_is_ready, nodes))
        and bool(kube.get("ServiceAccount", "default", "default"))
    )


def stages() -> list[dict[str, Any]]:
    """Return our stages, the pod stages completed with their common jq functions and status template."""
    functions = (STAGES / "pod.jq").read_text()
    template = (STAGES / "pod.tpl").read_text()
    found = [yaml.safe_load(file.read_text()) for file in sorted(STAGES.glob("*.yaml"))]
    for stage in found:
        spec = stage["spec"]
        if spec["resourceRef"]["kind"] == "Pod":
            for expression in spec["selector"]["matchExpressions"]:
                expression["key"] = f"{functions}\n{expression['key']}"
            if "statusTemplate" in spec["next"]:
                spec["next"]["statusTemplate"] += f"\n{template}"
    return found


def _node(name: str) -> dict[str, Any]:
    labels = {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "node-role.kubernetes.io/worker": "",
        "topology.kubernetes.io/zone": f"zone-{name[-1]}",
    }
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}}


def _is_ready(node: dict[str, Any]) -> bool:
    conditions = node.get("status", {}).get("conditions", [])
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
    return ready and not node["spec"].get("taints")
