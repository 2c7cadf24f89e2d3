"""An Argo CD of one's own over a store: repositories are bare folders, time is virtual, nobody else writes."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pygit2

from reconciler.sandbox.clock import SandboxClock
from reconciler.sandbox.cluster.store import Store
from reconciler.sandbox.delivery import ArgoCd
from reconciler.sandbox.timing import Timing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Json = dict[str, Any]

URL = "https://git.example/shop.git"
OTHER = "https://git.example/other.git"
NAME, NAMESPACE = "shop", "production"
AUTOMATED = {"automated": {"prune": True, "selfHeal": True}}
ANA = pygit2.Signature("ana", "ana@example.com", 1_767_000_000, 0)

CONFIG = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
data:
  LEVEL: {level}
"""
WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: {replicas}
  selector:
    matchLabels: {{app: web}}
  template:
    metadata:
      labels: {{app: web}}
    spec:
      containers:
        - name: web
          image: registry.example/web:1.0
          resources:
            limits:
              memory: {memory}
"""


def config(level: str = "info", name: str = "settings", **annotations: str) -> str:
    """Return a ConfigMap's YAML."""
    notes = "".join(f'    {key}: "{value}"\n' for key, value in annotations.items())
    head = f"  name: {name}\n" + (f"  annotations:\n{notes}" if notes else "")
    return CONFIG.format(level=level).replace("  name: settings\n", head)


def web(memory: str = "512Mi", replicas: int = 1) -> str:
    """Return a Deployment's YAML."""
    return WEB.format(memory=memory, replicas=replicas)


