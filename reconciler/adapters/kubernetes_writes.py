"""The two writes to a cluster: restart a workload, set fields by server-side apply.

Protects: only the object that was looked at is written (its uid travels in the patch), a repeat changes nothing, and
no field is taken from a controller: force is used only against tools that people type into.
"""

from __future__ import annotations

import re
from datetime import UTC
from typing import TYPE_CHECKING

from reconciler.adapters.kubernetes_connection import APPLY, FIELD_MANAGER, STRATEGIC
from reconciler.adapters.kubernetes_errors import ApplyConflict, Missing
from reconciler.adapters.kubernetes_objects import RESTARTED_AT, managed_paths, raw_at, value_at
from reconciler.errors import Conflict, Refusal
from reconciler.manifests.rendering.objects import put
from reconciler.model.action import shown
from reconciler.model.objects import format_path
from reconciler.model.quantity import same_quantities
from reconciler.ports import ApplyReport

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from reconciler.adapters.kubernetes_connection import Connection, Resource
    from reconciler.adapters.kubernetes_objects import Json
    from reconciler.model.action import FieldChange
    from reconciler.model.objects import FieldPath, ObjectRef

_MANAGER = re.compile(r'conflict with "([^"]*)"')
_DELIVERY = ("argocd", "kustomize-controller", "helm-controller")
_HUMAN_TOOLS = frozenset({FIELD_MANAGER, "helm"})  # and everything of kubectl
_RESTARTED_AT_PATH = ("spec", "template", "metadata", "annotations", RESTARTED_AT)
_AGAIN = "nothing to do: the next pass looks at the object as it is now"


def restart(connection: Connection, resource: Resource, target: ObjectRef, *, uid: str, at: datetime) -> None:
    """Set the template's restartedAt annotation to `at`, unless that is its value already."""
    raw = _same_object(connection, resource, target, uid)
    moment = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if value_at(raw, _RESTARTED_AT_PATH) == moment:
        return
    _refuse_useless_restart(raw, target)
    body = {
        "metadata": {"uid": uid},
        "spec": {"template": {"metadata": {"annotations": {RESTARTED_AT: moment}}}},
    }
    _patch(connection, resource, target, body, STRATEGIC)


def _refuse_useless_restart(raw: Json, target: ObjectRef) -> None:
    """Raise Refusal where the annotation would restart nothing, or start a fight with Git."""
    spec = raw.get("spec") or {}
    if spec.get("paused"):
        raise Refusal(
            code="restart.paused",
            message=f"{target} is paused: a restart would wait until somebody resumes it",
            remedy=f"kubectl rollout resume {target.kind.lower()}/{target.name} -n {target.namespace}",
        )
    if (spec.get("updateStrategy") or {}).get("type") == "OnDelete":
        raise Refusal(
            code="restart.on_delete",
            message=f"{target} replaces pods only when they are deleted (update strategy OnDelete)",
            remedy="delete its pods one by one, or set its update strategy to RollingUpdate",
        )
    deliverers = sorted(name for name in _managers(raw, _RESTARTED_AT_PATH) if name.startswith(_DELIVERY))
    if deliverers:
        raise Refusal(
            code="restart.git_owned",
            message=f"{target}: Git holds the restartedAt annotation ({deliverers[0]} sets it)",
            remedy="take the annotation out of Git, or restart by changing it there",
        )


def apply(
    connection: Connection,
    resource: Resource,
    target: ObjectRef,
    *,
    uid: str,
    changes: Sequence[FieldChange],
    dry_run: bool,
) -> ApplyReport:
    """Set the fields after a dry run that names everybody else who manages them."""
    raw = _comparable(connection, resource, target, uid, changes)
    if raw is None:
        return ApplyReport(changed=False)
    manifest = _manifest(resource, raw, changes)
    others = _dry_run(connection, resource, target, manifest)
    if not dry_run and others:
        _take_over(connection, resource, target, uid, changes)
    elif not dry_run:
        # Whoever set the field since we read it would manage it, and the server would say so.
        _patch(connection, resource, target, manifest, APPLY)
    return ApplyReport(changed=True, conflicts=others)


def _take_over(
    connection: Connection, resource: Resource, target: ObjectRef, uid: str, changes: Sequence[FieldChange]
) -> None:
    """Apply by force, which overrules everybody, so only to the very version that we compared.

    A controller that writes the status makes a new version too: then the object is read and compared again, twice.
    """
    for last in (False, False, True):
        raw = _comparable(connection, resource, target, uid, changes)
        if raw is None:
            return None
        manifest = _manifest(resource, raw, changes)
        manifest["metadata"]["resourceVersion"] = raw["metadata"]["resourceVersion"]
        try:
            return _patch(connection, resource, target, manifest, APPLY, force=True)
        except Conflict as conflict:
            if last or conflict.code != "kubernetes.conflict":
                raise
    return None


