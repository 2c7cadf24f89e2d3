"""Keys inside texts that are whole values: of a rendered or a live object, where no layout of a file is in the way.

Protects: a new text is the old one but for the values of the named keys, as `inner` proves of each.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.errors import Conflict
from reconciler.manifests.editing.inner import format_of, read_inner, replace_inner
from reconciler.manifests.editing.parts import refuse
from reconciler.model.action import FieldChange, Replacement
from reconciler.model.objects import Inner, format_path

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reconciler.model.objects import FieldPath


def taken_apart(path: FieldPath) -> tuple[FieldPath, tuple[str, ...]]:
    """Return the path of the text, and the names inside it, from above; none where the path is that of a whole field.

    Raises Refusal when the path does not lead into the text of a named field.
    """
    names = tuple(step.name for step in path if isinstance(step, Inner))
    holder = path[: len(path) - len(names)]
    if names and (not holder or any(isinstance(s, Inner) for s in holder) or not isinstance(holder[-1], str)):
        refuse("inner_style", f"{format_path(path)} does not lead into the text of a field", "name its field")
    return holder, names


def value_in(text: str, path: FieldPath) -> str | None:
    """Return what a text says for the key that a path names in it; None where it has no such key.

    Raises Refusal when the text cannot be judged.
    """
    holder, names = taken_apart(path)
    return read_inner(text, format_of(str(holder[-1])), names, path)


def as_whole(changes: Sequence[FieldChange], text_at: Callable[[FieldPath], str | None]) -> tuple[FieldChange, ...]:
    """Return the changes with those inside texts as one change of each whole text, in the order of the first of each.

    Raises Refusal when one cannot be made without doubt, Conflict when a text says another value by now.
    """
    whole: dict[FieldPath, FieldChange] = {}
    for change in changes:
        holder, names = taken_apart(change.path)
        if not names:
            whole[change.path] = change
            continue
        before = text_at(holder)
        if before is None:
            refuse("not_text", f"{format_path(holder)} holds no text", "run `reconciler plan` again")
        known = whole.get(holder) or Replacement(path=holder, before=before, after=before)
        whole[holder] = replace(known, after=_with(known.after or "", change))
    return tuple(whole.values())


def _with(text: str, change: FieldChange) -> str:
    holder, names = taken_apart(change.path)
    if change.before is None or change.after is None:
        refuse("inner_key", f"{format_path(change.path)} comes or goes inside a text", "edit it by hand")
    said = value_in(text, change.path)
    if said != change.before:
        raise Conflict(  # as for a whole field: delivery may just be behind
            code="propose.git_ahead",
            message=f"{format_path(change.path)} is not {change.before} in Git: it renders as {said}",
            remedy="nothing to do if delivery is about to bring that value; otherwise see why it does not",
        )
    found = replace_inner(text, format_of(str(holder[-1])), names, change, change.after)
    return text[: found.start] + found.token + text[found.end :]
