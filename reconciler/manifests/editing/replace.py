"""Replace a scalar that is there by another one, in its own style."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.manifests.editing.parts import BLOCKS, Part, refuse
from reconciler.manifests.editing.scalars import (
    ScalarType,
    holds_quantity,
    in_words,
    intended_type,
    plain_type,
    writable,
    write_scalar,
)
from reconciler.manifests.editing.splices import Edit, scalar
from reconciler.manifests.editing.walk import is_null
from reconciler.model.action import shown
from reconciler.model.objects import FieldPath, format_path
from reconciler.model.quantity import same_quantity

if TYPE_CHECKING:
    from reconciler.model.action import FieldChange


def replacement(part: Part | None, change: FieldChange, after: str) -> Edit:
    """Return the edit that gives a scalar its new value."""
    refuse_unwritable(after, change.path)
    part = own_scalar(part, change)
    current = plain_type(part.value or "") if part.style is None else ScalarType.STRING
    kind = intended_type(change.path, current, after)
    if kind is None:
        message = f"{format_path(change.path)} holds {in_words(current)}, which the new one is not"
        refuse("type_change", message, "edit it by hand")
    token, style = write_scalar(after, kind, part.style)
    return Edit(part.start, part.end, token, part.number, 1, (scalar(after, style),))


def own_scalar(part: Part | None, change: FieldChange) -> Part:
    """Return the part if it is a value on its own, the only kind that is replaced, and the one that was expected."""
    if part is None:
        refuse("missing_field", f"{format_path(change.path)} is not in the file", "run `reconciler plan` again")
    if part.style in BLOCKS:
        refuse("block_scalar", f"{format_path(change.path)} is a block of text", "edit it by hand")
    if is_null(part):
        refuse_empty(change.path)
    refuse_stale(part.value or "", change)
    return part


def refuse_empty(path: FieldPath) -> None:
    """Refuse a field that is there without a value: what null means there is the reader's choice."""
    refuse("empty_value", f"{format_path(path)} has no value", "give it a value in Git, by hand")


def refuse_stale(current: str, change: FieldChange) -> None:
    """Refuse when Git does not say what the change starts from; amounts compare by value."""
    same = same_quantity if holds_quantity(change.path) else str.__eq__
    if change.before is None or not same(current, change.before):
        message = f"{format_path(change.path)} is not {shown(change.before)} in Git: the file and the cluster differ"
        refuse("stale", message, "let delivery sync first, then run `reconciler plan`")


def refuse_unwritable(value: str, path: FieldPath) -> None:
    """Refuse a value that could add a line, or look like another one."""
    if not writable(value):
        message = f"the new value of {format_path(path)} holds a line break, control or invisible character"
        refuse("unprintable_value", message, "propose a value of one visible line")
