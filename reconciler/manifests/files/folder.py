"""The manifests of one folder of a commit: which files there are, and which objects they describe.

A value; the folder of the next commit is made from it and from what changed. Protects: every file that may be a
manifest was judged, or is named as one that could not be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from reconciler.manifests.editing.documents import describes
from reconciler.manifests.files.contents import Contents, Reading, judged, written
from reconciler.manifests.files.tree import REGULAR_MODES
from reconciler.model.proposal import TreeFile  # noqa: TC001 - a field of a NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.model.objects import ObjectRef

_MANIFEST_SUFFIXES = (".yaml", ".yml", ".json")  # Argo CD's, in this case only; its .jsonnet is a program


class OwningFile(NamedTuple):
    """A document of a file that describes the object."""

    file: TreeFile
    document: int

    def __str__(self) -> str:
        return f"{self.file.path} (document {self.document + 1})"


class Manifest(NamedTuple):
    """A file that may describe objects, and what it describes."""

    file: TreeFile
    contents: Contents


def may_be_manifest(path: str, mode: int) -> bool:
    """Tell whether a file may be a manifest, by its name; a symlink is not followed, and so never one."""
    return mode in REGULAR_MODES and path.endswith(_MANIFEST_SUFFIXES)


MANIFESTS = Reading("manifests 1", may_be_manifest, judged)


@dataclass(frozen=True, slots=True)
class Folder:
    """All manifests below a folder; empty as it is made."""

    manifests: Mapping[str, Manifest] = field(default_factory=dict)  # by path
    _unjudged: frozenset[str] = frozenset()  # paths

    def changed(self, gone: Iterable[str], come: Iterable[Manifest]) -> Folder:
        """Return the folder without the manifests at some paths, then with these; a path may be in both."""
        manifests, unjudged = dict(self.manifests), set(self._unjudged)
        for path in gone:
            manifests.pop(path, None)
            unjudged.discard(path)
        for manifest in come:
            manifests[manifest.file.path] = manifest
            if manifest.contents.unjudged:
                unjudged.add(manifest.file.path)
        return Folder(manifests, frozenset(unjudged))

    def describing(self, target: ObjectRef, default_namespace: str) -> Iterator[OwningFile]:
        """Yield every document that describes the target, in the order of the paths."""
        name = written(target.name)  # looking for it is a hundred times faster than reading what every file says
        for path in sorted(path for path, manifest in self.manifests.items() if name in manifest.contents.said):
            file, contents = self.manifests[path]
            for document, identity in contents.described():
                if describes(identity, target, default_namespace):
                    yield OwningFile(file, document)

    def unjudged(self) -> Iterator[TreeFile]:
        """Yield every file of which nobody can say what it describes, in the order of the paths."""
        for path in sorted(self._unjudged):
            yield self.manifests[path].file
