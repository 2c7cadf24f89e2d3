"""What a client-side apply makes of a live object: Git's fields set, those that Git had and has no more removed.

Fields that Git never named are left alone. Lists are merged as the kind's shape says, by key or as one value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.model.quantity import same_quantity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.sandbox.cluster.shapes import Shape

Json = dict[str, Any]

_AMOUNTS = frozenset({"limits", "requests", "hard", "capacity"})  # maps of quantities
_AMOUNT = frozenset({"sizeLimit", "averageValue", "divisor"})  # quantities
_SAYS_SOMETHING_EMPTY = frozenset({"emptyDir", "podSelector", "namespaceSelector"})


def applied(former: Json, desired: Json, live: Json, shape: Shape) -> Json:
    """Return the live object as an apply of `desired` leaves it; `former` is what was applied before.

    The arguments stay as they are; the answer shares parts with them.
    """
    made = {name: value for name, value in live.items() if name not in former or name in desired}
    for name, value in desired.items():
        below = shape.at(name)
        if value is None:
            made.pop(name, None)
        elif name in live:
            made[name] = _merged(former.get(name), value, live[name], below, name)
        elif value not in ({}, []) or name in _SAYS_SOMETHING_EMPTY:
            made[name] = value  # the server keeps no empty maps and lists
    return made


def _merged(former: Any, desired: Any, live: Any, shape: Shape, name: str) -> Any:  # noqa: ANN401 - JSON of any shape
    if isinstance(desired, dict) and isinstance(live, dict):
        if shape.replaced:
            return desired
        if name in _AMOUNTS:
            desired = {key: _same_text(value, live.get(key)) for key, value in desired.items()}
        return applied(former if isinstance(former, dict) else {}, desired, live, shape)
    if isinstance(desired, list) and isinstance(live, list) and shape.merge_key is not None:
        return _merged_list(former if isinstance(former, list) else [], desired, live, shape)
    return _same_text(desired, live) if name in _AMOUNT else desired


def _same_text(desired: Any, live: Any) -> Any:  # noqa: ANN401 - the same
    """Return the live text of the same amount: the real server stores one text for each."""
    if isinstance(desired, str | int | float) and isinstance(live, str | int | float):
        return live if same_quantity(str(desired), str(live)) else desired
    return desired


def _merged_list(former: Sequence[Any], desired: Sequence[Any], live: Sequence[Any], shape: Shape) -> list[Any]:
    key = shape.merge_key or ""
    wanted, present, applied_before = (_by_key(items, key) for items in (desired, live, former))
    made = {
        name: _merged_item(applied_before.get(name), item, present[name], shape) if name in present else item
        for name, item in wanted.items()
    }
    order = list(made)
    last: object = None
    for name, item in present.items():
        if name not in made and name not in applied_before:
            order.insert(order.index(last) + 1 if last in order else 0, name)
            made[name] = item
        last = name if name in made else last
    return [made[name] for name in order]


def _merged_item(former: Any, desired: Any, live: Any, shape: Shape) -> Any:  # noqa: ANN401 - the same
    if isinstance(desired, dict) and isinstance(live, dict):
        return applied(former if isinstance(former, dict) else {}, desired, live, shape)
    return desired


def _by_key(items: Sequence[Any], key: str) -> dict[Any, Any]:
    """Return items by their merge key, scalars by themselves; of twins the last one counts."""
    found: dict[Any, Any] = {}
    for number, item in enumerate(items):
        name = item.get(key, ("", number)) if isinstance(item, dict) else item
        found[name] = item
    return found
