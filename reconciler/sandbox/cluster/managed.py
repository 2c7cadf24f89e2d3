"""Who manages which field: the `managedFields` of an object after an update, entry by entry as the real server's.

Whoever changes a field manages it alone from then on; a field that goes is nobody's. Only differences are looked at,
so a status write costs little however large the object is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.sandbox.cluster.fieldsets import compared, covers, difference, union
from reconciler.sandbox.cluster.shapes import shape_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.sandbox.cluster.fieldsets import Json, Tree
    from reconciler.sandbox.cluster.kinds import Kind

UPDATE, APPLY = "Update", "Apply"

_MOST_UPDATERS = 10  # then the oldest ones are thrown together
_ANCIENT = "ancient-changes"

# Nobody manages what names the object, nor what only the server writes.
NOBODYS: Tree = {
    "f:apiVersion": {},
    "f:kind": {},
    "f:metadata": {
        ".": {},
        **{
            f"f:{name}": {}
            for name in (
                "name",
                "namespace",
                "creationTimestamp",
                "selfLink",
                "uid",
                "clusterName",
                "generation",
                "managedFields",
                "resourceVersion",
            )
        },
    },
}
_TEMPLATE: Json = {"metadata": {}, "spec": {"containers": []}}
_PARTS: Json = {"metadata": {}, "spec": {}, "status": {}}

# What an object of the real Go type holds before anything is set: whoever fills these places did not make them.
_BLANK: dict[str, Json] = {
    "CronJob": _PARTS | {"spec": {"jobTemplate": {"metadata": {}, "spec": {"template": _TEMPLATE}}}},
    "DaemonSet": _PARTS | {"spec": {"template": _TEMPLATE, "updateStrategy": {}}},
    "Deployment": _PARTS | {"spec": {"template": _TEMPLATE, "strategy": {}}},
    "Event": {"metadata": {}, "source": {}},
    "HorizontalPodAutoscaler": _PARTS | {"spec": {"scaleTargetRef": {}}},
    "Job": _PARTS | {"spec": {"template": _TEMPLATE}},
    "Node": _PARTS | {"status": {"daemonEndpoints": {"kubeletEndpoint": {}}, "nodeInfo": {}}},
    "PersistentVolumeClaim": _PARTS | {"spec": {"resources": {}}},
    "Pod": _PARTS | {"spec": {"containers": []}},
    "ReplicaSet": _PARTS | {"spec": {"template": _TEMPLATE}},
    "Service": _PARTS | {"status": {"loadBalancer": {}}},
    "StatefulSet": _PARTS | {"spec": {"template": _TEMPLATE, "updateStrategy": {}}},
}


def blank(kind: Kind) -> Json:
    """Return what a new object of the kind is compared with: the real type's zero value, nothing for a custom one."""
    return {} if kind.custom else _BLANK.get(kind.kind, _PARTS)


def stamp(kind: Kind, value: Json, before: Json | None, *, manager: str, at: str, subresource: str = "") -> None:
    """Note in a new version of an object (before: None is its creation) who manages what, in its `managedFields`."""
    entries = updated(before, value, kind=kind, manager=manager, time=at, subresource=subresource)
    if entries:
        value["metadata"]["managedFields"] = entries
    else:
        value["metadata"].pop("managedFields", None)


def updated(
    before: Json | None,
    after: Json,
    *,
    kind: Kind,
    manager: str,
    time: str,
    subresource: str = "",
) -> list[Json]:
    """Return the `managedFields` of an object that `manager` created (before: None) or changed.

    A writer who sends an empty list, or one empty entry, clears them; of an object without any, nothing is tracked
    until somebody applies.
    """
    entries = _given(before, after, subresource)
    if before is not None and not entries:
        return []
    if subresource == "scale" and not any(_has_replicas(entry["fieldsV1"]) for entry in entries):
        return entries  # a scale shows only entries about replicas, and to one without any nothing is added
    found = changes(before or blank(kind), after, kind=kind, subresource=subresource)
    return credited(entries, *found, manager=manager, api_version=kind.api_version, time=time, subresource=subresource)


def changes(before: Json, after: Json, *, kind: Kind, subresource: str = "") -> tuple[Tree, Tree]:
    """Return the fields that came or changed, and those that went, of those that count at that path of the API."""
    if "status" not in before and not kind.custom:
        before = {**before, "status": {}}  # the real type always has one
    changed, removed = compared(_without_entries(before), _without_entries(after), shape_of(kind))
    if kind.has_status and subresource != "status":
        for found in (changed, removed):
            found.pop("f:status", None)  # only the status path writes it
    if subresource == "scale" and not after["spec"].get("replicas"):
        return {}, changed  # a scale of zero leaves the number out, so it is nobody's
    return changed, removed


