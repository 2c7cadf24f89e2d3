"""Follow a field path through a document, as far as it goes, and refuse what cannot be followed without doubt.

Protects invariant 5: a node that is shared, tagged, or written somewhere else is never taken for the field's own.
"""

from __future__ import annotations

from typing import NamedTuple

from reconciler.manifests.editing.parts import MappingNode, Node, Part, SequenceNode, is_alias, refuse, start_of
from reconciler.manifests.editing.scalars import ScalarType, plain_type
from reconciler.model.objects import FieldPath, Inner, Item, format_path


class Place(NamedTuple):
    """What a document has of a path."""

    chain: tuple[Node, ...]  # the nodes that exist, from the root down
    rest: FieldPath  # the steps that lead on from the last of them, and do not exist

    @property
    def node(self) -> Node:
        """The deepest node that exists."""
        return self.chain[-1]


def find_place(root: MappingNode, path: FieldPath) -> Place:
    """Return how far a path exists in the document; steps into a text are left over."""
    chain: list[Node] = [root]
    for number, step in enumerate(path):
        _refuse_shared(chain[-1], path)
        below = _below(chain[-1], step, path)
        if below is None:
            return Place(tuple(chain), path[number:])
        chain.append(below)
    _refuse_shared(chain[-1], path)
    return Place(tuple(chain), ())


def scalar_at(place: Place, path: FieldPath) -> Part | None:
    """Return the scalar at the end of a path, or None when the document does not have it."""
    if place.rest:
        return None
    if not isinstance(place.node, Part):
        refuse("not_scalar", f"{format_path(path)} is not a single value", "name a field inside it")
    return place.node


def is_null(part: Part) -> bool:
    """Tell whether a scalar is empty or says null."""
    return part.role == "scalar" and part.style is None and plain_type(part.value or "") is ScalarType.NULL


def _below(node: Node, step: str | Item | Inner, path: FieldPath) -> Node | None:
    if isinstance(step, Item):
        return _item(node, step, path)
    return None if isinstance(step, Inner) else _entry(node, step)


def _entry(node: Node, key: str) -> Node | None:
    return node.entries.get(key) if isinstance(node, MappingNode) else None


def _item(node: Node, wanted: Item, path: FieldPath) -> Node | None:
    """Return the item of a list that has the wanted merge key; its place means nothing."""
    if not isinstance(node, SequenceNode):
        return None
    for item in node.items:
        _refuse_hidden(item, path)
    found = [item for item in node.items if _merge_key(item, wanted.key) == wanted.value]
    if len(found) > 1:
        refuse("ambiguous_item", f"{wanted.key}={wanted.value} occurs twice in {format_path(path)}", "keep one")
    return found[0] if found else None


def _merge_key(item: Node, key: str) -> str | None:
    node = _entry(item, key)
    if node is not None and is_alias(node):
        refuse("alias", f"the key {key} of a list item is an alias", "write the value out")
    return node.value if isinstance(node, Part) else None


def _refuse_shared(node: Node, path: FieldPath) -> None:
    """Refuse a node whose content belongs to several places, or whose tag changes what it means."""
    _refuse_hidden(node, path)
    part = start_of(node)
    if part.anchor is not None:
        message = f"{format_path(path)} lies in the anchor &{part.anchor}, which may be used elsewhere"
        refuse("anchor", message, "edit it by hand")
    if part.tag is not None:
        refuse("tag", f"{format_path(path)} carries an explicit tag", "remove the tag")


def _refuse_hidden(node: Node, path: FieldPath) -> None:
    """Refuse a node whose content stands elsewhere."""
    if is_alias(node):
        refuse("alias", f"{format_path(path)} is reached through an alias", "write the value out")
    if isinstance(node, MappingNode) and "<<" in node.entries:
        message = f"{format_path(path)} lies in or beside a mapping with a merge key (`<<`)"
        refuse("merge_key", message, "write the values out")
