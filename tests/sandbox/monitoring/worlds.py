"""Worlds for the tests of the monitoring: a store filled by hand, and requests without a server."""

from __future__ import annotations

import json
import random
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from reconciler.sandbox.clock import BEGINNING, SandboxClock
from reconciler.sandbox.cluster.store import Store
from reconciler.sandbox.monitoring import Monitoring, times
from reconciler.sandbox.monitoring.alerts import Alerting
from reconciler.sandbox.timing import Timing
from reconciler.sandbox.wire import Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from reconciler.sandbox.monitoring.history import History
    from reconciler.sandbox.monitoring.rules import Rule
    from reconciler.sandbox.monitoring.samples import Json

START = times.ms(BEGINNING)


def written_clock(at: int) -> SandboxClock:
    """Return a clock that stands at a moment."""
    return SandboxClock(times.moment(at))


def alerting(history: History, clock: SandboxClock, rules: Iterable[Rule] = (), *, interval: int = 1000) -> Alerting:
    """Return rules at work that tell nobody."""
    return Alerting(history, clock, rules, interval=interval, resolve=interval, scrape=_nothing, notify=_nothing)


JSON = {"content-type": "application/json"}


class World:
    """A cluster without controllers, and its monitoring."""

    def __init__(self, timing: Timing | None = None) -> None:
        self.clock = SandboxClock(after=self.settle)
        self.store = Store(self.clock, random.Random(1))
        self.monitoring = Monitoring(self.store, self.clock, timing=timing or Timing.quick())
        self.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "production"}})

    def settle(self) -> None:
        """Let the monitoring see what changed, as the sandbox does after all that falls due."""
        self.monitoring.observe()

    def create(self, manifest: Json) -> Json:
        """Create an object, and let the monitoring see it."""
        made = self.store.create(manifest, manager="test")
        self.monitoring.observe()
        return made

    def change(self, kind: str, name: str, mutate: Callable[[Json], None], namespace: str = "production") -> None:
        """Change an object's status, and let the monitoring see it."""
        self.store.change(kind, namespace, name, mutate, manager="test", subresource="status")
        self.monitoring.observe()

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.advance(timedelta(seconds=seconds))

    def query(self, query: str, **parameters: str) -> dict[frozenset[tuple[str, str]], float]:
        """Return a query's vector."""
        data = self.prometheus("/api/v1/query", query=query, **parameters)
        return {frozenset(row["metric"].items()): float(row["value"][1]) for row in data["result"]}

    def value(self, query: str, **parameters: str) -> float | None:
        """Return the value of a query's one element, or None when there is none."""
        (value,) = self.query(query, **parameters).values() or (None,)
        return value

    def prometheus(self, path: str, **parameters: str) -> Any:  # noqa: ANN401 - JSON of any shape
        """Return what Prometheus answers."""
        query = {name: [text] for name, text in parameters.items()}
        answer = decoded(self.monitoring.prometheus(Request("GET", path, query, {})))
        assert answer["status"] == "success", answer
        return answer["data"]

    def alertmanager(self, path: str, method: str = "GET", body: object = None, **parameters: str) -> Any:  # noqa: ANN401 - JSON of any shape
        """Return what Alertmanager answers."""
        query = {name: [text] for name, text in parameters.items()}
        posted = b"" if body is None else json.dumps(body).encode()
        return decoded(self.monitoring.alertmanager(Request(method, path, query, JSON, posted)))


def pod(name: str = "web-1", *, owner: str = "", load: str = "", cpu: str = "2", need: str = "1Gi") -> Json:
    """Return a pod of one container `web` with a memory limit of 512Mi."""
    notes = {"needs-memory": need, "cpu-load": load}
    metadata: Json = {"name": name, "namespace": "production"}
    metadata["annotations"] = {f"testbed.reconciler.dev/{key}": text for key, text in notes.items() if text}
    if owner:
        controller = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": owner, "uid": "u", "controller": True}
        metadata["ownerReferences"] = [controller]
    resources = {"requests": {"memory": "256Mi"}, "limits": {"memory": "512Mi", "cpu": cpu}}
    container = {"name": "web", "image": "web:1", "resources": resources}
    spec = {"nodeName": "node-1", "containers": [container]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def runs(world: World, *, restarts: int = 0, ready: bool = True) -> Callable[[Json], None]:
    """Return what makes a pod run, from now on."""
    return _status(restarts, ready=ready, state={"running": {"startedAt": world.clock.stamp()}})


def crashed(restarts: int) -> Callable[[Json], None]:
    """Return what makes a pod wait after it was OOM-killed."""
    return _status(restarts, ready=False, state={"waiting": {"reason": "CrashLoopBackOff"}})


def _status(restarts: int, *, ready: bool, state: Json) -> Callable[[Json], None]:
    last = {"terminated": {"exitCode": 137, "reason": "OOMKilled"}} if restarts else {}
    container = {"name": "web", "restartCount": restarts, "ready": ready, "state": state, "lastState": last}

    def mutate(item: Json) -> None:
        conditions = [{"type": "Ready", "status": str(ready)}]
        item["status"] = {"phase": "Running", "conditions": conditions, "containerStatuses": [container]}

    return mutate


def decoded(response: Response) -> Any:  # noqa: ANN401 - JSON of any shape
    """Return an answer's JSON, None when it has no body."""
    assert isinstance(response.body, bytes)
    return json.loads(response.body) if response.body else None


def _nothing(_: object) -> None:
    """Do nothing."""
