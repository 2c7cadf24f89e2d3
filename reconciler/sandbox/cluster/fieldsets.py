"""Sets of fields as `managedFields` writes them (FieldsV1 trees), of an object, and of the difference of two.

A tree maps path elements (`f:` a field, `k:` a list item by its keys, `v:` a member of a set) to the trees below;
a node without any below, or with `.`, is itself in the set. Trees are shared between versions and never changed.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.sandbox.cluster.shapes import Shape

Json = dict[str, Any]
Tree = dict[str, Any]  # path element to the tree below

ITSELF = "."


def is_member(node: Tree) -> bool:
    """Tell whether the place of a node is itself in the set."""
    return not node or ITSELF in node


# Arithmetic. The root stands for no field: an empty root is the empty set.


def union(one: Tree, other: Tree) -> Tree:
    """Return the fields of either set."""
    if not one or not other:
        return one or other
    return _merged(one, other)


def _merged(one: Tree, other: Tree) -> Tree:
    made = dict(one)
    for key, node in other.items():
        made[key] = _either(one[key], node) if key in one and key != ITSELF else node
    return made if len(made) == len(one) else dict(sorted(made.items()))


def _either(one: Tree, other: Tree) -> Tree:
    if not one or not other:
        node = one or other
        return node if is_member(node) else {ITSELF: {}, **node}
    return _merged(one, other)


def difference(one: Tree, other: Tree) -> Tree:
    """Return the fields of the first set that are not in the second; of each path by itself."""
    if not one or not other:
        return one
    return _without(one, other) or {}


def _without(one: Tree, other: Tree) -> Tree | None:
    """Return what is left of a node that has children (None: nothing), the very same node when all of it is."""
    made: Tree | None = None
    for key, node in other.items():
        mine = one.get(key)
        if mine is None:
            continue
        left = None if key == ITSELF else _left(mine, node)
        if left is not mine:
            made = dict(one) if made is None else made
            if left is None:
                del made[key]
            else:
                made[key] = left
    if made is None:
        return one
    return {} if list(made) == [ITSELF] else made or None


def _left(mine: Tree, node: Tree) -> Tree | None:
    if not mine:
        return None if is_member(node) else mine
    if not node:
        return {key: below for key, below in mine.items() if key != ITSELF}
    return _without(mine, node)


def intersection(one: Tree, other: Tree) -> Tree:
    """Return the fields of both sets."""
    made: Tree = {}
    for key, node in one.items():
        if key == ITSELF or key not in other:
            continue
        both = intersection(node, other[key])
        if is_member(node) and is_member(other[key]):
            made[key] = {ITSELF: {}, **both} if both else {}
        elif both:
            made[key] = both
    return made


def covers(one: Tree, other: Tree) -> bool:
    """Tell whether every field of the second set is in the first."""
    for key, node in other.items():
        mine = one.get(key)
        if key == ITSELF:
            if mine is None and one:
                return False
        elif mine is None or (not node and not is_member(mine)) or (node and not covers(mine, node)):
            return False
    return True


def paths(tree: Tree, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the fields of a set, a place's own members before those further below."""
    for key, node in tree.items():
        if key != ITSELF and is_member(node):
            yield (*above, key)
    for key, node in tree.items():
        if key != ITSELF:
            yield from paths(node, (*above, key))


def text_of(path: tuple[str, ...]) -> str:
    """Write a field as messages do: `.spec.containers[name="web"].image`."""
    return "".join(_element_text(element) for element in path)


def _element_text(element: str) -> str:
    kind, _, text = element.partition(":")
    if kind == "f":
        return f".{text}"
    if kind == "k":
        keys = json.loads(text)
        return "[" + ",".join(f"{key}={json.dumps(value)}" for key, value in sorted(keys.items())) + "]"
    return f"[={text}]" if kind == "v" else f"[{text}]"


def with_fields_above(tree: Tree) -> Tree:
    """Return the set and every named field that holds one of its members (a list item is not a named field)."""
    made: Tree = {}
    for key, node in tree.items():
        below = with_fields_above(node) if node else node
        made[key] = {ITSELF: {}, **below} if node and key.startswith("f:") and ITSELF not in node else below
    return made


# The fields of a value


def fields_of(manifest: Json, shape: Shape) -> Tree:
    """Return the fields that a manifest sets: its leaves and its list items."""
    found = ((f"f:{name}", _set_by(value, shape.at(name))) for name, value in manifest.items())
    return dict(sorted((key, node) for key, node in found if node is not None))


def _set_by(value: object, shape: Shape) -> Tree | None:
    if isinstance(value, dict) and value and not shape.atomic:
        return fields_of(value, shape) or None
    if isinstance(value, list) and (shape.keys or shape.unique):
        found = {}
        for element, items in _items(value, shape).items():
            # An item that stands there twice is owned, but nothing within it.
            node = _set_by(items[0], shape.item()) if len(items) == 1 and isinstance(items[0], dict) else None
            found[element] = {ITSELF: {}, **node} if node else {}
        return dict(sorted(found.items())) or None
    return {}


