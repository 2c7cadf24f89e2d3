"""Change scalar fields of one document inside a file, and nothing else.

Protects invariant 5: an edit changes exactly the lines that it names, re-parses to exactly the intended object, or is
refused with a reason. Each change becomes an edit at the parser's marks: `replace` for a field that is there,
`insert` and `remove` for one that comes or goes, `blocks` for a key in a text that a field holds. `splices` makes all
of them, parses the result again and compares it whole: every part of the file must be what it was, but for the named
ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from reconciler.manifests.editing.blocks import changes_inside, leads_inside, read_inside
from reconciler.manifests.editing.documents import find, only, refuse_encrypted, refuse_forbidden_kind
from reconciler.manifests.editing.insert import insertions
from reconciler.manifests.editing.page import Page
from reconciler.manifests.editing.parts import (
    MappingNode,
    Node,
    arrange,
    decode,
    refuse,
    refuse_generated,
    scan,
    split_bom,
)
from reconciler.manifests.editing.remove import removals
from reconciler.manifests.editing.replace import replacement
from reconciler.manifests.editing.splices import Edit, edited
from reconciler.manifests.editing.walk import Place, find_place, is_null, scalar_at
from reconciler.model.objects import FieldPath, ObjectRef, format_path

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reconciler.model.action import FieldChange

_IDENTITY_FIELDS = frozenset({("apiVersion",), ("kind",), ("metadata", "name"), ("metadata", "namespace")})
_SERVER_METADATA = frozenset(
    {"creationTimestamp", "generation", "managedFields", "ownerReferences", "resourceVersion", "selfLink", "uid"}
)
_FOREIGN_ANNOTATIONS = frozenset(
    {
        "argocd.argoproj.io/installation-id",
        "argocd.argoproj.io/tracking-id",
        "kubectl.kubernetes.io/last-applied-configuration",
        "kubectl.kubernetes.io/restartedAt",  # in Git, it belongs to a person
    }
)


class _File(NamedTuple):
    """A file taken apart."""

    bom: str
    page: Page
    roots: list[Node]


Pick: TypeAlias = "Callable[[Sequence[Node]], MappingNode]"  # of the documents' roots, the one to work in


def edit_fields(
    text: bytes,
    target: ObjectRef,
    default_namespace: str,
    changes: Sequence[FieldChange],
    *,
    max_bytes: int,
    max_changed_lines: int,
) -> bytes:
    """Return the file with all the changes made in the target's manifest.

    Raises Refusal, with a code `edit.…` of its own for each reason, when any of them cannot be made without doubt.
    """
    refuse_forbidden_kind(target)
    for change in changes:
        refuse_protected_field(change.path)

    def pick(roots: Sequence[Node]) -> MappingNode:
        return only(find(roots, target, default_namespace), target)

    return edit_document(text, pick, changes, max_bytes=max_bytes, max_changed_lines=max_changed_lines)


def edit_document(
    text: bytes,
    pick: Pick,
    changes: Sequence[FieldChange],
    *,
    max_bytes: int,
    max_changed_lines: int,
) -> bytes:
    """Return the file with all the changes made below the mapping that `pick` chooses; paths start there.

    For files that are not manifests; a manifest's own fields are `edit_fields`, which knows what to leave alone.
    Raises Refusal as `edit_fields` does; so may `pick`.
    """
    file = _open(text, max_bytes)
    edits = _plan(file.page, pick(file.roots), changes)
    if file.bom and any(edit.start == 0 and edit.lines < 0 for edit in edits):
        refuse("layout", "the line begins with the file's byte order mark", "edit it by hand")
    return (file.bom + edited(file.page, edits, max_changed_lines=max_changed_lines)).encode()


def read_fields(
    text: bytes,
    target: ObjectRef,
    default_namespace: str,
    paths: Sequence[FieldPath],
    *,
    max_bytes: int = 1_048_576,  # the default of `guards.max_file_bytes`; whoever edits passes the configured one
) -> tuple[str | None, ...]:
    """Return the values of these fields in the target's manifest, None for those that the file does not hold.

    Raises Refusal, as an edit would, when the file or a field cannot be judged.
    """
    refuse_forbidden_kind(target)
    found = find(_open(text, max_bytes).roots, target, default_namespace)
    return _read(only(found, target), paths) if found else tuple(None for _ in paths)


def holds(text: bytes, target: ObjectRef, default_namespace: str, *, max_bytes: int) -> bool:
    """Tell whether the file has a manifest of the target; raises Refusal as `read_fields` does."""
    return bool(find(_open(text, max_bytes).roots, target, default_namespace))


def read_document(text: bytes, pick: Pick, paths: Sequence[FieldPath], *, max_bytes: int) -> tuple[str | None, ...]:
    """Return the values of these fields below the mapping that `pick` chooses, as `read_fields` does."""
    return _read(pick(_open(text, max_bytes).roots), paths)


def _open(data: bytes, max_bytes: int) -> _File:
    bom, text = split_bom(decode(data, max_bytes))
    refuse_generated(text)
    page = Page(text, scan(text))
    roots = arrange(page.parts)
    refuse_encrypted(roots)
    return _File(bom, page, roots)


def _read(root: MappingNode, paths: Sequence[FieldPath]) -> tuple[str | None, ...]:
    return tuple(_value(root, path) for path in paths)


def _value(root: MappingNode, path: FieldPath) -> str | None:
    place = find_place(root, path)
    if leads_inside(path):
        return read_inside(place, path)
    part = scalar_at(place, path)
    return None if part is None or is_null(part) else part.value


def _plan(page: Page, root: MappingNode, changes: Sequence[FieldChange]) -> list[Edit]:
    """Return the edits that make the changes: replacements, insertions, removals, and edits inside texts."""
    edits: list[Edit] = []
    inserted: list[tuple[FieldChange, str, Place]] = []
    inside: list[tuple[FieldChange, str, Place]] = []
    removed: list[tuple[FieldChange, Place]] = []
    for change in changes:
        place = find_place(root, change.path)
        if change.after is None:
            removed.append((change, place))
        elif change.before is None:
            inserted.append((change, change.after, place))
        elif leads_inside(change.path):
            inside.append((change, change.after, place))
        else:
            edits.append(replacement(scalar_at(place, change.path), change, change.after))
    return [*edits, *insertions(page, inserted), *removals(page, removed), *changes_inside(page, inside)]


def refuse_protected_field(path: FieldPath) -> None:
    """Refuse what names the object, and what servers and other tools set: it has no business in an edit."""
    metadata = path[1:2] if path[:1] == ("metadata",) else ()
    if path in _IDENTITY_FIELDS:
        refuse("identity_field", f"{format_path(path)} names the object", "delete and create it by hand")
    foreign = path[-2:-1] == ("annotations",) and path[-1] in _FOREIGN_ANNOTATIONS
    if path[:1] == ("status",) or foreign or (metadata and metadata[0] in _SERVER_METADATA):
        refuse("foreign_field", f"{format_path(path)} is set by a server or another tool", "leave it alone")
