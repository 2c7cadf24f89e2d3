"""Disruption budgets: how many pods are healthy, how many must be, and so how many may be evicted now.

Source: `pkg/controller/disruption` of Kubernetes 1.36.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar

from reconciler.sandbox.controllers.control import Controller, Selections, Tools
from reconciler.sandbox.controllers.objects import (
    Json,
    Key,
    controller_of,
    find_condition,
    is_deleting,
    is_ready,
    key_of,
    moment,
    replicas_of,
    share,
)

COMPONENT = "controllermanager"
_PROMPT = timedelta(minutes=2)  # within which an evicted pod is deleted, or it counts again
_SCALED = ("Deployment", "ReplicaSet", "StatefulSet")


class DisruptionBudgets(Controller):
    """Keeps the status by which the API server grants or refuses evictions."""

    watches: ClassVar[tuple[str, ...]] = ("PodDisruptionBudget", "Pod", *_SCALED)

    def __init__(self, tools: Tools) -> None:
        super().__init__(tools)
        self._selected = Selections(self.store)

    def notice(self, kind: str, old: Json | None, new: Json | None) -> None:
        """Look at a budget when it, one of its pods or the size of a workload changed."""
        if kind == "Pod":
            for key in self._selected.note(old, new):
                self.mark(key)
        elif kind != "PodDisruptionBudget":
            if old is not None and new is not None and replicas_of(old) != replicas_of(new):
                for budget in self.store.list("PodDisruptionBudget", key_of(new)[0]):
                    self.mark(key_of(budget))
        elif new is not None:
            self._selected.define(key_of(new), new["spec"].get("selector"))
            self.mark(key_of(new))
        elif old is not None:
            self._selected.forget(key_of(old))

    def sync(self, key: Key) -> None:
        """Count, and report."""
        budget = self.store.get("PodDisruptionBudget", *key)
        if budget is None:
            self.wake(key, None)
            return
        pods = self._selected.pods(key)
        if not pods:
            self.events.normal(budget, "NoPods", "No matching pods found", by=COMPONENT)
        expected, desired = self._needed(budget, pods)
        disrupted, again = self._disrupted(budget, pods)
        healthy = sum(1 for p in pods if not is_deleting(p) and p["metadata"]["name"] not in disrupted and is_ready(p))
        allowed = max(0, healthy - desired) if expected > 0 else 0
        status = {
            "observedGeneration": budget["metadata"]["generation"],
            **({"disruptedPods": disrupted} if disrupted else {}),
            "disruptionsAllowed": allowed,
            "currentHealthy": healthy,
            "desiredHealthy": desired,
            "expectedPods": expected,
            "conditions": self._conditions(budget, allowed),
        }
        self.wake(key, again)
        if status != budget.get("status"):
            change = {"manager": self.manager, "subresource": "status"}
            self.store.change("PodDisruptionBudget", *key, lambda it: it.update(status=status), **change)

    def _needed(self, budget: Json, pods: list[Json]) -> tuple[int, int]:
        """Return how many pods are expected, and how many of them must be healthy."""
        spec = budget["spec"]
        most, least = spec.get("maxUnavailable"), spec.get("minAvailable")
        if most is not None:
            expected = self._scale(pods)
            return expected, max(0, expected - share(most, expected, up=True))
        if isinstance(least, str):
            expected = self._scale(pods)
            return expected, share(least, expected, up=True)
        return len(pods), share(least, 0, up=True)

    def _scale(self, pods: list[Json]) -> int:
        """Return how many pods the workloads behind these ask for together."""
        sizes: dict[str, int] = {}
        for pod in pods:
            owner = self._workload(pod)
            if owner is not None:
                sizes[owner["metadata"]["uid"]] = replicas_of(owner)
        return sum(sizes.values())

    def _workload(self, pod: Json) -> Json | None:
        found: Json | None = None
        item = pod
        for _ in range(2):  # pod → ReplicaSet → Deployment
            reference = controller_of(item)
            owner = self.store.find(reference["uid"]) if reference and reference["kind"] in _SCALED else None
            if owner is None:
                break
            found = item = owner
        return found

    def _disrupted(self, budget: Json, pods: list[Json]) -> tuple[dict[str, str], datetime | None]:
        """Return the pods that were evicted and are still to be deleted, and when the first of them counts again."""
        noted = (budget.get("status") or {}).get("disruptedPods") or {}
        here = {pod["metadata"]["name"] for pod in pods if not is_deleting(pod)}
        now = self.clock.now()
        left = {name: at for name, at in noted.items() if name in here and moment(at) + _PROMPT >= now}
        ends = [moment(at) + _PROMPT + timedelta(seconds=1) for at in left.values()]
        return left, min(ends, default=None)

    def _conditions(self, budget: Json, allowed: int) -> list[Json]:
        old = (budget.get("status") or {}).get("conditions") or []
        former = find_condition(old, "DisruptionAllowed")
        status = "True" if allowed else "False"
        same = former is not None and former["status"] == status
        made = {
            "type": "DisruptionAllowed",
            "status": status,
            "observedGeneration": budget["metadata"]["generation"],
            "lastTransitionTime": former["lastTransitionTime"] if former is not None and same else self.clock.stamp(),
            "reason": "SufficientPods" if allowed else "InsufficientPods",
            "message": "",
        }
        return [*(each for each in old if each["type"] != "DisruptionAllowed"), made]
