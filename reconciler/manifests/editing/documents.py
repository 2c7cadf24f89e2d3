"""Find the manifest of one object in a file: by what the document says of itself, never by its place.

Protects invariant 5: as soon as a document could describe the object or not, depending on who reads it, the file is
refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, NoReturn

from reconciler.manifests.editing.parts import MappingNode, Node, Part, SequenceNode, is_alias, refuse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.model.objects import ObjectRef

_FORBIDDEN_GROUPS = frozenset({"rbac.authorization.k8s.io", "apiextensions.k8s.io"})
_FORBIDDEN_KINDS = frozenset({("", "Secret"), ("bitnami.com", "SealedSecret")})


class Identity(NamedTuple):
    """Which object a manifest describes; namespace is empty where the manifest names none."""

    group: str
    kind: str
    namespace: str
    name: str


class Found(NamedTuple):
    """A manifest of the wanted object, and the index of its document in the file."""

    document: int
    manifest: MappingNode


def find(roots: Sequence[Node], target: ObjectRef, default_namespace: str) -> list[Found]:
    """Return every manifest of the target, found by what it says of itself, never by its place."""
    return [
        Found(document, manifest)
        for document, root in enumerate(roots)
        for manifest in _manifests(root)
        if describes(identity_of(manifest), target, default_namespace)
    ]


def identities(roots: Sequence[Node]) -> list[tuple[int, Identity]]:
    """Return every object that the documents describe, each with the index of its document.

    Raises Refusal when one of them hides what it describes.
    """
    found = ((document, identity_of(manifest)) for document, root in enumerate(roots) for manifest in _manifests(root))
    return [(document, identity) for document, identity in found if identity is not None]


def only(found: Sequence[Found], target: ObjectRef) -> MappingNode:
    """Return the one manifest of the target; refuse when there is none, or more than one."""
    if not found:
        refuse("target_not_found", f"no document of the file describes {target}", "run `reconciler plan` again")
    if len(found) > 1:
        numbers = ", ".join(str(f.document + 1) for f in found)
        refuse("two_documents", f"documents {numbers} of the file all describe {target}", "keep one of them")
    return found[0].manifest


def refuse_forbidden_kind(target: ObjectRef) -> None:
    """Refuse objects that are not ours to change."""
    if target.group in _FORBIDDEN_GROUPS or (target.group, target.kind) in _FORBIDDEN_KINDS:
        refuse("forbidden_kind", f"a {target.kind} is never edited", "change it by hand")


def refuse_encrypted(roots: Sequence[Node]) -> None:
    """Refuse files whose checksum an edit would break."""
    for root in roots:
        sops = root.entries.get("sops") if isinstance(root, MappingNode) else None
        if isinstance(sops, MappingNode):
            refuse("encrypted", "the file is encrypted with SOPS; an edit would break its checksum", "edit with `sops`")


def _manifests(root: Node) -> Iterator[MappingNode]:
    """Yield the manifests of a document; like Argo CD, take a mapping with an `items` list as a list of them."""
    if not isinstance(root, MappingNode):
        return
    items = root.entries.get("items")
    if not isinstance(items, SequenceNode):
        yield root
        return
    for item in items.items:
        if isinstance(item, MappingNode):
            yield item
        elif is_alias(item):
            _refuse_unclear()


def identity_of(manifest: MappingNode) -> Identity | None:
    """Return the object that a manifest describes; None when it does not describe any."""
    if "<<" in manifest.entries:
        _refuse_unclear()
    if not {"apiVersion", "kind", "metadata"} <= manifest.entries.keys():
        return None
    metadata = manifest.entries["metadata"]
    if is_alias(metadata):
        _refuse_unclear()
    if not isinstance(metadata, MappingNode):
        return None
    if "<<" in metadata.entries:
        _refuse_unclear()
    group, slash, _ = _word(manifest, "apiVersion").partition("/")
    kind, namespace, name = _word(manifest, "kind"), _word(metadata, "namespace"), _word(metadata, "name")
    return Identity(group if slash else "", kind, namespace, name)


def _word(mapping: MappingNode, key: str) -> str:
    node = mapping.entries.get(key)
    if node is None:
        return ""
    if not isinstance(node, Part) or node.value is None:
        _refuse_unclear()
    return node.value


def _refuse_unclear() -> NoReturn:
    refuse("unclear_identity", "a document hides which object it describes", "write kind, name and namespace out")


def describes(identity: Identity | None, target: ObjectRef, default_namespace: str) -> bool:
    """Tell whether a manifest is the target's; a cluster-scoped target has no namespace, whatever the manifest says."""
    if identity is None or (identity.group, identity.kind, identity.name) != (target.group, target.kind, target.name):
        return False
    return not target.namespace or (identity.namespace or default_namespace) == target.namespace
