"""An Application that is deleted takes its objects along, when its finalizer asks for that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.sandbox.delivery import status
from reconciler.sandbox.delivery.applying import delete_object
from reconciler.sandbox.delivery.comparing import annotation, has_option

if TYPE_CHECKING:
    from reconciler.sandbox.cluster.store import Store
    from reconciler.sandbox.delivery.tracking import Tracked

Json = dict[str, Any]

_FOREGROUND = "resources-finalizer.argocd.argoproj.io"
_BACKGROUND = "resources-finalizer.argocd.argoproj.io/background"
_POLICY = "helm.sh/resource-policy"
FINALIZERS = (_FOREGROUND, _BACKGROUND)


def remove(store: Store, tracked: Tracked, application: Json) -> None:
    """Delete an Application's objects; let it go once none is left. Called again whenever one of them changed."""
    metadata = application["metadata"]
    held = [each for each in metadata.get("finalizers") or () if each in FINALIZERS]
    if not held:
        return
    policy = "Background" if _BACKGROUND in held else "Foreground"
    left = False
    for place in tracked.of(metadata["name"]):
        live = store.get(*place)
        if live is None or has_option(live, "Delete=false") or annotation(live, _POLICY) == "keep":
            continue
        if not live["metadata"].get("deletionTimestamp"):
            delete_object(store, place, policy)
        left = left or store.get(*place) is not None
    if not left:
        status.change(store, application, _release)


def _release(value: Json) -> None:
    value["metadata"]["finalizers"] = [each for each in value["metadata"]["finalizers"] if each not in FINALIZERS]
