"""Repositories served by the sandbox's Git over HTTP alone: a writer, a reader, and rules that a test may set."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.sandbox.forge import git_http
from reconciler.sandbox.forge.repository import BareRepository
from reconciler.sandbox.wire import Request, Response, Server
from tests.sandbox.forge.bare import ANA, AT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WRITER, READER = "reconciler-bot", "mallory"
TOKENS = {"5f8d0b6a2c4e9137f5a1d3c7b9e0426813579bdf": WRITER, "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567": READER}
WRITER_TOKEN, READER_TOKEN = TOKENS
NAME = "platform/shop"


@dataclass
class Served:
    """One repository, served; `rules` holds the reason against a push by reference."""

    repository: BareRepository
    url: str = ""
    public: bool = False
    rules: dict[str, str] = field(default_factory=dict)
    moves: list[tuple[str, str | None, str | None]] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)

    def url_of(self, token: str, user: str = "x") -> str:
        """Return the address with credentials, for git itself."""
        return self.url.replace("://", f"://{user}:{token}@")

    def handle(self, request: Request) -> Response:
        """Answer as the forge does for a repository with two collaborators."""
        self.requests.append(request)
        answer = git_http.answer(request, authenticate=TOKENS.get, find=self._find)
        return answer or Response(404)

    def _find(self, name: str, user: str | None) -> git_http.Access | None:
        if name != NAME:
            return None
        return git_http.Access(
            repository=self.repository,
            reads=self.public or user is not None,
            writes=user == WRITER,
            may_push=lambda ref, _old, _new: self.rules.get(ref),
            pushed=lambda ref, old, new: self.moves.append((ref, old, new)),
        )


@contextmanager
def serving(folder: Path, files: dict[str, str], *, branch: str = "main") -> Iterator[Served]:
    """Serve one repository until the test is over."""
    repository = BareRepository.create(folder / "shop.git", files, author=ANA, at=AT, branch=branch)
    served = Served(repository)
    server = Server(served.handle, name="git").start()
    served.url = f"{server.url}/{NAME}.git"
    try:
        yield served
    finally:
        server.stop()
