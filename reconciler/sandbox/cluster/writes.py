"""POST, PUT and PATCH of objects, and of the parts of them that have a path of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.sandbox.cluster import apply, patches, scale
from reconciler.sandbox.cluster.asks import parsed
from reconciler.sandbox.cluster.errors import (
    bad_request,
    cause,
    conflict,
    invalid,
    not_found,
    unsupported_media,
    unsupported_patch,
)
from reconciler.sandbox.cluster.history import Stored
from reconciler.sandbox.cluster.options import is_set
from reconciler.sandbox.cluster.shapes import shape_of
from reconciler.sandbox.wire import NotInSandbox, Response, json_response

if TYPE_CHECKING:
    from reconciler.sandbox.cluster.asks import Ask
    from reconciler.sandbox.cluster.values import Json

JSON_PATCH = "application/json-patch+json"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"

_JSON_HEADER = {"Content-Type": "application/json"}
# Kinds of which a PUT must say which version it replaces, besides all custom ones.
_CONDITIONAL = frozenset({"PodDisruptionBudget", "CustomResourceDefinition", "Lease"})


def create(ask: Ask) -> Response:
    """Answer a POST to a collection."""
    shown = ask.form
    value = ask.store.create(ask.manifest(), manager=ask.manager, dry_run=ask.dry_run)
    return Response(201, shown.one(Stored(value)), _JSON_HEADER)


def replace(ask: Ask) -> Response:
    """Answer a PUT."""
    shown, manifest, before = ask.form, ask.manifest(), _live(ask)
    ask.check_name(manifest)
    metadata = manifest["metadata"]
    if metadata.get("uid") not in (None, "", before["metadata"]["uid"]):
        raise conflict(ask.kind.resource, ask.name, _other_uid(ask, metadata["uid"], before["metadata"]["uid"]))
    if not metadata.get("resourceVersion") and (ask.kind.custom or ask.kind.name in _CONDITIONAL):
        wrong = cause(
            "FieldValueInvalid", "Invalid value: 0: must be specified for an update", "metadata.resourceVersion"
        )
        raise invalid(ask.kind.plural, ask.kind.group, ask.name, [wrong])
    return Response(200, shown.one(Stored(_store(ask, manifest))), _JSON_HEADER)


def patch(ask: Ask) -> Response:
    """Answer a PATCH of any of the four kinds."""
    shown = ask.form
    if ask.content_type == APPLY:
        value, is_new = _apply(ask)
        return Response(201 if is_new else 200, shown.one(Stored(value)), _JSON_HEADER)
    if ask.request.first("force"):
        raise _bad_option("FieldValueForbidden", "Forbidden: may not be specified for non-apply patch", "force")
    wanted = ask.fitted(_patched(ask, _live(ask)))
    ask.check_name(wanted)
    value = _store(ask, wanted)
    return Response(200, shown.one(Stored(value)), _JSON_HEADER)


def read_scale(ask: Ask) -> Response:
    """Answer a GET of an object's scale."""
    return json_response(scale.shown(ask.kind, _live(ask)))


def write_scale(ask: Ask) -> Response:
    """Answer a PUT or PATCH of an object's scale: of its workload, only the number of replicas changes."""
    workload = _live(ask)
    if ask.content_type == APPLY:
        raise NotInSandbox("server-side apply of a scale")
    is_put = ask.route.verb == "update"
    wanted = parsed(ask.request.body) if is_put else _patched(ask, scale.shown(ask.kind, workload))
    if not isinstance(wanted, dict):
        raise bad_request("the object provided is unrecognized (must be of type Scale)")
    value = _store(ask, scale.changed(ask.kind, workload, wanted))
    return json_response(scale.shown(ask.kind, value))


def _live(ask: Ask) -> Json:
    found = ask.store.get(ask.kind.name, ask.namespace, ask.name)
    if found is None:
        raise not_found(ask.kind.resource, ask.name)
    return found


def _store(ask: Ask, value: Json, *, applied: bool = False) -> Json:
    return ask.store.update(
        ask.kind.name,
        ask.namespace,
        ask.name,
        value,
        manager=ask.manager,
        subresource=ask.route.subresource,
        dry_run=ask.dry_run,
        applied=applied,
    )


def _patched(ask: Ask, live: Json) -> Json:
    """Return an object as a patch makes it."""
    allowed = [JSON_PATCH, MERGE, *([] if ask.kind.custom else [STRATEGIC]), APPLY]
    if ask.content_type not in allowed:
        raise unsupported_media(allowed) if ask.content_type == STRATEGIC else unsupported_patch()
    body = parsed(ask.request.body, what="patch")
    if ask.content_type == JSON_PATCH:
        return patches.json_patch(live, body)
    if ask.content_type == MERGE:
        return patches.merge(live, body)
    return patches.strategic(live, body, shape_of(ask.kind))


def _apply(ask: Ask) -> tuple[Json, bool]:
    """Return the object that an apply makes or changes, and whether it is new."""
    if not ask.request.first("fieldManager"):
        raise _bad_option("FieldValueRequired", "Required value: is required for apply patch", "fieldManager")
    body = parsed(ask.request.body, yaml=True)
    if isinstance(body, dict) and not body.get("kind"):
        raise bad_request(f"invalid object type: {body.get('apiVersion') or '/'}, Kind=")
    manifest = ask.fitted(body)
    current = ask.store.get(ask.kind.name, ask.namespace, ask.name)
    if current is not None:
        manifest["metadata"].setdefault("name", ask.name)
    ask.check_name(manifest)
    by = apply.Applier(
        kind=ask.kind,
        manager=ask.manager,
        time=ask.store.clock.stamp(),
        force=is_set(ask.request.query, "force"),
        subresource=ask.route.subresource,
    )
    if current is not None:
        return _store(ask, apply.applied(current, manifest, by), applied=True), False
    if ask.route.subresource:
        raise not_found(ask.kind.resource, ask.name)
    uid = manifest["metadata"].get("uid")
    if uid:
        why = f"uid mismatch: the provided object specified uid {uid}, and no existing object was found"
        raise conflict(ask.kind.resource, ask.name, why)
    manifest["metadata"].pop("resourceVersion", None)
    made = apply.applied(None, manifest, by)
    return ask.store.create(made, manager=ask.manager, dry_run=ask.dry_run, applied=True), True


def _other_uid(ask: Ask, wanted: str, found: str) -> str:
    where = "/".join(part for part in (ask.kind.plural, ask.namespace, ask.name) if part)
    return (
        f"StorageError: invalid object, Code: 4, Key: /registry/{where}, ResourceVersion: 0, AdditionalErrorMsg: "
        f"Precondition failed: UID in precondition: {wanted}, UID in object meta: {found}"
    )


def _bad_option(reason: str, says: str, field: str) -> Exception:
    return invalid("PatchOptions", "meta.k8s.io", "", [cause(reason, says, field)])
