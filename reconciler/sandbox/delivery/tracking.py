"""Which live objects belong to which Application, by the annotation that Argo CD writes.

Kept up to date change by change, so that a large cluster is never searched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.sandbox.cluster.store import Store

Json = dict[str, Any]
Place = tuple[str, str, str]  # the store's name of the kind, namespace, name

TRACKING_ID = "argocd.argoproj.io/tracking-id"
_PARTS = 3


def tracking_id(application: str, group: str, kind: str, namespace: str, name: str) -> str:
    """Return the annotation's value."""
    return f"{application}:{group}/{kind}:{namespace}/{name}"


def tracked_by(live: Json) -> str | None:
    """Return the Application that an object's annotation names; None without one that can be read."""
    parts = _parts(live)
    return parts[0] if parts else None


def refers_to_itself(live: Json, *, desired: bool) -> bool:
    """Tell whether the annotation speaks of the object that carries it; a copied one does not.

    An object that Git wants counts as its own whatever it carries.
    """
    parts = _parts(live)
    if parts is None or desired:
        return True
    metadata, group = live["metadata"], live["apiVersion"].rpartition("/")[0]
    namespace, _, name = parts[2].partition("/")
    same_namespace = metadata.get("namespace", "") in {namespace, ""}
    return same_namespace and name == metadata["name"] and parts[1] == f"{group}/{live['kind']}"


def _parts(live: Json) -> list[str] | None:
    text = (live["metadata"].get("annotations") or {}).get(TRACKING_ID)
    parts = text.split(":", 2) if text else []  # names of cluster roles hold colons
    return parts if len(parts) == _PARTS else None


class Tracked:
    """The objects of each Application, and the Applications that each place concerns."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._owners: dict[Place, str] = {}
        self._places: dict[str, dict[Place, None]] = {}
        self._watchers: dict[Place, set[str]] = {}  # whom a place concerns because Git wants something there
        self._watched: dict[str, frozenset[Place]] = {}

    def notice(self, place: Place) -> set[str]:
        """Note that something changed at a place, and return the Applications that it concerns."""
        before = self._owners.pop(place, None)
        if before is not None:
            self._places[before].pop(place, None)
        live = self._store.get(*place)
        after = None
        if live is not None and not live["metadata"].get("ownerReferences"):  # children carry copies
            after = tracked_by(live)
        if after is not None:
            self._owners[place] = after
            self._places.setdefault(after, {})[place] = None
        return {name for name in (before, after) if name is not None} | self._watchers.get(place, set())

    def of(self, application: str) -> list[Place]:
        """Return where the objects are that an Application tracks."""
        return sorted(self._places.get(application, ()))

    def watch(self, application: str, places: Iterable[Place]) -> None:
        """Note where an Application wants objects, whether they are there or not."""
        wanted, former = frozenset(places), self._watched.get(application, frozenset())
        if wanted == former:
            return
        for place in former - wanted:
            self._watchers[place].discard(application)
        for place in wanted - former:
            self._watchers.setdefault(place, set()).add(application)
        self._watched[application] = wanted
