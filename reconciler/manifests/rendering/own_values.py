"""Give a value file a key of its own, in its own style, where the value stands in a file that others read.

Only mappings are entered: Helm puts the lists of a later file in the place of an earlier one's, whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from reconciler.manifests.editing.edit import edit_document
from reconciler.manifests.editing.parts import (
    MappingNode,
    Node,
    Part,
    arrange,
    decode,
    refuse,
    refuse_generated,
    scan,
    split_bom,
)
from reconciler.manifests.editing.scalars import first_type
from reconciler.manifests.editing.values import plain
from reconciler.manifests.editing.walk import is_null
from reconciler.manifests.editing.written import Branch, Leaf, Style, block
from reconciler.model.action import FieldChange
from reconciler.model.objects import FieldPath, format_path

if TYPE_CHECKING:
    from collections.abc import Sequence


class Value(NamedTuple):
    """A key of Helm's values, and what it is to be."""

    path: FieldPath
    after: str


def with_values(data: bytes, values: Sequence[Value], *, max_bytes: int, max_changed_lines: int) -> bytes:
    """Return a value file with these keys more.

    Raises Refusal, with a code `edit.…`, when one is there already or cannot be put there without doubt.
    """
    for value in values:
        if not value.path or not all(isinstance(step, str) for step in value.path):
            refuse(
                "not_a_key", f"{format_path(value.path)} lies in a list, which would replace the whole one", "edit it"
            )
    _, text = split_bom(decode(data, max_bytes))
    refuse_generated(text)
    roots = arrange(scan(text))
    if not roots or (len(roots) == 1 and isinstance(roots[0], Part) and is_null(roots[0]) and not roots[0].value):
        return _first(data, text, values)
    changes = [FieldChange(path=value.path, before=None, after=value.after) for value in values]
    return edit_document(data, _whole, changes, max_bytes=max_bytes, max_changed_lines=max_changed_lines)


def _whole(roots: Sequence[Node]) -> MappingNode:
    if len(roots) != 1 or not isinstance(roots[0], MappingNode):
        refuse("no_parent", "the value file is not one mapping", "edit it by hand")
    return roots[0]


def _first(data: bytes, text: str, values: Sequence[Value]) -> bytes:
    """Write the first keys of a file that holds comments at most."""
    if "\r" in text or "---" in text or "..." in text:
        refuse("layout", "the value file holds more than comments, and no key", "edit it by hand")
    tree = Branch()
    for value in values:
        branch = tree
        for step in value.path[:-1]:
            below = branch.setdefault(str(step), Branch())
            branch = below if isinstance(below, Branch) else Branch()  # a key and one below it: the re-check refuses
        branch[str(value.path[-1])] = Leaf(value.after, first_type(value.path, value.after))
    ended = "" if not text or text.endswith("\n") else "\n"
    lines = "".join(f"{line}\n" for line in block(tree, 0, Style()))
    edited = data + f"{ended}{lines}".encode()
    _recheck(edited, values)
    return edited


def _recheck(edited: bytes, values: Sequence[Value]) -> None:
    """The file says the keys and nothing else."""
    _, text = split_bom(edited.decode())
    found = dict(_flat(plain(_whole(arrange(scan(text)))), ()))
    if found != {value.path: value.after for value in values}:
        refuse("recheck_failed", "the value file would say something else", "edit it by hand")


def _flat(value: object, path: FieldPath) -> Sequence[tuple[FieldPath, object]]:
    if isinstance(value, dict):
        return [found for key, below in value.items() for found in _flat(below, (*path, str(key)))]
    return [(path, value)]
