"""Start etcd, the API server, the controllers and the scheduler, and give users their access.

Three users: `admin` may do anything; `reconciler` may do what a real installation grants (`access.yaml`, which is
therefore also a test of what the product needs); `readonly` may only look.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from reconciler.sandbox import certificates
from tests.testbed.kube import Kube, KubeError
from tests.testbed.processes import LOOPBACK, Processes, answers, free_port

if TYPE_CHECKING:
    from tests.testbed.build import Binaries

USERS = {"admin": "system:masters", "reconciler": "testbed", "readonly": "testbed"}
ACCESS = Path(__file__).parent / "access.yaml"


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """A running API server with its controllers."""

    server: str
    authority: Path
    tokens: dict[str, str]  # by user
    kubeconfigs: dict[str, Path]  # by user

    def kube(self, user: str = "admin") -> Kube:
        """Return a connection as one of the users."""
        return Kube(self.server, self.tokens[user], self.authority)


def start(processes: Processes, binaries: Binaries, folder: Path) -> ControlPlane:
    """Start the control plane and wait until the API server is ready; the controllers follow by themselves."""
    folder.mkdir(parents=True, exist_ok=True)
    files, signing_key = certificates.make(folder / "pki"), folder / "pki" / "sa.key"
    certificates.make_key(signing_key)
    tokens = {user: secrets.token_urlsafe(24) for user in USERS}
    token_file = folder / "tokens.csv"
    token_file.touch(mode=0o600)
    token_file.write_text("".join(f'{tokens[user]},{user},{user},"{group}"\n' for user, group in USERS.items()))
    etcd = _start_etcd(processes, binaries, folder)
    port = free_port()
    server = f"https://{LOOPBACK}:{port}"
    api = processes.start(
        "kube-apiserver",
        [
            binaries.program("kube-apiserver"),
            f"--etcd-servers={etcd}",
            f"--bind-address={LOOPBACK}",
            f"--secure-port={port}",
            f"--tls-cert-file={files.server}",
            f"--tls-private-key-file={files.server_key}",
            f"--cert-dir={folder / 'pki'}",
            f"--service-account-key-file={signing_key}",
            f"--service-account-signing-key-file={signing_key}",
            f"--service-account-issuer={server}",
            f"--token-auth-file={token_file}",
            "--authorization-mode=RBAC",
            "--service-cluster-ip-range=10.96.0.0/16",
            "--allow-privileged=true",
            "--endpoint-reconciler-type=none",  # a loopback address is no endpoint, and nothing inside needs one
            "--profiling=false",
        ],
    )
    kubeconfigs = {user: _kubeconfig(folder, server, files.authority, user, tokens[user]) for user in USERS}
    plane = ControlPlane(server, files.authority, tokens, kubeconfigs)
    kube = plane.kube()
    processes.until(api, lambda: _is_ready(kube))
    _start_controllers(processes, binaries, folder, plane, files)
    for document in yaml.safe_load_all(ACCESS.read_text()):
        kube.apply(document)
    kube.close()
    return plane


def _start_etcd(processes: Processes, binaries: Binaries, folder: Path) -> str:
    client, peer = (f"http://{LOOPBACK}:{free_port()}" for _ in range(2))
    etcd = processes.start(
        "etcd",
        [
            binaries.program("etcd"),
            "--name=testbed",
            f"--data-dir={folder / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=testbed={peer}",
            "--unsafe-no-fsync",  # the data do not outlive the run
            "--log-level=warn",
        ],
    )
    processes.until(etcd, answers(f"{client}/health"))
    return client


def _start_controllers(
    processes: Processes, binaries: Binaries, folder: Path, plane: ControlPlane, files: certificates.Certificates
) -> None:
    processes.start(
        "kube-controller-manager",
        [
            binaries.program("kube-controller-manager"),
            f"--kubeconfig={plane.kubeconfigs['admin']}",
            "--use-service-account-credentials=true",
            f"--service-account-private-key-file={folder / 'pki' / 'sa.key'}",
            f"--root-ca-file={files.authority}",
            f"--cert-dir={folder / 'pki'}",
            f"--bind-address={LOOPBACK}",
            f"--secure-port={free_port()}",
            "--leader-elect=false",
            "--node-monitor-period=1s",
            "--node-monitor-grace-period=50s",
            "--kube-api-qps=200",
            "--kube-api-burst=400",
            "--concurrent-deployment-syncs=20",
            "--concurrent-replicaset-syncs=20",
            "--profiling=false",
        ],
    )
    processes.start(
        "kube-scheduler",
        [
            binaries.program("kube-scheduler"),
            f"--kubeconfig={plane.kubeconfigs['admin']}",
            f"--cert-dir={folder / 'pki'}",
            f"--bind-address={LOOPBACK}",
            f"--secure-port={free_port()}",
            "--leader-elect=false",
            "--kube-api-qps=200",
            "--kube-api-burst=400",
        ],
    )


def _is_ready(kube: Kube) -> bool:
    """Whether the API server serves and has made its own RBAC roles and namespaces."""
    try:
        return kube.get("Namespace", "kube-system") is not None and kube.get("ClusterRole", "admin") is not None
    except KubeError:
        return False


def _kubeconfig(folder: Path, server: str, authority: Path, user: str, token: str) -> Path:
    path = folder / f"{user}.kubeconfig"
    path.touch(mode=0o600)
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": user,
        "clusters": [{"name": "testbed", "cluster": {"server": server, "certificate-authority": str(authority)}}],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [{"name": user, "context": {"cluster": "testbed", "user": user}}],
    }
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    return path
