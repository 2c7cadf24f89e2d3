"""Every value in the files of a rendering that could be the one behind a live field.

A value is a candidate when it says what the field says, in one of the ways in which files say it: whole, as the tag of
an image, as `KEY=value` of a generated ConfigMap. Which of them decides the field is not guessed: `probing` renders.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from reconciler.errors import Refusal
from reconciler.manifests.parts import (
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
from reconciler.manifests.scalars import holds_quantity
from reconciler.manifests.spots import Spot
from reconciler.model.objects import FieldPath, Item, format_path
from reconciler.model.quantity import same_quantity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reconciler.model.action import Replacement
    from reconciler.model.objects import ObjectRef

_GENERATES = "kind: ApplicationSet"  # whose braces stand inside values, and are filled by Argo CD
_SETTERS = frozenset({"Kustomization", "Component", "Application", "ApplicationSet", "HelmRelease"})  # of other objects
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
    if after is None:
        return None
    return Spot(part=value.part.number, inner=value.inner, field=value.field, before=value.text, after=after)


def _may_decide(value: _Value, change: Replacement, target: ObjectRef) -> bool:
    """Leave out what certainly does not: a field of another name in a manifest, or a manifest of another kind."""
    kind = _word(value.root, "kind")
    if kind is None or kind in _SETTERS:
        return True
    names = [step for step in value.field if isinstance(step, str)]
    return kind == target.kind and names[-1:] == [change.path[-1]]


def _is_encrypted(root: Node) -> bool:
    """SOPS keeps a checksum, which an edit would break."""
    return isinstance(root, MappingNode) and isinstance(root.entries.get("sops"), MappingNode)


def _word(root: Node, key: str) -> str | None:
    node = root.entries.get(key) if isinstance(root, MappingNode) else None
    return node.value if isinstance(node, Part) else None


def _values(path: str, data: bytes, max_bytes: int) -> Iterator[_Value]:
    """Yield the scalars of a YAML file and of the YAML inside its literal blocks; another file has none."""
    if not path.endswith((".yaml", ".yml", ".json", "Kustomization")):
        return
    try:
        _, text = split_bom(decode(data, max_bytes))
        refuse_generated(text.replace("{{", "") if _GENERATES in text else text)
        roots = arrange(scan(text))
        if any(_is_encrypted(root) for root in roots):
            return
    except Refusal:
        return  # a template, an encrypted file, or one that we do not judge
    for document, root in enumerate(roots):
        if _word(root, "kind") == "Secret" or ("{{" in text and _word(root, "kind") != "ApplicationSet"):
            continue
        for field, part in _scalars(root, ()):
            if part.style == "|":
                yield from _inside(document, root, field, part)
            elif part.value is not None:
                yield _Value(document, root, field, part, None, part.value)


def _inside(document: int, root: Node, field: FieldPath, block: Part) -> Iterator[_Value]:
    """Yield the scalars of the YAML that a literal block holds, if it holds any."""
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
