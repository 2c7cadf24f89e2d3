"""What changed, newest last: for watches, for consistent pages of a list, and for controllers.

Protects: the history is bounded, and whoever asks for more than it holds is told so (410), never given less.
"""

from __future__ import annotations

import json
from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.sandbox.cluster.errors import expired

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.sandbox.cluster.values import Json

LENGTH = 10_000  # changes remembered

Place = tuple[str, str, str]  # kind, namespace, name


class Stored:
    """One version of an object, and its JSON once somebody asked for it."""

    __slots__ = ("_data", "value")

    def __init__(self, value: Json) -> None:
        self.value = value
        self._data: bytes | None = None

    @property
    def data(self) -> bytes:
        """Its JSON without apiVersion and kind, as the items of a list are written."""
        if self._data is None:
            bare = {key: below for key, below in self.value.items() if key not in ("apiVersion", "kind")}
            self._data = json.dumps(bare, separators=(",", ":")).encode()
        return self._data


@dataclass(frozen=True, slots=True)
class Change:
    """One write: what the object became, or what it was when it went."""

    revision: int
    type: str  # ADDED, MODIFIED or DELETED, as a watch calls it
    place: Place
    stored: Stored
    before: Stored | None  # None when it was created


class History:
    """The newest changes of all kinds, and when each place changed last."""

    def __init__(self, length: int = LENGTH) -> None:
        self._length = length
        self._changes: deque[Change] = deque()
        self._latest: OrderedDict[Place, Change] = OrderedDict()
        self.floor = 0  # the revision up to which changes are forgotten

    def add(self, change: Change) -> None:
        """Remember a change, and forget the oldest where there is no more room."""
        if len(self._changes) == self._length:
            self._forget(self._changes.popleft())
        self._changes.append(change)
        self._latest[change.place] = change
        self._latest.move_to_end(change.place)

    def since(self, revision: int, kind: str, newest: int) -> list[Change]:
        """Return a kind's changes after a revision, oldest first. Raises ApiError when some are forgotten."""
        if revision < self.floor:
            raise expired(f"too old resource version: {revision} ({newest})")
        found = [change for change in self._backwards(revision) if change.place[0] == kind]
        found.reverse()
        return found

    def places_since(self, revision: int) -> list[Place]:
        """Return where something changed after a revision, each once, the longest unchanged first.

        Complete whatever the age of the revision, but for objects deleted longer ago than the history reaches.
        """
        found = []
        for place in reversed(self._latest):
            if self._latest[place].revision <= revision:
                break
            found.append(place)
        found.reverse()
        return found

    def _backwards(self, revision: int) -> Iterator[Change]:
        for change in reversed(self._changes):
            if change.revision <= revision:
                return
            yield change

    def _forget(self, change: Change) -> None:
        self.floor = change.revision
        if change.type == "DELETED" and self._latest.get(change.place) is change:
            del self._latest[change.place]
