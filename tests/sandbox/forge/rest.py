"""A forge behind a real server, and people who speak to it by plain requests: the helpers of the REST tests."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import urllib3

from reconciler.sandbox.clock import SandboxClock
from reconciler.sandbox.forge import ADMIN, Forge
from reconciler.sandbox.wire import Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REPOSITORY = "shop/manifests"
REPO = f"/repos/{REPOSITORY}"
PULLS = f"{REPO}/pulls"
FILES = {"deploy/web.yaml": "memory: 512Mi\ncpu: 1\n", "README.md": "the shop\n"}
BRANCH = "reconciler/web-0123"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the forge answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401 - JSON of any shape
        """The body as JSON, None where there is none."""
        return json.loads(self.body) if self.body else None

    @property
    def said(self) -> str:
        """What the forge complains of: its message, and its errors' where there are any."""
        errors = self.json.get("errors", ())
        return "; ".join([self.json["message"], *(each if isinstance(each, str) else _error(each) for each in errors)])


def _error(error: Mapping[str, str]) -> str:
    return error.get("message") or f"{error['resource']} {error['field']} {error['code']}"


@dataclass(slots=True)
class World:
    """A forge with one repository, and its server."""

    forge: Forge
    clock: SandboxClock
    url: str
    pool: urllib3.PoolManager = field(default_factory=lambda: urllib3.PoolManager(retries=False, timeout=30.0))
    violations: list[str] = field(default_factory=list)  # of GitHub's description, where it stands in front

    def ask(
        self,
        user: str | None,
        method: str,
        path: str,
        /,
        *,
        headers: Mapping[str, str] | None = None,
        token: str = "",
        **given: Any,  # noqa: ANN401 - JSON of any shape
    ) -> Answer:
        """Send a request as somebody, or as nobody."""
        word = token or (self.forge.tokens[user] if user else "")
        sent = ({"Authorization": f"token {word}"} if word else {}) | dict(headers or {})
        body = given.get("whole", given) if given else None
        response = self.pool.request(method, self.url + path, headers=sent, json=body, redirect=False)
        found = json.loads(response.headers.get("sl-violations", "[]"))
        self.violations += [f"{method} {path}: {each['location']} {each['message']}" for each in found]
        return Answer(response.status, response.headers, response.data)

    def do(self, user: str, method: str, path: str, /, **given: Any) -> Any:  # noqa: ANN401 - JSON of any shape
        """Send a request that must succeed, and return the JSON of its answer."""
        answer = self.ask(user, method, path, **given)
        assert answer.status < 300, f"{method} {path}: {answer.status} {answer.body[:500]!r}"
        return answer.json

    def tip(self, branch: str = "main", repository: str = REPOSITORY) -> str:
        """Return where a branch is."""
        sha: str = self.do("ana", "GET", f"/repos/{repository}/branches/{quote(branch, safe='')}")["commit"]["sha"]
        return sha

    def branch(self, name: str = BRANCH, *, user: str = "reconciler-bot", repository: str = REPOSITORY) -> str:
        """Make a branch with a commit of one new file, and return the commit."""
        sha = self.tip(repository=repository)
        self.do(user, "POST", f"/repos/{repository}/git/refs", ref=f"refs/heads/{name}", sha=sha)
        return self.commit(name, f"{name}.txt", name, user=user, repository=repository)

    def commit(
        self, branch: str, path: str, text: str, *, user: str = "reconciler-bot", repository: str = REPOSITORY
    ) -> str:
        """Write a file on a branch, and return the commit."""
        place = f"/repos/{repository}/contents/{quote(path, safe='')}"
        known = self.ask(user, "GET", f"{place}?ref={quote(branch)}")
        given = {"sha": known.json["sha"]} if known.status == 200 else {}
        content = base64.b64encode(text.encode()).decode()
        answer = self.do(user, "PUT", place, message=f"write {path}", content=content, branch=branch, **given)
        sha: str = answer["commit"]["sha"]
        return sha

    def pull(self, branch: str = BRANCH, *, user: str = "reconciler-bot", **given: Any) -> Any:  # noqa: ANN401 - JSON
        """Open a pull request from a branch that is there."""
        return self.do(user, "POST", PULLS, **({"head": branch, "base": "main", "title": f"from {branch}"} | given))

    def opened(self, branch: str = BRANCH) -> int:
        """Make a branch and open a pull request from it."""
        self.branch(branch)
        number: int = self.pull(branch)["number"]
        return number

    def protect(self, **given: Any) -> None:  # noqa: ANN401 - JSON of any shape
        """Protect main."""
        off = dict.fromkeys(("required_status_checks", "required_pull_request_reviews", "restrictions"))
        self.do(ADMIN, "PUT", f"{REPO}/branches/main/protection", **({"enforce_admins": False} | off | given))


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """Serve a forge of its own."""
    clock = SandboxClock()
    forge = Forge(clock, folder, ids=random.Random(0))
    forge.create_repository(REPOSITORY, FILES)
    server = Server(forge.handle, name="GitHub").start()
    try:
        yield World(forge, clock, server.url)
    finally:
        server.stop()
