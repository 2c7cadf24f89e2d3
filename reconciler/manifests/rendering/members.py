"""Documents among the files of a kustomization that may be an object, or a patch of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.errors import Refusal
from reconciler.manifests.editing.parts import MappingNode, Node, Part, arrange, decode, refuse, scan, split_bom
from reconciler.manifests.files.checkout import is_below

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from reconciler.model.objects import ObjectRef
    from reconciler.model.rendering import RenderJob


def members(job: RenderJob, target: ObjectRef) -> Iterator[tuple[str, int]]:
    """Yield path and number of the documents that may be the object or a patch of it, those below its overlay first."""
    for path in sorted(job.files, key=lambda path: (not is_below(path, job.folder), path)):
        if path.endswith((".yaml", ".yml")) and target.kind.encode() in job.files[path]:
            for document, root in enumerate(_roots(job.files[path])):
                kind = root.entries.get("kind") if isinstance(root, MappingNode) else None
                if isinstance(kind, Part) and kind.value == target.kind and _may_be(root, target.name):
                    yield path, document


def numbered(document: int) -> Callable[[Sequence[Node]], MappingNode]:
    """Return what picks the document of that number from a file, and refuses one that is no mapping."""

    def pick(roots: Sequence[Node]) -> MappingNode:
        root = roots[document]
        if not isinstance(root, MappingNode):
            refuse("no_parent", "the document is no mapping", "edit it by hand")
        return root

    return pick


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
