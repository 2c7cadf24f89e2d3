"""All control loops of the cluster, brought to rest together after every write.

Each look takes what changed since the last one and tells the loops that watch such objects; each loop then looks at
what it marked. Nothing is scanned: a write costs what depends on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.sandbox.controllers.agenda import Agenda
from reconciler.sandbox.controllers.autoscaler import Autoscalers
from reconciler.sandbox.controllers.claims import Claims
from reconciler.sandbox.controllers.control import Controller, Tools
from reconciler.sandbox.controllers.daemonsets import DaemonSets
from reconciler.sandbox.controllers.deployments import Deployments
from reconciler.sandbox.controllers.disruption import DisruptionBudgets
from reconciler.sandbox.controllers.endpoints import EndpointsOfServices
from reconciler.sandbox.controllers.events import Events
from reconciler.sandbox.controllers.garbage import Garbage
from reconciler.sandbox.controllers.jobs import Jobs
from reconciler.sandbox.controllers.kubelet import Kubelet
from reconciler.sandbox.controllers.namespaces import Namespaces
from reconciler.sandbox.controllers.nodes import Nodes, PodsOfLostNodes
from reconciler.sandbox.controllers.replicasets import ReplicaSets
from reconciler.sandbox.controllers.scheduler import Scheduler
from reconciler.sandbox.controllers.statefulsets import StatefulSets

if TYPE_CHECKING:
    import random

    from reconciler.sandbox.clock import SandboxClock
    from reconciler.sandbox.cluster.store import Store
    from reconciler.sandbox.controllers.objects import Json
    from reconciler.sandbox.timing import Timing

# In this order, causes before effects, so that one round takes a Deployment to bound pods.
_LOOPS: tuple[type[Controller], ...] = (
    Garbage,
    Namespaces,
    Nodes,
    PodsOfLostNodes,
    Autoscalers,
    Deployments,
    ReplicaSets,
    StatefulSets,
    DaemonSets,
    Jobs,
    Claims,
    Scheduler,
    Kubelet,
    EndpointsOfServices,
    DisruptionBudgets,
)
_MOST_ROUNDS = 1000  # until everything rests; more would be two loops that undo each other's work


class Controllers:
    """The controllers, the scheduler and the kubelets of one cluster.

    `settle` does what is due now. What is due later is planned on the clock, and changes the store when its time
    comes; settle after that as after any write.
    """

    def __init__(self, store: Store, clock: SandboxClock, *, timing: Timing, ids: random.Random) -> None:
        self._store = store
        self._clock = clock
        agenda = Agenda(clock)
        self._tools = Tools(store, clock, timing, agenda, Events(store, clock, ids, agenda))
        self._loops = [loop(self._tools) for loop in _LOOPS]
        self._watching: dict[str, list[Controller]] = {}
        self._seen: dict[tuple[str, str, str], Json] = {}
        self._revision = 0

    def settle(self) -> bool:
        """Do all that is due now; tell whether anything was changed."""
        with self._clock.lock:
            before = self._store.revision
            self._look()
            for _ in range(_MOST_ROUNDS):
                if not self._round():
                    return self._store.revision != before
        busy = ", ".join(type(loop).__name__ for loop in self._loops if loop.is_dirty)
        raise RuntimeError(f"the sandbox's controllers do not come to rest: {busy}")

    def _round(self) -> bool:
        """Let every loop that has something to do take a turn, each seeing what those before it did."""
        busy = False
        for loop in self._loops:
            if loop.is_dirty:
                loop.work()
                self._look()
                busy = True
        return busy

    def _look(self) -> None:
        """Tell the loops what changed since the last look."""
        if self._store.revision == self._revision:
            return
        places = self._store.changed_since(self._revision)
        served = {kind.name for kind in self._store.kinds}  # not one whose definition is gone
        self._revision = self._store.revision
        for place in places:
            watching = self._watchers(place[0])
            if not watching:
                continue
            old = self._seen.pop(place, None)
            new = self._store.get(*place) if place[0] in served else None
            if new is not None:
                self._seen[place] = new
            if place[0] == "Pod":
                self._tools.placement.note(old, new)
            for loop in watching:
                loop.notice(place[0], old, new)

    def _watchers(self, kind: str) -> list[Controller]:
        found = self._watching.get(kind)
        if found is None:
            found = [] if kind == "Event" else [e for e in self._loops if kind in e.watches or "*" in e.watches]
            self._watching[kind] = found
        return found