_NESTED = frozenset({dict, list})  # what may hold places of its own


def whole(value: object, shape: Shape) -> Tree:
    """Return a value's own place and every place within it, as when it comes or goes at once."""
    below: Tree = {}
    if isinstance(value, dict) and not shape.atomic:
        below = {
            f"f:{name}": whole(each, shape.at(name)) if type(each) in _NESTED else {} for name, each in value.items()
        }
    elif isinstance(value, list) and (shape.keys or shape.unique):
        item = shape.item()
        below = {element: whole(items[0], item) for element, items in _items(value, shape).items()}
    return {ITSELF: {}, **dict(sorted(below.items()))} if below else {}


def element_of(item: object, shape: Shape) -> str | None:
    """Return the path element of a list's item; None when it lacks a key."""
    if shape.keys:
        values = shape.key_of(item) if isinstance(item, dict) else None
        return None if values is None else _key_element(shape.keys, values)
    return "v:" + json.dumps(item, separators=(",", ":"), ensure_ascii=False)


@lru_cache(maxsize=4096)
def _key_element(keys: tuple[str, ...], values: tuple[Any, ...]) -> str:
    fields = dict(sorted(zip(keys, values, strict=True)))
    return "k:" + json.dumps(fields, separators=(",", ":"), ensure_ascii=False)


def _items(items: list[Any], shape: Shape) -> dict[str, list[Any]]:
    """Return the list's items by their path elements; those without a key belong to nobody."""
    found: dict[str, list[Any]] = {}
    for item in items:
        element = element_of(item, shape)
        if element is not None:
            found.setdefault(element, []).append(item)
    return found


# The difference of two values


def compared(before: Json, after: Json, shape: Shape) -> tuple[Tree, Tree]:
    """Return the fields that came or changed, and those that went."""
    changed: Tree = {}
    removed: Tree = {}
    for name, new in after.items():
        old = before.get(name)
        if old is not new and old != new:
            _compare(f"f:{name}", old, new, shape.at(name), changed, removed)
        elif new is None and name not in before:
            changed[f"f:{name}"] = {}  # a null is a value, too: the Go types write it where a time is not set
    for name, old in before.items():
        if name not in after:
            removed[f"f:{name}"] = whole(old, shape.at(name))
    return _in_order(changed), _in_order(removed)


def _in_order(tree: Tree) -> Tree:
    return dict(sorted(tree.items())) if len(tree) > 1 else tree


def _compare(key: str, old: Any, new: Any, shape: Shape, changed: Tree, removed: Tree) -> None:  # noqa: ANN401 - JSON
    """Note at `key` what differs between two values that are not equal."""
    if old is None:
        changed[key] = whole(new, shape)
    elif new is None and not is_granular(old, shape):
        changed[key] = {}
    elif new is None:  # what is emptied stays as a place
        removed[key] = {below: node for below, node in whole(old, shape).items() if below != ITSELF}
    elif isinstance(old, dict) and isinstance(new, dict) and not shape.atomic:
        _note(key, compared(old, new, shape), changed, removed)
    elif isinstance(old, list) and isinstance(new, list) and (shape.keys or shape.unique):
        _note(key, _compared_lists(old, new, shape), changed, removed)
    else:
        changed[key] = whole(new, shape)
        if isinstance(old, dict | list) and type(old) is not type(new):
            removed[key] = whole(old, shape)


def is_granular(value: object, shape: Shape) -> bool:
    """Tell whether a value has fields or items of its own that somebody may manage."""
    if isinstance(value, dict):
        return bool(value) and not shape.atomic
    return isinstance(value, list) and bool(value) and bool(shape.keys or shape.unique)


def _note(key: str, found: tuple[Tree, Tree], changed: Tree, removed: Tree) -> None:
    came, went = found
    if came:
        changed[key] = came
    if went:
        removed[key] = went


def _compared_lists(old: list[Any], new: list[Any], shape: Shape) -> tuple[Tree, Tree]:
    changed: Tree = {}
    removed: Tree = {}
    item = shape.item()
    had, has = _items(old, shape), _items(new, shape)
    for element, items in has.items():
        before = had.get(element)
        if before is None:
            changed[element] = whole(items[0], item) if len(items) == 1 else {}
        elif len(before) > 1 or len(items) > 1:
            if before != items:
                changed[element] = {}
        elif before[0] != items[0]:
            _compare(element, before[0], items[0], item, changed, removed)
    for element in had.keys() - has.keys():
        removed[element] = whole(had[element][0], item)
    return _in_order(changed), _in_order(removed)
