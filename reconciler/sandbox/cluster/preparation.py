"""What every write does to an object before it is stored: names, stamps, and the parts that a path may not change.

Protects: a write through the main path cannot touch a status that has a path of its own, nor the reverse; identity
(uid, creation, deletion) is the server's alone.
"""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING

from reconciler.sandbox.cluster import defaults, schemas
from reconciler.sandbox.cluster.errors import ApiError, cause, forbidden, invalid
from reconciler.sandbox.cluster.values import copied

if TYPE_CHECKING:
    import random

    from reconciler.sandbox.cluster.kinds import Kind
    from reconciler.sandbox.cluster.values import Json

_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"  # of generated names: no vowels, so no words
_SUFFIX = 5
_LONGEST_BASE = 58  # of a generated name, which is at most 63 characters long
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN_SAYS = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
    "and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_LABEL_SAYS = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end "
    "with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
_RBAC = "rbac.authorization.k8s.io"
_CLEARED: tuple[list[Json], ...] = ([], [{}])
_STAMPS = ("uid", "creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink")
_IDENTITY = ("name", "namespace", "resourceVersion", *_STAMPS)


def name_it(kind: Kind, metadata: Json, ids: random.Random) -> str:
    """Return the object's name, made from generateName where it has none. Raises ApiError when it is no name."""
    name = metadata.get("name") or ""
    base = metadata.get("generateName") or ""
    if not name and base:
        name = base[:_LONGEST_BASE] + "".join(ids.choice(_ALPHABET) for _ in range(_SUFFIX))
        metadata["name"] = name
    if not name:
        wrong = cause("FieldValueRequired", "Required value: name or generateName is required", "metadata.name")
        raise invalid(kind.kind, kind.group, "", [wrong])
    if kind.group == _RBAC:
        pattern, says = _SUBDOMAIN, ""  # any path segment will do
    elif kind.kind in ("Namespace", "Service"):
        pattern, says = _LABEL, _LABEL_SAYS
    else:
        pattern, says = _SUBDOMAIN, _SUBDOMAIN_SAYS
    if says and not pattern.fullmatch(name):
        wrong = cause("FieldValueInvalid", f'Invalid value: "{name}": {says}', "metadata.name")
        raise invalid(kind.kind, kind.group, name, [wrong])
    return name


def stamp(kind: Kind, value: Json, ids: random.Random, at: str) -> None:
    """Give a fresh copy of a manifest what only the server knows, and its defaults."""
    metadata = value["metadata"]
    if metadata.pop("resourceVersion", ""):
        raise ApiError(500, "", "resourceVersion should not be set on objects to be created")
    for each in _STAMPS:
        metadata.pop(each, None)
    metadata["uid"] = str(uuid.UUID(int=ids.getrandbits(128), version=4))
    metadata["creationTimestamp"] = at
    if kind.generation:
        metadata["generation"] = 1
    defaults.complete(kind, value)
    schemas.complete(kind.schema, value)


def begin(kind: Kind, value: Json, ids: random.Random, *, keep_status: bool) -> None:
    """Add to a new object what nobody manages because the server thought of it, and its first status.

    A status that somebody else must report is dropped.
    """
    defaults.begin(kind, value, ids)
    if kind.has_status and not kind.custom and kind.name != "Node":
        first = defaults.first_status(kind, value)
        value["status"] = first | (value.get("status") or {}) if keep_status else first
    elif kind.has_status and kind.custom and not keep_status:
        value.pop("status", None)


def next_version(kind: Kind, value: Json, before: Json, subresource: str, *, applied: bool = False) -> Json:
    """Return what a write through a path may make of an object: `value` completed, with the rest as it was.

    Only an apply brings its own managedFields; any other writer may at most clear them.
    Raises ApiError when it would change what no path may change.
    """
    fields = value["metadata"].get("managedFields")
    if not applied and (subresource or fields not in _CLEARED):
        fields = before["metadata"].get("managedFields")
    value = _part(kind, value, before, subresource)
    value["metadata"].pop("managedFields", None)
    if fields is not None:
        value["metadata"]["managedFields"] = fields
    if not subresource:
        defaults.complete(kind, value)
    if kind.schema:
        metadata = value["metadata"]
        value = copied({**value, "metadata": {}}) | {"metadata": metadata}  # it may share parts with what is stored
        schemas.complete(kind.schema, value)
    _keep_identity(kind, value["metadata"], before["metadata"])
    if kind.generation and _is_new_generation(kind, value, before):
        value["metadata"]["generation"] = before["metadata"].get("generation", 1) + 1
    return value


