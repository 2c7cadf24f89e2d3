"""Where a test's ledger is: in a file, or on a reference that a Git server holds; opened as the product does.

Every machine has a folder of its own; what they share is the file, or the server.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.composition import Composition
from tests.worlds import settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from reconciler.ledger.store import Store
    from tests.contract.git_remotes import Remote
    from tests.testbed.gitea import Gitea

REFERENCE = "refs/reconciler/ledger"


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """One ledger, seen from any machine."""

    kind: str
    folder: str  # for the machines' own folders
    path: str = ""  # of the file
    url: str = ""  # of the repository
    username: str = ""
    token: str = ""
    ref: str = REFERENCE

    def open(self, machine: str = "here") -> Store:
        """Return the ledger as a new process on that machine has it."""
        repository = {"url": self.url or "http://127.0.0.1:9/none.git", "mirror": str(self.mirror(machine))}
        keys = {key: value for key, value in (("path", self.path), ("ref", self.ref)) if value}
        made = settings(
            repository={**repository, "username": self.username or "x", "timeout": "20s"},
            ledger={"kind": self.kind, **keys},
        )
        return Composition(made, {"RECONCILER_GIT_TOKEN": self.token}).ledger

    def mirror(self, machine: str = "here") -> Path:
        """Return where that machine keeps its mirror."""
        return Path(self.folder) / machine / "mirror.git"

    def written(self) -> str:
        """Return it as text, for another process."""
        return json.dumps(asdict(self))


def shelf_of(remote: Remote, folder: Path, ref: str = REFERENCE) -> Shelf:
    """Return the ledger on a reference of a served repository."""
    login = remote.writer
    return Shelf(
        kind="git_ref", folder=str(folder), url=remote.url, username=login.username, token=login.token, ref=ref
    )


@contextmanager
def shelf(kind: str, folder: Path, gitea: Callable[[], Gitea]) -> Iterator[Shelf]:
    """Yield an empty ledger by its place: in a file, or in an empty repository of git, of the sandbox or of Gitea."""
    if kind == "file":
        yield Shelf(kind="sqlite", folder=str(folder), path=str(folder / "memory" / "ledger.db"))
        return
    with _served(kind, folder, gitea) as remote:
        yield shelf_of(remote, folder)


def _served(kind: str, folder: Path, gitea: Callable[[], Gitea]) -> AbstractContextManager[Remote]:
    from tests.contract.git_remotes import on_git, on_gitea, on_sandbox  # another process needs none of them

    if kind == "gitea":
        return on_gitea(folder, gitea())
    return on_git(folder) if kind == "git" else on_sandbox(folder)
