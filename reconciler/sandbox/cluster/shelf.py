"""The objects of one kind, ordered by namespace and name."""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.sandbox.cluster.history import Stored
    from reconciler.sandbox.cluster.values import Json

Key = tuple[str, str]  # namespace, name


class Shelf:
    """Finds one object by hashing and a namespace's objects by bisection; never copies an object."""

    def __init__(self) -> None:
        self._entries: dict[Key, Stored] = {}
        self._order: list[Key] = []
        self.revision = 0  # of the kind's newest change

    def get(self, key: Key) -> Stored | None:
        """Return the object at a key."""
        return self._entries.get(key)

    def put(self, key: Key, stored: Stored, revision: int) -> None:
        """Place an object, or its next version."""
        if key not in self._entries:
            if self._order and key < self._order[-1]:
                insort(self._order, key)
            else:
                self._order.append(key)
        self._entries[key] = stored
        self.revision = revision

    def remove(self, key: Key, revision: int) -> None:
        """Take an object away."""
        del self._entries[key]
        del self._order[bisect_left(self._order, key)]
        self.revision = revision

    def keys(self, namespace: str = "") -> Sequence[Key]:
        """Return the keys of a namespace, or all, in order."""
        if not namespace:
            return self._order
        low = bisect_left(self._order, (namespace, ""))
        return self._order[low : bisect_left(self._order, (namespace + "\0", ""), low)]

    def everything(self) -> list[Stored]:
        """Return all objects, in no order."""
        return list(self._entries.values())

    def values(self, namespace: str = "") -> list[Json]:
        """Return the objects of a namespace, or all, in order, as they are kept."""
        entries = self._entries
        return [entries[key].value for key in self.keys(namespace)]

    def items(self, namespace: str = "") -> list[tuple[Key, Stored]]:
        """Return keys and objects of a namespace, or all, in order."""
        return [(key, self._entries[key]) for key in self.keys(namespace)]
