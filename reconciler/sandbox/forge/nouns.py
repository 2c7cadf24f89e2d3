"""Git's things as the forge sees them: people, commits, files, changes; and what can go wrong with them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Person:
    """Who writes commits: as Git knows them, and by which name the forge does."""

    name: str
    email: str
    login: str = ""


@dataclass(frozen=True, slots=True)
class Signed:
    """A name in a commit, with the time."""

    name: str
    email: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitView:
    """A commit as it is written."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    message: str
    author: Signed
    committer: Signed


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeEntry:
    """Something in a tree, by its path from the tree's root."""

    path: str
    mode: int
    kind: str  # blob, tree or commit (a submodule), as Git calls them
    sha: str
    size: int | None  # of a blob


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChange:
    """What became of one file; `patch` holds the hunks without a file header, "" for binary files."""

    path: str
    previous: str  # the path before a rename, else ""
    status: str  # added, removed, modified, renamed or changed (its mode alone)
    additions: int
    deletions: int
    patch: str
    blob: str  # the content now, or before the removal


class NotThere(LookupError):
    """An object, a reference or a file that the repository lacks."""


class RefMoved(Exception):
    """A reference is not where the writer believed it to be."""

    def __init__(self, ref: str, expected: str | None, actual: str | None) -> None:
        self.ref, self.expected, self.actual = ref, expected, actual
        super().__init__(_lost(ref, expected, actual))


class RefRefused(ValueError):
    """A reference that cannot exist: a bad name, or a name that stands where a folder would have to be."""


class PathRefused(ValueError):
    """A path that no file can have, or that stands where a folder is."""


class MergeConflict(Exception):
    """Both sides changed the same lines; `paths` says where."""

    def __init__(self, paths: Sequence[str]) -> None:
        self.paths = tuple(paths)
        super().__init__(f"both sides changed {', '.join(self.paths)}")


def _lost(ref: str, expected: str | None, actual: str | None) -> str:
    """Return git's own words for a lost race, by which clients know it."""
    if expected is None:
        return f"cannot lock ref '{ref}': reference already exists"
    if actual is None:
        return f"cannot lock ref '{ref}': unable to resolve reference '{ref}'"
    return f"cannot lock ref '{ref}': is at {actual} but expected {expected}"