def _has_replicas(fields: Tree) -> bool:
    return "f:replicas" in fields.get("f:spec", {})


def credited(
    entries: Sequence[Json],
    changed: Tree,
    removed: Tree,
    *,
    manager: str,
    api_version: str,
    time: str,
    subresource: str = "",
) -> list[Json]:
    """Return the entries after an update: what changed is the manager's, what went is nobody's."""
    gone = union(changed, removed)
    taken = difference(changed, NOBODYS)
    if not gone:
        return list(entries)
    mine = (manager or "unknown", UPDATE, subresource, api_version)
    left: list[Json] = []
    own: Tree = {}
    for entry in entries:
        fields: Tree = entry["fieldsV1"]
        if taken and identity(entry) == mine:
            # A status is mostly written by whoever wrote it before: then nothing moves.
            own = fields if not removed and covers(fields, taken) else union(difference(fields, gone), taken)
            continue
        fields = difference(fields, gone)
        if fields:
            left.append(entry if fields is entry["fieldsV1"] else {**entry, "fieldsV1": fields})
    if taken:
        left.append(entry_of(mine, api_version, time, own or taken))
    return in_order(_capped(left))


def identity(entry: Json) -> tuple[str, str, str, str]:
    """Return what tells managers apart; one who applies stays the same through versions of the API."""
    operation = entry["operation"]
    version = "" if operation == APPLY else entry["apiVersion"]
    return entry.get("manager", ""), operation, entry.get("subresource", ""), version


def entry_of(who: tuple[str, str, str, str], api_version: str, time: str | None, fields: Tree) -> Json:
    """Write one entry of `managedFields`."""
    manager, operation, subresource, _ = who
    return {
        "manager": manager,
        "operation": operation,
        "apiVersion": api_version,
        **({"time": time} if time else {}),
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
        **({"subresource": subresource} if subresource else {}),
    }


def differ_in_times_only(one: Json, other: Json) -> bool:
    """Tell whether two versions of an object are the same but for when somebody last wrote: that is no change."""
    if _without_entries(one) != _without_entries(other):
        return False
    mine, theirs = (each["metadata"].get("managedFields") or [] for each in (one, other))

    def timeless(entries: list[Json]) -> list[Json]:
        return [{**entry, "time": None} for entry in sorted(entries, key=identity)]

    return timeless(mine) == timeless(theirs)


def in_order(entries: list[Json]) -> list[Json]:
    """Sort entries as the server stores them: those who apply first, then by time and name."""
    return sorted(entries, key=_order)


def _order(entry: Json) -> tuple[Any, ...]:
    return (
        entry["operation"],
        entry.get("time", ""),
        entry.get("manager", ""),
        entry["apiVersion"],
        entry.get("subresource", ""),
    )


def _given(before: Json | None, after: Json, subresource: str) -> list[Json]:
    """Return the entries to start from: the writer's where it sends any, else those that were there."""
    live: list[Json] = ((before or {}).get("metadata") or {}).get("managedFields") or []
    metadata = after.get("metadata") or {}
    sent = metadata.get("managedFields")
    if subresource or sent is None:
        return live
    return [] if sent in ([], [{}]) else sent


def _without_entries(value: Json) -> Json:
    metadata = value.get("metadata")
    if not metadata or "managedFields" not in metadata:
        return value
    return {**value, "metadata": {key: below for key, below in metadata.items() if key != "managedFields"}}


def _capped(entries: list[Json]) -> list[Json]:
    """Throw the oldest updaters together when there are too many."""
    updaters = sorted((e for e in entries if e["operation"] == UPDATE), key=_age)
    surplus = len(updaters) - _MOST_UPDATERS
    if surplus <= 0:
        return entries
    kept = [e for e in entries if e["operation"] != UPDATE]
    oldest: dict[str, Json] = {}
    for entry in updaters:
        version = entry["apiVersion"]
        if surplus > 0 and version in oldest:
            fields = union(entry["fieldsV1"], oldest[version]["fieldsV1"])
            oldest[version] = entry_of((_ANCIENT, UPDATE, "", version), version, entry.get("time"), fields)
            surplus -= 1
        elif surplus > 0:
            oldest[version] = entry
        else:
            kept.append(entry)
    return [*kept, *oldest.values()]


def _age(entry: Json) -> tuple[str, str]:
    return entry.get("time", ""), entry.get("manager", "")
