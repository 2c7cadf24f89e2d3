"""The manifests of a commit's folders, each file parsed once and for ever; the next commit costs what differs.

Protects: Git's trees say which files there are, the id of a content says what it describes; nothing is remembered
that a later commit could make wrong.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from reconciler.adapters import git_objects
from reconciler.manifests.files.contents import Contents, Reading, unjudged
from reconciler.manifests.files.folder import Folder, Manifest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import pygit2

    from reconciler.adapters.git_judgements import Judgements
    from reconciler.model.proposal import TreeFile

_REMEMBERED = 100_000  # manifests of all folders that are kept in memory, some 50 MB
_CHUNK = 1000  # files that are read, parsed and kept together


class Wanted(NamedTuple):
    """A folder as it is asked for."""

    reading: Reading
    path: str
    max_bytes: int  # of a file that is judged
    deep: bool = True  # with the folders in it

    @property
    def in_words(self) -> str:
        """What goes on while it is made."""
        return f"reading {self.reading.rules.partition(' ')[0]} below {self.path or 'the root'}"


class _Seen(NamedTuple):
    tree: pygit2.Oid
    folder: Folder


class _Walked(NamedTuple):
    tree: pygit2.Oid
    path: str
    files: tuple[TreeFile, ...]


class Folders:
    """Answers for one mirror, from several threads."""

    def __init__(self, judgements: Judgements, told: Callable[[str], None]) -> None:
        self._judgements = judgements
        self._told = told
        self._seen: OrderedDict[Wanted, _Seen] = OrderedDict()  # the one that was asked for last is last
        self._walked: _Walked | None = None  # a new process asks several readings of its first commit
        self._lock = Lock()

    def at(self, mirror: pygit2.Repository, root: pygit2.Tree, wanted: Wanted) -> Folder:
        """Return a folder below a root; an empty one where there is none."""
        tree = git_objects.subtree(root, wanted.path)
        if tree is None:
            return Folder()
        wanted = wanted._replace(path=git_objects.normalized(wanted.path))
        with self._lock:  # of several who ask for the same at once, one parses
            seen = self._seen.get(wanted)
            if seen is None or seen.tree != tree.id:
                seen = _Seen(tree.id, self._made(mirror, tree, wanted, seen))
                self._seen[wanted] = seen
            self._seen.move_to_end(wanted)
            self._forget()
        return seen.folder

    def _made(self, mirror: pygit2.Repository, tree: pygit2.Tree, wanted: Wanted, seen: _Seen | None) -> Folder:
        if seen is not None and wanted.deep and seen.tree in mirror:
            self._walked = None  # of an older commit
            gone, come = _difference(mirror, seen.tree, tree, wanted)
            return seen.folder.changed(gone, self._judged(mirror, come, wanted))
        files = self._below(tree, wanted.path) if wanted.deep else git_objects.listed(tree, wanted.path)
        there = [file for file in files if wanted.reading.concerns(file.path, file.mode)]
        return Folder().changed((), self._judged(mirror, there, wanted))

    def _below(self, tree: pygit2.Tree, path: str) -> Sequence[TreeFile]:
        """Return everything below a tree, looking it through only where the last look was at another one."""
        if self._walked is None or self._walked[:2] != (tree.id, path):
            self._walked = _Walked(tree.id, path, tuple(git_objects.walk(tree, path)))
        return self._walked.files

    def _judged(self, mirror: pygit2.Repository, files: Sequence[TreeFile], wanted: Wanted) -> Iterable[Manifest]:
        """Return the files with what they describe; only a content that nobody ever saw is read and parsed."""
        blobs = dict.fromkeys(file.blob for file in files)
        known = self._judgements.known(wanted.reading.rules, list(blobs))
        missing = [blob for blob in blobs if blob not in known]
        for done in range(0, len(missing), _CHUNK):
            if len(missing) > _CHUNK:
                self._told(f"{wanted.in_words}, {done} of {len(missing)}")
            known |= self._read(mirror, missing[done : done + _CHUNK], wanted)
        return (Manifest(file, _within(wanted.max_bytes, known[file.blob])) for file in files)

    def _read(self, mirror: pygit2.Repository, blobs: Sequence[str], wanted: Wanted) -> dict[str, Contents]:
        """Return what is said of contents that nobody ever saw, and keep it; those too large are not even read."""
        limit, judged = wanted.max_bytes, wanted.reading.judged
        sizes = {blob: git_objects.size(mirror, blob) for blob in blobs}
        read = {b: judged(git_objects.content(mirror, b), limit) for b, size in sizes.items() if size <= limit}
        self._judgements.keep(wanted.reading.rules, read)
        return read | {blob: _too_large(size) for blob, size in sizes.items() if size > limit}

    def _forget(self) -> None:
        """Drop the folders that nobody asked for lately, beyond what memory is meant for."""
        total = sum(len(seen.folder.manifests) for seen in self._seen.values())
        while total > _REMEMBERED and len(self._seen) > 1:
            _, oldest = self._seen.popitem(last=False)
            total -= len(oldest.folder.manifests)


def _within(limit: int, contents: Contents) -> Contents:
    """Return contents, or that the file is too large: the limit may have been another when it was read."""
    return contents if contents.size <= limit else _too_large(contents.size)


def _too_large(size: int) -> Contents:
    return unjudged(size, "edit.too_large")


def _difference(
    mirror: pygit2.Repository, old: pygit2.Oid, new: pygit2.Tree, wanted: Wanted
) -> tuple[list[str], list[TreeFile]]:
    """Return which paths are gone or hold something else, and the files that came, from one tree to another."""
    concerns = wanted.reading.concerns
    gone: list[str] = []
    come: list[TreeFile] = []
    for before, after in git_objects.differences(mirror[old].peel(type(new)), new, wanted.path):
        if before is not None and concerns(before.path, before.mode):
            gone.append(before.path)
        if after is not None and concerns(after.path, after.mode):
            come.append(after)
    return gone, come
