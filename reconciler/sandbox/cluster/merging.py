"""How server-side apply puts a manifest into an object, and takes fields out of it: by the shape, never by guess."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.sandbox.cluster.fieldsets import ITSELF, element_of, is_granular, is_member, text_of

if TYPE_CHECKING:
    from reconciler.sandbox.cluster.fieldsets import Json, Tree
    from reconciler.sandbox.cluster.shapes import Shape


class UnclearItem(ValueError):
    """A list item that cannot be told apart from others: it lacks a key, or has another's."""


def merged(live: Json, manifest: Json, shape: Shape, where: str = "") -> Json:
    """Return the live object with the manifest's values in it. Raises UnclearItem."""
    made = dict(live)
    for name, value in manifest.items():
        below = shape.at(name)
        if value is not None:
            made[name] = _merged(live.get(name), value, below, f"{where}.{name}")
        elif not is_granular(live.get(name), below):
            made[name] = None  # null empties a value, but not the many fields of a map or list
    return made


def _merged(live: Any, value: Any, shape: Shape, where: str) -> Any:  # noqa: ANN401 - JSON of any shape
    if isinstance(value, dict) and not shape.atomic:
        return merged(live if isinstance(live, dict) else {}, value, shape, where)
    if isinstance(value, list) and (shape.keys or shape.unique):
        return _merged_list(live if isinstance(live, list) else [], value, shape, where)
    return value


def _merged_list(live: list[Any], value: list[Any], shape: Shape, where: str) -> list[Any]:
    wanted = _by_element(value, shape, where)
    present = _by_element(live, shape, where, twice=True)
    item = shape.item()
    return [
        _merged(present.get(element), wanted[element], item, f"{where}{text_of((element,))}")
        if element in wanted
        else present[element]
        for element in _placed(list(present), list(wanted))
    ]


def _by_element(items: list[Any], shape: Shape, where: str, *, twice: bool = False) -> dict[str, Any]:
    """Return a list's items by their path elements; the first one of those that stand there twice, if they may."""
    found: dict[str, Any] = {}
    for index, item in enumerate(items):
        element = element_of(item, shape)
        if element is None:
            missing = next((k for k in shape.keys if not isinstance(item, dict) or k not in item), shape.keys[0])
            raise UnclearItem(
                f"{where}: element {index}: associative list with keys has an element that omits key field"
                f' "{missing}" (and doesn\'t have default value)'
            )
        if element in found and not twice:
            raise UnclearItem(f"{where}: duplicate entries for key {text_of((element,))}")
        found.setdefault(element, item)
    return found


def _placed(live: list[str], wanted: list[str]) -> list[str]:
    """Return the merged order: the manifest's for its items, the others where they stood among them."""
    shared = [element for element in wanted if element in set(live)]
    asked = set(wanted)
    placed: list[str] = []
    left, right = 0, 0
    while left < len(live) or right < len(wanted):
        element = live[left] if left < len(live) else None
        if element is not None and element not in asked:
            placed.append(element)
            left += 1
        elif element is not None and (element in placed or shared[:1] != [element]):
            left += 1  # it came, or comes, at the manifest's place for it
        else:
            shared = shared[1:] if shared[:1] == [wanted[right]] else shared
            placed.append(wanted[right])
            right += 1
    return placed


def without(value: Json, fields: Tree, shape: Shape) -> Json:
    """Return an object without some of its fields; null stands where that leaves nothing of a map or list."""
    made: Json = {}
    for name, below in value.items():
        node = fields.get(f"f:{name}")
        if node is None:
            made[name] = below
        elif not is_member(node):
            made[name] = _without(below, node, shape.at(name))
    return made


def _without(value: Any, fields: Tree, shape: Shape) -> Any:  # noqa: ANN401 - JSON of any shape
    if isinstance(value, dict):
        return None if shape.atomic else without(value, fields, shape) or None
    if isinstance(value, list):
        return _without_items(value, fields, shape) if shape.keys or shape.unique else None
    return value


def _without_items(items: list[Any], fields: Tree, shape: Shape) -> list[Any] | None:
    made = []
    for item in items:
        node = fields.get(element_of(item, shape) or ITSELF)
        if node is None:
            made.append(item)
        elif not is_member(node):
            made.append(_without(item, node, shape.item()))
    return made or None


def tidy(value: Any, live: Any) -> Any:  # noqa: ANN401 - JSON of any shape
    """Return a value without the nulls that were not there before."""
    if isinstance(value, dict) and value is not live:
        before = live if isinstance(live, dict) else {}
        return {
            name: tidy(below, before.get(name))
            for name, below in value.items()
            if below is not None or before.get(name, "") is None
        }
    if isinstance(value, list) and value is not live:
        return [tidy(item, None) for item in value]
    return value
