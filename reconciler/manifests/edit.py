"""Change scalar fields of one manifest inside a file, and nothing else.

Protects invariant 5: an edit changes exactly the lines that it names, re-parses to exactly the intended object, or is
refused with a reason. The new tokens are spliced in at the parser's marks, then the result is parsed again and
compared whole: every part of the file must be what it was, but for the named ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, NoReturn, TypeAlias

from reconciler.errors import Refusal
from reconciler.manifests.documents import find, only, refuse_encrypted, refuse_forbidden_kind
from reconciler.manifests.parts import (
    MappingNode,
    Node,
    Part,
    SequenceNode,
    arrange,
    content,
    decode,
    is_alias,
    refuse,
    refuse_generated,
    scan,
    split_bom,
)
from reconciler.manifests.scalars import (
    ScalarType,
    holds_quantity,
    intended_type,
    plain_type,
    writable,
    write_scalar,
)
from reconciler.model.objects import FieldPath, Item, ObjectRef, format_path
from reconciler.model.quantity import same_quantity

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


class _Splice(NamedTuple):
    """A part of the file, and the token that takes its place."""

    part: Part
    token: str
    style: str | None
    value: str


class _File(NamedTuple):
    """A file taken apart."""

    bom: str
    text: str
    parts: list[Part]
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
    root = pick(file.roots)
    splices = [_plan(root, change) for change in changes]
    edited = _splice(file.text, splices)
    _refuse_other_lines(file.text, edited, splices, max_changed_lines)
    _refuse_other_content(file.parts, edited, splices)
    return (file.bom + edited).encode()


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


def read_document(text: bytes, pick: Pick, paths: Sequence[FieldPath], *, max_bytes: int) -> tuple[str | None, ...]:
    """Return the values of these fields below the mapping that `pick` chooses, as `read_fields` does."""
    return _read(pick(_open(text, max_bytes).roots), paths)


def _open(data: bytes, max_bytes: int) -> _File:
    bom, text = split_bom(decode(data, max_bytes))
    refuse_generated(text)
    parts = scan(text)
    roots = arrange(parts)
    refuse_encrypted(roots)
    return _File(bom, text, parts, roots)


def _read(root: MappingNode, paths: Sequence[FieldPath]) -> tuple[str | None, ...]:
    return tuple(_value(_follow(root, path)) for path in paths)


def _value(part: Part | None) -> str | None:
    if part is None or (part.style is None and plain_type(part.value or "") is ScalarType.NULL):
        return None
    return part.value


def _follow(root: MappingNode, path: FieldPath) -> Part | None:
    """Return the scalar at a path, or None when the manifest does not have it."""
    node: Node = root
    for step in path:
        _refuse_shared(node, path)
        below = _item(node, step, path) if isinstance(step, Item) else _entry(node, step)
        if below is None:
            return None
        node = below
    _refuse_shared(node, path)
    if not isinstance(node, Part):
        refuse("not_scalar", f"{format_path(path)} is not a single value", "name a field inside it")
    return node


def _entry(node: Node, key: str) -> Node | None:
    return node.entries.get(key) if isinstance(node, MappingNode) else None


def _item(node: Node, wanted: Item, path: FieldPath) -> Node | None:
    """Return the item of a list that has the wanted merge key; its place means nothing."""
    if not isinstance(node, SequenceNode):
        return None
    for item in node.items:
        _refuse_hidden(item, path)
    found = [item for item in node.items if _merge_key(item, wanted.key) == wanted.value]
    if len(found) > 1:
        refuse("ambiguous_item", f"{wanted.key}={wanted.value} occurs twice in {format_path(path)}", "keep one")
    return found[0] if found else None


def _merge_key(item: Node, key: str) -> str | None:
    node = _entry(item, key)
    if node is not None and is_alias(node):
        refuse("alias", f"the key {key} of a list item is an alias", "write the value out")
    return node.value if isinstance(node, Part) else None


def _refuse_shared(node: Node, path: FieldPath) -> None:
    """Refuse a node whose content belongs to several places, or whose tag changes what it means."""
    _refuse_hidden(node, path)
    part = node if isinstance(node, Part) else node.part
    if part.anchor is not None:
        message = f"{format_path(path)} lies in the anchor &{part.anchor}, which may be used elsewhere"
        refuse("anchor", message, "edit it by hand")
    if part.tag is not None:
        refuse("tag", f"{format_path(path)} carries an explicit tag", "remove the tag")


def _refuse_hidden(node: Node, path: FieldPath) -> None:
    """Refuse a node whose content stands elsewhere."""
    if is_alias(node):
        refuse("alias", f"{format_path(path)} is reached through an alias", "write the value out")
    if isinstance(node, MappingNode) and "<<" in node.entries:
        message = f"{format_path(path)} lies in or beside a mapping with a merge key (`<<`)"
        refuse("merge_key", message, "write the values out")


def _plan(root: MappingNode, change: FieldChange) -> _Splice:
    """Return where a change goes and how it is written."""
    if not writable(change.after):
        message = f"the new value of {format_path(change.path)} holds a line break, control or invisible character"
        refuse("unprintable_value", message, "propose a value of one visible line")
    part = _editable(_follow(root, change.path), change.path)
    _refuse_stale(part.value or "", change)
    current = plain_type(part.value or "") if part.style is None else ScalarType.STRING
    kind = intended_type(change.path, current, change.after)
    if kind is None:
        message = f"{format_path(change.path)} holds a {current} value, which the new one is not"
        refuse("type_change", message, "edit it by hand")
    token, style = write_scalar(change.after, kind, part.style)
    return _Splice(part, token, style, change.after)


def refuse_protected_field(path: FieldPath) -> None:
    """Refuse what names the object, and what servers and other tools set: it has no business in an edit."""
    metadata = path[1:2] if path[:1] == ("metadata",) else ()
    if path in _IDENTITY_FIELDS:
        refuse("identity_field", f"{format_path(path)} names the object", "delete and create it by hand")
    foreign = path[-2:-1] == ("annotations",) and path[-1] in _FOREIGN_ANNOTATIONS
    if path[:1] == ("status",) or foreign or (metadata and metadata[0] in _SERVER_METADATA):
        refuse("foreign_field", f"{format_path(path)} is set by a server or another tool", "leave it alone")


def _editable(part: Part | None, path: FieldPath) -> Part:
    """Return the part if it is a value on its own, the only kind that is replaced."""
    if part is None:
        refuse("missing_field", f"{format_path(path)} is not in the manifest", "add the field in Git, by hand")
    if part.style in ("|", ">"):
        refuse("block_scalar", f"{format_path(path)} is a block of text", "edit it by hand")
    if part.style is None and plain_type(part.value or "") is ScalarType.NULL:
        refuse("empty_value", f"{format_path(path)} has no value", "give it a value in Git, by hand")
    return part


def _refuse_stale(current: str, change: FieldChange) -> None:
    """Refuse when Git does not say what the change starts from; amounts compare by value."""
    same = same_quantity if holds_quantity(change.path) else str.__eq__
    if not same(current, change.before):
        message = f"{format_path(change.path)} is not {change.before} in Git: the file and the cluster differ"
        refuse("stale", message, "let delivery sync first, then run `reconciler plan`")


def _splice(text: str, splices: Sequence[_Splice]) -> str:
    """Return the text with every token in its place, from the end so that earlier marks stay right."""
    if len({splice.part.number for splice in splices}) < len(splices):
        refuse("duplicate_change", "two changes name the same field", "propose one of them")
    for part, token, *_ in sorted(splices, key=lambda s: s.part.start, reverse=True):
        if "\n" in text[part.start : part.end] or "\r" in text[part.start : part.end]:
            refuse("multi_line", "the present value spans several lines", "edit it by hand")
        text = text[: part.start] + token + text[part.end :]
    return text


def _refuse_other_lines(before: str, after: str, splices: Sequence[_Splice], limit: int) -> None:
    """Compare line by line: what changed must be lines that the changes name, some, and not too many."""
    old, new = before.split("\n"), after.split("\n")
    changed = {number for number, lines in enumerate(zip(old, new, strict=False)) if lines[0] != lines[1]}
    named = {before.count("\n", 0, splice.part.start) for splice in splices}
    if before == after:
        refuse("no_change", "the file says so already", "nothing is to be done")
    if len(old) != len(new) or not changed <= named:
        _refuse_unproven("lines that no change names would differ")
    if len(changed) > limit:
        refuse("too_many_lines", f"{len(changed)} lines would change, more than {limit}", "propose fewer changes")


def _refuse_other_content(before: Sequence[Part], edited: str, splices: Sequence[_Splice]) -> None:
    """Parse the result and compare all of it with what it must be: the file as it was, with the new values."""
    expected = content(before)
    for splice in splices:
        expected[splice.part.number] = ("scalar", None, None, splice.style, splice.value)
    try:
        actual = content(scan(edited))
    except Refusal as error:
        _refuse_unproven(error.message)
    if actual != expected:
        _refuse_unproven("something else in the file would change its meaning")


def _refuse_unproven(why: str) -> NoReturn:
    refuse("recheck_failed", f"the edit cannot be proven right: {why}", "edit the file by hand")
