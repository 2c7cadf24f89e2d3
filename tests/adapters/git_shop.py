"""People who use git itself, and a served repository to work on: what the adapter meets is not made by its own code."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.adapters.git_bare import git_bare
from reconciler.model.objects import CommitId
from reconciler.settings import RepositorySettings
from tests.adapters.git_http import TOKEN, GitServer, git

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.ports import Repository

PATTERN = "pattern-of-shops"  # a folder beside those of the tests


def configured(url: str, mirror: Path, *, token: str = TOKEN, seconds: float = 20, **settings: str) -> Repository:
    """Return the adapter for a repository, with our prefix and a mirror of its own."""
    limit = timedelta(seconds=seconds)
    return git_bare(RepositorySettings(url=url, mirror=str(mirror), timeout=limit, **settings), "reconciler", token)


@dataclass(frozen=True)
class Person:
    """Somebody with a working copy, who uses git itself: what the adapter meets is not made by its own code."""

    folder: Path
    remote: str  # where they push to; may hold their password

    def commit(
        self, branch: str, files: dict[str, str | bytes], *, message: str = "change", base: str | None = None
    ) -> CommitId:
        """Write files on top of `base` (else of the branch, else of nothing), push with force, return the commit."""
        if not (self.folder / ".git").exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            git(self.folder, "init", "-q", "-b", branch)
        if base is not None:
            git(self.folder, "checkout", "-q", "-B", branch, base)
        for path, content in files.items():
            file = self.folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content.encode() if isinstance(content, str) else content)
        git(self.folder, "add", "--all")
        return self.commit_index(branch, message)

    def commit_index(self, branch: str, message: str = "change") -> CommitId:
        """Commit what is staged, and push."""
        git(self.folder, "commit", "-q", "--allow-empty", "--file", "-", stdin=message.encode())
        git(self.folder, "push", "-q", "--force", self.remote, f"HEAD:refs/heads/{branch}")
        return CommitId(git(self.folder, "rev-parse", "HEAD"))

    def merge(self, branch: str, head: str) -> CommitId:
        """Merge one remote branch into another by a merge commit, push, and return that."""
        git(self.folder, "fetch", "-q", self.remote, branch)
        git(self.folder, "checkout", "-q", "-B", branch, "FETCH_HEAD")
        git(self.folder, "fetch", "-q", self.remote, head)
        git(self.folder, "merge", "-q", "--no-ff", "-m", f"merge {head}", "FETCH_HEAD")
        git(self.folder, "push", "-q", self.remote, f"HEAD:refs/heads/{branch}")
        return CommitId(git(self.folder, "rev-parse", "HEAD"))

    def delete(self, branch: str) -> None:
        """Delete a remote branch."""
        git(self.folder, "push", "-q", self.remote, f":refs/heads/{branch}")


@dataclass(frozen=True, kw_only=True)
class Shop:
    """A served repository with a first commit, and Ana, who works on it."""

    server: GitServer
    folder: Path  # for mirrors and the like
    bare: Path  # the served repository itself
    ana: Person
    first: CommitId

    @property
    def url(self) -> str:
        """The repository's address."""
        return self.server.url("shop.git")

    def repository(
        self, mirror: str = "mirror.git", *, token: str = TOKEN, seconds: float = 20, **settings: str
    ) -> Repository:
        """Return an adapter for it."""
        return configured(self.url, self.folder / mirror, token=token, seconds=seconds, **settings)

    def hook(self, name: str, script: str) -> None:
        """Install a hook on the server."""
        hook = self.bare / "hooks" / name
        hook.write_text(f"#!/bin/sh\n{script}\n")
        hook.chmod(0o755)


@contextmanager
def open_shop(folder: Path) -> Iterator[Shop]:
    """Serve a repository that holds one manifest and a README on `trunk`."""
    first = _pattern(folder.parent)
    for name in ("served", "work"):
        shutil.copytree(folder.parent / PATTERN / name, folder / name)
    with GitServer(folder / "served") as server:
        bare = server.root / "shop.git"
        yield Shop(server=server, folder=folder, bare=bare, ana=Person(folder / "work", str(bare)), first=first)


@cache
def _pattern(parent: Path) -> CommitId:
    """Make what every shop looks like at first, once a test process: its six runs of git take far longer than a copy.

    Nobody works in it, and pytest removes it with the folders of the tests.
    """
    served = parent / PATTERN / "served"
    served.mkdir(parents=True)
    git(served, "init", "-q", "--bare", "-b", "trunk", "shop.git")
    ana = Person(parent / PATTERN / "work", str(served / "shop.git"))
    return ana.commit("trunk", {"deploy/web.yaml": "memory: 512Mi\n", "README.md": "# shop\n"})
