"""Nodes: whether their kubelets work, the taints that follow from it, and the pods that have to leave.

A node whose runtime is down (annotation `not-ready`) is noticed after a while, tainted, and its pods are deleted when
they have tolerated it long enough: five minutes, unless they say otherwise.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar

from reconciler.sandbox.controllers import faults
from reconciler.sandbox.controllers.control import Controller, Tools
from reconciler.sandbox.controllers.fitting import UNSCHEDULABLE, tolerates
from reconciler.sandbox.controllers.objects import ENDED, Json, Key, condition_of, is_deleting, key_of, moment, phase_of

COMPONENT = "node-controller"
NOT_READY = "node.kubernetes.io/not-ready"
_TOLERATED = 300  # seconds that every pod tolerates a node that is not ready, where it says nothing else
_HEALTHY = (
    ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
)
_DOWN = ("Ready", "False", "KubeletNotReady", "container runtime is down")


def node_manifest(name: str, cpu: str, memory: str, *, pods: int = 110) -> Json:
    """Return a node as its kubelet registers it; the controllers make it ready."""
    zone = f"zone-{name[-1]}" if name[-1:].isdigit() else "zone-1"
    room = {"cpu": cpu, "memory": memory, "pods": str(pods)}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
                "node-role.kubernetes.io/worker": "",
                "topology.kubernetes.io/zone": zone,
            },
        },
        "spec": {},
        "status": {
            "capacity": dict(room),
            "allocatable": dict(room),
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}, {"type": "Hostname", "address": name}],
            "nodeInfo": {
                "architecture": "amd64",
                "operatingSystem": "linux",
                "kubeletVersion": "v1.36.3",
                "kubeProxyVersion": "v1.36.3",
                "containerRuntimeVersion": "containerd://2.1.0",
                "kernelVersion": "sandbox",
                "osImage": "sandbox",
                "machineID": "",
                "bootID": "",
                "systemUUID": "",
            },
        },
    }


class Nodes(Controller):
    """Reports each node's state and taints it accordingly."""

    watches: ClassVar[tuple[str, ...]] = ("Node",)

    def __init__(self, tools: Tools) -> None:
        super().__init__(tools)
        self._down: dict[str, tuple[str, datetime]] = {}  # node → its uid, and since when its runtime is down

    def notice(self, kind: str, old: Json | None, new: Json | None) -> None:
        """Look at a node that changed."""
        del kind
        item = new or old
        if item is not None:
            self.mark(key_of(item))

    def sync(self, key: Key) -> None:
        """Bring a node's conditions and taints up to date."""
        node = self.store.get("Node", *key)
        if node is None:
            self._down.pop(key[1], None)
            self.wake(key, None)
            return
        self._report(key, node, ready=not self._is_lost(key, node))
        node = self.store.get("Node", *key)
        if node is not None:
            self._taint(key, node)

    def _is_lost(self, key: Key, node: Json) -> bool:
        """Whether the runtime has been down for so long that it shows; else plan to look then."""
        uid = node["metadata"]["uid"]
        if not faults.is_node_down(node):
            self._down.pop(key[1], None)
            self.wake(key, None)
            return False
        known = self._down.get(key[1])
        if known is None or known[0] != uid:
            self._down[key[1]] = known = (uid, self.clock.now())
        shows = known[1] + self.timing.node_lost
        if shows <= self.clock.now():
            return True
        self.wake(key, shows)
        return False

    def _report(self, key: Key, node: Json, *, ready: bool) -> None:
        wanted = [*_HEALTHY[:3], _HEALTHY[3] if ready else _DOWN]
        old = (node.get("status") or {}).get("conditions") or []
        if all((c := condition_of(node, kind)) and c["status"] == status for kind, status, _, _ in wanted):
            return
        stamp = self.clock.stamp()
        made = []
        for kind, status, reason, text in wanted:
            former = condition_of(node, kind)
            same = former is not None and former["status"] == status
            since = former["lastTransitionTime"] if former is not None and same else stamp
            times = {"lastHeartbeatTime": stamp, "lastTransitionTime": since}
            made.append({"type": kind, "status": status, **times, "reason": reason, "message": text})
        ours = {each["type"] for each in made}
        conditions = [*(each for each in old if each["type"] not in ours), *made]

        def mutate(item: Json) -> None:
            item.setdefault("status", {})["conditions"] = conditions

        self.store.change("Node", *key, mutate, manager="kubelet", subresource="status")
        word = "NodeReady" if ready else "NodeNotReady"
        self.events.normal(node, word, f"Node {key[1]} status is now: {word}", by="kubelet", host=key[1])

    def _taint(self, key: Key, node: Json) -> None:
        ready = (condition_of(node, "Ready") or {}).get("status") == "True"
        wanted = [(UNSCHEDULABLE, "NoSchedule")] if node["spec"].get("unschedulable") else []
        wanted += [] if ready else [(NOT_READY, "NoSchedule"), (NOT_READY, "NoExecute")]
        old = node["spec"].get("taints") or []
        kept = [t for t in old if t["key"] not in (UNSCHEDULABLE, NOT_READY) or (t["key"], t["effect"]) in wanted]
        there = {(taint["key"], taint["effect"]) for taint in kept}
        stamp = self.clock.stamp()
        added = [{"key": k, "effect": e, "timeAdded": stamp} for k, e in wanted if (k, e) not in there]
        taints = [*kept, *added]
        if taints == old:
            return

        def mutate(item: Json) -> None:
            item["spec"]["taints"] = taints
            if not taints:
                del item["spec"]["taints"]

        self.store.change("Node", *key, mutate, manager=self.manager)


