"""The scheduler: binds each pod to the node that suits it best, or says why none does."""

from __future__ import annotations

from typing import ClassVar

from reconciler.sandbox.controllers import fitting
from reconciler.sandbox.controllers.control import Controller, Tools
from reconciler.sandbox.controllers.fitting import Load, Needs
from reconciler.sandbox.controllers.objects import (
    ENDED,
    Json,
    Key,
    condition_of,
    controller_of,
    is_deleting,
    key_of,
    phase_of,
)

COMPONENT = "default-scheduler"


class Scheduler(Controller):
    """Looks at pods without a node; at those that fit nowhere again when nodes or their loads change."""

    watches: ClassVar[tuple[str, ...]] = ("Pod", "Node")
    manager: ClassVar[str] = "kube-scheduler"

    def __init__(self, tools: Tools) -> None:
        super().__init__(tools)
        self._loads: dict[str, Load] = {}
        self._counted: dict[str, tuple[str, Needs, str]] = {}  # pod's uid → node, needs, owner
        self._waiting: dict[Key, None] = {}

    def notice(self, kind: str, old: Json | None, new: Json | None) -> None:
        """Count what a pod takes, and look again at what can change a verdict."""
        if kind == "Node":
            if old is None or new is None or _differs(old, new):
                self._retry()
            return
        if old is not None and (new is None or old["metadata"]["uid"] != new["metadata"]["uid"]):
            self._release(old)
        if new is None:
            return
        if phase_of(new) in ENDED:
            self._release(new)
        elif new["spec"].get("nodeName"):
            self._count(new, new["spec"]["nodeName"])
        elif old is None or old["spec"] != new["spec"]:
            self.mark(key_of(new))

    def sync(self, key: Key) -> None:
        """Bind a pod to the best node, or note why it has none."""
        pod = self.store.get("Pod", *key)
        self._waiting.pop(key, None)
        if pod is None or pod["spec"].get("nodeName") or is_deleting(pod):
            return
        missing = fitting.not_here(pod["spec"])
        if missing:
            text = f"the sandbox does not implement {missing}"
            self.events.not_here(pod, missing, by=COMPONENT)
            self._refuse(key, pod, "SchedulerError", text)
            return
        needs, owner = Needs.of(pod["spec"]), _owner(pod)
        fitting_nodes, reasons = [], []
        for node in self.store.list("Node"):
            load = self._loads.setdefault(node["metadata"]["name"], Load())
            why, helps = fitting.objections(pod, needs, node, load)
            if why:
                reasons.append((why, helps))
            else:
                fitting_nodes.append(fitting.worth(owner, needs, node, load))
        if fitting_nodes:
            self._bind(key, pod, min(fitting_nodes)[2])
            return
        self._waiting[key] = None
        text = fitting.message(reasons)
        self.events.warning(pod, "FailedScheduling", text, by=COMPONENT)
        self._refuse(key, pod, "Unschedulable", text)

    def _bind(self, key: Key, pod: Json, node: str) -> None:
        self._count(pod, node)
        bound = {"manager": self.manager, "subresource": "binding"}
        self.store.change("Pod", *key, lambda it: it["spec"].update(nodeName=node), **bound)
        text = f"Successfully assigned {key[0]}/{key[1]} to {node}"
        self.events.normal(pod, "Scheduled", text, by=COMPONENT)

    def _refuse(self, key: Key, pod: Json, reason: str, text: str) -> None:
        found = condition_of(pod, "PodScheduled") or {}
        if (found.get("reason"), found.get("message")) == (reason, text):
            return
        refused = {
            "type": "PodScheduled",
            "status": "False",
            "lastProbeTime": None,
            "lastTransitionTime": found.get("lastTransitionTime") or self.clock.stamp(),
            "reason": reason,
            "message": text,
        }

        def mutate(item: Json) -> None:
            others = [e for e in item["status"].get("conditions") or () if e["type"] != "PodScheduled"]
            item["status"]["conditions"] = [*others, refused]

        self.store.change("Pod", *key, mutate, manager=self.manager, subresource="status")

    def _count(self, pod: Json, node: str) -> None:
        uid = pod["metadata"]["uid"]
        if uid in self._counted:
            return
        needs, owner = Needs.of(pod["spec"]), _owner(pod)
        self._counted[uid] = (node, needs, owner)
        self._loads.setdefault(node, Load()).add(needs, owner)

    def _release(self, pod: Json) -> None:
        counted = self._counted.pop(pod["metadata"]["uid"], None)
        if counted is not None:
            node, needs, owner = counted
            self._loads[node].add(needs, owner, -1)
            self._retry()

    def _retry(self) -> None:
        for key in self._waiting:
            self.mark(key)


def _owner(pod: Json) -> str:
    owner = controller_of(pod)
    return str(owner["uid"] if owner else pod["metadata"]["uid"])


def _differs(old: Json, new: Json) -> bool:
    """Whether a node became another one for the scheduler."""
    if old["spec"] != new["spec"] or old["metadata"].get("labels") != new["metadata"].get("labels"):
        return True
    before, now = old.get("status") or {}, new.get("status") or {}
    ready = [(condition_of(node, "Ready") or {}).get("status") for node in (old, new)]
    return before.get("allocatable") != now.get("allocatable") or ready[0] != ready[1]
