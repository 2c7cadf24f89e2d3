"""Patches of an Application's own overlay: one that is there takes another field, or a new one comes.

Protects: each is accepted only where rendering shows exactly the intended changes, and for this Application alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from reconciler.errors import Refusal
from reconciler.manifests.checkout import is_below
from reconciler.manifests.edit import edit_document
from reconciler.manifests.overlay import overlaid
from reconciler.manifests.parts import MappingNode, Node, Part, arrange, decode, refuse, scan, split_bom
from reconciler.model.action import FieldChange
from reconciler.model.proposal import Site

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.model.objects import ObjectRef
    from reconciler.propose.search import Search

MAX_TRIED = 20  # places; each takes a rendering


class Own(NamedTuple):
    """Files edited for one Application, and the sites in them."""

    edited: dict[str, bytes]
    sites: tuple[Site, ...]
    parent: ObjectRef | None = None  # the Application that delivers the edited manifest of this one


def in_own_patch(search: Search) -> Own | None:
    """Return a patch of the overlay that is there for the object already, with the fields among its own."""
    new = [FieldChange(path=c.path, before=None, after=c.after) for c in search.action.changes if c.after is not None]
    if len(new) < len(search.action.changes):
        return None
    here = [there for there in documents(search) if is_below(there[0], search.job.folder)]
    found = (changed(search, path, document, new) for path, document in here[:MAX_TRIED])
    return next((own for own in found if own is not None), None)


def in_overlay(search: Search) -> Own | None:
    """Return the Application's own overlay with a patch for the fields."""
    target, job, checkout = search.action.target, search.job, search.checkout
    limit = search.workshop.settings.guards.max_file_bytes
    try:
        ways = overlaid(
            checkout,
            job.folder,
            target,
            search.probe.rendered,
            search.action.changes,
            prefix=job.kustomize.name_prefix,
            suffix=job.kustomize.name_suffix,
            max_bytes=limit,
        )
        made = next((way for way in ways if search.probe.is_exact(way.edited)), None)
        if made is None or search.shared_with(made.edited):
            return None
    except Refusal:
        return None
    sites = [
        Site(path=made.patch, blob="", document=0, field=change.path, before=change.before, after=change.after)
        for change in search.action.changes
    ]
    blob = checkout.files[made.kustomization].blob
    entry = Site(path=made.kustomization, blob=blob, document=0, field=("patches",), before="", after=made.patch)
    return Own(made.edited, (*sites, entry))


def documents(search: Search) -> Iterator[tuple[str, int]]:
    """Yield the documents that may be the object or a patch of it, those below its overlay first."""
    folder, target = search.job.folder, search.action.target
    for path in sorted(search.job.files, key=lambda path: (not is_below(path, folder), path)):
        if path.endswith((".yaml", ".yml")) and target.kind.encode() in search.job.files[path]:
            for document, root in enumerate(_roots(search.job.files[path])):
                kind = root.entries.get("kind") if isinstance(root, MappingNode) else None
                if isinstance(kind, Part) and kind.value == target.kind and _may_be(root, target.name):
                    yield path, document


def _may_be(root: Node, name: str) -> bool:
    """Tell whether a document's name is in the target's, as it is when prefixes and suffixes are added."""
    metadata = root.entries.get("metadata") if isinstance(root, MappingNode) else None
    there = metadata.entries.get("name") if isinstance(metadata, MappingNode) else None
    return isinstance(there, Part) and bool(there.value) and str(there.value) in name


def _roots(data: bytes) -> Sequence[Node]:
    try:
        return arrange(scan(split_bom(decode(data, len(data)))[1]))
    except Refusal:
        return ()


def changed(search: Search, path: str, document: int, changes: Sequence[FieldChange]) -> Own | None:
    """Return a file with the changes in one of its documents, if that is exact and reaches nobody else."""

    def pick(roots: Sequence[Node]) -> MappingNode:
        root = roots[document]
        if not isinstance(root, MappingNode):
            refuse("no_parent", "the document is no mapping", "edit it by hand")
        return root

    guards = search.workshop.settings.guards
    limits = {"max_bytes": guards.max_file_bytes, "max_changed_lines": guards.max_changed_lines}
    try:
        edited = {path: edit_document(search.job.files[path], pick, changes, **limits)}
        if not search.is_own(edited):
            return None
    except Refusal:
        return None
    blob = search.checkout.files[path].blob
    return Own(
        edited,
        tuple(
            Site(path=path, blob=blob, document=document, field=c.path, before=c.before, after=c.after) for c in changes
        ),
    )