class PodsOfLostNodes(Controller):
    """Deletes pods from a node that has become none for them, when they have tolerated it long enough, or is gone."""

    watches: ClassVar[tuple[str, ...]] = ("Node", "Pod")

    def __init__(self, tools: Tools) -> None:
        super().__init__(tools)
        self._gone: dict[str, datetime] = {}  # nodes that were deleted, and when

    def notice(self, kind: str, old: Json | None, new: Json | None) -> None:
        """Look at a node that came, went or changed its taints, and at the node of a pod that came to it."""
        if kind == "Node":
            item = new or old
            if item is not None and (old or {}).get("spec") != (new or {}).get("spec"):
                self.mark(key_of(item))
        elif new is not None and (old is None or old["spec"] != new["spec"]) and new["spec"].get("nodeName"):
            self.mark(("", new["spec"]["nodeName"]))

    def sync(self, key: Key) -> None:
        """Delete the node's pods whose time is over, and plan to look when the next one's is."""
        node = self.store.get("Node", *key)
        if node is None:
            self._collect(key)
            return
        self._gone.pop(key[1], None)
        taints = [taint for taint in node["spec"].get("taints") or () if taint["effect"] == "NoExecute"]
        soonest = None
        for place in self.tools.placement.on(key[1]) if taints else ():
            pod = self.store.get("Pod", *place)
            ends = pod is None or is_deleting(pod) or phase_of(pod) in ENDED
            leaves = None if pod is None or ends else _leaves_at(pod, taints, self.clock.now())
            if pod is None or leaves is None:
                continue
            if leaves <= self.clock.now():
                text = f"Marking for deletion Pod {place[0]}/{place[1]}"
                self.events.normal(pod, "TaintManagerEviction", text, by="taint-eviction-controller")
                self.store.delete("Pod", *place)
            else:
                soonest = leaves if soonest is None else min(soonest, leaves)
        self.wake(key, soonest)

    def _collect(self, key: Key) -> None:
        """Delete the pods of a node that has been gone for a while; no kubelet will end them."""
        due = self._gone.setdefault(key[1], self.clock.now()) + self.timing.node_lost
        if due > self.clock.now():
            self.wake(key, due)
            return
        for place in self.tools.placement.on(key[1]):
            self.store.delete("Pod", *place, grace=0)


def _leaves_at(pod: Json, taints: list[Json], now: datetime) -> datetime | None:
    """Return when a pod has to leave a tainted node, None when never."""
    ends = []
    for taint in taints:
        mine = [each for each in pod["spec"].get("tolerations") or () if tolerates(each, taint)]
        if not mine and taint["key"] == NOT_READY:
            mine = [{"tolerationSeconds": _TOLERATED}]
        limits = [each["tolerationSeconds"] for each in mine if each.get("tolerationSeconds") is not None]
        since = moment(taint["timeAdded"]) if taint.get("timeAdded") else now
        if not mine:
            ends.append(since)
        elif limits:
            ends.append(since + timedelta(seconds=min(limits)))
    return min(ends, default=None)
