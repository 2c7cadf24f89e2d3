"""The kubelets of all nodes: pods start, fail, recover, become ready and end, each step at its time.

A step is planned from what the pod is and since when; at its time the pod is looked at anew, so that whatever was
mended meanwhile does not fail. Only what a kubelet remembers is remembered here: since when a container is in its
state, since when the probe passes, and how many restarts lie behind a container that has run well for long.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar

from reconciler.sandbox.controllers import faults, lifecycle
from reconciler.sandbox.controllers.containers import Happening, View, created, is_sidecar, next_step, take
from reconciler.sandbox.controllers.control import Controller, Tools
from reconciler.sandbox.controllers.events import NORMAL
from reconciler.sandbox.controllers.objects import ENDED, Json, Key, is_deleting, key_of, phase_of

KUBELET = "kubelet"
_CALM = timedelta(minutes=10)  # a container that ran that long starts over with short pauses
_MOST_STEPS = 4  # of one container at one moment; more would be a loop


@dataclass(slots=True)
class _Memory:
    """What the kubelet remembers of a pod."""

    uid: str
    states: dict[str, tuple[object, datetime]] = field(default_factory=dict)  # container → its state, and since when
    healthy: tuple[bool, datetime] | None = None
    calm: dict[str, int] = field(default_factory=dict)
    leaving: datetime | None = None

    def since(self, name: str, state: object, now: datetime) -> datetime:
        """Return since when a container is in a state."""
        known = self.states.get(name)
        if known is None or known[0] != state:
            self.states[name] = known = (state, now)
        return known[1]


@dataclass(slots=True)
class _Look:
    """One look at a pod: what it becomes, what there is to tell, and when to look again."""

    view: View
    memory: _Memory
    now: datetime
    healthy: bool
    told: list[tuple[str, Happening]] = field(default_factory=list)
    again: datetime | None = None

    def later(self, at: datetime) -> None:
        """Look again at a time, at the latest."""
        self.again = at if self.again is None else min(self.again, at)


class Kubelet(Controller):
    """Brings every pod that is bound to a node through its life."""

    watches: ClassVar[tuple[str, ...]] = ("Pod", "Node", "ConfigMap")
    manager: ClassVar[str] = KUBELET

    def __init__(self, tools: Tools) -> None:
        super().__init__(tools)
        self._memories: dict[Key, _Memory] = {}
        self._readers: dict[Key, dict[Key, None]] = {}  # ConfigMap → the pods that read it
        self._addresses = 0

    def notice(self, kind: str, old: Json | None, new: Json | None) -> None:
        """Look at a pod that changed, and at the pods of a node or ConfigMap that did."""
        item = new or old
        if item is None:
            return
        if kind == "Pod":
            self.mark(key_of(item))
        elif kind == "ConfigMap":
            for key in self._readers.get(key_of(item), ()):
                self.mark(key)
        elif old is None or faults.node_fails(old) != faults.node_fails(new):
            for key in self.tools.placement.on(item["metadata"]["name"]):
                self.mark(key)

    def sync(self, key: Key) -> None:
        """Do with a pod what is due."""
        pod = self.store.get("Pod", *key)
        memory = self._memories.get(key)
        if memory is not None and (pod is None or pod["metadata"]["uid"] != memory.uid):
            self._forget(key)
            memory = None
        if pod is None:
            return
        if is_deleting(pod):
            self._leave(key, pod, memory or self._meet(key, pod))
        elif pod["spec"].get("nodeName") and phase_of(pod) not in ENDED:
            self._live(key, pod, memory or self._meet(key, pod))

    def _meet(self, key: Key, pod: Json) -> _Memory:
        self._memories[key] = memory = _Memory(pod["metadata"]["uid"])
        return memory

    def _forget(self, key: Key) -> None:
        del self._memories[key]
        self.wake(key, None)
        for readers in self._readers.values():
            readers.pop(key, None)

    def _leave(self, key: Key, pod: Json, memory: _Memory) -> None:
        """End a pod that is asked to: gracefully, unless something holds it."""
        now = self.clock.now()
        if memory.leaving is None:
            memory.leaving = now
            self._tell_killing(pod)
        grace = timedelta(seconds=pod["metadata"].get("deletionGracePeriodSeconds") or 0)
        end = memory.leaving + min(self.timing.terminate, grace)
        if faults.is_stuck(pod):
            self.wake(key, None)
        elif end > now:
            self.wake(key, end)
        else:  # gone now, unless a finalizer still holds it
            self.store.delete("Pod", *key, grace=0)

    def _tell_killing(self, pod: Json) -> None:
        for status in (pod.get("status") or {}).get("containerStatuses") or ():
            if "running" in status["state"]:
                self._tell(pod, status["name"], (NORMAL, "Killing", f"Stopping container {status['name']}"))

    def _live(self, key: Key, pod: Json, memory: _Memory) -> None:
        now = self.clock.now()
        view = View(pod, self.clock.stamp(), self.timing, self._config(pod), memory.calm)
        look = _Look(view, memory, now, self._health(pod, memory, now))
        old = pod.get("status") or {}
        init, statuses = self._containers(look, old)
        status = lifecycle.status_of(view, old, init, statuses)
        if not old.get("podIP"):
            status |= self._address(pod)
        self.wake(key, look.again)
        if status != old:
            self.store.change("Pod", *key, lambda it: it.update(status=status), manager=KUBELET, subresource="status")
        if old.get("containerStatuses") and lifecycle.became_unready(old, status) and not look.healthy:
            text = "Readiness probe failed: HTTP probe failed with statuscode: 503"
            look.told += [(c["name"], ("Warning", "Unhealthy", text)) for c in statuses if "running" in c["state"]]
        for container, happening in look.told:
            self._tell(pod, container, happening)

    def _containers(self, look: _Look, old: Json) -> tuple[list[Json], list[Json]]:
        """Return the statuses of init containers and containers after what is due."""
        spec = look.view.pod["spec"]
        known = {each["name"]: each for each in old.get("initContainerStatuses") or ()}
        init, blocked = [], False
        for container in spec.get("initContainers") or ():
            status = self._container(look, container, None, known.get(container["name"]), blocked=blocked)
            init.append(status)
            blocked = blocked or not lifecycle.is_through(container, status)
        known = {each["name"]: each for each in old.get("containerStatuses") or ()}
        return init, [
            self._container(look, container, index, known.get(container["name"]), blocked=blocked)
            for index, container in enumerate(spec["containers"])
        ]

    def _container(self, look: _Look, container: Json, index: int | None, old: Json | None, *, blocked: bool) -> Json:
        """Return one container's status after all that is due; blocked, it only gets its first one."""
        name, memory = container["name"], look.memory
        status = old or created(look.view, container)
        for _ in range(_MOST_STEPS):
            since = memory.since(name, (blocked, status["state"]), look.now)
            step = None if blocked else next_step(look.view, container, index, status)
            if step is None:
                break
            due = since + step[1]
            if due > look.now:
                look.later(due)
                break
            if "running" in status["state"] and look.now - since >= _CALM:
                memory.calm[name] = status["restartCount"]
            status, happened = take(look.view, container, index, status, step[0])
            memory.states[name] = ((blocked, status["state"]), look.now)
            look.told += [(name, each) for each in happened]
        return self._readiness(look, container, index, status)

    def _readiness(self, look: _Look, container: Json, index: int | None, status: Json) -> Json:
        """Return a status with `ready` as the probe says: a while after the start, and at once when it fails."""
        if index is None and not is_sidecar(container):
            return status
        ready = False
        if "running" in status["state"] and look.healthy:
            since = look.memory.states[status["name"]][1]
            passes = look.memory.healthy[1] if look.memory.healthy else look.now
            due = max(since, passes) + self.timing.ready
            ready = status["ready"] or due <= look.now
            if not ready:
                look.later(due)
        return status if status["ready"] == ready else status | {"ready": ready}

    def _health(self, pod: Json, memory: _Memory, now: datetime) -> bool:
        healthy = not faults.is_failing(pod, self.store.get("Node", "", pod["spec"]["nodeName"]))
        if memory.healthy is None or memory.healthy[0] != healthy:
            memory.healthy = (healthy, now)
        return healthy

    def _config(self, pod: Json) -> str | None:
        place = faults.config_needed(pod)
        if place is None:
            return None
        self._readers.setdefault(place, {})[key_of(pod)] = None
        found = self.store.get("ConfigMap", *place)
        need = pod["metadata"]["annotations"][faults.NEEDS_CONFIG]
        return faults.judge(need, None if found is None else found.get("data") or {})

    def _address(self, pod: Json) -> Json:
        """Return the addresses of a pod that has none yet."""
        self._addresses += 1
        address = f"10.128.{self._addresses // 254 % 256}.{self._addresses % 254 + 1}"
        node = self.store.get("Node", "", pod["spec"]["nodeName"]) or {}
        host = next(
            (a["address"] for a in (node.get("status") or {}).get("addresses") or () if a["type"] == "InternalIP"),
            "127.0.0.1",
        )
        address = host if pod["spec"].get("hostNetwork") else address
        return {"hostIP": host, "hostIPs": [{"ip": host}], "podIP": address, "podIPs": [{"ip": address}]}

    def _tell(self, pod: Json, container: str, happening: Happening) -> None:
        kind, reason, message = happening
        tell = self.events.normal if kind == NORMAL else self.events.warning
        tell(pod, reason, message, by=KUBELET, container=container, host=pod["spec"].get("nodeName", ""))
