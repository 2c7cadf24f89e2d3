"""Read bare repositories as Argo CD's repository server does: resolve a revision, list a folder's files.

Errors carry the texts that the real server answers with, because people and the product read them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pygit2

_COMMIT = re.compile(r"[0-9a-fA-F]{40}")
_ABBREVIATED = re.compile(r"[0-9a-fA-F]{7,}")
_RANGE = re.compile(r"[*^~<>=|,\s]")  # what makes a revision a range of versions; none may stand in a ref's name
_BRANCHES_AND_TAGS = ("refs/heads/", "refs/tags/")


class SourceError(Exception):
    """A source that gives no manifests; the text is the one that the repository server answers."""

    def __init__(self, message: str, code: str = "Unknown") -> None:
        super().__init__(f"rpc error: code = {code} desc = {message}")


def not_in_sandbox(feature: str) -> SourceError:
    """Say that the real server could do it and the sandbox does not."""
    return SourceError(f"the sandbox does not {feature}", "Unimplemented")


@dataclass(frozen=True, slots=True)
class File:
    """One file below a folder."""

    path: str  # relative to the folder
    content: bytes

    @property
    def name(self) -> str:
        """Its name without folders."""
        return self.path.rpartition("/")[2]


class Folder:
    """One folder at one commit."""

    def __init__(self, commit: str, tree: pygit2.Tree) -> None:
        self.commit = commit
        self._tree = tree

    @property
    def identity(self) -> str:
        """What names the content: the same text, the same files."""
        return str(self._tree.id)

    def names(self) -> set[str]:
        """Return the names of the files that are directly in it."""
        return {entry.name or "" for entry in self._tree if entry.type_str == "blob"}

    def files(self, *, recurse: bool) -> Iterator[File]:
        """Give the files by name, folder by folder, in the order in which the real server walks.

        Raises SourceError for a symbolic link.
        """
        return _files(self._tree, "", recurse)


def open_repository(path: Path | None) -> pygit2.Repository:
    """Open a bare repository. Raises SourceError when there is none."""
    import pygit2

    if path is None or not path.is_dir():
        raise SourceError("failed to list refs: authentication required: Repository not found.")
    try:
        return pygit2.Repository(str(path))
    except pygit2.GitError:
        raise SourceError("failed to list refs: authentication required: Repository not found.") from None


def resolve(repository: pygit2.Repository, revision: str) -> str:
    """Return the commit that a branch, a tag, a commit id or HEAD (also the empty text) means now.

    Raises SourceError.
    """
    if _COMMIT.fullmatch(revision):
        return _commit(repository, revision)
    if repository.is_empty:
        raise SourceError("failed to list refs: remote repository is empty")
    if _RANGE.search(revision):
        raise not_in_sandbox(f"choose a tag from a range of versions, and {revision!r} is one")
    for name in _candidates(repository, revision or "HEAD"):
        return str(repository.references[name].peel().id)  # an annotated tag names its commit
    if _ABBREVIATED.fullmatch(revision):
        return _commit(repository, revision)
    raise SourceError(f"unable to resolve '{revision or 'HEAD'}' to a commit SHA")


def folder(repository: pygit2.Repository, commit: str, path: str) -> Folder:
    """Return a folder at a commit. Raises SourceError when it is none."""
    import pygit2

    if path.startswith("/"):
        raise SourceError(f"{path}: app path is absolute")
    parts = [part for part in path.split("/") if part not in {"", "."}]
    if ".." in parts:
        raise SourceError(f"{path}: app path outside root")
    tree = repository[commit].peel(pygit2.Tree)
    for part in parts:
        if part not in tree:
            raise SourceError(f"{path}: app path does not exist")
        entry = tree[part]
        if not isinstance(entry, pygit2.Tree):
            raise SourceError(f"{path}: app path is not a directory")
        tree = entry
    return Folder(commit, tree)


def _candidates(repository: pygit2.Repository, revision: str) -> Iterator[str]:
    """Give the references of that name: written whole, a branch, a tag."""
    if revision == "HEAD":
        head = repository.references["HEAD"].target
        yield from (name for name in (str(head),) if name in repository.references)
        return
    names = (revision, *(f"{prefix}{revision}" for prefix in _BRANCHES_AND_TAGS))
    yield from (name for name in names if name.startswith("refs/") and name in repository.references)


def _commit(repository: pygit2.Repository, text: str) -> str:
    import pygit2

    try:
        found = repository.revparse_single(text.lower())
    except (KeyError, ValueError):  # unknown, or several begin so
        found = None
    if found is None:
        fetch = f"`git fetch origin {text} --tags --force --prune` failed exit status 128"
        refusal = f"Failed to checkout revision {text}: {fetch}: fatal: remote error: upload-pack: not our ref {text}"
        raise SourceError(f"failed to initialize repository resources: {SourceError(refusal, 'Internal')}")
    return str(found.peel(pygit2.Commit).id)


def _files(tree: pygit2.Tree, prefix: str, recurse: bool) -> Iterator[File]:  # noqa: FBT001 - private recursion
    import pygit2

    for entry in sorted(tree, key=lambda each: each.name or ""):
        path = f"{prefix}{entry.name}"
        if entry.filemode == pygit2.enums.FileMode.LINK:
            raise not_in_sandbox(f"follow symbolic links in Git, and {path} is one")
        if isinstance(entry, pygit2.Blob):
            yield File(path, entry.data)
        elif isinstance(entry, pygit2.Tree) and recurse:
            yield from _files(entry, f"{path}/", recurse)
