"""What a pass costs at GitHub when there is nothing to do: requests, and their time.

The floor is the two requests without which nobody could know that nothing has changed, made bare: the list of pull
requests, by the tag of its last answer, and Git's listing of the branches. While a pull request waits for its first
review, its reviews are asked for as well, by tag.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.model.operation import Phase
from reconciler.reconcile import reconcile
from reconciler.sandbox.sandbox import Sandbox
from tests.beds import manifests, place
from tests.beds.on_sandbox import SandboxBed
from tests.beds.users import BOT
from tests.bench.figure import Figure
from tests.bench.measuring import milliseconds
from tests.scenarios.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reconciler.ports import Ports
    from reconciler.sandbox.forge import Forge

FILE = "deploy/web.yaml"
_RUNS = 30
_REACH_MS = 5.0  # what PyGithub's layers, a thread and a mirror may add; the network's own time is not in it
_INTERVAL = timedelta(seconds=30)  # of passes; forges tell times to the second, so what is a moment old is read again
_MANY = 20
_WITHOUT_LIMIT = {"pull_requests_per_hour": 1000, "max_open_pull_requests": 1000}


def measure() -> list[Figure]:
    """Return the requests of whole passes, and the best time of those to GitHub, in turns with the bare ones."""
    with _quiet() as (world, sandbox):
        ports = world.made().ports()
        idle = _pass(world, ports, sandbox)
        _trouble(world, ["web"])
        waiting = _pass(world, ports, sandbox)
        with _bare(world) as bare, _counted(sandbox.forge) as least:
            bare()
        with _bare(world) as bare:
            times = [(milliseconds(lambda: _ours(ports)), milliseconds(bare)) for _ in range(_RUNS)]
    many = _many({"guards": _WITHOUT_LIMIT})
    merging = _many({"guards": _WITHOUT_LIMIT, "policy": {"merge": "on_approval"}})
    ours, floor = (min(each) for each in zip(*times, strict=True))
    return [
        _requests("requests to GitHub of an idle pass", idle, least, more=0),
        _requests("the same, one pull request waiting", waiting, least, more=1),
        _requests(f"the same, {_MANY} pull requests waiting", many, least, more=1),
        _requests(f"the same, {_MANY} to be merged on approval", merging, least, more=1),
        Figure(
            name="their time",
            ours=ours,
            floor=floor,
            unit="ms",
            reach=f"≤ floor + {_REACH_MS:g} ms",
            ok=ours <= floor + _REACH_MS,
        ),
    ]


def _many(overrides: dict[str, dict[str, Any]]) -> Counter[str]:
    """Return what a pass asks while many pull requests wait for their first review."""
    with _quiet() as (world, sandbox):
        world.overrides = overrides
        _trouble(world, [f"web-{number}" for number in range(_MANY)])
        return _pass(world, world.made().ports(), sandbox)


def _requests(name: str, found: Counter[str], least: Counter[str], *, more: int) -> Figure:
    asked, fewest = found["api"] + found["git"], least["api"] + least["git"]
    reach = f"≤ floor + {more}, none counted" if more else "= floor, none counted"
    return Figure(name, asked, fewest, "", reach, ok=asked <= fewest + more and found["counted"] == 0)


def _pass(world: World, ports: Ports, sandbox: Sandbox) -> Counter[str]:
    """Return what a pass asked that finds nothing new."""
    with world.made().ledger.exclusive():
        for _ in range(2):  # they learn the tags
            sandbox.clock.advance(_INTERVAL)
            reconcile(ports, world.settings)
        sandbox.clock.advance(_INTERVAL)
        with _counted(sandbox.forge) as asked:
            report = reconcile(ports, world.settings)
    assert (report.lines, report.unknown) == ((), ()), report
    return asked


def _trouble(world: World, names: list[str]) -> None:
    """Let containers need more than they may have, and a pull request for each wait for a review."""
    files = {f"deploy/{name}.yaml": manifests.deployment(name, faults={"needs-memory": "1Gi"}) for name in names}
    world.place.commit(files, "need more")
    for name in names:
        world.place.wait_until_waiting("CrashLoopBackOff", app=name, restarts=1)
    waiting = [Phase.AWAITING_GIT_PR] * len(names)
    world.run_until(lambda: [operation.phase for operation in world.operations] == waiting, "all to wait")


@contextmanager
def _quiet() -> Iterator[tuple[World, Sandbox]]:
    """Lend a world without trouble."""
    with tempfile.TemporaryDirectory() as name, Sandbox(Path(name) / "sandbox") as sandbox:
        bed = SandboxBed(sandbox)
        kube = bed.kube()
        try:
            world = World(place=place.make(bed, kube, {FILE: manifests.deployment()}), folder=Path(name))
            world.place.wait_for_sync()
            yield world, sandbox
        finally:
            kube.close()


def _ours(ports: Ports) -> None:
    ports.forge.pull_requests(prefix="reconciler")
    ports.repository.heads()


@contextmanager
def _bare(world: World) -> Iterator[Callable[[], None]]:
    """Lend a call that makes the two requests with nothing around them."""
    import pygit2
    import urllib3

    token, url = world.place.bed.tokens[BOT], world.place.bed.forge_url
    path = f"{url}/repos/{world.place.repository}/pulls?state=all&sort=updated&direction=desc&per_page=100"
    headers = {"Authorization": f"token {token}"}
    callbacks = pygit2.RemoteCallbacks(credentials=pygit2.UserPass(BOT, token))
    with tempfile.TemporaryDirectory() as folder, urllib3.PoolManager() as pool:
        remote = pygit2.init_repository(folder, bare=True).remotes.create_anonymous(world.place.repository_url)
        tag = pool.request("GET", path, headers=headers).headers["ETag"]

        def bare() -> None:
            assert pool.request("GET", path, headers={**headers, "If-None-Match": tag}).status == 304
            remote.list_heads(callbacks=callbacks)

        yield bare


@contextmanager
def _counted(forge: Forge) -> Iterator[Counter[str]]:
    """Count the forge's requests: to its API, those of them that its limit counts, and to Git."""
    counts: Counter[str] = Counter()
    answer, access = forge._rest.answer, forge._git_access

    def noted(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def passed_on(*args: Any, **named: Any) -> Any:  # noqa: ANN401 - whatever it takes and gives
            counts[name] += 1
            return call(*args, **named)

        return passed_on

    forge._rest.answer = noted("api", answer)  # type: ignore[method-assign]
    forge._git_access = noted("git", access)  # type: ignore[method-assign]
    forge._rest._limits = _Limits(forge.limits, counts)  # type: ignore[assignment]
    try:
        yield counts
    finally:
        forge._rest.answer, forge._git_access = answer, access  # type: ignore[method-assign]
        forge._rest._limits = forge.limits


class _Limits:
    """The forge's limits, with the requests counted that they count."""

    def __init__(self, limits: Any, counts: Counter[str]) -> None:  # noqa: ANN401 - the sandbox's own
        self._limits, self._counts = limits, counts

    def count(self, *args: Any, **named: Any) -> None:  # noqa: ANN401 - passed on
        """Count here, too."""
        self._counts["counted"] += 1
        self._limits.count(*args, **named)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - everything else is the limits' own
        return getattr(self._limits, name)
