"""What the controllers of pods share: make one from a template, which to delete first, whether one is available."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import TYPE_CHECKING

from reconciler.sandbox.controllers.objects import (
    Json,
    annotations_of,
    condition_of,
    is_ready,
    moment,
    owner_reference,
    phase_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from reconciler.sandbox.cluster.store import Store

_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"  # of hashes in names: no vowels, so that no words come out
_COST = "controller.kubernetes.io/pod-deletion-cost"
_PHASES = {"Pending": 0, "Unknown": 1, "Running": 2}


def hash_of(template: Json, collisions: int = 0) -> str:
    """Return a template's hash as names bear it; the same template always has the same."""
    text = json.dumps(template, sort_keys=True, separators=(",", ":")) + (str(collisions) if collisions else "")
    number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4])
    return "".join(_ALPHABET[ord(digit) % len(_ALPHABET)] for digit in str(number))


def pod_of(owner: Json, template: Json, labels: Mapping[str, str] | None = None, *, name: str = "") -> Json:
    """Return a pod made from a template; without a name, its name begins with its owner's."""
    metadata = template.get("metadata") or {}
    called = {"name": name} if name else {"generateName": f"{owner['metadata']['name']}-"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            **called,
            "namespace": owner["metadata"]["namespace"],
            "labels": {**(metadata.get("labels") or {}), **(labels or {})},
            **({"annotations": metadata["annotations"]} if metadata.get("annotations") else {}),
            "ownerReferences": [owner_reference(owner)],
        },
        "spec": template["spec"],
    }


def pods_of(store: Store, owner: Json) -> list[Json]:
    """Return the pods that an object controls, whatever has become of them."""
    uid = owner["metadata"]["uid"]
    return [
        pod
        for pod in store.owned("Pod", uid)
        if any(each["uid"] == uid and each.get("controller") for each in pod["metadata"]["ownerReferences"])
    ]


def available_at(pod: Json, patience: int) -> datetime | None:
    """Return from when a pod is available: ready for so many seconds; None while it is not ready."""
    if not is_ready(pod):
        return None
    since = (condition_of(pod, "Ready") or {}).get("lastTransitionTime")
    if not patience or since is None:
        return moment(pod["metadata"]["creationTimestamp"])
    return moment(since) + timedelta(seconds=patience)


class Census:
    """How many of some pods are ready and available at a moment, and when the next one becomes available."""

    def __init__(self, pods: Iterable[Json], patience: int, now: datetime) -> None:
        self.ready = self.available = 0
        self.next: datetime | None = None
        for pod in pods:
            at = available_at(pod, patience)
            if at is None:
                continue
            self.ready += 1
            if at <= now:
                self.available += 1
            else:
                self.next = at if self.next is None else min(self.next, at)


def victims(pods: Iterable[Json], count: int) -> list[Json]:
    """Return the pods to delete first: unbound, pending, not ready, cheap, crowded, restarted and young ones."""
    pods = list(pods)
    crowd: dict[str, int] = {}
    for pod in pods:
        node = pod["spec"].get("nodeName") or ""
        crowd[node] = crowd.get(node, 0) + 1
    return sorted(pods, key=lambda pod: _rank(pod, crowd))[:count]


def _rank(pod: Json, crowd: Mapping[str, int]) -> tuple[bool, int, bool, int, int, float, int, float, str]:
    node = pod["spec"].get("nodeName") or ""
    ready = condition_of(pod, "Ready") if is_ready(pod) else None
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    return (
        bool(node),
        _PHASES.get(phase_of(pod), 1),
        ready is not None,
        _cost(pod),
        -crowd[node],
        -moment(ready["lastTransitionTime"]).timestamp() if ready else 0.0,
        -max((each["restartCount"] for each in statuses), default=0),
        -moment(pod["metadata"]["creationTimestamp"]).timestamp(),
        pod["metadata"]["name"],
    )


def _cost(pod: Json) -> int:
    text = annotations_of(pod).get(_COST, "0")
    return int(text) if text.lstrip("-").isdigit() else 0
