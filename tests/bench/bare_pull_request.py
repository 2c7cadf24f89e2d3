"""The floor under a pull request: push a commit that is ready, and one POST; nothing is looked at or checked.

As a program it does just that in a new process.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from tests.beds.users import BOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.beds.place import Place

_BRANCH = "bare"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bare:
    """A repository with a commit to push, and where to push it."""

    folder: str
    commit: str
    url: str
    pulls: str
    user: str
    token: str

    def run(self) -> None:
        """Push and open."""
        import pygit2
        import urllib3

        callbacks = pygit2.RemoteCallbacks(credentials=pygit2.UserPass(self.user, self.token))
        remote = pygit2.Repository(self.folder).remotes.create_anonymous(self.url)
        remote.push([f"{self.commit}:refs/heads/{_BRANCH}"], callbacks=callbacks)
        answer = urllib3.request(
            "POST",
            self.pulls,
            json={"base": "main", "head": _BRANCH, "title": "web: memory limit", "body": "It was OOM killed."},
            headers={"Authorization": f"token {self.token}"},
        )
        assert answer.status == 201, answer.data

    def run_cold(self, environment: Mapping[str, str]) -> None:
        """Do the same in a new process."""
        command = [sys.executable, "-m", "tests.bench.bare_pull_request"]
        subprocess.run(command, check=True, input=json.dumps(asdict(self)), text=True, env=environment)


@contextmanager
def prepared(place: Place) -> Iterator[Bare]:
    """Make the commit, everything but the push; like ours it changes the one line."""
    import pygit2

    with tempfile.TemporaryDirectory() as folder:
        repository = pygit2.init_repository(folder, bare=True)
        repository.remotes.create_anonymous(place.repository_url).fetch(["+refs/heads/main:refs/heads/main"])
        parent = repository.references["refs/heads/main"].peel(pygit2.Commit)
        folder_before = parent.tree["deploy"].peel(pygit2.Tree)
        text = folder_before["web.yaml"].peel(pygit2.Blob).data
        deploy = repository.TreeBuilder(folder_before)
        changed = repository.create_blob(text.replace(b"memory: 512Mi", b"memory: 1Gi"))
        deploy.insert("web.yaml", changed, pygit2.enums.FileMode.BLOB)
        root = repository.TreeBuilder(parent.tree)
        root.insert("deploy", deploy.write(), pygit2.enums.FileMode.TREE)
        who = pygit2.Signature("bare", "bare@localhost", parent.commit_time, 0)
        commit = repository.create_commit(None, who, who, "Raise memory\n", root.write(), [parent.id])
        yield Bare(
            folder=folder,
            commit=str(commit),
            url=place.repository_url,
            pulls=f"{place.bed.forge_url}/api/v1/repos/{place.repository}/pulls",
            user=BOT,
            token=place.bed.tokens[BOT],
        )


if __name__ == "__main__":
    Bare(**json.load(sys.stdin)).run()