class World:
    """A cluster with a namespace, two repositories, and an Argo CD."""

    def __init__(self, folder: Path, timing: Timing | None = None) -> None:
        self.folder = folder
        self.timing = timing or Timing.quick()
        self.clock = SandboxClock(after=self.settle)
        self.store = Store(self.clock, random.Random(1))
        self.repositories = {URL: folder / "shop.git", OTHER: folder / "other.git"}
        for path in self.repositories.values():
            pygit2.init_repository(str(path), bare=True, initial_head="main")
        self.argocd = ArgoCd(self.store, self.clock, timing=self.timing, repositories=self.repositories.get)
        self.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})

    def settle(self) -> None:
        """Let Argo CD, and the garbage collector, do what is to be done now."""
        for _ in range(20):
            if not self.argocd.settle():
                self._collect()
                if not self.argocd.settle():
                    return
        raise AssertionError("Argo CD does not come to rest")

    def _collect(self) -> None:
        """Let go, as the garbage collector does, what waits for children that it does not have."""
        for each in self.store.list("ConfigMap"):
            metadata = each["metadata"]
            if metadata.get("deletionTimestamp") and "foregroundDeletion" in metadata.get("finalizers", ()):
                self.store.change(
                    "ConfigMap",
                    metadata["namespace"],
                    metadata["name"],
                    lambda value: value["metadata"]["finalizers"].remove("foregroundDeletion"),
                    manager="kube-controller-manager",
                )

    def wait(self, seconds: float = 1.5, name: str = NAME) -> Json:
        """Let time pass and return the Application's status; the default is enough for a whole sync."""
        self.clock.advance(timedelta(seconds=seconds))
        found: Json = self.live("Application", name).get("status") or {}
        return found

    # Git

    def commit(self, files: Mapping[str, str | None], url: str = URL, branch: str = "main") -> str:
        """Commit files to a branch (None deletes one) and return the commit."""
        repository = pygit2.Repository(str(self.repositories[url]))
        ref = f"refs/heads/{branch}"
        base = ref if ref in repository.references else "refs/heads/main"
        parents = [repository.references[base].target] if base in repository.references else []
        index = pygit2.Index()
        if parents:
            index.read_tree(repository[parents[0]].peel(pygit2.Tree))
        for path, text in files.items():
            if text is None:
                index.remove(path)
            else:
                index.add(pygit2.IndexEntry(path, repository.create_blob(text.encode()), pygit2.enums.FileMode.BLOB))
        tree = index.write_tree(repository)
        commit = repository.create_commit(None, ANA, ANA, "Change manifests", tree, parents)
        repository.references.create(ref, commit, force=True)
        return str(commit)

    @property
    def head(self) -> tuple[pygit2.Repository, str]:
        """The first repository, and its newest commit."""
        repository = pygit2.Repository(str(self.repositories[URL]))
        return repository, str(repository.references["refs/heads/main"].target)

    # The cluster

    def create(self, manifest: Json) -> Json:
        """Create an object as a person."""
        found = self.store.create(manifest, manager="kubectl")
        self.settle()
        return found

    def application(self, name: str = NAME, sources: list[Json] | None = None, **spec: Any) -> Json:  # noqa: ANN401 - JSON
        """Create an Application; by default of the folder deploy on main, synced by itself."""
        source = {"repoURL": URL, "path": "deploy", "targetRevision": "main"}
        wanted = {
            "project": "default",
            **({"sources": sources} if sources else {"source": source}),
            "destination": {"server": "https://kubernetes.default.svc", "namespace": NAMESPACE},
            "syncPolicy": AUTOMATED,
            **spec,
        }
        metadata = {"name": name, "namespace": "argocd"}
        return self.create(
            {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": metadata, "spec": wanted}
        )

    def change(self, kind: str, name: str, patch: Json, *, manager: str = "kubectl", subresource: str = "") -> Json:
        """Set fields of an object as a person does; None takes one away."""
        namespace = "argocd" if kind in {"Application", "AppProject"} else NAMESPACE
        found = self.store.change(
            kind, namespace, name, lambda value: _merge(value, patch), manager=manager, subresource=subresource
        )
        self.settle()
        return found

    def refresh(self, how: str = "normal", name: str = NAME) -> None:
        """Ask Argo CD to read Git again."""
        self.change("Application", name, {"metadata": {"annotations": {"argocd.argoproj.io/refresh": how}}})

    def sync(self, **operation: Any) -> None:  # noqa: ANN401 - JSON
        """Ask for a sync, as a person does."""
        self.change("Application", NAME, {"operation": {"sync": operation, "initiatedBy": {"username": "ana"}}})

    def rolled_out(self, name: str = "web") -> None:
        """Say of a Deployment, as its controller does, that it is rolled out."""
        live = self.live("Deployment", name)
        count = live["spec"]["replicas"]
        names = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
        status = dict.fromkeys(names, count) | {"observedGeneration": live["metadata"]["generation"]}
        self.change("Deployment", name, {"status": status}, manager="controller", subresource="status")

    def live(self, kind: str, name: str) -> Json:
        """Return an object of the namespace, or an Application."""
        found = self.find(kind, name)
        assert found is not None, f"there is no {kind} {name}"
        return found

    def find(self, kind: str, name: str) -> Json | None:
        """Return an object or None."""
        return self.store.get(kind, "argocd" if kind in {"Application", "AppProject"} else NAMESPACE, name)

    def delete(self, kind: str, name: str) -> None:
        """Delete an object as a person."""
        self.store.delete(kind, "argocd" if kind == "Application" else NAMESPACE, name)
        self.settle()

    @property
    def status(self) -> Json:
        """The Application's status."""
        found: Json = self.live("Application", NAME).get("status") or {}
        return found

    @property
    def conditions(self) -> dict[str, str]:
        """The Application's conditions: message by type."""
        return {each["type"]: each["message"] for each in self.status.get("conditions", ())}

    @property
    def operation(self) -> Json:
        """The state of the Application's last operation."""
        found: Json = self.status.get("operationState") or {}
        return found


def _merge(value: Json, patch: Json) -> None:
    for key, change in patch.items():
        if isinstance(change, dict):
            below = value.setdefault(key, {})
            if not isinstance(below, dict):
                raise TypeError(f"{key} is no map")
            _merge(below, change)
        elif change is None:
            value.pop(key, None)
        else:
            value[key] = change
