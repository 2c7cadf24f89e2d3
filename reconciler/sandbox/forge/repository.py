"""A bare Git repository on the forge: its references, its objects, and commits made without a checkout.

Protects: references move by compare-and-set only; every time is given, so equal arguments make equal commit ids.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Literal, Self

from reconciler.sandbox.forge import merging, trees
from reconciler.sandbox.forge.nouns import (
    CommitView,
    FileChange,
    MergeConflict,
    NotThere,
    PathRefused,
    Person,
    RefMoved,
    RefRefused,
    Signed,
    TreeEntry,
)
from reconciler.sandbox.forge.reading import HEADS, Reading

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

__all__ = [
    "BareRepository",
    "CommitView",
    "FileChange",
    "MergeConflict",
    "NotThere",
    "PathRefused",
    "Person",
    "RefMoved",
    "RefRefused",
    "Signed",
    "TreeEntry",
]


Method = Literal["merge", "squash", "rebase"]


class BareRepository(Reading):
    """One repository in its folder; may be used from several threads."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._moving = threading.Lock()  # or one of two that come at once would find the file of the other's lock

    @classmethod
    def create(
        cls, path: Path, files: Mapping[str, str], *, author: Person, at: datetime, branch: str = "main"
    ) -> Self:
        """Make a repository whose default branch holds one commit with these files; with no files it is empty."""
        import pygit2

        if path.exists():
            raise FileExistsError(path)
        made = pygit2.init_repository(str(path), bare=True, initial_head=branch)
        made.config["http.receivepack"] = True
        repository = cls(path)
        if files:
            contents = {name: text.encode() for name, text in files.items()}
            repository.commit_files(branch, contents, "Initial commit", author=author, at=at)
        return repository

    def set_ref(self, ref: str, new: str | None, *, expected: str | None) -> None:
        """Move, make or delete (None) a reference, if it is where the caller believes it is (None: nowhere).

        Raises RefMoved, RefRefused, and NotThere for an object that the repository lacks.
        """
        import pygit2

        git = self._git()
        if not pygit2.reference_is_valid_name(ref):
            raise RefRefused(f"funny refname '{ref}'")
        if new is not None and not self.has(new):
            raise NotThere(f"bad object {new}")
        if new is not None and ref.startswith(HEADS) and not isinstance(git[new], pygit2.Commit):
            raise RefRefused(f"cannot update ref '{ref}': trying to write non-commit object {new} to branch '{ref}'")
        try:
            self._move(ref, new, expected)
        except (pygit2.GitError, OSError, ValueError) as error:
            if self.ref(ref) != expected:
                raise RefMoved(ref, expected, self.ref(ref)) from error
            raise RefRefused(_blocked(ref, self.refs("refs/")) or f"cannot lock ref '{ref}': {error}") from error

    def _move(self, ref: str, new: str | None, expected: str | None) -> None:
        with self._moving, self._git().transaction() as transaction:
            transaction.lock_ref(ref)
            actual = self.ref(ref)
            if actual != expected:
                raise RefMoved(ref, expected, actual)
            if new is not None:
                transaction.set_target(ref, new)
            elif actual is not None:
                transaction.remove(ref)

    def keep(self, kind: int, content: bytes) -> str:
        """Write an object of one of Git's four kinds, as packs number them."""
        return str(self._git().odb.write(kind, content))

    def write_blob(self, content: bytes) -> str:
        """Write a blob."""
        return str(self._git().create_blob(content))

    def write_tree(self, base: str | None, edits: Mapping[str, bytes | None]) -> str:
        """Write a tree that differs from another, or from a commit's, in these files; None removes one.

        Raises NotThere for a removal of nothing, PathRefused for a path that cannot be.
        """
        import pygit2

        tree = None if base is None else self._object(base).peel(pygit2.Tree)
        return str(trees.edited(self._git(), tree, edits))

    def write_commit(
        self, tree: str, parents: Sequence[str], message: str, *, author: Person, at: datetime, committer: Person | None
    ) -> str:
        """Write a commit that no reference names yet; the committer is the author unless given."""
        signed, by = merging.signature(author, at), merging.signature(committer or author, at)
        return str(self._git().create_commit(None, signed, by, message, tree, list(parents)))

    def commit_files(
        self,
        branch: str,
        changes: Mapping[str, bytes | None],
        message: str,
        *,
        author: Person,
        at: datetime,
        new_branch: str = "",
        expected_parent: str | None = None,
    ) -> str:
        """Commit changes on top of a branch and move it there, or make a new branch there; None removes a file.

        Raises RefMoved when the branch is elsewhere than expected or the new one exists, else as `write_tree`.
        """
        parent = self.head(branch)
        if expected_parent is not None and parent != expected_parent:
            raise RefMoved(HEADS + branch, expected_parent, parent)
        tree = self.write_tree(parent, changes)
        made = self.write_commit(tree, [parent] if parent else [], message, author=author, at=at, committer=None)
        self.set_ref(HEADS + (new_branch or branch), made, expected=None if new_branch else parent)
        return made

    def merge(
        self,
        base_branch: str,
        head_sha: str,
        method: Method,
        *,
        message: str,
        author: Person,
        committer: Person,
        at: datetime,
    ) -> str:
        """Merge a commit into a branch the way that the forge's button does, and return where the branch is now.

        Raises MergeConflict, NotThere, and RefMoved when somebody moved the branch meanwhile. `rebase` keeps each
        commit's own message and author.
        """
        before = self.head(base_branch)
        if before is None:
            raise NotThere(f"there is no branch {base_branch}")
        made = merging.merged(
            self._git(),
            self._commit(before),
            self._commit(head_sha),
            method,
            merging.Words(message, author, committer, at),
        )
        self.set_ref(HEADS + base_branch, made, expected=before)
        return made


def _blocked(ref: str, refs: Mapping[str, str]) -> str:
    """Return git's words for a name that stands where a folder would have to be, "" when none does."""
    for other in refs:
        if ref.startswith(f"{other}/") or other.startswith(f"{ref}/"):
            return f"cannot lock ref '{ref}': '{other}' exists; cannot create '{ref}'"
    return ""
