"""What every control loop has in common: a queue of objects to look at again, and a way to look again later.

Level-triggered: a loop is told which objects changed, never what changed; it compares what is with what should be and
writes the difference. So a missed turn or a second one does no harm.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from reconciler.sandbox.clock import SandboxClock
from reconciler.sandbox.cluster.store import Store
from reconciler.sandbox.controllers.agenda import Agenda, Plan
from reconciler.sandbox.controllers.events import Events
from reconciler.sandbox.controllers.objects import Json, Key, key_of, labels_of, selects
from reconciler.sandbox.timing import Timing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime, timedelta


class Placement:
    """Which pods are bound to which node."""

    def __init__(self) -> None:
        self._pods: dict[str, dict[Key, None]] = {}

    def note(self, old: Json | None, new: Json | None) -> None:
        """Take notice of a pod's change."""
        before = old["spec"].get("nodeName") if old else None
        now = new["spec"].get("nodeName") if new else None
        if before == now:
            return
        if old and before:
            self._pods.get(before, {}).pop(key_of(old), None)
        if new and now:
            self._pods.setdefault(now, {})[key_of(new)] = None

    def on(self, node: str) -> list[Key]:
        """Return the pods bound to a node, oldest first."""
        return list(self._pods.get(node, ()))


@dataclass(frozen=True, slots=True)
class Tools:
    """What a control loop works with."""

    store: Store
    clock: SandboxClock
    timing: Timing
    agenda: Agenda
    events: Events
    placement: Placement = field(default_factory=Placement)


class Controller(ABC):
    """One control loop: keeps the objects of its kind as they should be."""

    watches: ClassVar[tuple[str, ...]] = ()  # kinds whose changes it is told of
    manager: ClassVar[str] = "kube-controller-manager"

    def __init__(self, tools: Tools) -> None:
        self.tools = tools
        self.store = tools.store
        self.clock = tools.clock
        self.timing = tools.timing
        self.events = tools.events
        self._queue: dict[Key, None] = {}
        self._plans: dict[Key, Plan] = {}

    @abstractmethod
    def notice(self, kind: str, old: Json | None, new: Json | None) -> None:
        """Take notice of a change: mark what has to be looked at again."""

    @abstractmethod
    def sync(self, key: Key) -> None:
        """Look at one object and do what is due now."""

    @property
    def is_dirty(self) -> bool:
        """Whether something has to be looked at again."""
        return bool(self._queue)

    def mark(self, key: Key) -> None:
        """Look at an object again in the next turn."""
        self._queue[key] = None

    def work(self) -> None:
        """Look at everything that is marked, in the order of marking."""
        queue, self._queue = self._queue, {}
        for key in queue:
            self.sync(key)

    def wake(self, key: Key, at: datetime | None) -> None:
        """Look at an object again at a time, instead of when that was planned before; None plans nothing."""
        former = self._plans.get(key)
        if former is not None:
            if former.at == at:
                return
            former.cancelled = True
            del self._plans[key]
        if at is not None:
            self._plans[key] = self.tools.agenda.plan(at, lambda: self._woken(key))

    def wake_after(self, key: Key, wait: timedelta) -> None:
        """Look at an object again after a while."""
        self.wake(key, self.clock.now() + wait)

    def _woken(self, key: Key) -> None:
        self._plans.pop(key, None)
        self.sync(key)


def mark_owner(controller: Controller, kind: str, items: Iterable[Json | None]) -> None:
    """Mark the objects of a kind that control any of these."""
    for item in items:
        for owner in (item or {}).get("metadata", {}).get("ownerReferences") or ():
            if item is not None and owner.get("controller") and owner["kind"] == kind:
                controller.mark((key_of(item)[0], owner["name"]))


@dataclass(slots=True)
class _Selection:
    selector: Json | None
    pods: dict[Key, None]


class Selections:
    """Which pods each selecting object (a Service, a disruption budget) selects, kept as they change."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._by_namespace: dict[str, dict[str, _Selection]] = {}

    def define(self, key: Key, selector: Json | None) -> None:
        """Take notice of what an object selects now."""
        namespace, name = key
        known = self._by_namespace.setdefault(namespace, {})
        if name in known and known[name].selector == selector:
            return
        pods = self._store.list("Pod", namespace) if selector is not None else []
        known[name] = _Selection(selector, {key_of(p): None for p in pods if selects(selector, labels_of(p))})

    def forget(self, key: Key) -> None:
        """Take notice that an object is gone."""
        self._by_namespace.get(key[0], {}).pop(key[1], None)

    def note(self, old: Json | None, new: Json | None) -> Iterator[Key]:
        """Take notice of a pod's change, and yield the objects that select it now or did before."""
        pod = new or old
        if pod is None:
            return
        key = key_of(pod)
        for name, selection in self._by_namespace.get(key[0], {}).items():
            did = selection.pods.pop(key, 0) is None
            does = new is not None and selects(selection.selector, labels_of(new))
            if does:
                selection.pods[key] = None
            if did or does:
                yield key[0], name

    def pods(self, key: Key) -> list[Json]:
        """Return the pods that an object selects, by name."""
        selection = self._by_namespace.get(key[0], {}).get(key[1])
        found = (self._store.get("Pod", *pod) for pod in sorted(selection.pods)) if selection else ()
        return [pod for pod in found if pod is not None]
