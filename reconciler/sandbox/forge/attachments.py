"""What is attached to a repository: settings, protection, rules, statuses, check runs and webhooks."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from reconciler.sandbox.forge.people import App, User

Json = dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Settings:
    """What an administrator chooses for a repository."""

    allow_merge_commit: bool = True
    allow_squash_merge: bool = True
    allow_rebase_merge: bool = True
    delete_branch_on_merge: bool = False
    allow_update_branch: bool = False
    squash_merge_commit_title: str = "COMMIT_OR_PR_TITLE"
    squash_merge_commit_message: str = "COMMIT_MESSAGES"
    merge_commit_title: str = "MERGE_MESSAGE"
    merge_commit_message: str = "PR_TITLE"
    has_issues: bool = True
    has_projects: bool = True
    has_wiki: bool = True
    has_discussions: bool = False
    homepage: str | None = None


@dataclass(slots=True, kw_only=True)
class Protection:
    """Classic protection of one branch; None of a part means that the part is off."""

    contexts: tuple[tuple[str, int | None], ...] | None = None  # required checks, each with the App it must come from
    strict: bool = False
    reviews: int | None = None  # required approvals
    dismiss_stale: bool = False
    code_owners: bool = False
    last_push_approval: bool = False
    enforce_admins: bool = False
    pushers: tuple[str, ...] | None = None  # logins that may push; None: whoever may write
    linear: bool = False
    force_pushes: bool = False
    deletions: bool = False
    locked: bool = False


@dataclass(slots=True, kw_only=True)
class Ruleset:
    """Rules for the branches that its patterns match, as they were given."""

    id: int
    name: str
    target: str
    enforcement: str
    include: tuple[str, ...]
    exclude: tuple[str, ...]
    rules: tuple[Json, ...]
    created_at: datetime
    updated_at: datetime


@dataclass(slots=True, kw_only=True, eq=False)
class Status:
    """A commit status."""

    id: int
    sha: str
    state: str
    context: str
    description: str | None
    target_url: str | None
    creator: User
    created_at: datetime


@dataclass(slots=True, kw_only=True, eq=False)
class CheckRun:
    """A check run of an App."""

    id: int
    sha: str
    name: str
    app: App
    status: str
    conclusion: str | None
    started_at: datetime | None
    completed_at: datetime | None
    details_url: str | None
    external_id: str
    output: Json


@dataclass(slots=True, kw_only=True, eq=False)
class Delivery:
    """One try to tell a webhook's receiver."""

    id: int
    hook: Hook
    guid: str
    event: str
    action: str | None
    payload: Json
    at: datetime
    redelivery: bool = False
    request_headers: dict[str, str] = field(default_factory=dict)
    status_code: int = 0
    status: str = "pending"
    response_headers: dict[str, str] = field(default_factory=dict)
    response_body: str = ""


@dataclass(slots=True, kw_only=True, eq=False)
class Hook:
    """A webhook of a repository."""

    id: int
    url: str
    content_type: str
    secret: str
    insecure_ssl: str
    events: list[str]
    active: bool
    created_at: datetime
    updated_at: datetime
    deliveries: list[Delivery] = field(default_factory=list)
