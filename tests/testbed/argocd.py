"""Start Argo CD's controllers of Applications and ApplicationSets, its repository server and Redis, and configure them.

No API server, no login: Applications are read and written through the Kubernetes API, as the product does.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from tests.testbed import packages
from tests.testbed.kube import Kube, KubeError, path_of
from tests.testbed.processes import LOOPBACK, Processes, answers, free_port, listens, until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.testbed.build import Binaries
    from tests.testbed.control_plane import ControlPlane

NAMESPACE = "argocd"
PROJECT = "default"
RESYNC_SECONDS = 10  # how soon a commit is seen without a nudge
LABELS = {"app.kubernetes.io/part-of": "argocd"}
CONFIG_MAPS = (
    "argocd-cm",
    "argocd-cmd-params-cm",
    "argocd-rbac-cm",
    "argocd-ssh-known-hosts-cm",
    "argocd-tls-certs-cm",
    "argocd-gpg-keys-cm",
)


@dataclass(frozen=True, slots=True)
class Backend:
    """What the controller needs beside the cluster."""

    redis: str
    repo_server: str


def start_backend(processes: Processes, binaries: Binaries, folder: Path) -> Backend:
    """Start Redis and the repository server, which know nothing of the cluster and can start before it."""
    backend = Backend(*(f"{LOOPBACK}:{free_port()}" for _ in range(2)))
    folder.mkdir(parents=True, exist_ok=True)
    redis = processes.start(
        "redis",
        [
            packages.program(packages.REDIS),
            *("--bind", LOOPBACK, "--port", _port(backend.redis)),
            *("--save", "", "--appendonly", "no", "--dir", str(folder)),
        ],
    )
    processes.until(redis, listens(backend.redis))
    repo_server = processes.start(
        "argocd-repo-server",
        [
            binaries.program("argocd"),
            *("--redis", backend.redis, "--disable-tls", "--loglevel", "warn"),
            *("--address", LOOPBACK, "--port", _port(backend.repo_server)),
            *("--metrics-address", LOOPBACK, "--metrics-port", str(free_port())),
            *("--revision-cache-expiration", "1s"),  # a resync without a nudge must see new commits too
        ],
        environment=_environment(folder, "argocd-repo-server") | {"PATH": _with_tools(binaries)},
    )
    processes.until(repo_server, listens(backend.repo_server))
    return backend


def start(processes: Processes, binaries: Binaries, folder: Path, plane: ControlPlane, backend: Backend) -> None:
    """Install Argo CD's objects and start both controllers."""
    kube = plane.kube()
    _install(kube, binaries, plane)
    kube.close()
    metrics = free_port()
    controller = processes.start(
        "argocd-application-controller",
        [
            binaries.program("argocd"),
            *("--kubeconfig", str(plane.kubeconfigs["admin"]), "--namespace", NAMESPACE),
            *("--repo-server", backend.repo_server, "--repo-server-plaintext", "--redis", backend.redis),
            *("--app-resync", str(RESYNC_SECONDS), "--app-resync-jitter", "0", "--app-hard-resync", "0"),
            *("--metrics-port", str(metrics), "--loglevel", "warn"),
        ],
        environment=_environment(folder, "argocd-application-controller"),
    )
    _start_generator(processes, binaries, folder, plane, backend)
    processes.until(controller, answers(f"http://{LOOPBACK}:{metrics}/healthz"))


def _start_generator(
    processes: Processes, binaries: Binaries, folder: Path, plane: ControlPlane, backend: Backend
) -> None:
    """Start the ApplicationSet controller, which makes and changes Applications; no test waits for its start."""
    config = str(plane.kubeconfigs["admin"])
    processes.start(
        "argocd-applicationset-controller",
        [
            binaries.program("argocd"),
            *("--kubeconfig", config, "--namespace", NAMESPACE, "--loglevel", "warn"),
            *("--argocd-repo-server", backend.repo_server, "--repo-server-plaintext"),
            *(x for name in ("metrics", "probe", "webhook") for x in (f"--{name}-addr", f"{LOOPBACK}:{free_port()}")),
        ],
        environment=_environment(folder, "argocd-applicationset-controller") | {"KUBECONFIG": config},
    )


def _install(kube: Kube, binaries: Binaries, plane: ControlPlane) -> None:
    for file in sorted((binaries.folders["argocd"] / "crds" / "crds").glob("*-crd.yaml")):
        kube.apply(yaml.safe_load(file.read_text()))
    kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    for name in CONFIG_MAPS:
        kube.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": _metadata(name)})
    kube.apply(_secret("argocd-secret", {"server.secretkey": secrets.token_hex(32)}))
    kube.apply(_cluster_secret(plane))
    kinds = ("AppProject", "Application", "ApplicationSet")
    until(lambda: all(_serves(kube, kind) for kind in kinds), 30, "Argo CD's kinds are served")
    kube.apply(
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "AppProject",
            "metadata": {"name": PROJECT, "namespace": NAMESPACE},
            "spec": {
                "sourceRepos": ["*"],
                "destinations": [{"namespace": "*", "server": "*"}],
                "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
            },
        }
    )


def _cluster_secret(plane: ControlPlane) -> dict[str, Any]:
    """Describe the cluster to Argo CD, which runs outside and cannot reach `kubernetes.default.svc`."""
    config = {
        "bearerToken": plane.tokens["admin"],
        "tlsClientConfig": {"caData": _base64(plane.authority.read_bytes())},
    }
    secret = _secret("cluster-testbed", {"name": "testbed", "server": plane.server, "config": json.dumps(config)})
    secret["metadata"]["labels"] = LABELS | {"argocd.argoproj.io/secret-type": "cluster"}
    return secret


def _serves(kube: Kube, kind: str) -> bool:
    try:
        kube.call("GET", path_of(kind))
    except KubeError:
        return False
    return True


def _secret(name: str, data: dict[str, str]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": _metadata(name), "type": "Opaque", "stringData": data}


def _metadata(name: str) -> dict[str, Any]:
    return {"name": name, "namespace": NAMESPACE, "labels": LABELS}


def _environment(folder: Path, program: str) -> dict[str, str]:
    """Return the environment of one of Argo CD's programs: they are one binary, chosen by a variable."""
    home = folder / program
    for name in ("ssh", "tls", "tmp"):
        (home / name).mkdir(parents=True, exist_ok=True)
    return {
        "ARGOCD_BINARY_NAME": program,
        "ARGOCD_GPG_ENABLED": "false",
        "ARGOCD_SSH_DATA_PATH": str(home / "ssh"),
        "ARGOCD_TLS_DATA_PATH": str(home / "tls"),
        "ARGOCD_K8S_CLIENT_QPS": "200",
        "ARGOCD_K8S_CLIENT_BURST": "400",
        "HOME": str(home),  # neither the user's git configuration nor their kubeconfig
        "TMPDIR": str(home / "tmp"),
    }


def _with_tools(binaries: Binaries) -> str:
    """Return a PATH on which the repository server finds Helm and Kustomize, ours before any other."""
    ours = [str(binaries.folders[name]) for name in ("helm", "kustomize")]
    return os.pathsep.join([*ours, os.environ.get("PATH", os.defpath)])


def _port(address: str) -> str:
    return address.rpartition(":")[2]


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
