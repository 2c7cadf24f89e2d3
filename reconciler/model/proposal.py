"""Edits in Git and the pull requests that carry them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from reconciler.model.action import FieldChange
from reconciler.model.objects import CommitId, ObjectRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """Where Git keeps an object: the Application, the file, the document in it."""

    application: ObjectRef
    source_index: int  # which of the Application's sources
    path: str  # of the file, from the repository's root
    blob: str  # object id of the file's content, so that a later move shows
    document: int  # index of the document in the file, for messages; edits find it by identity


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
    target: ObjectRef
    located: Located
    changes: tuple[FieldChange, ...]
    before: str  # the owning file, whole
    after: str
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


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeFile:
    """A file in a Git tree."""

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
