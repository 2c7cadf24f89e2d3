"""Strategic merge: lists merged by their keys, and the directives in a patch (`$patch`, `$retainKeys`, …).

The order of a merged list is the patch's for its own items (or that of `$setElementOrder`), with the others where
they stood among them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.sandbox.cluster.values import copied

if TYPE_CHECKING:
    from reconciler.sandbox.cluster.shapes import Shape
    from reconciler.sandbox.cluster.values import Json

_DIRECTIVE = "$patch"
_RETAIN = "$retainKeys"
_ORDER = "$setElementOrder/"
_DELETE = "$deleteFromPrimitiveList/"


class BadPatch(Exception):
    """A patch that cannot be used, and the status that the server answers it with."""

    def __init__(self, message: str, status: int = 500) -> None:
        super().__init__(message)
        self.status = status


def merged(current: Json, patch: Json, shape: Shape) -> Json:
    """Return the object with a patch in it; both stay as they are. Raises BadPatch."""
    return _merged_map(copied(current), copied(patch), shape)


def _merged_map(original: Json, patch: Json, shape: Shape) -> Json:
    if _DIRECTIVE in patch:
        return _directed(patch)
    _retain_keys(original, patch)
    for key in [key for key in patch if key.startswith(_ORDER)]:
        _merge_ordered(original, patch, key, shape)
    for key, value in patch.items():
        if key.startswith(_DELETE):
            _delete_scalars(original, key.removeprefix(_DELETE), value)
        elif value is None:
            original.pop(key, None)
        elif key not in original or type(original[key]) is not type(value):
            _put(original, key, value)
        elif isinstance(value, dict):
            below = shape.at(key)
            original[key] = value if below.replaced else _merged_map(original[key], value, below)
        elif isinstance(value, list):
            original[key] = _merged_list(original[key], value, shape.at(key))
        else:
            original[key] = value
    return original


def _directed(patch: Json) -> Json:
    """Return what a map becomes that says itself how it is to be patched."""
    match patch.pop(_DIRECTIVE):
        case "replace":
            return patch
        case "delete":
            return {}
        case other:
            raise BadPatch(f"unknown patch type: {other} in map: {_go_map(patch | {_DIRECTIVE: other})}")


def _retain_keys(original: Json, patch: Json) -> None:
    """Drop the fields that a `$retainKeys` directive does not name."""
    if _RETAIN not in patch:
        return
    kept = patch.pop(_RETAIN)
    if not isinstance(kept, list) or any(
        key not in kept for key, value in patch.items() if value is not None and not key.startswith((_DELETE, _ORDER))
    ):
        raise BadPatch("invalid patch format of retainKeys", 400)
    for key in [key for key in original if key not in kept]:
        del original[key]


def _put(original: Json, key: str, value: Any) -> None:  # noqa: ANN401 - JSON of any shape
    cleaned, stays = _plain(value)
    if stays:
        original[key] = cleaned
    else:
        original.pop(key, None)


def _plain(value: Any) -> tuple[Any, bool]:  # noqa: ANN401 - JSON of any shape
    """Return a value of a patch without nulls and directives, and whether anything of it stays."""
    if isinstance(value, dict):
        if _DIRECTIVE in value:
            return None, False
        cleaned = {key: _plain(below) for key, below in value.items() if below is not None and not key.startswith("$")}
        return {key: below for key, (below, stays) in cleaned.items() if stays}, True
    if isinstance(value, list):
        return [below for below, stays in map(_plain, value) if stays], True
    return value, True


def _decoded(value: Any) -> Any:  # noqa: ANN401 - JSON of any shape
    """Return a list's new item as the server reads it: directives within it are fields that it does not know."""
    if isinstance(value, dict):
        return {key: _decoded(below) for key, below in value.items() if below is not None and not key.startswith("$")}
    return [_decoded(item) for item in value] if isinstance(value, list) else value


def _delete_scalars(original: Json, key: str, gone: object) -> None:
    if isinstance(original.get(key), list) and isinstance(gone, list):
        original[key] = [item for item in original[key] if item not in gone]


