"""What must be rendered after changes: an object whose fields come and go, and several objects at once."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from reconciler.manifests.rendering.objects import (
    ABSENT,
    differences,
    find_rendered,
    masked,
    put,
    same,
    text_of,
    value_at,
)
from reconciler.model.objects import FieldPath, Item, format_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.model.action import FieldChange
    from reconciler.model.objects import ObjectRef
    from reconciler.model.rendering import Rendered


def intended(old: Rendered, new: Rendered, changes: Sequence[FieldChange]) -> Rendered:
    """Return the old object with these fields as the new one has them, and nothing else of it.

    What holds a new field comes with it; what an unset one leaves empty goes where it is gone in the new object too.
    """
    made: Any = copy.deepcopy(dict(old))
    for change in changes:
        value = value_at(new, change.path)
        if value is ABSENT:
            _take(made, change.path, new)
        else:
            put(made, change.path, value)
    return made  # type: ignore[no-any-return] # a copy of an object


def changed_exactly(
    before: Sequence[Rendered],
    after: Sequence[Rendered],
    changes: Sequence[tuple[ObjectRef, Sequence[FieldChange]]],
    namespace: str,
) -> list[str]:
    """Return what differs between two renderings beside the changes of these objects, or is not as they want it."""
    wrong: list[str] = []
    left, right = list(before), list(after)
    for target, fields in changes:
        old, new = find_rendered(left, target, namespace), find_rendered(right, target, namespace)
        if len(old) != 1 or len(new) != 1:
            wrong.append(f"{target} as a whole")
            continue
        wrong += [f"{target} {format_path(c.path)}" for c in fields if text_of(value_at(new[0], c.path)) != c.after]
        moved = [c for c in fields if None in (c.before, c.after)]
        if moved:
            left = [intended(o, new[0], moved) if o is old[0] else o for o in left]
        paths = [c.path for c in fields]
        left, right = masked(left, target, namespace, paths), masked(right, target, namespace, paths)
    return wrong if same(left, right) else [*wrong, *differences(left, right)]


def _take(made: Any, path: FieldPath, new: Rendered) -> None:  # noqa: ANN401 - JSON has no narrower type
    """Remove a field, then what is left empty by that, as far as the new object lacks it."""
    for length in range(len(path), 0, -1):
        holder, last, there = value_at(made, path[: length - 1]), path[length - 1], value_at(made, path[:length])
        below = length < len(path)
        if there is ABSENT or (below and (there or value_at(new, path[:length]) is not ABSENT)):
            return
        if isinstance(last, Item):
            holder.remove(there)
        else:
            del holder[last]
