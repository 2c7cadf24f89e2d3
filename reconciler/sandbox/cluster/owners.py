"""Who belongs to whom: an index from an owner's uid to the objects that name it, and from a uid to its object."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.sandbox.cluster.history import Place
    from reconciler.sandbox.cluster.values import Json


class Owners:
    """Kept current by every write of the store."""

    def __init__(self) -> None:
        self._dependents: dict[str, set[Place]] = {}
        self._places: dict[str, Place] = {}

    def place(self, uid: str) -> Place | None:
        """Return where the object of a uid is."""
        return self._places.get(uid)

    def dependents(self, uid: str) -> set[Place]:
        """Return where the objects are that name an owner; in no order."""
        return self._dependents.get(uid, set())

    def put(self, place: Place, value: Json, before: Json | None) -> None:
        """Note an object, or its next version."""
        self._places[value["metadata"]["uid"]] = place
        now = _owners(value)
        former = _owners(before) if before else set()
        for uid in former - now:
            self._drop(uid, place)
        for uid in now - former:
            self._dependents.setdefault(uid, set()).add(place)

    def remove(self, place: Place, value: Json) -> None:
        """Forget an object."""
        self._places.pop(value["metadata"]["uid"], None)
        for uid in _owners(value):
            self._drop(uid, place)

    def _drop(self, uid: str, place: Place) -> None:
        rest = self._dependents[uid]
        rest.discard(place)
        if not rest:
            del self._dependents[uid]


def _owners(value: Json) -> set[str]:
    references = value["metadata"].get("ownerReferences")
    return {reference["uid"] for reference in references} if references else set()
