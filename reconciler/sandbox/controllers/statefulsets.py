"""StatefulSets: pods with names that stay, created in order, replaced from the last to the first.

Source: `pkg/controller/statefulset` of Kubernetes 1.36. A revision is known by its hash alone; there are no
ControllerRevision objects.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from reconciler.sandbox.controllers.control import Controller, mark_owner
from reconciler.sandbox.controllers.objects import (
    ENDED,
    Json,
    Key,
    is_deleting,
    key_of,
    labels_of,
    phase_of,
    replicas_of,
    share,
)
from reconciler.sandbox.controllers.pods import Census, available_at, hash_of, pod_of, pods_of

COMPONENT = "statefulset-controller"
_REVISION = "controller-revision-hash"


@dataclass(frozen=True, slots=True)
class _Set:
    """A StatefulSet and its pods at one moment."""

    item: Json
    pods: dict[int, Json]  # by ordinal
    revision: str  # of the present template
    now: datetime

    @property
    def first(self) -> int:
        return int((self.item["spec"].get("ordinals") or {}).get("start", 0))

    @property
    def wanted(self) -> range:
        return range(self.first, self.first + replicas_of(self.item))

    @property
    def patience(self) -> int:
        return self.item["spec"].get("minReadySeconds") or 0

    @property
    def is_ordered(self) -> bool:
        return bool(self.item["spec"].get("podManagementPolicy") != "Parallel")

    def name(self, ordinal: int) -> str:
        return f"{self.item['metadata']['name']}-{ordinal}"

    def is_available(self, pod: Json | None) -> bool:
        if pod is None or is_deleting(pod):
            return False
        at = available_at(pod, self.patience)
        return at is not None and at <= self.now

    def is_current(self, pod: Json) -> bool:
        return labels_of(pod).get(_REVISION) == self.revision


class StatefulSets(Controller):
    """Keeps StatefulSets' pods, one step at a time where their order matters."""

    watches: ClassVar[tuple[str, ...]] = ("StatefulSet", "Pod")

    def notice(self, kind: str, old: Json | None, new: Json | None) -> None:
        """Look at a StatefulSet when it or one of its pods changed."""
        if kind == "Pod":
            mark_owner(self, "StatefulSet", (old, new))
        elif new is not None:
            self.mark(key_of(new))

    def sync(self, key: Key) -> None:
        """Take the next step, and report."""
        item = self.store.get("StatefulSet", *key)
        if item is None:
            self.wake(key, None)
            return
        if not is_deleting(item):
            self._step(self._look(item))
        seen = self._look(item)
        census = Census(self._counted(seen), seen.patience, seen.now)
        self.wake(key, census.next)
        self._report(key, seen, census)

    def _look(self, item: Json) -> _Set:
        pods = {}
        for pod in pods_of(self.store, item):
            head, _, ordinal = pod["metadata"]["name"].rpartition("-")
            if head == item["metadata"]["name"] and ordinal.isdigit():
                pods[int(ordinal)] = pod
        revision = f"{item['metadata']['name']}-{hash_of(item['spec']['template'])}"
        return _Set(item, pods, revision, self.clock.now())

    def _step(self, seen: _Set) -> None:
        """Fill gaps first, then remove what is too many, then replace what is out of date."""
        if not self._fill(seen) and not self._trim(seen):
            self._update(seen)

    def _fill(self, seen: _Set) -> bool:
        """Create missing pods and replace ended ones; tell whether to wait before anything else is done."""
        for ordinal in seen.wanted:
            pod = seen.pods.get(ordinal)
            if pod is None:
                self._create(seen, ordinal)
            elif phase_of(pod) in ENDED:
                if not is_deleting(pod):
                    self._delete(seen, pod)
            elif seen.is_available(pod) or not seen.is_ordered:
                continue
            if seen.is_ordered:
                return True
        return False

    def _trim(self, seen: _Set) -> bool:
        """Delete pods beyond the wanted ones, the last first."""
        waits = False
        for ordinal in sorted(set(seen.pods) - set(seen.wanted), reverse=True):
            if not is_deleting(seen.pods[ordinal]):
                self._delete(seen, seen.pods[ordinal])
            waits = True
            if seen.is_ordered:
                break
        return waits

    def _update(self, seen: _Set) -> None:
        """Delete pods of former templates, the last first, never more than may be unavailable."""
        strategy = seen.item["spec"].get("updateStrategy") or {}
        if strategy.get("type") == "OnDelete":
            return
        rolling = strategy.get("rollingUpdate") or {}
        most = max(1, share(rolling.get("maxUnavailable", 1), len(seen.wanted), up=True))
        unavailable = sum(1 for ordinal in seen.wanted if not seen.is_available(seen.pods.get(ordinal)))
        least = seen.first + (rolling.get("partition") or 0)
        for ordinal in sorted(seen.wanted, reverse=True):
            pod = seen.pods.get(ordinal)
            if ordinal < least or pod is None or is_deleting(pod) or seen.is_current(pod):
                continue
            broken = not seen.is_available(pod)
            if unavailable >= most and not broken:
                return
            self._delete(seen, pod)
            unavailable += not broken
            if unavailable >= most:
                return

    def _create(self, seen: _Set, ordinal: int) -> None:
        item, name = seen.item, seen.name(ordinal)
        labels = {
            "apps.kubernetes.io/pod-index": str(ordinal),
            "statefulset.kubernetes.io/pod-name": name,
            _REVISION: self._revision_for(seen, ordinal),
        }
        manifest = pod_of(item, item["spec"]["template"], labels, name=name)
        manifest["spec"] = {**manifest["spec"], "hostname": name}
        if item["spec"].get("serviceName"):
            manifest["spec"]["subdomain"] = item["spec"]["serviceName"]
        claims = self._claims(item, name)
        if claims:
            others = [v for v in manifest["spec"].get("volumes") or () if v["name"] not in {c["name"] for c in claims}]
            manifest["spec"]["volumes"] = [*claims, *others]
        self.store.create(manifest, manager=self.manager)
        text = f"create Pod {name} in StatefulSet {item['metadata']['name']} successful"
        self.events.normal(item, "SuccessfulCreate", text, by=COMPONENT)

    def _revision_for(self, seen: _Set, ordinal: int) -> str:
        """A pod below the partition should be of the former template, which is not kept: that is refused."""
        rolling = (seen.item["spec"].get("updateStrategy") or {}).get("rollingUpdate") or {}
        current = (seen.item.get("status") or {}).get("currentRevision", seen.revision)
        if ordinal < seen.first + (rolling.get("partition") or 0) and current != seen.revision:
            self.events.not_here(seen.item, "former revisions below a partition", by=COMPONENT)
        return seen.revision

    def _claims(self, item: Json, pod: str) -> list[Json]:
        """Create the pod's volume claims where they are not there yet, and return its volumes."""
        volumes = []
        for template in item["spec"].get("volumeClaimTemplates") or ():
            name = f"{template['metadata']['name']}-{pod}"
            namespace = item["metadata"]["namespace"]
            if self.store.get("PersistentVolumeClaim", namespace, name) is None:
                metadata = {**template["metadata"], "name": name, "namespace": namespace}
                claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata}
                self.store.create({**claim, "spec": template["spec"]}, manager=self.manager)
            volume = {"name": template["metadata"]["name"], "persistentVolumeClaim": {"claimName": name}}
            volumes.append(volume)
        return volumes

    def _delete(self, seen: _Set, pod: Json) -> None:
        self.store.delete("Pod", *key_of(pod))
        text = f"delete Pod {pod['metadata']['name']} in StatefulSet {seen.item['metadata']['name']} successful"
        self.events.normal(seen.item, "SuccessfulDelete", text, by=COMPONENT)

    def _counted(self, seen: _Set) -> list[Json]:
        return [pod for pod in seen.pods.values() if phase_of(pod) not in ENDED and not is_deleting(pod)]

    def _report(self, key: Key, seen: _Set, census: Census) -> None:
        item, old = seen.item, seen.item.get("status") or {}
        pods = self._counted(seen)
        updated = sum(1 for pod in pods if seen.is_current(pod))
        current = old.get("currentRevision") or seen.revision
        wanted = len(seen.wanted)
        if updated == census.ready == len(seen.pods) == wanted:
            current = seen.revision
        counts = {
            "readyReplicas": census.ready,
            "currentReplicas": sum(1 for pod in pods if labels_of(pod).get(_REVISION) == current),
            "updatedReplicas": updated,
        }
        status = {
            "observedGeneration": item["metadata"]["generation"],
            "replicas": len(seen.pods),
            **{name: count for name, count in counts.items() if count},
            "availableReplicas": census.available,
            "currentRevision": current,
            "updateRevision": seen.revision,
            "collisionCount": 0,
        }
        if status != old:
            change = {"manager": self.manager, "subresource": "status"}
            self.store.change("StatefulSet", *key, lambda it: it.update(status=status), **change)
