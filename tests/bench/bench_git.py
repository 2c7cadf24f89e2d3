"""Commits and pushes in a repository of 2,000 files, against the same work by bare libgit2 calls.

One edit against its blob, trees and commit; 200 branches, each pushed by a caller of its own, against one push of as
many that nobody checks, on the same server of git's own.
"""

from __future__ import annotations

import itertools
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pygit2

from reconciler.adapters.git_bare import git_bare
from reconciler.model.objects import CommitId
from reconciler.settings import RepositorySettings
from tests.adapters.git_http import TOKEN, USER, GitServer
from tests.bench.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.ports import Repository

_RUNS = 200
_REACH = 1.5
_PUSHES, _BRANCHES, _PUSH_REACH = 3, 200, 3.0
_TEAMS, _APPS, _FILES = 20, 20, 5
_STEPS = ("teams", "team-07", "app-13", "file-2.yaml")
_SIGNATURE = ("reconciler", "reconciler@localhost")


def measure() -> list[Figure]:
    """Return the fastest of each, taken in turns so that noise meets both; every commit is new."""
    return [_commits(), _pushes()]


def _commits() -> Figure:
    with tempfile.TemporaryDirectory() as folder:
        remote, mirror = Path(folder) / "remote.git", Path(folder) / "mirror.git"
        base = _populated(remote)
        settings = RepositorySettings(url=str(remote), mirror=str(mirror), base="main")
        repository = git_bare(settings, "reconciler", "")
        repository.fetch()
        bare = pygit2.Repository(str(mirror))
        contents = (f"memory: {number}Mi\n".encode() for number in itertools.count(1))
        ours, floor = [], []
        for _ in range(_RUNS):
            ours.append(_timed(lambda: repository.commit(base, {"/".join(_STEPS): next(contents)}, "raise memory\n")))
            floor.append(_timed(lambda: _bare_commit(bare, base, next(contents))))
    best, lowest = min(ours), min(floor)
    return Figure(
        name="commit of one edit, 2,000 files",
        ours=best,
        floor=lowest,
        unit="ms",
        reach=f"≤ {_REACH:g} × floor",
        ok=best <= _REACH * lowest,
    )


def _pushes() -> Figure:
    with tempfile.TemporaryDirectory() as folder, GitServer(Path(folder)) as server:
        base, mirror = _populated(server.create("remote.git", default="main")), Path(folder) / "mirror.git"
        settings = RepositorySettings(url=server.url("remote.git"), mirror=str(mirror), base="main", username=USER)
        repository = git_bare(settings, "reconciler", TOKEN)
        repository.fetch()
        ours, floor = [], []
        for run in range(_PUSHES):
            bare, called = (_branches(repository, base, f"{name}-{run}") for name in ("bare", "called"))
            floor.append(_timed(partial(_bare_push, mirror, settings.url, bare)))
            ours.append(_timed(partial(_push_each, repository, called)))
        arrived = repository.heads()
    if not isinstance(arrived, dict) or len(arrived) != 1 + 2 * _PUSHES * _BRANCHES:
        raise RuntimeError(f"not every branch arrived: {arrived}")
    best, lowest = min(ours), min(floor)
    return Figure(
        name=f"{_BRANCHES} branches pushed by {_BRANCHES} callers",
        ours=best,
        floor=lowest,
        unit="ms",
        reach=f"< {_PUSH_REACH:g} × floor",
        ok=best < _PUSH_REACH * lowest,
    )


def _branches(repository: Repository, base: CommitId, name: str) -> dict[str, CommitId]:
    """Commit an edit of its own for each branch; nothing of it is on the server."""
    return {
        f"reconciler/{name}-{n}": repository.commit(base, {"/".join(_STEPS): f"{name}-{n}\n".encode()}, "raise\n")
        for n in range(_BRANCHES)
    }


def _push_each(repository: Repository, branches: dict[str, CommitId]) -> None:
    with ThreadPoolExecutor(len(branches)) as callers:
        pushed = [callers.submit(repository.push, *branch, expected=None) for branch in branches.items()]
        for future in pushed:
            future.result()


def _bare_push(mirror: Path, url: str, branches: dict[str, CommitId]) -> None:
    remote = pygit2.Repository(str(mirror)).remotes.create_anonymous(url)
    callbacks = pygit2.RemoteCallbacks(credentials=pygit2.UserPass(USER, TOKEN))
    remote.push([f"{commit}:refs/heads/{branch}" for branch, commit in branches.items()], callbacks=callbacks)


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


def _bare_commit(repository: pygit2.Repository, base: CommitId, content: bytes) -> None:
    parent = repository[base].peel(pygit2.Commit)
    trees = [parent.tree]
    for step in _STEPS[:-1]:
        trees.append(repository[trees[-1][step].id].peel(pygit2.Tree))
    oid, mode = repository.create_blob(content), 0o100644
    for tree, step in zip(reversed(trees), reversed(_STEPS), strict=True):
        builder = repository.TreeBuilder(tree)
        builder.insert(step, oid, mode)
        oid, mode = builder.write(), 0o040000
    who = pygit2.Signature(*_SIGNATURE, parent.commit_time, 0)
    repository.create_commit(None, who, who, "raise memory\n", oid, [parent.id])


def _populated(folder: Path) -> CommitId:
    """Make a repository of teams, apps and files, and return its only commit."""
    repository = pygit2.init_repository(str(folder), bare=True, initial_head="main")

    def tree(entries: dict[str, pygit2.Oid], mode: int) -> pygit2.Oid:
        builder = repository.TreeBuilder()
        for name, oid in entries.items():
            builder.insert(name, oid, mode)
        return builder.write()

    def app(team: int, number: int) -> pygit2.Oid:
        text = f"team: {team}\napp: {number}\nfile: "
        return tree(
            {f"file-{n}.yaml": repository.create_blob(f"{text}{n}\n".encode()) for n in range(_FILES)}, 0o100644
        )

    def team(number: int) -> pygit2.Oid:
        return tree({f"app-{n:02}": app(number, n) for n in range(_APPS)}, 0o040000)

    root = tree({"teams": tree({f"team-{n:02}": team(n) for n in range(_TEAMS)}, 0o040000)}, 0o040000)
    who = pygit2.Signature(*_SIGNATURE, 1_700_000_000, 0)
    return CommitId(str(repository.create_commit("refs/heads/main", who, who, "all\n", root, [])))
