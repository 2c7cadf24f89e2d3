"""The forge's nouns: repositories, issues, pull requests and what hangs on them, as plain values in memory.

A pull request is an issue with a `pull`, as on GitHub: they share numbers, labels, comments and events. All ids come
from one counter, so the order of ids is the order in which things happened.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from reconciler.sandbox.forge.attachments import (
    CheckRun,
    Delivery,
    Hook,
    Json,
    Protection,
    Ruleset,
    Settings,
    Status,
)
from reconciler.sandbox.forge.people import GRANTS, App, Permission, User
from reconciler.sandbox.forge.repository import BareRepository

__all__ = [
    "GRANTS",
    "App",
    "CheckRun",
    "Comment",
    "Delivery",
    "Edit",
    "Event",
    "Hook",
    "Issue",
    "Json",
    "Label",
    "Permission",
    "Protection",
    "PullRequest",
    "Repository",
    "Review",
    "ReviewComment",
    "Ruleset",
    "Settings",
    "Side",
    "Status",
    "Trial",
    "User",
]


@dataclass(slots=True, kw_only=True, eq=False)
class Label:
    """A label of a repository."""

    id: int
    name: str
    color: str = "ededed"
    description: str | None = None


@dataclass(slots=True, kw_only=True, eq=False)
class Comment:
    """What somebody wrote under an issue."""

    id: int
    user: User
    body: str
    created_at: datetime
    updated_at: datetime


@dataclass(slots=True, kw_only=True, eq=False)
class Event:
    """Something that happened to an issue: closed, merged, labeled…; `about` holds what belongs to the word alone."""

    id: int
    word: str
    actor: User
    at: datetime
    commit: str | None = None
    about: Json = field(default_factory=dict)


@dataclass(slots=True, kw_only=True, eq=False)
class ReviewComment:
    """A remark at a line of a pull request's diff."""

    id: int
    review: int | None
    user: User
    body: str
    path: str
    line: int | None
    side: str
    start_line: int | None
    position: int  # of the line in the file's patch, 1 below its first hunk's head
    hunk: str  # as far as the line
    commit: str
    original_commit: str
    reply_to: int | None
    created_at: datetime
    updated_at: datetime


@dataclass(slots=True, kw_only=True, eq=False)
class Review:
    """A review, bound to the commit that its author saw."""

    id: int
    user: User
    state: str  # PENDING, COMMENTED, APPROVED, CHANGES_REQUESTED or DISMISSED
    body: str
    commit: str
    submitted_at: datetime | None


@dataclass(slots=True, kw_only=True, eq=False)
class Side:
    """The head or the base of a pull request; `repository` is None when a fork was deleted."""

    repository: Repository | None
    owner: User
    ref: str
    sha: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """Whether a head merges into a base; computed when somebody asks again."""

    base: str
    head: str
    merge: str | None  # the trial merge commit; None when there is a conflict


@dataclass(slots=True, kw_only=True, eq=False)
class PullRequest:
    """What a pull request has beyond an issue."""

    id: int
    head: Side
    base: Side
    draft: bool = False
    maintainer_can_modify: bool = False
    merged_at: datetime | None = None
    merged_by: User | None = None
    merge_commit: str | None = None
    asked: bool = False  # somebody has read it since mergeability became unknown
    trial: Trial | None = None
    requested: list[User] = field(default_factory=list)
    reviews: list[Review] = field(default_factory=list)
    remarks: list[ReviewComment] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A text as it was after somebody edited it; the first one is the text as it was made."""

    editor: User
    at: datetime
    body: str


@dataclass(slots=True, kw_only=True, eq=False)
class Issue:
    """An issue, or a pull request as one."""

    id: int
    number: int
    user: User
    title: str
    body: str | None
    created_at: datetime
    updated_at: datetime
    state: str = "open"
    state_reason: str | None = None
    closed_at: datetime | None = None
    closed_by: User | None = None
    labels: list[Label] = field(default_factory=list)
    assignees: list[User] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    edits: list[Edit] = field(default_factory=list)  # of the body, oldest first; empty until somebody edits it
    pull: PullRequest | None = None

    @property
    def is_open(self) -> bool:
        """Whether it is open."""
        return self.state == "open"


@dataclass(slots=True, kw_only=True, eq=False)
class Repository:
    """A repository on the forge."""

    id: int
    owner: User
    name: str
    git: BareRepository
    created_at: datetime
    updated_at: datetime
    pushed_at: datetime | None = None
    private: bool = False
    archived: bool = False
    description: str | None = None
    parent: Repository | None = None
    settings: Settings = field(default_factory=Settings)
    collaborators: dict[str, Permission] = field(default_factory=dict)  # by login in lower case
    issues: dict[int, Issue] = field(default_factory=dict)  # by number, pull requests among them
    labels: dict[str, Label] = field(default_factory=dict)  # by name in lower case
    protections: dict[str, Protection] = field(default_factory=dict)  # by branch
    rulesets: dict[int, Ruleset] = field(default_factory=dict)
    hooks: dict[int, Hook] = field(default_factory=dict)
    statuses: list[Status] = field(default_factory=list)
    checks: dict[int, CheckRun] = field(default_factory=dict)
    pushers: dict[str, User] = field(default_factory=dict)  # who moved a reference last, by its full name

    @property
    def full_name(self) -> str:
        """Owner and name."""
        return f"{self.owner.login}/{self.name}"

    @property
    def pulls(self) -> list[tuple[Issue, PullRequest]]:
        """The pull requests, oldest first."""
        return [(issue, issue.pull) for issue in self.issues.values() if issue.pull is not None]

    @property
    def network(self) -> Repository:
        """The repository from which all forks stem."""
        return self.parent.network if self.parent else self
