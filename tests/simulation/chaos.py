"""A world in which everything goes wrong now and then, from a seed: servers, answers, the process itself, and people.

Time is virtual, the wire and the product are real. A run ends when nobody disturbs any more and the last operation
has ended; what must hold then, whatever happened, is asserted here.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections import Counter
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import stamina

from reconciler.advance import fold
from reconciler.composition import Composition
from reconciler.errors import ReconcilerError
from reconciler.ledger.sqlite import SqliteLedger
from reconciler.model.operation import Outcome
from reconciler.reconcile import reconcile
from reconciler.sandbox.people import ForgeError
from reconciler.sandbox.sandbox import Sandbox
from reconciler.sandbox.wire import Response, json_response
from tests.beds import manifests, place
from tests.beds.on_sandbox import SandboxBed
from tests.beds.users import READER, REVIEWER
from tests.scenarios.world import World, hungry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reconciler.sandbox.wire import Handle, Request

RATE = 0.08  # of requests that meet a fault, while there are faults
DEATHS = 0.04  # of appends to the ledger at which the process dies
STORMY, CALM = 25, 60  # passes with faults, and at most so many without
BETWEEN = timedelta(seconds=2)
KINDS = ("500", "503", "429", "401", "garbage", "lost before", "lost after", "late 500")
LIMITS = ("1Gi", "1536Mi", "3Gi")  # ours, a reviewer's, and another person's


class Killed(BaseException):
    """The process dies here; nothing of the product catches it."""


@dataclass
class Run:
    """One simulated story."""

    seed: int
    world: World
    sandbox: Sandbox
    random: random.Random
    process: Composition  # the reconciler's adapters; a death makes new ones
    passes: int = 0
    faults: int = 0
    deaths: int = 0
    deeds: list[str] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)

    def fault_of(self, request: Request) -> str:
        """Return what happens to a request, or nothing.

        That follows from the seed, the request and how often it was made: a pass asks side by side, so the order of
        requests is nobody's choice.
        """
        name = f"{request.method} {request.path}".replace(self.world.place.namespace, "place")
        with self.sandbox.clock.lock:
            self.asked[name] += 1
            dice = random.Random(f"{self.seed} {name} {self.asked[name]}")
            if dice.random() > RATE:
                return ""
            self.faults += 1
        return dice.choice(KINDS)


def simulate(seed: int, folder: Path, *beside: str) -> Run:
    """Live through one story, and assert what must hold at its end.

    With other Deployments beside `web`, all are in trouble, and one pull request is all that may be open.
    """
    folder.mkdir(exist_ok=True)
    with ExitStack() as stack:
        sandbox = stack.enter_context(Sandbox(folder / "sandbox", seed=seed))
        bed = SandboxBed(sandbox)
        stack.enter_context(_no_waiting())
        others = {f"deploy/{n}.yaml": manifests.deployment(n, faults={"needs-memory": "1Gi"}) for n in beside}
        made = place.make(bed, bed.kube(), hungry() | others)
        guards = {"cooldown": "0s", "effect_backoff": "100ms", "actions_per_hour": 1000, "max_open_pull_requests": 1}
        world = World(place=made, folder=folder, overrides={"guards": guards} if beside else {})
        run = Run(seed, world, sandbox, random.Random(seed), world.made())
        made.wait_for_sync(health=None)
        for name in ("web", *beside):
            made.wait_until_waiting("CrashLoopBackOff", app=name, restarts=1)
        _storm(run)
        _calm(run)
        _assert_whole(run)
        return run


@contextmanager
def _no_waiting() -> Iterator[None]:
    """Try again at once: the waits between two tries are wall time, and there are none here."""
    stamina.set_testing(True, attempts=3)
    try:
        yield
    finally:
        stamina.set_testing(False)


def _storm(run: Run) -> None:
    for server in run.sandbox.servers:
        server.fault = _faulty(run)
    with mock.patch.object(SqliteLedger, "append", _deadly(run)):
        for _ in range(STORMY):
            _pass(run)
            if run.random.random() < 0.3:
                _somebody_acts(run)
            run.sandbox.clock.advance(BETWEEN)
    for server in run.sandbox.servers:
        server.fault = None


def _calm(run: Run) -> None:
    """Let passes go on undisturbed, and a reviewer merge what waits, until everything has ended."""
    for _ in range(CALM):
        _pass(run)
        operations = tuple(fold(run.process.ledger.events()).values())
        if operations and not any(o.is_open for o in operations):
            return
        for pull in run.world.place.pull_requests():
            run.world.place.merge(pull["number"])
            run.deeds.append("merged in the end")
        run.sandbox.clock.advance(BETWEEN)
    waits = [f"{o.id} {o.phase}" for o in run.world.operations]
    raise AssertionError(f"seed {run.seed}: not over after {CALM} calm passes: {waits}, {run.deeds}")


def _pass(run: Run) -> None:
    run.passes += 1
    try:
        with run.process.ledger.exclusive():
            reconcile(run.process.ports(), run.process.settings)
    except Killed:
        run.deaths += 1
        run.process = run.world.made()
    except ReconcilerError:
        run.faults += 1  # a pass may fail as a whole; it must not do harm


def _faulty(run: Run) -> Callable[[Request, Handle], Response]:
    def answer(request: Request, handle: Handle) -> Response:
        kind = run.fault_of(request)
        if not kind:
            return handle(request)
        if kind in {"lost after", "late 500"}:
            handle(request)
        if kind.startswith("lost"):
            raise ConnectionAbortedError
        if kind == "garbage":
            return Response(200, b"<html>a login page</html>", {"Content-Type": "text/html"})
        status = int(kind.removeprefix("late "))
        return json_response({"kind": "Status", "code": status, "message": f"simulated {status}"}, status)

    return answer


def _deadly(run: Run) -> Callable[..., Any]:
    real = SqliteLedger.append

    def append(ledger: SqliteLedger, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - what append takes and gives
        when = run.random.random()
        if when < DEATHS / 2:
            raise Killed
        answer = real(ledger, *args, **kwargs)
        if when < DEATHS:
            raise Killed
        return answer

    return append


def _somebody_acts(run: Run) -> None:
    """Let a person do something on the forge, faults or not."""
    deeds = (_merge, _close, _edit, _push_to_base, _say_something, _commit_elsewhere)
    deed = run.random.choice(deeds)
    faults = [(server, server.fault) for server in run.sandbox.servers]
    for server, _ in faults:
        server.fault = None
    try:
        if deed(run):
            run.deeds.append(deed.__name__.strip("_"))
    except ForgeError:
        run.deeds.append(f"{deed.__name__.strip('_')} was refused")
    finally:
        for server, fault in faults:
            server.fault = fault


def _open(run: Run) -> int | None:
    found = run.world.place.pull_requests()
    return found[0]["number"] if found else None


def _merge(run: Run) -> bool:
    number = _open(run)
    if number is not None:
        run.world.place.merge(number, run.random.choice(("merge", "squash", "rebase")))
    return number is not None


def _close(run: Run) -> bool:
    number = _open(run)
    if number is not None:
        run.world.place.close(number)
    return number is not None


def _edit(run: Run) -> bool:
    number = _open(run)
    if number is not None:
        branch = run.world.place.pull_request(number)["head"]["ref"]
        text = run.world.place.text("deploy/web.yaml", branch).replace("memory: 1Gi  #", "memory: 1536Mi  #")
        run.world.place.commit({"deploy/web.yaml": text}, branch=branch)
    return number is not None


def _push_to_base(run: Run) -> bool:
    text = run.world.place.text("deploy/web.yaml")
    changed = text.replace("memory: 512Mi  #", "memory: 3Gi  #")
    if changed != text:
        run.world.place.commit({"deploy/web.yaml": changed})
    return changed != text


def _say_something(run: Run) -> bool:
    number = _open(run)
    if number is not None:
        run.world.place.comment(number, "LGTM, `reconciler approve` it", by=run.random.choice((REVIEWER, READER)))
    return number is not None


def _commit_elsewhere(run: Run) -> bool:
    run.world.place.commit({"README.md": f"# {run.random.random()}\n"})
    return True


def _assert_whole(run: Run) -> None:
    """What holds whatever happened."""
    world, said = run.world, f"seed {run.seed}: {run.deeds}"
    world.assert_whole()
    operations = world.operations
    assert operations, said
    assert all(o.outcome is not None for o in operations), said
    pulls = world.place.pull_requests("all")
    heads = [pull["head"]["ref"] for pull in pulls]
    proposing = [o for o in operations if any("propose" in key for key in o.effects)]
    assert len(pulls) <= len(proposing), f"{said}: more pull requests than proposals: {heads}"
    restarting = [key for o in operations for key in o.effects if key.endswith(":run")]
    assert len(world.restarts()) <= len(restarting), f"{said}: restarted more often than it was intended"
    assert world.limit() in {"512Mi", *LIMITS}, said
    last = next(o for o in reversed(operations) if any(target.name == "web" for target in o.targets))
    if last.outcome is Outcome.VERIFIED and last.expected:
        expected = {target.name: value for (target, _), value in zip(last.remedy.fields, last.expected, strict=True)}
        assert world.limit() == expected["web"], said
    _assert_git_owns(run, said)
    ledger = (world.folder / ".reconciler" / "ledger.db").read_bytes()
    assert not any(token.encode() in ledger for token in world.place.bed.tokens.values()), said


def _assert_git_owns(run: Run, said: str) -> None:
    """Invariant 4: of a workload that Git owns, we have written the restart annotation and nothing else."""
    live = run.world.place.live("Deployment", "web")
    assert live is not None
    ours = [e for e in live["metadata"]["managedFields"] if e["manager"] == "reconciler"]
    for entry in ours:
        fields = str(entry["fieldsV1"])
        assert "restartedAt" in fields, said
        assert "f:resources" not in fields, said


def main(first: int, last: int) -> None:
    """Live through some seeds, and tell each story in a line."""
    for seed in range(first, last):
        with tempfile.TemporaryDirectory() as folder:
            run = simulate(seed, Path(folder))
            ends = ", ".join(str(operation.outcome) for operation in run.world.operations)
        print(f"{seed}: {run.passes} passes, {run.faults} faults, {run.deaths} deaths; {run.deeds}; {ends}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