def refuse_wrong_part(kind: Kind, value: Json, before: Json, subresource: str) -> None:
    """Raise ValueError when code of ours changes what its path would silently keep."""
    if not kind.has_status:
        return
    if subresource == "status":
        changed = [key for key in {*value, *before} - {"status", "metadata"} if value.get(key) != before.get(key)]
    else:
        changed = ["status"] if value.get("status") != before.get("status") else []
    if changed:
        raise ValueError(f"{kind.name}: {', '.join(changed)} cannot change through {subresource or 'the main path'}")


def _part(kind: Kind, value: Json, before: Json, subresource: str) -> Json:
    """Return the object with only that part changed which the path is for."""
    if subresource == "status":
        kept = {**before, "metadata": dict(before["metadata"])}
        kept.pop("status", None)
        if not kind.custom:
            kept["metadata"].pop("annotations", None)
            kept["metadata"] |= _own(value["metadata"], "annotations")
        return kept | _own(value, "status")
    if subresource == "finalize":
        return {**before, "metadata": dict(before["metadata"]), "spec": value.get("spec") or {}}
    value["metadata"] = dict(value["metadata"])
    if kind.has_status:
        value.pop("status", None)
        value |= _own(before, "status")
    if kind.name == "Namespace":
        value["spec"] = before["spec"]
    value["apiVersion"], value["kind"] = kind.api_version, kind.kind
    return value


def _own(value: Json, key: str) -> Json:
    return {key: value[key]} if key in value else {}


def _keep_identity(kind: Kind, metadata: Json, before: Json) -> None:
    wrong = [
        cause("FieldValueInvalid", f'Invalid value: "{metadata[key]}": field is immutable', f"metadata.{key}")
        for key in ("name", "namespace", "uid")
        if metadata.get(key) and metadata[key] != before.get(key)
    ]
    if wrong:
        raise invalid(kind.kind, kind.group, before["name"], wrong * 2)  # the real server checks them twice
    added = [each for each in metadata.get("finalizers") or () if each not in (before.get("finalizers") or ())]
    if added and before.get("deletionTimestamp"):
        listed = ", ".join(f'"{each}"' for each in added)
        found = f"found new finalizers []string{{{listed}}}"
        says = f"Forbidden: no new finalizers can be added if the object is being deleted, {found}"
        raise invalid(
            kind.kind, kind.group, before["name"], [cause("FieldValueForbidden", says, "metadata.finalizers")] * 2
        )
    for key in _IDENTITY:
        if key in before:
            metadata[key] = before[key]
        else:
            metadata.pop(key, None)


def _is_new_generation(kind: Kind, value: Json, before: Json) -> bool:
    if kind.name == "Pod":
        return _without_node(value) != _without_node(before)  # binding a pod to a node makes no new generation
    if kind.generation == "spec":
        return value.get("spec") != before.get("spec")
    return any(value.get(key) != before.get(key) for key in {*value, *before} if key != "metadata")


def _without_node(value: Json) -> Json:
    return {key: below for key, below in value["spec"].items() if key != "nodeName"}


def refuse_dying_namespace(kind: Kind, name: str, namespace: Json) -> None:
    """Raise ApiError when the namespace for a new object is being deleted."""
    if not namespace["metadata"].get("deletionTimestamp"):
        return
    where = namespace["metadata"]["name"]
    why = f"unable to create new content in namespace {where} because it is being terminated"
    detail = cause("NamespaceTerminating", f"namespace {where} is being terminated", "metadata.namespace")
    raise forbidden(kind.resource, name, why, [detail])
