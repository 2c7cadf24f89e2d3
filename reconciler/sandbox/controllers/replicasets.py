"""ReplicaSets: as many pods of one template as asked for."""

from __future__ import annotations

from typing import ClassVar

from reconciler.sandbox.cluster.errors import ApiError
from reconciler.sandbox.controllers.control import Controller, mark_owner
from reconciler.sandbox.controllers.objects import (
    Json,
    Key,
    is_active,
    is_deleting,
    key_of,
    labels_of,
    phase_of,
    replicas_of,
)
from reconciler.sandbox.controllers.pods import Census, pod_of, pods_of, victims

COMPONENT = "replicaset-controller"


class ReplicaSets(Controller):
    """Creates and deletes pods until their number is right, and reports how many are ready."""

    watches: ClassVar[tuple[str, ...]] = ("ReplicaSet", "Pod")

    def notice(self, kind: str, old: Json | None, new: Json | None) -> None:
        """Look at a ReplicaSet when it or one of its pods changed."""
        if kind == "Pod":
            mark_owner(self, "ReplicaSet", (old, new))
        elif new is not None:
            self.mark(key_of(new))

    def sync(self, key: Key) -> None:
        """Bring the number of pods and the status up to date."""
        item = self.store.get("ReplicaSet", *key)
        if item is None:
            self.wake(key, None)
            return
        failure = "" if is_deleting(item) else self._manage(item)
        pods = pods_of(self.store, item)
        active = [pod for pod in pods if is_active(pod)]
        census = Census(active, item["spec"].get("minReadySeconds") or 0, self.clock.now())
        retry = self.clock.now() + self.timing.back_off[-1] if failure else None
        self.wake(key, retry or census.next)
        self._report(key, item, active, census, failure)

    def _manage(self, item: Json) -> str:
        """Create or delete pods; return why pods cannot be created, if so."""
        active = [pod for pod in pods_of(self.store, item) if is_active(pod)]
        surplus = len(active) - replicas_of(item)
        for pod in victims(active, surplus) if surplus > 0 else ():
            self.store.delete("Pod", *key_of(pod))
            name = pod["metadata"]["name"]
            self.events.normal(item, "SuccessfulDelete", f"Deleted pod: {name}", by=COMPONENT)
        for _ in range(-surplus):
            try:
                pod = self.store.create(pod_of(item, item["spec"]["template"]), manager=self.manager)
            except ApiError as error:
                self.events.warning(item, "FailedCreate", f"Error creating: {error}", by=COMPONENT)
                return str(error)
            self.events.normal(item, "SuccessfulCreate", f"Created pod: {pod['metadata']['name']}", by=COMPONENT)
        return ""

    def _report(self, key: Key, item: Json, active: list[Json], census: Census, failure: str) -> None:
        wanted = (item["spec"]["template"].get("metadata") or {}).get("labels") or {}
        old = item.get("status") or {}
        terminating = [
            p for p in pods_of(self.store, item) if is_deleting(p) and phase_of(p) not in ("Succeeded", "Failed")
        ]
        counts = {
            "fullyLabeledReplicas": sum(1 for pod in active if wanted.items() <= labels_of(pod).items()),
            "readyReplicas": census.ready,
            "availableReplicas": census.available,
        }
        status = {
            "replicas": len(active),
            **{name: count for name, count in counts.items() if count},
            "terminatingReplicas": len(terminating),
            "observedGeneration": item["metadata"]["generation"],
        }
        if failure:
            former = next(iter(old.get("conditions") or ()), None)
            same = former is not None and former["message"] == failure
            since = former["lastTransitionTime"] if former is not None and same else self.clock.stamp()
            status["conditions"] = [
                {
                    "type": "ReplicaFailure",
                    "status": "True",
                    "reason": "FailedCreate",
                    "message": failure,
                    "lastTransitionTime": since,
                }
            ]
        if status != old:
            change = {"manager": self.manager, "subresource": "status"}
            self.store.change("ReplicaSet", *key, lambda it: it.update(status=status), **change)
