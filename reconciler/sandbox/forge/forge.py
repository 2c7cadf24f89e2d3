"""The forge as the sandbox holds it: its people, its repositories, one handler for everything that it serves."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlsplit

from reconciler.sandbox.forge import announcing, gates, git_http, pushes
from reconciler.sandbox.forge.courier import Courier
from reconciler.sandbox.forge.limits import Limits
from reconciler.sandbox.forge.model import Permission, Repository, User
from reconciler.sandbox.forge.people import Installation
from reconciler.sandbox.forge.refusals import ARCHIVED
from reconciler.sandbox.forge.rest.server import Rest
from reconciler.sandbox.forge.state import State
from reconciler.sandbox.forge.urls import Urls
from reconciler.sandbox.forge.web import Pages
from reconciler.sandbox.wire import Request, Response

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from reconciler.sandbox.clock import SandboxClock

ADMIN, BOT, REVIEWER, READER = "forge-admin", "reconciler-bot", "ana", "mallory"
TEAM: Mapping[str, Permission] = {
    ADMIN: Permission.ADMIN,
    BOT: Permission.WRITE,
    REVIEWER: Permission.WRITE,
    READER: Permission.READ,
}
_ENTERPRISE = "/api/v3"
_UNCOUNTED = 10**12  # requests an hour


class ForgeError(RuntimeError):
    """The forge said no to somebody who acts in the sandbox."""

    def __init__(self, asked: str, status: int, body: str) -> None:
        super().__init__(f"{asked}: {status} {body[:512]}")
        self.status = status


class Forge:
    """GitHub on loopback: REST, Git over HTTP, and pull requests as web pages.

    `on_push` is told the full name of each repository in which a reference moved, under the clock's lock.
    """

    def __init__(
        self,
        clock: SandboxClock,
        folder: Path,
        *,
        ids: random.Random,
        on_push: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._clock = clock
        self.state = State(clock, folder, ids=ids)
        self.state.on_push = on_push
        self._courier = Courier(self._deliver_one)
        self.state.on_news = self._courier.wake
        self.limits = Limits()
        self.url = ""  # by which clients know it; empty: as they call it
        self._rest = Rest(self.state, self.limits)
        self._uncounted = Rest(self.state, Limits(hourly=_UNCOUNTED))
        self.pages = Pages(self._ask_in_browser, viewer=REVIEWER, token=lambda: self.state.tokens[REVIEWER])
        for login in TEAM:
            self.state.add_user(login)

    @property
    def tokens(self) -> dict[str, str]:
        """Everybody's token, by login."""
        return dict(self.state.tokens)

    def handle(self, request: Request) -> Response:
        """Answer one request; raises NotInSandbox for what the sandbox does not have."""
        with self._clock.lock:
            urls = self._urls(request)
            self.state.urls = Urls(urls.root)
            access = partial(self._git_access, git_http.token_of(request))
            answered = git_http.answer(request, authenticate=self._login_of, find=access)
            if answered is None:
                answered = self.pages.answer(request)
            if answered is not None:
                return answered
            path = request.path.replace("/api/graphql", "/graphql").removeprefix(urls.prefix)
            return self._rest.answer(request, path, urls)

    def start(self) -> None:
        """Tell webhooks by itself from now on; else `deliver` does when it is called."""
        self._courier.start()

    def stop(self) -> None:
        """Tell webhooks nothing more."""
        self._courier.stop()

    def deliver(self) -> int:
        """Tell webhooks what happened until now, and return how many were told.

        To be called without the clock's lock: a receiver may call back.
        """
        with self._clock.lock:
            waiting = len(self.state.outbox)
        return sum(self._deliver_one() for _ in range(waiting))

    def _deliver_one(self) -> bool:
        with self._clock.lock:
            if not self.state.outbox:
                return False
            delivery = self.state.outbox.popleft()
        result = announcing.send(delivery)
        with self._clock.lock:
            announcing.note(delivery, *result)
        return True

    def add_user(self, login: str) -> str:
        """Let somebody have an account, and return their token."""
        with self._clock.lock:
            self.state.add_user(login)
            return self.state.tokens[login]

    def add_organization(self, login: str, members: Mapping[str, bool]) -> None:
        """Let there be an organization; its members, by login, own it or not."""
        with self._clock.lock:
            made = self.state.add_user(login, "Organization")
            made.members = {name.lower(): owns for name, owns in members.items()}

    def add_app(self, slug: str, owner: str = ADMIN) -> str:
        """Install a GitHub App, and return the token of its bot `slug[bot]`; it must be let in as a collaborator."""
        with self._clock.lock:
            bot = self.state.add_app(slug, self._known(owner))
            return self.state.tokens[bot.login]

    def install_app(
        self, slug: str, repositories: Sequence[str], public_key: str, permissions: Mapping[str, str]
    ) -> tuple[int, int]:
        """Let an App that proves itself by this key (PEM) into repositories of one owner; return its id and theirs."""
        with self._clock.lock:
            known = self.state.user(f"{slug}[bot]")
            bot = known or self.state.add_app(slug, self._known(ADMIN))
            found = [self.repository(name) for name in repositories]
            if bot.app is None or len({each.owner.id for each in found}) != 1:
                raise LookupError(slug)
            bot.app.public_key, bot.app.permissions = public_key, {"metadata": "read", **permissions}
            number = self.state.next_id()
            self.state.installations[number] = Installation(
                id=number,
                bot=bot,
                account=found[0].owner,
                repositories={each.id for each in found},
                created_at=self.state.now(),
            )
            return bot.app.id, number

    def suspend_app(self, installation: int, *, suspended: bool = True) -> None:
        """Suspend an installation, or let it work again."""
        with self._clock.lock:
            self.state.installations[installation].suspended_at = self.state.now() if suspended else None

    def uninstall_app(self, installation: int) -> None:
        """Take an installation away, and its tokens with it."""
        with self._clock.lock:
            del self.state.installations[installation]

    def create_repository(
        self,
        full_name: str,
        files: Mapping[str, str],
        *,
        private: bool = False,
        collaborators: Mapping[str, Permission] = TEAM,
    ) -> Repository:
        """Make a repository whose branch main holds these files; an unknown owner becomes an organization."""
        owner, _, name = full_name.partition("/")
        with self._clock.lock:
            found = self.state.user(owner) or self.state.add_user(owner, "Organization")
            made = self.state.add_repository(found, name, files, author=self._known(ADMIN), private=private)
            made.collaborators = {login.lower(): granted for login, granted in collaborators.items()}
            made.collaborators.pop(owner.lower(), None)
            pushes.changed(self.state, made)
            return made

    def repository(self, full_name: str) -> Repository:
        """Return a repository; raises LookupError."""
        with self._clock.lock:
            found = self.state.repository(full_name)
            if found is None:
                raise LookupError(full_name)
            return found

    def repository_path(self, full_name: str) -> Path | None:
        """Return the bare repository of this name, which may be a former one."""
        with self._clock.lock:
            found = self._found(full_name)
            return found.git.path if found else None

    def call(self, user: str, method: str, path: str, **given: Any) -> Any:  # noqa: ANN401 - JSON of any shape
        """Let somebody do something over the API, and return what was answered; raises ForgeError."""
        headers = {"authorization": f"token {self.state.tokens[user]}"}
        parts = urlsplit(path)
        body = json.dumps(given).encode() if given else b""
        query = parse_qs(parts.query, keep_blank_values=True)
        request = Request(method, parts.path, query, headers, body, quote(path, safe="/?&=:%"))
        response = self.handle(request)
        answered = response.body if isinstance(response.body, bytes) else b"".join(response.body)
        if response.status >= 300:  # noqa: PLR2004 - everything but success
            raise ForgeError(f"{method} {path}", response.status, answered.decode(errors="replace"))
        return json.loads(answered) if answered else None

    def may_push(
        self, user: str, full_name: str, ref: str, old: str | None = None, new: str | None = None
    ) -> str | None:
        """Return why somebody may not move a reference, or None."""
        with self._clock.lock:
            repository = self.repository(full_name)
            return self._against_push(self._known(user), repository, ref, old, new)

    def on_push(self, full_name: str, ref: str, old: str | None, new: str | None, user: str) -> None:
        """Follow a reference that somebody has moved; whoever moves one by other ways than `handle` calls this."""
        with self._clock.lock:
            pushes.followed(self.state, self.repository(full_name), ref, old, new, self._known(user))

    def _ask_in_browser(self, request: Request) -> Response:
        """Answer what a page asks for its reader, which counts towards no limit."""
        return self._uncounted.answer(request, request.path, self._urls(request))

    def _urls(self, request: Request) -> Urls:
        root = self.url or f"http://{request.headers.get('host', '127.0.0.1')}"
        return Urls(root, _ENTERPRISE if request.path.startswith(f"{_ENTERPRISE}/") else "")

    def _login_of(self, token: str) -> str | None:
        found = self.state.user_of(token)
        return found.login if found else None

    def _git_access(self, token: str | None, full_name: str, login: str | None) -> git_http.Access | None:
        repository, user = self._found(full_name), self.state.user(login) if login else None
        if repository is None:
            return None
        permission, lease = self.state.permission(user, repository), self.state.leased(token or "")
        if lease is not None:
            held = lease.permissions.get("contents") if repository.id in lease.repositories else None
            permission = min(
                permission, {"write": Permission.WRITE, "read": Permission.READ}.get(held or "", Permission.NONE)
            )
        actor = user or self._known(ADMIN)  # a stranger writes nothing
        return git_http.Access(
            repository=repository.git,
            reads=permission >= Permission.READ,
            writes=user is not None and permission >= Permission.WRITE and not repository.archived,
            may_push=partial(self._against_push, actor, repository),
            pushed=lambda ref, old, new: pushes.followed(self.state, repository, ref, old, new, actor),
            refusal=ARCHIVED if repository.archived and permission >= Permission.WRITE else "",
        )

    def _against_push(
        self, user: User, repository: Repository, ref: str, old: str | None, new: str | None
    ) -> str | None:
        if not ref.startswith(pushes.HEADS):
            return None
        return gates.refused_push(self.state, user, repository, ref.removeprefix(pushes.HEADS), old=old, new=new)

    def _found(self, full_name: str) -> Repository | None:
        return self.state.repository(full_name) or self.state.formerly(full_name)

    def _known(self, login: str) -> User:
        found = self.state.user(login)
        if found is None:
            raise LookupError(login)
        return found
