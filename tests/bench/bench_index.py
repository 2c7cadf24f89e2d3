"""Finding an object in a repository of 50,000 files: what is parsed once, what each commit costs, what a proposal does.

Floors are libgit2 and libyaml alone: every blob read and composed where its bytes look like a manifest; the diff of
two trees; blob, trees and commit. What can be measured once only is measured in processor time, which a busy machine
disturbs least; it waits for nobody.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, replace
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import TYPE_CHECKING

import pygit2
import yaml

from reconciler.adapters.git_bare import git_bare
from reconciler.adapters.rendering import Renderers
from reconciler.manifests.editing.edit import edit_fields
from reconciler.model.delivery import Source
from reconciler.model.objects import CommitId
from reconciler.propose.proposals import propose
from reconciler.settings import RepositorySettings
from tests.bench import monorepo
from tests.bench.figure import Figure
from tests.bench.measuring import milliseconds, processor_milliseconds
from tests.propose.desk import GRANTED
from tests.worlds import APPLICATION, WEBAPP, Story, application, oom_remedy, settings, snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reconciler.manifests.files.folder import Folder
    from reconciler.model.delivery import Application
    from reconciler.model.snapshot import Snapshot
    from reconciler.ports import Repository

_RUNS = 10
_LIMIT = 1_048_576
_COLD_MS, _CHANGE_MS, _EDIT_MS, _PROPOSAL_MS = 15_000.0, 50.0, 10.0, 1000.0


@dataclass(frozen=True, slots=True)
class _Bench:
    """The remote, a mirror that has all of it, and what the remote's branch is at."""

    remote: Path
    mirror: Path
    base: CommitId

    @property
    def bare(self) -> pygit2.Repository:
        """The mirror, without us."""
        return pygit2.Repository(str(self.mirror))

    def repository(self) -> Repository:
        """Return what a new process would use."""
        url, mirror = str(self.remote), str(self.mirror)
        return git_bare(RepositorySettings(url=url, mirror=mirror, base=monorepo.BRANCH), "reconciler", "")

    def commits(self) -> Iterator[CommitId]:
        """Yield commits without end, each with another number of replicas than the one before."""
        commit, bare = self.base, self.bare
        text = bare[commit].peel(pygit2.Commit).tree[monorepo.WEBAPP].peel(pygit2.Blob).data
        for number in count():
            content = text + f"# {number}\n".encode()
            commit = monorepo.changed(bare, commit, monorepo.WEBAPP, content)
            yield commit


def measure() -> list[Figure]:
    """Make the repository once, and measure everything on it."""
    with tempfile.TemporaryDirectory() as folder:
        bench = _bench(Path(folder))
        return [_cold(bench), _again(bench), _change(bench), _edit(bench), *_proposals(bench)]


def _bench(folder: Path) -> _Bench:
    remote, mirror = folder / "remote.git", folder / "mirror.git"
    base = monorepo.populate(remote)
    shutil.copytree(remote, mirror)
    pygit2.Repository(str(mirror)).config["remote.origin.url"] = str(remote)
    return _Bench(remote, mirror, base)


def _everything(repository: Repository, commit: CommitId) -> Folder:
    return repository.manifests(commit, "", deep=True, max_bytes=_LIMIT)


def _cold(bench: _Bench) -> Figure:
    floor = processor_milliseconds(lambda: _read_and_compose(bench))
    ours = processor_milliseconds(lambda: _everything(bench.repository(), bench.base))
    return _figure("index, 50,000 files, nothing known", ours, floor, _COLD_MS)


def _read_and_compose(bench: _Bench) -> None:
    bare = bench.bare

    def walk(tree: pygit2.Tree) -> Iterator[pygit2.Object]:
        for entry in tree:
            if isinstance(entry, pygit2.Tree):
                yield from walk(entry)
            else:
                yield entry

    for blob in walk(bare[bench.base].peel(pygit2.Commit).tree):
        data = blob.peel(pygit2.Blob).data
        if b"apiVersion" in data and b"kind" in data:
            list(yaml.compose_all(data, Loader=yaml.CSafeLoader))


def _again(bench: _Bench) -> Figure:
    """Time a new process; the floor is the walk over the trees alone."""
    ours = processor_milliseconds(lambda: _everything(bench.repository(), bench.base))
    floor = processor_milliseconds(lambda: list(bench.repository().files(bench.base, "")))
    return _figure("index, 50,000 files, kept from before", ours, floor, None)


