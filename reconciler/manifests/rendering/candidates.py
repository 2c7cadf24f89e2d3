"""Every value in the files of a rendering that could be the one behind a live field.

A value is a candidate when it says what the field says, in one of the ways in which files say it: whole, as the tag of
an image, as `KEY=value` of a generated ConfigMap, as the default of a variable. Which of them decides the field is not
guessed: `probing` renders.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from reconciler.errors import Refusal
from reconciler.manifests.editing.parts import (
    MappingNode,
    Node,
    Part,
    SequenceNode,
    arrange,
    decode,
    refuse_generated,
    scan,
    split_bom,
)
from reconciler.manifests.editing.scalars import holds_quantity
from reconciler.manifests.editing.spots import Spot
from reconciler.model.objects import FieldPath, Item, format_path
from reconciler.model.quantity import same_quantity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reconciler.model.action import Replacement
    from reconciler.model.objects import ObjectRef

_SETTERS = frozenset({"Kustomization", "Component", "Application", "ApplicationSet", "HelmRelease"})  # of other objects
_DEFAULT = re.compile(r"(\$\{\w+(?::=|:-|=))([^${}]*)(?=\})")
_FLOW = ("[", "{")  # begins JSON
_SETTING = ("Transformer", "Generator")  # of Kustomize, written as files
_SUFFIXES = (".yaml", ".yml", ".json", "Kustomization")
_TELLING = 2  # characters; a shorter value stands everywhere
_MAX_CANDIDATES = 500  # of one field; group tests keep the renderings few, the edits are ours to make


class Candidate(NamedTuple):
    """A value in a file that may decide a field."""

    path: str
    document: int
    spot: Spot

    def __str__(self) -> str:
        return f"{self.path}: {format_path(self.spot.field)}"


class _Value(NamedTuple):
    """A scalar of a file, and where it stands."""

    document: int
    root: Node
    field: FieldPath
    part: Part
    inner: int | None
    text: str


def candidates(
    change: Replacement, target: ObjectRef, files: Mapping[str, bytes], paths: Sequence[str], *, max_bytes: int
) -> tuple[Candidate, ...]:
    """Return what could decide the changed field in these files, in their order."""
    writings = _writings(change)
    found: list[Candidate] = []
    for path in paths:
        for value in _values(path, files[path], max_bytes):
            spot = _spot(value, change, writings)
            if spot is not None and _may_decide(value, change, target):
                found.append(Candidate(path, value.document, spot))
    return tuple(found[:_MAX_CANDIDATES])


def hidden(change: Replacement, files: Mapping[str, bytes], paths: Sequence[str], *, max_bytes: int) -> Iterator[str]:
    """Yield in words where the present value may stand unseen: in a file that is not judged, or inside a text."""
    for path in paths:
        try:
            _, text = split_bom(decode(files[path], max_bytes))
            refuse_generated(text)
            arrange(scan(text))
        except Refusal as refusal:
            if path.endswith(_SUFFIXES):
                yield f"{path} cannot be judged: {refusal.message}"
            continue
        lines = [number for number, line in enumerate(text.splitlines(), 1) if change.before in line]
        if lines and len(change.before) > _TELLING:
            yield f"{change.before} stands in {path} at line {lines[0]}, but not as a value that could be this field's"


def _writings(change: Replacement) -> dict[str, str]:
    """Return how files may write the present value, each with the new one; an image may stand there as its tag."""
    found = {change.before: change.after}
    (name, _, tag), (new_name, _, new_tag) = change.before.rpartition(":"), change.after.rpartition(":")
    if change.path[-1] == "image" and name and name == new_name and "@" not in change.before + change.after:
        found[tag] = new_tag
    return found


def with_tag(text: str, change: Replacement) -> str | None:
    """Return an image of any name, or `name=image`, with the new tag; None where it has not the present one."""
    (name, _, tag), (new_name, _, new_tag) = change.before.rpartition(":"), change.after.rpartition(":")
    if not name or name != new_name or "@" in text + change.before + change.after:
        return None
    head, colon, present = text.rpartition(":")
    return f"{head}:{new_tag}" if head and colon and present == tag else None


def _with_default(text: str, writings: Mapping[str, str]) -> str | None:
    """Return a text with the new value as the default of a variable of Flux; None where it has not the present one."""
    made = _DEFAULT.sub(lambda found: found[1] + writings.get(found[2], found[2]), text)
    return made if made != text else None


def _spot(value: _Value, change: Replacement, writings: Mapping[str, str]) -> Spot | None:
    after = writings.get(value.text)
    if after is None and holds_quantity(change.path) and same_quantity(value.text, change.before):
        after = change.after
    key, equals, rest = value.text.partition("=")
    if after is None and equals and key == change.path[-1]:
        quote = next((q for q in ("", '"', "'") if rest == f"{q}{change.before}{q}"), None)  # Kustomize takes them off
        after = None if quote is None else f"{key}={quote}{change.after}{quote}"
    if after is None and change.path[-1] == "image":
        after = with_tag(value.text, change)
    if after is None and "${" in value.text:
        after = _with_default(value.text, writings)
    if after is None:
        return None
    return Spot(part=value.part.number, inner=value.inner, field=value.field, before=value.text, after=after)


def _may_decide(value: _Value, change: Replacement, target: ObjectRef) -> bool:
    """Leave out what hardly does: a field of another name in a manifest, or a manifest of another kind."""
    kind = _word(_holder(value), "kind")
    if kind is None or kind in _SETTERS or kind.endswith(_SETTING):
        return True
    names = [step for step in value.field if isinstance(step, str)]
    if kind == "ConfigMap" and target.kind != kind:
        return names[:1] == ["data"] and value.inner is None  # where Kustomize's replacements and vars come from
    return kind == target.kind and names[-1:] == [change.path[-1]]


def _holder(value: _Value) -> Node:
    """Return the manifest that a value stands in: its document, or its item of a list of manifests."""
    items = value.root.entries.get("items") if isinstance(value.root, MappingNode) else None
    if value.field[:1] != ("items",) or not isinstance(items, SequenceNode) or not isinstance(value.field[1], Item):
        return value.root
    return next((item for n, item in enumerate(items.items) if _item(items, n) == value.field[1]), value.root)


def _is_encrypted(root: Node) -> bool:
    """SOPS keeps a checksum, which an edit would break."""
    return isinstance(root, MappingNode) and isinstance(root.entries.get("sops"), MappingNode)


def _word(root: Node, key: str) -> str | None:
    node = root.entries.get(key) if isinstance(root, MappingNode) else None
    return node.value if isinstance(node, Part) else None


def _values(path: str, data: bytes, max_bytes: int) -> Iterator[_Value]:
    """Yield the scalars of a YAML file and of the YAML inside its literal blocks; another file has none."""
    if not path.endswith(_SUFFIXES):
        return
    try:
        _, text = split_bom(decode(data, max_bytes))
        refuse_generated(text)
        roots = arrange(scan(text))
        if any(_is_encrypted(root) for root in roots):
            return
    except Refusal:
        return  # a template, an encrypted file, or one that we do not judge
    for document, root in enumerate(roots):
        if _word(root, "kind") == "Secret":
            continue
        for field, part in _scalars(root, ()):
            if part.style == "|" or (part.style == "'" and (part.value or "").startswith(_FLOW)):
                yield from _inside(document, root, field, part)
            elif part.value is not None:
                yield _Value(document, root, field, part, None, part.value)


def _inside(document: int, root: Node, field: FieldPath, block: Part) -> Iterator[_Value]:
    """Yield the scalars of the YAML that a literal block holds, or text in quotes, if it holds any."""
    try:
        roots = arrange(scan(block.value or ""))
    except Refusal:
        return
    for inner in roots:
        if isinstance(inner, MappingNode | SequenceNode):
            shown = inner if _word(inner, "kind") else root
            for below, part in _scalars(inner, field):
                if part.value is not None and part.style != "|":
                    yield _Value(document, shown, below, block, part.number, part.value)


def _scalars(node: Node, field: FieldPath) -> Iterator[tuple[FieldPath, Part]]:
    """Yield the scalars below a node, each with its path; recursion is bounded, because `scan` has capped the depth."""
    if isinstance(node, MappingNode):
        for key, below in node.entries.items():
            yield from _scalars(below, (*field, key))
    elif isinstance(node, SequenceNode):
        for position, below in enumerate(node.items):
            yield from _scalars(below, (*field, _item(node, position)))
    elif node.role == "scalar":
        yield field, node


def _item(node: SequenceNode, position: int) -> Item:
    """Name a list's item by its name where that tells it from the others, else by its place."""
    names = [_word(item, "name") for item in node.items]
    name = names[position]
    unique = name is not None and names.count(name) == 1 and "]" not in name
    return Item("name", name) if unique and name else Item("index", str(position))
