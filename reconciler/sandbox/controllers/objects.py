"""What controllers ask of raw objects: who owns them, what selects them, which condition they are in. Pure."""

from __future__ import annotations

import functools
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from reconciler.model.quantity import parse_quantity

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Json = dict[str, Any]
Key = tuple[str, str]  # namespace, name

ENDED = frozenset({"Succeeded", "Failed"})  # phases of pods that run no more
_OPERATORS: dict[str, Callable[[str | None, Sequence[str]], bool]] = {
    "In": lambda value, values: value is not None and value in values,
    "NotIn": lambda value, values: value is None or value not in values,
    "Exists": lambda value, _: value is not None,
    "DoesNotExist": lambda value, _: value is None,
    "Gt": lambda value, values: value is not None and int(value) > int(values[0]),
    "Lt": lambda value, values: value is not None and int(value) < int(values[0]),
}


def key_of(item: Json) -> Key:
    """Return where an object stands."""
    metadata = item["metadata"]
    return metadata.get("namespace") or "", metadata["name"]


def labels_of(item: Json) -> dict[str, str]:
    """Return an object's labels, perhaps none."""
    found: dict[str, str] = item["metadata"].get("labels") or {}
    return found


def annotations_of(item: Json) -> dict[str, str]:
    """Return an object's annotations, perhaps none."""
    found: dict[str, str] = item["metadata"].get("annotations") or {}
    return found


def is_deleting(item: Json) -> bool:
    """Whether somebody asked for its end."""
    return bool(item["metadata"].get("deletionTimestamp"))


def replicas_of(item: Json) -> int:
    """Return how many pods a workload asks for."""
    wanted = item["spec"].get("replicas")
    return 1 if wanted is None else int(wanted)


def controller_of(item: Json) -> Json | None:
    """Return the owner reference of the controller, or None."""
    found: list[Json] = item["metadata"].get("ownerReferences") or []
    return next((owner for owner in found if owner.get("controller")), None)


def is_controlled(item: Json, uid: str) -> bool:
    """Whether the object of that uid controls this one."""
    owner = controller_of(item)
    return owner is not None and owner["uid"] == uid


def owner_reference(owner: Json) -> Json:
    """Return the reference by which a controller owns what it makes."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def selects(selector: Json | None, labels: Mapping[str, str]) -> bool:
    """Whether a label selector matches; an absent one matches nothing, an empty one everything."""
    if selector is None:
        return False
    exact: dict[str, str] = selector.get("matchLabels") or {}
    if any(labels.get(key) != value for key, value in exact.items()):
        return False
    return all(meets(each, labels) for each in selector.get("matchExpressions") or ())


def meets(requirement: Json, labels: Mapping[str, str]) -> bool:
    """Whether labels meet one requirement of a selector or of a node affinity."""
    test = _OPERATORS[requirement["operator"]]
    return test(labels.get(requirement["key"]), requirement.get("values") or ())


def condition_of(item: Json, kind: str) -> Json | None:
    """Return a condition of an object's status, or None."""
    return find_condition((item.get("status") or {}).get("conditions"), kind)


def find_condition(conditions: Sequence[Json] | None, kind: str) -> Json | None:
    """Return a condition by its type, or None."""
    return next((each for each in conditions or () if each["type"] == kind), None)


def is_true(item: Json, kind: str) -> bool:
    """Whether a condition of an object is True."""
    found = condition_of(item, kind)
    return found is not None and found["status"] == "True"


def is_ready(item: Json) -> bool:
    """Whether a pod or a node is ready."""
    return is_true(item, "Ready")


def is_active(pod: Json) -> bool:
    """Whether a pod counts as one of its controller's: neither ended nor asked to end."""
    return phase_of(pod) not in ENDED and not is_deleting(pod)


def phase_of(pod: Json) -> str:
    """Return a pod's phase."""
    return (pod.get("status") or {}).get("phase") or "Pending"


def moment(stamp: str) -> datetime:
    """Read a time as Kubernetes writes it."""
    return datetime.fromisoformat(stamp).astimezone(UTC)


def share(value: object, total: int, *, up: bool) -> int:
    """Return what a number or a percentage of the total comes to, as the real controllers round it."""
    if value is None:
        return 0
    if isinstance(value, str):
        parts = int(value.removesuffix("%")) * total
        return -(-parts // 100) if up else parts // 100
    return int(str(value))


@functools.lru_cache(maxsize=4096)
def milli(text: str) -> int:
    """Return a quantity in thousandths, rounded up: `250m` CPU is 250."""
    return -int(-parse_quantity(text) * 1000 // 1)


@functools.lru_cache(maxsize=4096)
def whole(text: str) -> int:
    """Return a quantity in whole units, rounded up: `1Ki` of memory is 1024."""
    return -int(-parse_quantity(text) // 1)


def go_duration(seconds: float) -> str:
    """Write a duration as Go does, which is how messages of a kubelet show it: `10s`, `1m20s`, `5m0s`."""
    if seconds < 1:
        return f"{seconds * 1000:g}ms" if seconds else "0s"
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    if hours:
        return f"{hours}h{minutes}m{rest:g}s"
    return f"{minutes}m{rest:g}s" if minutes else f"{rest:g}s"
