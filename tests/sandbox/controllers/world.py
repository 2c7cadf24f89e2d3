"""A cluster in virtual time: a store, its controllers and a clock, settled after each step."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from reconciler.sandbox.clock import SandboxClock
from reconciler.sandbox.cluster.store import Store
from reconciler.sandbox.controllers import Controllers, node_manifest
from reconciler.sandbox.controllers.faults import PREFIX
from reconciler.sandbox.timing import Timing

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]

BEGINNING = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
SPACE = "production"
IMAGE = "registry.example/web:1.0"


class World:
    """Three nodes, a namespace, and hands to write with."""

    def __init__(
        self, seed: int = 1, *, nodes: int = 3, cpu: str = "8", memory: str = "32Gi", timing: Timing | None = None
    ) -> None:
        self.clock = SandboxClock(BEGINNING, after=self._settle)
        self.store = Store(self.clock, random.Random(seed))
        self.timing = timing or Timing.quick()
        self.controllers = Controllers(self.store, self.clock, timing=self.timing, ids=random.Random(seed))
        for number in range(nodes):
            self.create(node_manifest(f"node-{number + 1}", cpu, memory))
        self.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE}})

    def _settle(self) -> None:
        self.controllers.settle()

    def create(self, manifest: Json) -> Json:
        """Create an object and settle."""
        created = self.store.create(manifest, manager="test")
        self.controllers.settle()
        return created

    def change(self, kind: str, name: str, mutate: Callable[[Json], None], *, subresource: str = "") -> None:
        """Change an object and settle."""
        space = "" if kind == "Node" else SPACE
        self.store.change(kind, space, name, mutate, manager="test", subresource=subresource)
        self.controllers.settle()

    def template(self, name: str, mutate: Callable[[Json], None], kind: str = "Deployment") -> None:
        """Change a workload's template and settle."""
        self.change(kind, name, lambda it: mutate(it["spec"]["template"]))

    def scale(self, name: str, replicas: int) -> None:
        """Want another number of a Deployment's pods and settle."""
        self.change("Deployment", name, lambda it: it["spec"].update(replicas=replicas))

    def container(self, name: str, **fields: Any) -> None:  # noqa: ANN401 - fields of a container
        """Change the first container of a Deployment's template and settle."""
        self.template(name, lambda template: template["spec"]["containers"][0].update(fields))

    def annotate(self, kind: str, name: str, **notes: str | None) -> None:
        """Set faults on an object, or take them away, and settle; names without prefix, `_` for `-`."""

        def mutate(item: Json) -> None:
            annotations = item["metadata"].setdefault("annotations", {})
            for key, value in notes.items():
                annotations.pop(fault(key), None)
                if value is not None:
                    annotations[fault(key)] = value

        self.change(kind, name, mutate)

    def delete(self, kind: str, name: str, *, grace: int | None = None) -> None:
        """Delete an object and settle."""
        space = "" if kind in ("Node", "Namespace") else SPACE
        self.store.delete(kind, space, name, grace=grace)
        self.controllers.settle()

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.advance(timedelta(seconds=seconds))

    def get(self, kind: str, name: str) -> Json:
        """Return an object that is there."""
        found = self.store.get(kind, "" if kind in ("Node", "Namespace") else SPACE, name)
        assert found is not None, f"no {kind} {name}"
        return found

    def status(self, kind: str, name: str) -> Json:
        """Return an object's status."""
        status: Json = self.get(kind, name)["status"]
        return status

    def pods(self, app: str = "web") -> list[Json]:
        """Return the pods of an app, by name."""
        return [pod for pod in self.store.list("Pod", SPACE) if pod["metadata"]["labels"].get("app") == app]

    def names(self, app: str = "web") -> list[str]:
        """Return the names of the pods of an app, in order."""
        return [pod["metadata"]["name"] for pod in self.pods(app)]

    def pod(self, app: str = "web") -> Json:
        """Return the only pod of an app."""
        [found] = self.pods(app)
        return found

    def sets(self, app: str = "web") -> list[Json]:
        """Return a Deployment's ReplicaSets, oldest revision first."""
        found = [s for s in self.store.list("ReplicaSet", SPACE) if s["metadata"]["labels"].get("app") == app]
        return sorted(found, key=lambda s: int(s["metadata"]["annotations"]["deployment.kubernetes.io/revision"]))

    def sizes(self) -> list[int]:
        """Return the sizes of the Deployment's ReplicaSets, oldest revision first."""
        return [each["spec"]["replicas"] for each in self.sets()]

    def events(self, reason: str, name: str = "") -> list[Json]:
        """Return the events of a reason, about one object or any."""
        return [
            event
            for event in self.store.list("Event", SPACE)
            if event["reason"] == reason and name in ("", event["involvedObject"]["name"])
        ]


def fault(key: str) -> str:
    """Return a fault's annotation."""
    return f"{PREFIX}{key.replace('_', '-')}"


def deployment(name: str = "web", *, replicas: int = 1, memory: str = "512Mi", **faults: str) -> Json:
    """Return a Deployment; `faults` are annotations of its pods, without prefix."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": SPACE, "labels": {"app": name}},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": template(name, memory=memory, **faults),
        },
    }


def template(name: str = "web", *, memory: str = "512Mi", **faults: str) -> Json:
    """Return a pod template of one container."""
    container = {
        "name": name,
        "image": IMAGE,
        "resources": {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": memory}},
    }
    annotations = {fault(key): value for key, value in faults.items()}
    return {
        "metadata": {"labels": {"app": name}, **({"annotations": annotations} if annotations else {})},
        "spec": {"containers": [container]},
    }


def condition(item: Json, kind: str) -> Json:
    """Return a condition of an object's status, empty where there is none."""
    found: list[Json] = item["status"].get("conditions") or []
    return next((each for each in found if each["type"] == kind), {})


def is_ready(item: Json) -> bool:
    """Whether a pod or a node is ready."""
    return condition(item, "Ready").get("status") == "True"


def container(pod: Json, name: str = "web") -> Json:
    """Return the status of a container."""
    return next(each for each in pod["status"]["containerStatuses"] if each["name"] == name)


def waiting(pod: Json, name: str = "web") -> str | None:
    """Return why a container waits, None if it does not."""
    reason: str | None = container(pod, name)["state"].get("waiting", {}).get("reason")
    return reason
