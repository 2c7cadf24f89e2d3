"""DELETE, of one object or of all that a selector picks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.sandbox.cluster.asks import is_dry, parsed
from reconciler.sandbox.cluster.deletion import DeleteOptions
from reconciler.sandbox.cluster.errors import bad_request, cause, invalid, not_found, success
from reconciler.sandbox.cluster.history import Stored
from reconciler.sandbox.cluster.options import is_set, number
from reconciler.sandbox.cluster.selectors import selector
from reconciler.sandbox.wire import Response, json_response

if TYPE_CHECKING:
    from reconciler.sandbox.cluster.asks import Ask
    from reconciler.sandbox.cluster.values import Json

_PROPAGATIONS = ("", "Background", "Foreground", "Orphan")
# Kinds whose DELETE answers with the object, and not with a Status.
_RETURNED = frozenset({"Pod", "Service", "PersistentVolumeClaim", "ServiceAccount", "ResourceQuota"})
_DEFAULT_PROPAGATION = {"Job": "Orphan"}
_JSON_HEADER = {"Content-Type": "application/json"}


def delete(ask: Ask) -> Response:
    """Answer a DELETE of one object."""
    options, dry_run = _options(ask)
    store, kind = ask.store, ask.kind
    before = store.get(kind.name, ask.namespace, ask.name)
    if before is None:
        raise not_found(kind.resource, ask.name)
    value = store.delete(kind.name, ask.namespace, ask.name, options=options, dry_run=dry_run)
    waits = bool(value["metadata"].get("deletionTimestamp"))
    if kind.name in _RETURNED or waits:
        return Response(200, ask.form.one(Stored(value)), _JSON_HEADER)
    details = {"name": ask.name, **({"group": kind.group} if kind.group else {}), "kind": kind.plural}
    return json_response(success(details=details | {"uid": before["metadata"]["uid"]}))


def delete_all(ask: Ask) -> Response:
    """Answer a DELETE of a collection with the objects that it was about."""
    options, dry_run = _options(ask)
    selects = selector(ask.kind, ask.request.first("labelSelector"), ask.request.first("fieldSelector"))
    chosen = [each for each in ask.store.list(ask.kind.name, ask.namespace) if selects is None or selects(each)]
    gone = [
        ask.store.delete(ask.kind.name, ask.namespace, each["metadata"]["name"], options=options, dry_run=dry_run)
        for each in chosen
    ]
    metadata = {"resourceVersion": str(ask.store.revision)}
    return Response(200, ask.form.many(metadata, [Stored(each) for each in gone]), _JSON_HEADER)


def _options(ask: Ask) -> tuple[DeleteOptions, bool]:
    """Return how to delete, and whether only to try; a body counts and the query does not, as with the real server."""
    body = parsed(ask.request.body, yaml=True) if ask.request.body.strip() else _from_query(ask)
    if not isinstance(body, dict) or body.get("kind", "DeleteOptions") != "DeleteOptions":
        raise bad_request("the object provided is unrecognized (must be of type DeleteOptions)")
    conditions = body.get("preconditions") or {}
    options = DeleteOptions(
        grace=_grace(body.get("gracePeriodSeconds")),
        propagation=_propagation(body) or _DEFAULT_PROPAGATION.get(ask.kind.name, ""),
        uid=conditions.get("uid") or "",
        revision=conditions.get("resourceVersion") or "",
    )
    return options, is_dry("DeleteOptions", body.get("dryRun"))


def _from_query(ask: Ask) -> Json:
    query = ask.request.query
    names = ("gracePeriodSeconds", "propagationPolicy")
    orphans = {"orphanDependents": is_set(query, "orphanDependents")} if "orphanDependents" in query else {}
    return {name: query[name][0] for name in names if name in query} | orphans | {"dryRun": query.get("dryRun") or []}


def _grace(value: object) -> int | None:
    if value is None:
        return None
    return number(str(value))


def _propagation(body: Json) -> str:
    policy, orphan = body.get("propagationPolicy") or "", body.get("orphanDependents")
    if policy not in _PROPAGATIONS:
        says = f'Unsupported value: "{policy}": supported values: "Foreground", "Background", "Orphan", "nil"'
        wrong = cause("FieldValueNotSupported", says, "propagationPolicy")
        raise invalid("DeleteOptions", "meta.k8s.io", "", [wrong])
    if orphan is not None and not policy:
        return "Orphan" if orphan else "Background"
    return str(policy)
