"""The sandbox as a whole: its parts, their servers, and the rule that every write is followed to its end.

After a write, and after whatever falls due, the parts look at the world in turn until none has anything left to do at
this moment: so an answer is never given halfway, and the same seed gives the same world.
"""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any, Self

from reconciler.sandbox import certificates
from reconciler.sandbox.clock import BEGINNING, SandboxClock
from reconciler.sandbox.cluster import Cluster
from reconciler.sandbox.controllers import Controllers
from reconciler.sandbox.controllers.nodes import node_manifest
from reconciler.sandbox.delivery import ArgoCd
from reconciler.sandbox.forge import Forge
from reconciler.sandbox.monitoring import Monitoring
from reconciler.sandbox.timing import Timing
from reconciler.sandbox.wire import Server

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

_ROUNDS = 200  # a world that is not quiet after so many looks is a defect of the sandbox
ARGO_NAMESPACE = "argocd"
_NODES = ("node-1", "node-2", "node-3")


class Restless(RuntimeError):
    """The parts never came to rest: two of them undo each other's work."""


class Sandbox:
    """A cluster, a forge, a delivery and a monitoring of one's own; use as a context manager.

    Raises OSError when a port that was asked for is taken.
    """

    def __init__(
        self,
        folder: Path,
        *,
        seed: int = 0,
        timing: Timing | None = None,
        start: datetime = BEGINNING,
        ports: Mapping[str, int] | None = None,
    ) -> None:
        self.folder = folder
        self.timing = timing or Timing.quick()
        self.clock = SandboxClock(start, after=self.settle)
        ids = random.Random(seed)  # noqa: S311 - names of things, no secrets
        self.cluster = Cluster(self.clock, ids=ids, on_write=self.settle)
        self.controllers = Controllers(self.cluster.store, self.clock, timing=self.timing, ids=ids)
        self.forge = Forge(self.clock, folder / "git", ids=ids)
        self.argocd = ArgoCd(self.cluster.store, self.clock, timing=self.timing, repositories=self._repository)
        self.monitoring = Monitoring(self.cluster.store, self.clock, timing=self.timing)
        asked = ports or {}
        files = certificates.make(folder / "pki")
        self.authority = files.authority
        self.kubernetes = Server(
            self.cluster.handle,
            port=asked.get("kubernetes", 0),
            name="Kubernetes API",
            secure=certificates.server_context(files),
        )
        self.github = Server(self.forge.handle, port=asked.get("github", 0), name="GitHub")
        self.prometheus = Server(self.monitoring.prometheus, port=asked.get("prometheus", 0), name="Prometheus")
        self.alertmanager = Server(self.monitoring.alertmanager, port=asked.get("alertmanager", 0), name="Alertmanager")
        self.servers = (self.kubernetes, self.github, self.prometheus, self.alertmanager)
        self._settling = False
        self._settled = -1

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Make the nodes and serve."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.forge.url = self.github.url
        self.argocd.clusters["sandbox"] = self.kubernetes.url
        with self.clock.lock:
            for name in _NODES:
                self.cluster.store.create(node_manifest(name, cpu="4", memory="16Gi"), manager="kubelet")
            self.settle()
        self.forge.start()
        for server in self.servers:
            server.start()

    def stop(self) -> None:
        """Stop time and the servers."""
        self.clock.stop()
        self.cluster.stop()
        for server in self.servers:
            server.stop()
        self.forge.stop()

    def settle(self) -> None:
        """Let every part do what is to be done now; called after each write and whatever fell due."""
        with self.clock.lock:
            if self._settling:
                return  # a part's own write; the loop below looks again
            self._settling = True
            try:
                self._settle()
            finally:
                self._settling = False

    def _settle(self) -> None:
        for _ in range(_ROUNDS):
            changed = self.controllers.settle()
            changed = self.argocd.settle() or changed
            if not changed:
                self.monitoring.observe()
                return
        raise Restless(f"not quiet after {_ROUNDS} rounds at revision {self.cluster.store.revision}")

    @property
    def kubeconfigs(self) -> dict[str, Path]:
        """A kubeconfig for each user, written at each use."""
        found = {}
        for user in self.cluster.tokens:
            path = self.folder / f"kubeconfig-{user}"
            path.touch(mode=0o600)
            path.write_text(
                json.dumps(self.cluster.kubeconfig(user, self.kubernetes.url, self.authority))
            )  # JSON is YAML
            found[user] = path
        return found

    # What somebody does before the story begins

    def create_repository(self, name: str, files: Mapping[str, str]) -> None:
        """Make `owner/name` on the forge, its first commit on `main` holding these files."""
        with self.clock.lock:
            self.forge.create_repository(name, files)

    def create_namespace(self, name: str, *, environment: str) -> None:
        """Make a namespace whose label says which environment it is."""
        metadata = {"name": name, "labels": {"environment": environment}}
        self._create({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})

    def create_application(self, name: str, repository: str, *, path: str, namespace: str) -> None:
        """Let Argo CD deliver a folder of a repository, automatically and undoing drift."""
        source = {"repoURL": f"{self.github.url}/{repository}.git", "path": path, "targetRevision": "main"}
        spec = {
            "project": "default",
            "source": source | {"directory": {"recurse": True}},
            "destination": {"server": self.kubernetes.url, "namespace": namespace},
            "syncPolicy": {"automated": {"prune": True, "selfHeal": True}},
        }
        metadata = {"name": name, "namespace": ARGO_NAMESPACE}
        self._create({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": metadata, "spec": spec})

    def apply_by_hand(self, manifest: dict[str, Any], *, namespace: str) -> None:
        """Create an object as somebody with kubectl does."""
        self._create(manifest | {"metadata": manifest["metadata"] | {"namespace": namespace}})

    def _create(self, manifest: dict[str, Any]) -> None:
        with self.clock.lock:
            self.cluster.store.create(manifest, manager="kubectl-client-side-apply")
            self.settle()

    def _repository(self, url: str) -> Path | None:
        """Return the bare repository behind an address of ours."""
        prefix = f"{self.github.url}/"
        if not url.startswith(prefix):
            return None
        path = self.forge.repository_path(url.removeprefix(prefix).removesuffix("/").removesuffix(".git"))
        return path if path is not None and path.is_dir() else None
