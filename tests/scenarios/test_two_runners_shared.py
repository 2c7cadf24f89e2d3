"""Two reconcilers at once where several objects share a pull request: what one does, the other finds done."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from reconciler.model.operation import EventKind, Phase
from tests.scenarios.test_pooling import NAMES, files, raised, texts, wait_until_killed
from tests.scenarios.test_two_runners import run_watched

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.model.report import PassReport
    from tests.scenarios.conftest import Worlds

pytestmark = [pytest.mark.beds("sandbox"), pytest.mark.long]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", [1, 2, 5, 6, 8])
def test_second_runner_may_come_at_any_moment(worlds: Worlds, tmp_path: Path, when: str, number: int) -> None:
    """Invariant 1: one operation, one pull request with all three, whatever a whole pass of the other one did."""
    guards = {"cooldown": "0s", "effect_backoff": "100ms", "actions_per_hour": 1000, "max_open_pull_requests": 1}
    first = worlds(files(dict.fromkeys(NAMES, "1Gi")), ledger={"kind": "git_ref"}, guards=guards)
    first.place.wait_for_sync(health=None)
    wait_until_killed(first, *NAMES)
    before = texts(first)
    (tmp_path / "second").mkdir()
    second = replace(first, folder=tmp_path / "second")
    came: list[PassReport] = []

    def come(n: int) -> None:
        if n == number:
            came.append(second.run())

    _, appends = run_watched(first, **{when: come})
    for world in (first, second, first):
        world.run()

    assert bool(came) == (number <= appends)
    (pull,) = first.place.pull_requests("all")
    assert texts(first, pull["head"]["ref"]) == raised(before)
    assert (first.phase, len(first.operations)) == (Phase.AWAITING_GIT_PR, 1)
    kinds = first.kinds()
    assert [kinds.count(kind) for kind in (EventKind.OPERATION_OPENED, EventKind.PULL_REQUEST_OPENED)] == [1, 1]
    first.assert_whole()
