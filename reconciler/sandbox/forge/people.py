"""Who has an account on the forge, and what each may do in a repository."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum


class Permission(IntEnum):
    """What a user may do in a repository; each includes the lower ones."""

    NONE = 0
    READ = 1
    TRIAGE = 2
    WRITE = 3
    MAINTAIN = 4
    ADMIN = 5

    @property
    def role(self) -> str:
        """GitHub's word for the role."""
        return self.name.lower()

    @property
    def legacy(self) -> str:
        """The word of the older scale, which knows neither triage nor maintain."""
        return {Permission.TRIAGE: Permission.READ, Permission.MAINTAIN: Permission.WRITE}.get(self, self).role


GRANTS = {  # what the API calls a permission when it is granted
    "pull": Permission.READ,
    "triage": Permission.TRIAGE,
    "push": Permission.WRITE,
    "maintain": Permission.MAINTAIN,
    "admin": Permission.ADMIN,
}


@dataclass(slots=True, kw_only=True, eq=False)
class App:
    """A GitHub App: it alone may report check runs, and it proves who it is by its private key."""

    id: int
    slug: str
    owner: User
    created_at: datetime
    public_key: str = ""  # PEM; empty: it cannot prove itself
    permissions: dict[str, str] = field(default_factory=dict)  # name to read or write

    @property
    def client_id(self) -> str:
        """The other name that a proof may carry."""
        return f"Iv23li{self.id:014d}"


@dataclass(slots=True, kw_only=True, eq=False)
class Installation:
    """An App let into some repositories of one account."""

    id: int
    bot: User
    account: User
    repositories: set[int]  # by id
    created_at: datetime
    suspended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A token of an installation: for an hour, with some of its permissions in some of its repositories."""

    installation: Installation
    expires_at: datetime
    permissions: dict[str, str]
    repositories: frozenset[int]


@dataclass(slots=True, kw_only=True, eq=False)
class User:
    """A person, a bot or an organization."""

    id: int
    login: str
    created_at: datetime
    kind: str = "User"  # User, Bot or Organization
    app: App | None = None
    members: dict[str, bool] = field(default_factory=dict)  # of an organization: login in lower case, owner or not

    @property
    def email(self) -> str:
        """The address in commits made through the forge."""
        if self.app is not None:
            return f"{self.id}+{self.login}@users.noreply.github.com"
        return f"{self.login}@example.com"