def _comparable(
    connection: Connection, resource: Resource, target: ObjectRef, uid: str, changes: Sequence[FieldChange]
) -> Json | None:
    """Return the target as it is now, with every field at its `before`; None when all are at their `after` already.

    Raises Conflict when a field is at neither.
    """
    raw = _same_object(connection, resource, target, uid)
    if all(_holds(raw, change.path, change.after) for change in changes):
        return None
    for change in changes:
        _refuse_moved_field(raw, target, change)
    return raw


def _dry_run(connection: Connection, resource: Resource, target: ObjectRef, manifest: Json) -> tuple[str, ...]:
    """Try the apply without doing it; return the human tools whose fields it would take over.

    Raises Refusal when one of the other managers is no human tool: it would set the field back, or break.
    """
    try:
        _patch(connection, resource, target, manifest, APPLY, dryRun="All")
    except ApplyConflict as conflict:
        found = (_MANAGER.search(cause) for cause in conflict.causes)
        managers = tuple(sorted({match[1] if match else "" for match in found}))
    else:
        return ()
    for manager in managers:
        if not (manager in _HUMAN_TOOLS or manager.startswith("kubectl")):
            raise Refusal(
                code="apply.other_manager",
                message=f"{target}: the field is managed by {manager or 'somebody unnamed'}",
                remedy="change it where that manager takes its values from",
            )
    _patch(connection, resource, target, manifest, APPLY, dryRun="All", force=True)
    return managers


def _manifest(resource: Resource, raw: Json, changes: Sequence[FieldChange]) -> Json:
    """Build the smallest object to apply: what we applied before, as it is now, and the changes.

    Server-side apply removes what our last apply set and this one leaves out, so the former must be repeated.
    """
    metadata = raw["metadata"]
    manifest: Json = {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": {key: metadata[key] for key in ("name", "namespace", "uid") if key in metadata},
    }
    removed = {change.path for change in changes if change.after is None}
    for path in _applied_before(raw):
        current = raw_at(raw, path)
        if current is not None and path not in removed:
            put(manifest, path, current)
    for change in changes:
        if change.after is not None:
            put(manifest, change.path, _typed(change.after, raw_at(raw, change.path)))
    return manifest


def _applied_before(raw: Json) -> list[FieldPath]:
    entries = raw["metadata"].get("managedFields") or ()
    ours = (e for e in entries if e.get("manager") == FIELD_MANAGER and e.get("operation") == "Apply")
    return [path for entry in ours for path in managed_paths(entry)]


def _managers(raw: Json, path: FieldPath) -> set[str]:
    entries = raw["metadata"].get("managedFields") or ()
    return {e.get("manager") or "" for e in entries if path in managed_paths(e)}


def _typed(text: str, current: object) -> object:
    """Return the new value in the JSON type that the field has now."""
    if isinstance(current, bool):
        return text == "true"
    return int(text) if isinstance(current, int) else text


def _same_object(connection: Connection, resource: Resource, target: ObjectRef, uid: str) -> Json:
    """Return the target as it is now. Raises Conflict when it is gone or another one of the same name."""
    try:
        raw = connection.get(resource, target.namespace, target.name)
    except Missing as error:
        raise _gone(target) from error
    if raw.get("metadata", {}).get("uid") != uid:
        raise _replaced(target)
    return raw


def _patch(
    connection: Connection,
    resource: Resource,
    target: ObjectRef,
    body: Json,
    content_type: str,
    *,
    force: bool = False,
    **query: str,
) -> None:
    if force:
        query["force"] = "true"
    try:
        connection.patch(resource, target.namespace, target.name, body, content_type=content_type, query=query)
    except Missing as error:
        raise _gone(target) from error


def _holds(raw: Json, path: FieldPath, expected: str | None) -> bool:
    return same_quantities((value_at(raw, path),), (expected,))


def _refuse_moved_field(raw: Json, target: ObjectRef, change: FieldChange) -> None:
    if not _holds(raw, change.path, change.before):
        current = value_at(raw, change.path)
        raise Conflict(
            code="apply.field_moved",
            message=f"{target} {format_path(change.path)} is {shown(current)}, no longer {shown(change.before)}",
            remedy=_AGAIN,
        )
    if change.after is None and change.path not in _applied_before(raw):
        raise Refusal(
            code="apply.not_ours",
            message=f"{target} {format_path(change.path)} was set by somebody else, who alone can unset it",
            remedy="unset it where it was set",
        )


def _gone(target: ObjectRef) -> Conflict:
    return Conflict(code="target.gone", message=f"{target} does not exist any more", remedy=_AGAIN)


def _replaced(target: ObjectRef) -> Conflict:
    return Conflict(code="target.replaced", message=f"{target} was deleted and made anew", remedy=_AGAIN)
