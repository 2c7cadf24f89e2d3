"""DaemonSets: one pod on every node that is one for it."""

from __future__ import annotations

from typing import ClassVar

from reconciler.sandbox.controllers.control import Controller, mark_owner
from reconciler.sandbox.controllers.fitting import Load, Needs, objections
from reconciler.sandbox.controllers.objects import ENDED, Json, Key, is_deleting, key_of, labels_of, phase_of, share
from reconciler.sandbox.controllers.pods import Census, available_at, hash_of, pod_of, pods_of

COMPONENT = "daemonset-controller"
_REVISION = "controller-revision-hash"
_CONDITIONS = ("not-ready", "unreachable", "disk-pressure", "memory-pressure", "pid-pressure", "unschedulable")
# A daemon's pods stay on nodes that are in trouble.
_TOLERATIONS = [
    {"key": f"node.kubernetes.io/{word}", "operator": "Exists", "effect": effect}
    for word in _CONDITIONS
    for effect in (("NoExecute",) if word in ("not-ready", "unreachable") else ("NoSchedule",))
]


class DaemonSets(Controller):
    """Creates a pod for each node, bound to it by its affinity, and replaces pods of former templates."""

    watches: ClassVar[tuple[str, ...]] = ("DaemonSet", "Pod", "Node")

    def notice(self, kind: str, old: Json | None, new: Json | None) -> None:
        """Look at a DaemonSet when it or one of its pods changed, and at all when a node did."""
        if kind == "Pod":
            mark_owner(self, "DaemonSet", (old, new))
        elif kind == "DaemonSet" and new is not None:
            self.mark(key_of(new))
        elif kind == "Node" and (old is None or new is None or _moved(old, new)):
            for item in self.store.list("DaemonSet"):
                self.mark(key_of(item))

    def sync(self, key: Key) -> None:
        """Bring pods and nodes together, replace what is out of date, and report."""
        item = self.store.get("DaemonSet", *key)
        if item is None:
            self.wake(key, None)
            return
        revision = hash_of(item["spec"]["template"])
        nodes = [node for node in self.store.list("Node") if _is_for(item, node)]
        if not is_deleting(item):
            self._place(item, nodes, revision)
            self._update(item, nodes, revision)
        patience = item["spec"].get("minReadySeconds") or 0
        pods = {node: pod for node, pod in self._by_node(item).items() if not is_deleting(pod)}
        census = Census(pods.values(), patience, self.clock.now())
        self.wake(key, census.next)
        self._report(key, item, nodes, pods, census, revision)

    def _by_node(self, item: Json) -> dict[str, Json]:
        return {_node_of(pod): pod for pod in pods_of(self.store, item)}

    def _place(self, item: Json, nodes: list[Json], revision: str) -> None:
        pods = self._by_node(item)
        names = [node["metadata"]["name"] for node in nodes]
        for node, pod in pods.items():
            if not is_deleting(pod) and (node not in names or phase_of(pod) in ENDED):
                self._delete(item, pod)
        for node in names:
            if node not in pods:
                self._create(item, node, revision)

    def _update(self, item: Json, nodes: list[Json], revision: str) -> None:
        """Delete pods of former templates: those that are broken at once, others as few at a time as asked."""
        strategy = item["spec"].get("updateStrategy") or {}
        rolling = strategy.get("rollingUpdate") or {}
        if strategy.get("type") == "OnDelete":
            return
        if rolling.get("maxSurge") not in (None, 0, "0%"):
            self.events.not_here(item, "maxSurge of a DaemonSet", by=COMPONENT)
            return
        most = max(1, share(rolling.get("maxUnavailable", 1), len(nodes), up=True))
        pods = self._by_node(item)
        patience, now = item["spec"].get("minReadySeconds") or 0, self.clock.now()
        here = [pods.get(node["metadata"]["name"]) for node in nodes]
        fine = [p for p in here if p and not is_deleting(p) and (at := available_at(p, patience)) and at <= now]
        room = most - (len(nodes) - len(fine))
        for pod in here:
            if pod is None or is_deleting(pod) or labels_of(pod).get(_REVISION) == revision:
                continue
            if pod in fine:
                if room <= 0:
                    continue
                room -= 1
            self._delete(item, pod)

    def _create(self, item: Json, node: str, revision: str) -> None:
        template = item["spec"]["template"]
        generation = str(item["metadata"]["generation"])
        manifest = pod_of(item, template, {_REVISION: revision, "pod-template-generation": generation})
        term = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}
        required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
        manifest["spec"] = {
            **template["spec"],
            "affinity": {**(template["spec"].get("affinity") or {}), "nodeAffinity": required},
            "tolerations": [*(template["spec"].get("tolerations") or ()), *_TOLERATIONS],
        }
        pod = self.store.create(manifest, manager=self.manager)
        self.events.normal(item, "SuccessfulCreate", f"Created pod: {pod['metadata']['name']}", by=COMPONENT)

    def _delete(self, item: Json, pod: Json) -> None:
        self.store.delete("Pod", *key_of(pod))
        self.events.normal(item, "SuccessfulDelete", f"Deleted pod: {pod['metadata']['name']}", by=COMPONENT)

    def _report(
        self, key: Key, item: Json, nodes: list[Json], pods: dict[str, Json], census: Census, revision: str
    ) -> None:
        names = {node["metadata"]["name"] for node in nodes}
        there = [pod for node, pod in pods.items() if node in names]
        updated = sum(1 for pod in there if labels_of(pod).get(_REVISION) == revision)
        counts = {
            "updatedNumberScheduled": updated,
            "numberAvailable": census.available,
            "numberUnavailable": len(names) - census.available,
        }
        status = {
            "currentNumberScheduled": len(there),
            "numberMisscheduled": len(pods) - len(there),
            "desiredNumberScheduled": len(names),
            "numberReady": census.ready,
            "observedGeneration": item["metadata"]["generation"],
            **{name: count for name, count in counts.items() if count},
        }
        if status != item.get("status"):
            change = {"manager": self.manager, "subresource": "status"}
            self.store.change("DaemonSet", *key, lambda it: it.update(status=status), **change)


def _node_of(pod: Json) -> str:
    """Return the node that a daemon's pod is for, bound or not."""
    affinity = pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    return str(affinity["nodeSelectorTerms"][0]["matchFields"][0]["values"][0])


def _is_for(item: Json, node: Json) -> bool:
    """Whether a DaemonSet wants a pod on a node, full or not."""
    spec = item["spec"]["template"]["spec"]
    tolerant = {**spec, "tolerations": [*(spec.get("tolerations") or ()), *_TOLERATIONS, *_ALL_NOT_READY]}
    why, could_fit = objections({"spec": tolerant}, Needs(0, 0), node, Load())
    return could_fit or not why


_ALL_NOT_READY = [{"key": "node.kubernetes.io/not-ready", "operator": "Exists"}]


def _moved(old: Json, new: Json) -> bool:
    return bool(old["spec"] != new["spec"] or old["metadata"].get("labels") != new["metadata"].get("labels"))
