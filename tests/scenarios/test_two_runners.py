"""Two reconcilers on two machines at once, with the ledger on a Git ref: what one does, the other finds done."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.model.operation import EventKind, Outcome, Phase
from reconciler.reconcile import reconcile
from tests.scenarios.world import World, hungry

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime
    from pathlib import Path

    from reconciler.ledger.store import Store
    from reconciler.model.operation import Draft, Event
    from reconciler.model.report import PassReport
    from reconciler.ports import Diagnosis
    from tests.scenarios.conftest import Worlds

K = EventKind


class Watched:
    """A ledger that tells before and after each append, and after the first reading."""

    def __init__(self, ledger: Store, *, read: Callable[[], object], before: Any = None, after: Any = None) -> None:  # noqa: ANN401
        self._ledger = ledger
        self._read: Callable[[], object] | None = read
        self._before: Callable[[int], object] = before or (lambda _: None)
        self._after: Callable[[int], object] = after or (lambda _: None)
        self.appends = 0

    def events(self, *, after: int = 0) -> tuple[Event, ...]:
        """Read for real."""
        found = self._ledger.events(after=after)
        told, self._read = self._read, None
        if told:
            told()
        return found

    def append(self, drafts: Sequence[Draft], *, at: datetime, expected: int) -> tuple[Event, ...]:
        """Append for real."""
        self.appends += 1
        number = self.appends
        self._before(number)
        written = self._ledger.append(drafts, at=at, expected=expected)
        self._after(number)
        return written

    def exclusive(self) -> AbstractContextManager[None]:
        """Lock for real."""
        return self._ledger.exclusive()

    def examine(self) -> Sequence[Diagnosis]:
        """Look for real."""
        return self._ledger.examine()


def two(worlds: Worlds, tmp_path: Path, **overrides: Any) -> tuple[World, World]:  # noqa: ANN401
    """Return one place with trouble in it, as two machines see it."""
    first = worlds(hungry(), ledger={"kind": "git_ref"}, **overrides)
    first.place.wait_for_sync(health=None)
    first.place.wait_until_waiting("CrashLoopBackOff", restarts=1)
    folder = tmp_path / "second"
    folder.mkdir()
    # A file that nobody writes while the other reads it.
    kubeconfig = folder / "kubeconfig"
    kubeconfig.write_bytes(first.place.bed.kubeconfigs["reconciler"].read_bytes())
    first.overrides["cluster"] = {"kubeconfig": str(kubeconfig)}
    return first, replace(first, folder=folder)


def run_watched(world: World, **told: Any) -> tuple[PassReport, int]:  # noqa: ANN401
    """Make a pass with a watched ledger; return its report and how often it appended."""
    made = world.made()
    ledger = Watched(made.ledger, **{"read": lambda: None, **told})
    with ledger.exclusive():
        report = reconcile(replace(made.ports(), ledger=ledger), world.settings)
    return report, ledger.appends


def assert_done_once(world: World) -> None:
    """One operation, one restart, one branch, one pull request, each told once; the chain is whole."""
    assert len(world.operations) == 1
    assert len(world.restarts()) == 1
    assert len(world.place.pull_requests("all")) == 1
    assert [b for b in world.place.forge().branches(world.place.repository) if b != "main"] == [
        world.place.pull_requests("all")[0]["head"]["ref"]
    ]
    kinds = world.kinds()
    assert [kinds.count(kind) for kind in (K.OPERATION_OPENED, K.PULL_REQUEST_OPENED)] == [1, 1]
    world.assert_whole()


def test_of_two_runners_that_saw_the_same_one_goes_on(worlds: Worlds, tmp_path: Path) -> None:
    """Invariant 1: both read the same tip before either writes; one does all of it, the other says so."""
    machines = two(worlds, tmp_path)
    meeting = threading.Barrier(2, timeout=30)

    with ThreadPoolExecutor(2) as pool:
        passes = [pool.submit(run_watched, world, read=meeting.wait) for world in machines]
        (one, _), (other, _) = (done.result() for done in passes)

    winner, loser = (one, other) if one.lines else (other, one)
    assert any(line.startswith("opened pull request") for line in winner.lines)
    assert loser.lines == ()
    assert "another reconciler goes on with it" in loser.sentence
    assert_done_once(machines[0])
    before = machines[0].kinds()
    for world in machines:
        assert "waits for a review" in world.run().sentence
    assert machines[0].kinds() == before


def test_two_runners_follow_one_pull_request_to_its_end(worlds: Worlds, tmp_path: Path) -> None:
    """Both make every pass at the same time, from the finding to the verified outcome."""
    first, second = two(worlds, tmp_path)

    def both() -> None:
        meeting = threading.Barrier(2, timeout=30)
        with ThreadPoolExecutor(2) as pool:
            for done in [pool.submit(run_watched, world, read=meeting.wait) for world in (first, second)]:
                done.result()

    def reached(condition: Callable[[], bool]) -> bool:
        both()
        return condition()

    first.place.wait_for(lambda: reached(lambda: first.phase is Phase.AWAITING_GIT_PR), 60, "the pull request")
    assert_done_once(first)
    first.place.merge(first.place.pull_requests()[0]["number"])
    ended = first.place.wait_for(lambda: reached(lambda: first.operation.outcome is not None), 60, "the end")

    assert ended
    assert first.operation.outcome is Outcome.VERIFIED
    assert_done_once(first)
    kinds = first.kinds()
    assert [kinds.count(k) for k in (K.PULL_REQUEST_MERGED, K.CHANGE_LIVE, K.OPERATION_CLOSED)] == [1, 1, 1]


@pytest.mark.beds("sandbox")
@pytest.mark.long
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", range(1, 9))
def test_second_runner_may_come_at_any_moment(worlds: Worlds, tmp_path: Path, when: str, number: int) -> None:
    """Invariant 1: a whole pass of another machine, right before or right after any append, changes nothing in the end.

    It finds announced effects that it cannot tell from those of a runner that died, and does them again: each is safe
    to repeat.
    """
    first, second = two(worlds, tmp_path)
    came: list[PassReport] = []

    def come(n: int) -> None:
        if n == number:
            came.append(second.run())

    _, appends = run_watched(first, **{when: come})

    assert bool(came) == (number <= appends)
    for world in (first, second, first):
        world.run()
    assert first.phase is Phase.AWAITING_GIT_PR
    assert_done_once(first)