def _merge_ordered(original: Json, patch: Json, directive: str, shape: Shape) -> None:
    """Merge a list whose order the patch sets; the directive and the list's own patch are then done."""
    key = directive.removeprefix(_ORDER)
    order = patch.pop(directive)
    mine, own = patch.pop(key, None), original.get(key)
    if not isinstance(order, list) or not all(isinstance(each, list | None) for each in (mine, own)):
        raise BadPatch("invalid patch format of setElementOrder list", 400)
    below = shape.at(key)
    _check_order(mine or [], order, below.merge_key or "")
    if own is None and mine is None:
        return
    if not own and not mine:
        raise BadPatch("no elements in any of the given slices")
    if own is None:
        found, _ = _plain(mine)
    elif mine is None:
        found = own
    else:
        found = _merged_list(own, mine, below)
    original[key] = _in_order(found, order, own or [], below.merge_key or "")


def _check_order(items: list[Any], order: list[Any], merge_key: str) -> None:
    """Raise BadPatch unless the patch's items stand in the order that it sets itself."""
    kept = [item for item in items if not (isinstance(item, dict) and _DIRECTIVE in item)]
    if not kept or not order:
        return
    wanted = iter([_key_of(each, merge_key) for each in order])
    if not all(_key_of(item, merge_key) in wanted for item in kept):
        raise BadPatch(f"The order in patch list:\n{items}\n doesn't match $setElementOrder list:\n{order}\n")


def _merged_list(original: list[Any], patch: list[Any], shape: Shape) -> list[Any]:
    if shape.merge_key is None:
        return patch
    if not original and not patch:
        return original
    kinds = {type(item) for item in (*original, *patch)}
    if list in kinds:
        raise BadPatch("lists of lists are not supported", 422)
    if len(kinds) > 1:
        raise BadPatch(f"list element types are not identical: {[original, patch]}")
    if dict not in kinds:
        return _in_order(list(dict.fromkeys([*original, *patch])), patch, original, "")
    if not shape.merge_key:
        raise BadPatch("cannot merge lists without merge key")
    return _merged_items(original, patch, shape.merge_key, shape)


def _merged_items(original: list[Json], patch: list[Json], merge_key: str, shape: Shape) -> list[Any]:
    before = list(original)
    items = []
    replaces = False
    for item in patch:
        match item.get(_DIRECTIVE):
            case None:
                items.append(item)
            case "delete":
                gone = _key_of(item, merge_key)
                before = [each for each in before if each.get(merge_key) != gone]
            case "replace":
                replaces = True
            case "merge":
                raise BadPatch("merging lists cannot yet be specified in the patch")
            case other:
                raise BadPatch(f"unknown patch type: {other} in map: {_go_map(item)}")
    if replaces:
        return items
    made = list(before)
    for item in items:
        key = _key_of(item, merge_key)
        place = next((index for index, each in enumerate(made) if each.get(merge_key) == key), None)
        if place is None:
            made.append(_decoded(item))
        else:
            made[place] = _merged_map(made[place], item, shape.item())
    return _in_order(made, items, before, merge_key)


def _in_order(items: list[Any], order: list[Any], live: list[Any], merge_key: str) -> list[Any]:
    """Sort a merged list: items that `order` names as there, the others where they stood among them."""
    wanted = [_key_of(each, merge_key) for each in order]
    had = [_key_of(each, merge_key) for each in live]
    named = [item for item in items if _key_of(item, merge_key) in wanted]
    named.sort(key=lambda item: wanted.index(_key_of(item, merge_key)))
    others = [item for item in items if _key_of(item, merge_key) not in wanted]
    others.sort(key=lambda item: had.index(_key_of(item, merge_key)))
    made = []
    while named and others:
        mine, other = _key_of(named[0], merge_key), _key_of(others[0], merge_key)
        first = others if mine in had and had.index(other) < had.index(mine) else named
        made.append(first.pop(0))
    return [*made, *named, *others]


def _key_of(item: Any, merge_key: str) -> Any:  # noqa: ANN401 - JSON of any shape
    if not merge_key:
        return item
    if not isinstance(item, dict) or merge_key not in item:
        raise BadPatch(f"map: {_go_map(item)} does not contain declared merge key: {merge_key}")
    return item[merge_key]


def _go_map(value: object) -> str:
    """Write a value as Go prints it."""
    if isinstance(value, dict):
        return "map[" + " ".join(f"{key}:{_go_map(below)}" for key, below in sorted(value.items())) + "]"
    if isinstance(value, list):
        return "[" + " ".join(map(_go_map, value)) + "]"
    return "<nil>" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
