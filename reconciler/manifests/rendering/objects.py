"""Rendered objects: find one, read a field, and compare two renderings but for the fields that are meant to change."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

from reconciler.model.objects import FieldPath, Item, ObjectRef, format_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reconciler.model.rendering import Rendered

ABSENT = object()  # there is no such field
_MASK = "\0"  # stands where a field is meant to change


def find_rendered(objects: Sequence[Rendered], target: ObjectRef, default_namespace: str) -> list[Rendered]:
    """Return the rendered objects that delivery makes the target from: one, when all is well."""
    return [o for o in objects if _is(o, target, default_namespace)]


def _is(rendered: Rendered, target: ObjectRef, default_namespace: str) -> bool:
    group, slash, _ = str(rendered.get("apiVersion") or "").partition("/")
    metadata = rendered["metadata"]
    if (group if slash else "", rendered["kind"], metadata["name"]) != (target.group, target.kind, target.name):
        return False
    return not target.namespace or (metadata.get("namespace") or default_namespace) == target.namespace


def value_at(rendered: Any, path: FieldPath) -> Any:  # noqa: ANN401 - JSON has no narrower type
    """Return a field's value, or `ABSENT`; a list item that is named twice is absent too, for nobody knows which."""
    node = rendered
    for step in path:
        if isinstance(step, Item):
            items = node if isinstance(node, list) else []
            found = [i for i in items if isinstance(i, dict) and str(i.get(step.key)) == step.value]
            node = found[0] if len(found) == 1 else ABSENT
        else:
            node = node.get(step, ABSENT) if isinstance(node, dict) else ABSENT
        if node is ABSENT:
            return ABSENT
    return node


def put(made: Any, path: FieldPath, value: Any) -> None:  # noqa: ANN401 - as above
    """Put a value at a field path of an object that is being made, with the mappings and list items on the way."""
    node = made
    for step, below in zip(path, (*path[1:], None), strict=True):
        if isinstance(step, Item):
            found = next((item for item in node if str(item.get(step.key)) == step.value), None)
            if found is None:
                found = {step.key: step.value}
                node.append(found)
            node = found
        elif below is None:
            node[step] = value
        else:
            if node.get(step) is None:
                node[step] = [] if isinstance(below, Item) else {}
            node = node[step]


def text_of(value: Any) -> str | None:  # noqa: ANN401 - JSON has no narrower type
    """Return a scalar as people write it; None for anything that is no single value."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else None


def masked(objects: Sequence[Rendered], target: ObjectRef, namespace: str, paths: Sequence[FieldPath]) -> list[Any]:
    """Return a copy of a rendering in which these fields of the target say nothing."""
    found: list[Any] = []
    for rendered in objects:
        mine = copy.deepcopy(dict(rendered)) if _is(rendered, target, namespace) else rendered
        if mine is not rendered:
            for path in paths:
                _mask(mine, path)
        found.append(mine)
    return found


def _mask(rendered: Any, path: FieldPath) -> None:  # noqa: ANN401 - as above
    parent = value_at(rendered, path[:-1])
    if isinstance(parent, dict) and path[-1] in parent:
        parent[path[-1]] = _MASK


def same(left: object, right: object) -> bool:
    """Tell whether two values are equal to every reader: Python's own `1 == True` is not."""
    return left is right or _canonical(left) == _canonical(right)


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=repr)


def differences(before: Sequence[Any], after: Sequence[Any]) -> Iterator[str]:
    """Yield in words what differs between two renderings, object by object."""
    old, new = _named(before), _named(after)
    for name in dict.fromkeys([*old, *new]):
        if name not in new:
            yield f"{name} goes"
        elif name not in old:
            yield f"{name} comes"
        else:
            yield from (f"{name} {format_path(path) or 'as a whole'}" for path in _paths(old[name], new[name], ()))


def _named(objects: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for number, rendered in enumerate(objects):
        name = f"{rendered['kind']} {rendered['metadata']['name']}"
        named[name if name not in named else f"{name} ({number + 1})"] = rendered
    return named


def _paths(old: Any, new: Any, path: FieldPath) -> Iterator[FieldPath]:  # noqa: ANN401 - as above
    if same(old, new):
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys([*old, *new]):
            yield from _paths(old.get(key, ABSENT), new.get(key, ABSENT), (*path, str(key)))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for position, (left, right) in enumerate(zip(old, new, strict=True)):
            yield from _paths(left, right, (*path, _item(left, position)))
    else:
        yield path


def _item(value: Any, position: int) -> Item:  # noqa: ANN401 - as above
    name = value.get("name") if isinstance(value, dict) else None
    return Item("name", name) if isinstance(name, str) else Item("index", str(position))
