"""Write one object as `kubectl apply` does on Argo CD's behalf, or delete one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from reconciler.sandbox.cluster import apply
from reconciler.sandbox.cluster.errors import ApiError
from reconciler.sandbox.cluster.store import DeleteOptions
from reconciler.sandbox.delivery.comparing import Row, has_option, is_server_side
from reconciler.sandbox.delivery.differing import LAST_APPLIED, MANAGER, clean, merged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.sandbox.cluster.kinds import Kind
    from reconciler.sandbox.cluster.store import Store

Json = dict[str, Any]
Result = tuple[str, str]  # the code (Synced, SyncFailed, Pruned, PruneSkipped) and the message


def apply_object(store: Store, row: Row, spec: Json) -> Result:
    """Create or change an object as Git wants it; a refusal of the API server is the message."""
    kind, desired = row.served, row.desired
    if kind is None or desired is None:
        raise ValueError(f"{row.key} cannot be applied")
    place = (kind.name, row.key[2], row.key[3])
    before = store.get(*place)
    try:
        if is_server_side(spec, desired):
            _apply_server_side(store, kind, place, clean(desired))
            return "Synced", f"{_name(kind, row.key[3])} serverside-applied"
        _apply_client_side(store, kind, place, clean(desired))
    except ApiError as error:
        return "SyncFailed", error.message
    if before is None:
        return "Synced", f"{_name(kind, row.key[3])} created"
    same = store.get(*place) is before
    return "Synced", f"{_name(kind, row.key[3])} {'unchanged' if same else 'configured'}"


def prune_object(store: Store, row: Row, *, prune: bool, policy: str) -> Result:
    """Delete an object that Git does not want any more, if that may be."""
    if row.served is None or row.live is None:
        raise ValueError(f"{row.key} cannot be pruned")
    if not prune:
        return "PruneSkipped", "ignored (requires pruning)"
    if has_option(row.live, "Prune=false"):
        return "PruneSkipped", "ignored (no prune)"
    if not row.live["metadata"].get("deletionTimestamp"):
        try:
            delete_object(store, (row.served.name, row.key[2], row.key[3]), policy)
        except ApiError as error:
            return "SyncFailed", error.message
    return "Pruned", "pruned"


def delete_object(store: Store, place: tuple[str, str, str], policy: str = "Foreground") -> None:
    """Delete an object with its children, by default the children first. Raises ApiError."""
    store.delete(*place, options=DeleteOptions(propagation=policy))


def create_namespace(store: Store, name: str, options: Sequence[str]) -> Result:
    """Create the destination's namespace (CreateNamespace=true), in the way that the sync options say."""
    manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    row = Row(
        key=("", "Namespace", "", name), version="v1", served=store.kinds["Namespace"], desired=manifest, live=None
    )
    return apply_object(store, row, {"syncPolicy": {"syncOptions": options}})


def images_of(value: Json) -> Sequence[str]:
    """Return the images of an object's containers, as results list them."""
    spec = value.get("spec") or {}
    pods = (spec, (spec.get("template") or {}).get("spec") or {})
    jobs = (((spec.get("jobTemplate") or {}).get("spec") or {}).get("template") or {}).get("spec") or {}
    holder = next((each for each in (*pods, jobs) if each.get("containers")), {})
    return [each["image"] for each in holder.get("containers") or () if each.get("image")]


def _apply_client_side(store: Store, kind: Kind, place: tuple[str, str, str], desired: Json) -> None:
    noted = _noted(desired)
    if store.get(*place) is None:
        store.create(noted, manager=MANAGER)
        return

    def mutate(value: Json) -> None:
        made = merged(kind, noted, value, server_side=False)
        value.clear()
        value.update(made)

    store.change(*place, mutate, manager=MANAGER)


def _apply_server_side(store: Store, kind: Kind, place: tuple[str, str, str], desired: Json) -> None:
    current = store.get(*place)
    by = apply.Applier(kind=kind, manager=MANAGER, time=store.clock.stamp(), force=True)
    made = apply.applied(current, desired, by)
    if current is None:
        store.create(made, manager=MANAGER, applied=True)
    elif made is not current:
        store.update(*place, made, manager=MANAGER, applied=True)


def _noted(desired: Json) -> Json:
    """Return a manifest that carries itself, for the next three-way merge."""
    metadata = desired["metadata"]
    annotations = {k: v for k, v in (metadata.get("annotations") or {}).items() if k != LAST_APPLIED}
    whole = {**desired, "metadata": {**metadata, "annotations": annotations}}
    text = json.dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n"
    return {**desired, "metadata": {**metadata, "annotations": {**annotations, LAST_APPLIED: text}}}


def _name(kind: Kind, name: str) -> str:
    qualified = f"{kind.singular}.{kind.group}" if kind.group else kind.singular
    return f"{qualified}/{name}"
