"""Read no more of a YAML text than says which objects it describes: the trees of `arrange`, cut off below that.

Protects: one pass over the parser's events under the caps of `scan`, whatever the file holds, and nothing that could
decide an identity is cut off. Two equal keys deep inside a manifest are not seen here, but by whoever edits it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from reconciler.manifests.editing.parts import (
    DEPTHS,
    Counts,
    MappingNode,
    SequenceNode,
    new_key,
    parsing,
    part_of,
    roles,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reconciler.manifests.editing.parts import Node, Part

Event: TypeAlias = Any  # the parser's


def skim(text: str) -> list[Node]:
    """Return the root node of each document without what is deep inside; the text has no byte order mark.

    Their parts stand nowhere. Raises Refusal when the text is not YAML, or exceeds a cap.
    """
    with parsing(text) as events:
        return list(_Skimmer(events).roots())


class _Skimmer:
    """Turns events into nodes; what is deeper than it looks is counted and forgotten."""

    def __init__(self, events: Iterator[Event]) -> None:
        self._events = events
        self._roles = roles()
        self._scalar = next(kind for kind, role in self._roles.items() if role == "scalar")
        self._counts = Counts()

    def roots(self) -> Iterator[Node]:
        """Yield each document: its own keys, its metadata, and the same of the items of a list."""
        for event in self._events:
            role = self._roles.get(type(event))
            if role is not None:  # the start or the end of a document
                self._counts.meet(role)
            if role == "document":
                yield self._node(next(self._events), {"metadata": self._flat, "items": self._items})

    def _node(self, event: Event, below: dict[str, Callable[[Event], Node]]) -> Node:
        """Return what an event begins; of a mapping, the values of these keys are looked into, others are cut off."""
        part = self._met(event)
        if part.role != "mapping":
            return self._rest(part)
        entries: dict[str, Node] = {}
        while (key := self._met(next(self._events))).role != "end":
            word = new_key(key, entries)
            entries[word] = below.get(word, self._cut)(next(self._events))
        return MappingNode(part, entries)

    def _flat(self, event: Event) -> Node:
        return self._node(event, {})

    def _items(self, event: Event) -> Node:
        """Return a list with its mappings as manifests."""
        part = self._met(event)
        if part.role != "sequence":
            return self._rest(part)
        items: list[Node] = []
        while self._roles[type(following := next(self._events))] != "end":
            items.append(self._node(following, {"metadata": self._flat}))
        self._counts.meet("end")
        return SequenceNode(part, items)

    def _cut(self, event: Event) -> Node:
        return self._rest(self._met(event))

    def _rest(self, part: Part) -> Node:
        """Return a scalar or an alias as it is, a mapping or a list as an empty one, read to its end."""
        if part.role not in ("mapping", "sequence"):
            return part
        depth, scalar = 1, self._scalar
        while depth:
            kind = type(next(self._events))
            if kind is scalar:  # most of them, and this loop is most of the time
                continue
            role = self._roles[kind]
            self._counts.meet(role)
            depth += DEPTHS[role]
        return MappingNode(part, {}) if part.role == "mapping" else SequenceNode(part, [])

    def _met(self, event: Event) -> Part:
        part = part_of(event)
        if part.role != "scalar":
            self._counts.meet(part.role)
        return part
