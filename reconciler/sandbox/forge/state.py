"""All that the forge remembers: people, repositories, who may do what, and what webhooks still have to be told."""

from __future__ import annotations

import itertools
from collections import deque
from datetime import timedelta
from typing import TYPE_CHECKING

from reconciler.sandbox.forge.model import App, Delivery, Json, Permission, Repository, User
from reconciler.sandbox.forge.people import Installation, Lease
from reconciler.sandbox.forge.repository import BareRepository, Person
from reconciler.sandbox.forge.urls import Urls

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from pathlib import Path

    from reconciler.sandbox.clock import SandboxClock

LEASE = timedelta(hours=1)  # how long a token of an installation is good
FORGE = Person("GitHub", "noreply@github.com")  # the committer of what is made on the web


class State:
    """Read and changed by whoever holds the clock's lock."""

    def __init__(self, clock: SandboxClock, folder: Path, *, ids: random.Random) -> None:
        self.clock = clock
        self.folder = folder
        self.ids = ids
        self.urls = Urls("http://127.0.0.1")
        self.users: dict[str, User] = {}  # by login in lower case
        self.tokens: dict[str, str] = {}  # by login
        self.installations: dict[int, Installation] = {}
        self.leases: dict[str, Lease] = {}  # by token
        self.repositories: dict[int, Repository] = {}
        self.moved: dict[str, int] = {}  # former full names in lower case, to the id
        self.outbox: deque[Delivery] = deque()
        self.dispatched: list[tuple[str, str, Json]] = []  # repository, event and payload of each dispatch
        self.on_push: Callable[[str], None] = lambda _: None  # told the full name of whatever repository changed
        self.on_news: Callable[[], None] = lambda: None  # called when a webhook has something to be told
        self._numbers = itertools.count(1)

    def now(self) -> datetime:
        """Return the sandbox's time, to the second as GitHub tells it."""
        return self.clock.now().replace(microsecond=0)

    def next_id(self) -> int:
        """Return a number that was never used."""
        return next(self._numbers)

    def add_user(self, login: str, kind: str = "User") -> User:
        """Let somebody have an account; people and bots get a token."""
        user = User(id=self.next_id(), login=login, created_at=self.now(), kind=kind)
        self.users[login.lower()] = user
        if kind != "Organization":
            self.tokens[login] = f"{self.ids.getrandbits(160):040x}"
        return user

    def add_app(self, slug: str, owner: User) -> User:
        """Install an App, and return the bot that it acts as."""
        bot = self.add_user(f"{slug}[bot]", "Bot")
        bot.app = App(id=self.next_id(), slug=slug, owner=owner, created_at=self.now())
        return bot

    def lease(self, installation: Installation, permissions: dict[str, str], repositories: frozenset[int]) -> str:
        """Return a new token of an installation."""
        token = f"ghs_{self.ids.getrandbits(180):036x}"[:40]
        self.leases[token] = Lease(
            installation=installation,
            expires_at=self.now() + LEASE,
            permissions=permissions,
            repositories=repositories,
        )
        return token

    def leased(self, token: str) -> Lease | None:
        """Return what a token of an installation is good for; None for other tokens, and for one that is over."""
        found = self.leases.get(token)
        if found is None or found.expires_at <= self.clock.now():
            return None
        installed = found.installation
        return found if installed.id in self.installations and installed.suspended_at is None else None

    def user(self, login: str) -> User | None:
        """Return who has this name."""
        return self.users.get(login.lower())

    def user_of(self, token: str) -> User | None:
        """Return whose token this is."""
        lease = self.leased(token)
        if lease is not None:
            return lease.installation.bot
        return next((self.users[login.lower()] for login, secret in self.tokens.items() if secret == token), None)

    def by_email(self, email: str) -> User | None:
        """Return whose commits carry this address."""
        return next((user for user in self.users.values() if user.email == email), None)

    def repository(self, full_name: str) -> Repository | None:
        """Return the repository of this present name."""
        wanted = full_name.lower()
        return next((found for found in self.repositories.values() if found.full_name.lower() == wanted), None)

    def formerly(self, full_name: str) -> Repository | None:
        """Return the repository that once had this name."""
        return self.repositories.get(self.moved.get(full_name.lower(), 0))

    def add_repository(
        self,
        owner: User,
        name: str,
        files: Mapping[str, str],
        *,
        author: User,
        private: bool = False,
        git: BareRepository | None = None,
    ) -> Repository:
        """Make a repository whose branch main holds these files, or take the given one; raises FileExistsError."""
        number = self.next_id()
        if git is None:
            path = self.path(owner.login, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            git = BareRepository.create(path, files, author=person(author), at=self.now())
        now = self.now()
        made = Repository(
            id=number, owner=owner, name=name, git=git, created_at=now, updated_at=now, pushed_at=now, private=private
        )
        self.repositories[number] = made
        self.moved.pop(made.full_name.lower(), None)
        return made

    def path(self, owner: str, name: str) -> Path:
        """Return where a repository of this name is kept."""
        return self.folder / owner / f"{name}.git"

    def permission(self, user: User | None, repository: Repository) -> Permission:
        """Return what a user may do there."""
        public = Permission.NONE if repository.private else Permission.READ
        if user is None:
            return public
        login, owner = user.login.lower(), repository.owner
        if owner is user or owner.members.get(login):
            return Permission.ADMIN
        granted = repository.collaborators.get(login, Permission.NONE)
        member = Permission.READ if login in owner.members else Permission.NONE
        let_in = Permission.WRITE if self.installed(user, repository) else Permission.NONE
        return max(public, granted, member, let_in)

    def installed(self, bot: User, repository: Repository) -> Installation | None:
        """Return the installation by which an App is let into a repository; what it may do there, its tokens say."""
        found = (each for each in self.installations.values() if each.bot is bot)
        return next((each for each in found if repository.id in each.repositories), None)

    def is_collaborator(self, user: User, repository: Repository) -> bool:
        """Tell whether somebody is more than a passer-by."""
        login, owner = user.login.lower(), repository.owner
        return owner is user or login in owner.members or login in repository.collaborators


def person(user: User) -> Person:
    """Return a user as commits name one."""
    return Person(user.login, user.email, user.login)
