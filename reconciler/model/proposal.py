"""Edits in Git and the pull requests that carry them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from reconciler.model.action import FieldChange
from reconciler.model.objects import CommitId, FieldPath, ObjectRef, format_path


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One value in a file of Git that decides a live field, and what it becomes there.

    In a plain manifest the field is the live one; in values, patches and `images:` it is their own.
    """

    path: str  # of the file, from the repository's root
    blob: str  # object id of the file's content, so that a later move shows
    document: int  # index of the document in the file, for messages; edits find it by identity
    field: FieldPath
    before: str | None  # None: it is not there
    after: str | None
    target: ObjectRef | None = None  # the object that it is about; None in older ledgers, which knew one each

    def __str__(self) -> str:
        return f"{self.path}: {format_path(self.field)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """Where Git keeps the fields of objects of one Application, and the sites in its files."""

    application: ObjectRef
    source_index: int  # the source whose revision tells that an edit is delivered
    sites: tuple[Site, ...]  # never empty, in the order of the changes
    shared_with: tuple[ObjectRef, ...] = ()  # other Applications that change with one of these files
    rendered_by: int | None = None  # the source that renders the object; None: it stands in the file as it is
    parent: ObjectRef | None = (
        None  # the Application that delivers this one's manifest (its ApplicationSet's), if edited
    )
    generator: str | None = None  # the file of its ApplicationSet, where what generates it is edited
    becomes: ObjectRef | None = None  # the object with the edit, where its name follows its content

    @property
    def paths(self) -> tuple[str, ...]:
        """The files, each once, in the order of the sites."""
        return tuple(dict.fromkeys(site.path for site in self.sites))

    def path_of(self, target: ObjectRef) -> str:
        """Return the file of one of the objects."""
        return next((site.path for site in self.sites if site.target == target), self.sites[0].path)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEdit:
    """One file, whole, before and after."""

    path: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Edits, commit and text bound for the forge, identified by content (invariant 6).

    `identity` leaves the new value out, so that a better value updates the same pull request;
    `digest` holds it, so that a person's no is to exactly this.
    """

    identity: str
    digest: str
    branch: str
    base: str
    base_commit: CommitId
    targets: tuple[ObjectRef, ...]  # all objects that change; the first one names the branch
    located: Located
    changes: tuple[FieldChange, ...]  # of all objects, one after the other
    edits: tuple[FileEdit, ...]  # never empty, in the order of the paths
    title: str
    body: str
    message: str  # of the commit, trailers included


class PullRequestState(StrEnum):
    """Where a pull request stands; closed means closed without a merge."""

    OPEN = "open"
    MERGED = "merged"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    """A pull request as the forge reports it."""

    number: int
    url: str
    state: PullRequestState
    branch: str  # head branch
    head: CommitId
    base: str
    title: str
    author: str
    same_repository: bool  # false for one from a fork: never ours
    merge_commit: CommitId | None = None  # only once it is merged
    merged_by: str | None = None
    closed_by: str | None = None
    updated_at: datetime | None = None
    body: str = ""
    labels: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()  # users and teams whose review was requested; on Gitea those who gave it, too


class TreeFile(NamedTuple):
    """A file in a Git tree; a tuple, because a large repository has many."""

    path: str
    blob: str
    mode: int  # 0o100644, 0o100755, 0o120000 (symlink), 0o160000 (submodule)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitInfo:
    """Who made a commit and what its trailers say."""

    commit: CommitId
    author_email: str
    committer_email: str
    trailers: Mapping[str, str]
    by_us: bool  # by its e-mails, or because the forge vouches for it
    parents: tuple[CommitId, ...]
    tree: str  # the id of everything that it holds
