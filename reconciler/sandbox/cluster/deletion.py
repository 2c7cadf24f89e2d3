"""What a DELETE does to an object: gone at once, or marked and waiting for a kubelet, a finalizer, a controller."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from reconciler.sandbox.cluster.errors import conflict, forbidden

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.sandbox.cluster.kinds import Kind
    from reconciler.sandbox.cluster.values import Json

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"
_IMMORTAL = ("default", "kube-public", "kube-system")
_DONE = ("Succeeded", "Failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteOptions:
    """How somebody wants an object deleted."""

    grace: int | None = None  # seconds; None: as the object says
    propagation: str = ""  # Background, Foreground, Orphan; "" is the server's choice, Background
    uid: str = ""  # delete only the object with this uid,
    revision: str = ""  # and only at this resourceVersion


def check(kind: Kind, before: Json, options: DeleteOptions) -> None:
    """Raise ApiError when the object is not the one that was meant, or one that stays for ever."""
    metadata = before["metadata"]
    if kind.name == "Namespace" and metadata["name"] in _IMMORTAL:
        raise forbidden(kind.resource, metadata["name"], "this namespace may not be deleted")
    resource = f"{kind.kind}.{kind.group}" if kind.group else kind.kind
    if options.uid and options.uid != metadata["uid"]:
        why = (
            f"the UID in the precondition ({options.uid}) does not match the UID in record ({metadata['uid']}). "
            "The object might have been deleted and then recreated"
        )
        raise conflict(resource, metadata["name"], why)
    if options.revision and options.revision != metadata["resourceVersion"]:
        why = (
            f"the ResourceVersion in the precondition ({options.revision}) does not match the ResourceVersion in "
            f"record ({metadata['resourceVersion']}). The object might have been modified"
        )
        raise conflict(resource, metadata["name"], why)


def marked(kind: Kind, before: Json, options: DeleteOptions, now: datetime) -> Json | None:
    """Return the object marked as being deleted, or None when it can go at once."""
    metadata = dict(before["metadata"])
    grace = _grace(kind, before, options.grace)
    finalizers = _finalizers(metadata, options.propagation)
    former = metadata.get("deletionGracePeriodSeconds")
    waits_for_namespace = kind.name == "Namespace" and before["spec"].get("finalizers")
    if not grace and not finalizers and not waits_for_namespace:
        return None
    if former is not None:
        grace = min(former, grace)
    if former is None or grace < former:
        metadata["deletionTimestamp"] = _stamp(now + timedelta(seconds=grace))
        metadata["deletionGracePeriodSeconds"] = grace
        if former is None and "generation" in metadata:
            metadata["generation"] += 1
    if finalizers:
        metadata["finalizers"] = finalizers
    else:
        metadata.pop("finalizers", None)
    value = {**before, "metadata": metadata}
    if waits_for_namespace:
        del metadata["deletionGracePeriodSeconds"]
        value["status"] = {**(before.get("status") or {}), "phase": "Terminating"}
    return value


def finished(kind: Kind, value: Json, now: datetime) -> Json:
    """Return an object that goes at once, as it was last seen: a pod is marked even then."""
    if kind.name != "Pod":
        return value
    metadata = {**value["metadata"], "deletionGracePeriodSeconds": 0}
    if "deletionTimestamp" not in metadata:
        metadata["deletionTimestamp"] = _stamp(now)
        metadata["generation"] = metadata.get("generation", 0) + 1
    return {**value, "metadata": metadata}


def is_over(kind: Kind, value: Json) -> bool:
    """Tell whether an object that is being deleted waits for nobody any more."""
    metadata = value["metadata"]
    if not metadata.get("deletionTimestamp") or metadata.get("finalizers"):
        return False
    if kind.name == "Namespace":
        return not value["spec"].get("finalizers")
    return not metadata.get("deletionGracePeriodSeconds")


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _grace(kind: Kind, before: Json, asked: int | None) -> int:
    """Return how long a kubelet has to end the pod; nothing else is deleted gracefully."""
    if kind.name != "Pod":
        return 0
    spec = before["spec"]
    if not spec.get("nodeName") or (before.get("status") or {}).get("phase") in _DONE:
        return 0
    grace = spec.get("terminationGracePeriodSeconds", 30) if asked is None else asked
    return 1 if grace < 0 else int(grace)


def _finalizers(metadata: Json, propagation: str) -> list[str]:
    """Return the finalizers, with the garbage collector's own as the propagation asks."""
    finalizers = list(metadata.get("finalizers") or ())
    wanted = {"Foreground": FOREGROUND, "Orphan": ORPHAN}.get(propagation)
    if propagation:
        finalizers = [each for each in finalizers if each not in (FOREGROUND, ORPHAN)]
    return [*finalizers, wanted] if wanted else finalizers
