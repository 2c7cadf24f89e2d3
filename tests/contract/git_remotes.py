"""Git servers for the contract: git's own, the sandbox's and Gitea; each with one repository and three people."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.adapters.git_http import READER as GIT_READER
from tests.adapters.git_http import READER_TOKEN, TOKEN, USER, GitServer
from tests.adapters.git_shop import Person
from tests.beds.users import BOT, ORGANISATION, READER, REVIEWER
from tests.sandbox.forge.served import NAME, WRITER, WRITER_TOKEN, serving
from tests.sandbox.forge.served import READER as SANDBOX_READER
from tests.sandbox.forge.served import READER_TOKEN as SANDBOX_READER_TOKEN

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.testbed.gitea import Gitea

MISSING = "no-such-repository"


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A user and their token."""

    username: str
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """A served repository: empty, private, with `trunk` as its default branch."""

    url: str
    missing_url: str  # of a repository that does not exist
    writer: Login
    reader: Login
    person: Person
    forbid: Callable[[str], None]  # makes the server's rules reject every push to a branch


@contextmanager
def on_git(folder: Path) -> Iterator[Remote]:
    """Serve a repository with git's own server; its rules are a hook, and the person writes past them."""
    (folder / "served").mkdir()
    with GitServer(folder / "served") as server:
        bare = server.create("shop.git")

        def forbid(branch: str) -> None:
            hook = bare / "hooks" / "update"
            hook.write_text(f'#!/bin/sh\ntest "$1" != refs/heads/{branch} || {{ echo "not this" >&2; exit 1; }}\n')
            hook.chmod(0o755)

        yield Remote(
            url=server.url("shop.git"),
            missing_url=server.url(MISSING),
            writer=Login(username=USER, token=TOKEN),
            reader=Login(username=GIT_READER, token=READER_TOKEN),
            person=Person(folder / "work", str(bare)),
            forbid=forbid,
        )


@contextmanager
def on_sandbox(folder: Path) -> Iterator[Remote]:
    """Serve a repository with the sandbox's Git; its rules are branch protection."""
    with serving(folder, {}, branch="trunk") as served:
        yield Remote(
            url=served.url,
            missing_url=served.url.replace(NAME, f"platform/{MISSING}"),
            writer=Login(username=WRITER, token=WRITER_TOKEN),
            reader=Login(username=SANDBOX_READER, token=SANDBOX_READER_TOKEN),
            person=Person(folder / "work", served.url_of(WRITER_TOKEN)),
            forbid=lambda branch: served.rules.update({f"refs/heads/{branch}": "not this"}),
        )


@contextmanager
def on_gitea(folder: Path, gitea: Gitea) -> Iterator[Remote]:
    """Make a repository on Gitea, of the organisation that all users belong to; its rules are branch protection."""
    admin, name = gitea.forge(), f"{ORGANISATION}/git-{secrets.token_hex(4)}"
    fields = {"name": name.rpartition("/")[2], "private": True, "default_branch": "trunk"}
    admin.call("POST", f"/orgs/{ORGANISATION}/repos", **fields)

    def forbid(branch: str) -> None:
        admin.call("POST", f"/repos/{name}/branch_protections", rule_name=branch, enable_push=False)

    def login(user: str) -> Login:
        return Login(username=user, token=gitea.tokens[user])

    url = f"{gitea.url}/{name}.git"
    yield Remote(
        url=url,
        missing_url=f"{gitea.url}/{ORGANISATION}/{MISSING}.git",
        writer=login(BOT),
        reader=login(READER),
        person=Person(folder / "work", url.replace("://", f"://{REVIEWER}:{gitea.tokens[REVIEWER]}@")),
        forbid=forbid,
    )
    admin.delete_repository(name)