def _change(bench: _Bench) -> Figure:
    commits, repository, bare = bench.commits(), bench.repository(), bench.bare
    ours, floor = [], []
    before = bench.base
    _everything(repository, before)
    for commit in islice(commits, _RUNS):
        ours.append(milliseconds(lambda: _everything(repository, commit)))  # noqa: B023 - called at once
        trees = [bare[one].peel(pygit2.Commit).tree for one in (before, commit)]
        floor.append(milliseconds(lambda: list(trees[0].diff_to_tree(trees[1]).deltas)))  # noqa: B023 - as above
        before = commit
    return _figure("index, one file changed", min(ours), min(floor), _CHANGE_MS)


def _edit(bench: _Bench) -> Figure:
    repository, bare = bench.repository(), bench.bare
    text = bare[bench.base].peel(pygit2.Commit).tree[monorepo.WEBAPP].peel(pygit2.Blob).data
    numbers = count(1)
    changes = oom_remedy().actions[-1].changes

    def ours() -> None:
        before = text + f"# ours {next(numbers)}\n".encode()
        limits = {"max_bytes": _LIMIT, "max_changed_lines": 20}
        after = edit_fields(before, WEBAPP, "production", changes, **limits)
        repository.commit(bench.base, {monorepo.WEBAPP: after}, "raise memory\n")

    def floor() -> None:
        monorepo.changed(bare, bench.base, monorepo.WEBAPP, text + f"# bare {next(numbers)}\n".encode())

    return _figure("edit and commit, 50,000 files", *_both(ours, floor, runs=_RUNS * 5), _EDIT_MS)


def _proposals(bench: _Bench) -> Iterator[Figure]:
    """Time a whole proposal, fetch included, as a pass of a running service makes it, and as a new process does.

    The floor is the fetch, which finds nothing new.
    """
    folder = monorepo.WEBAPP.rpartition("/")[0]
    worlds = {
        "its own folder": _world(bench, folder),
        "all in one folder": _world(bench, ""),
        "9,900 Applications": _world(bench, folder, *_others(bench)),
    }
    for words, world in worlds.items():
        repository = bench.repository()
        _proposed(bench, repository, world)
        warm = partial(_proposed, bench, repository, world)
        ours, floor = _both(warm, repository.fetch, runs=_RUNS)
        yield _figure(f"proposal, {words}, warm", ours, floor, _PROPOSAL_MS)
        new = processor_milliseconds(partial(_proposed, bench, bench.repository(), world))
        yield _figure(f"proposal, {words}, new process", new, floor, _PROPOSAL_MS)


def _world(bench: _Bench, path: str, *others: Application) -> Snapshot:
    mine = Source(repository=str(bench.remote), path=path, target_revision=monorepo.BRANCH, recurse=True)
    return snapshot(applications=(application(sources=(mine,)), *others))


def _others(bench: _Bench) -> Iterator[Application]:
    for name, kind, path in islice(monorepo.sources(), 1, None):
        source = Source(repository=str(bench.remote), path=path, target_revision=monorepo.BRANCH, kind=kind)
        yield application(ref=replace(APPLICATION, name=name), sources=(source,), objects=frozenset())


def _proposed(bench: _Bench, repository: Repository, world: Snapshot) -> None:
    own = settings(repository={"url": str(bench.remote), "base": monorepo.BRANCH})
    operation = replace(Story(oom_remedy()).operation, verdicts={1: GRANTED})
    made = propose(operation, world, repository, Renderers(own.rendering), own)
    assert made.located.paths == (monorepo.WEBAPP,)


def _both(ours: Callable[[], object], floor: Callable[[], object], *, runs: int) -> tuple[float, float]:
    """Return the fastest of each, taken in turns so that noise meets both."""
    pairs = [(milliseconds(ours), milliseconds(floor)) for _ in range(runs)]
    return min(one for one, _ in pairs), min(one for _, one in pairs)


def _figure(name: str, ours: float, floor: float, reach: float | None) -> Figure:
    words = "told, no goal" if reach is None else f"< {reach:,.0f} ms"
    return Figure(name=name, ours=ours, floor=floor, unit="ms", reach=words, ok=reach is None or ours < reach)
