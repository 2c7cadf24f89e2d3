"""Invariant 1 for a GitHub App whose commits GitHub makes: killed at every point, there is one of each."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest

from reconciler.model.operation import EventKind, Outcome, Phase
from tests.scenarios.apps import assert_one_of_each, forge_of, heads, move_base, troubled
from tests.simulation.deaths import killed_at

if TYPE_CHECKING:
    from tests.scenarios.conftest import Worlds
    from tests.scenarios.world import World

pytestmark = [pytest.mark.beds("sandbox"), pytest.mark.long]

FIRST_PASS = 28  # points of the first pass: before and after each write to the forge, the cluster and the ledger
LATER = 30  # passes, at most


def pass_time(world: World) -> None:
    """Let a moment go by: a killed pass has one time from its beginning to its end."""
    forge_of(world).state.clock.advance(timedelta(seconds=2))


def updates(world: World) -> int:
    """Return how often the pull request was written anew."""
    return world.kinds().count(EventKind.PULL_REQUEST_UPDATED)


def grew(world: World, before: int) -> bool:
    """Tell whether it was written anew since."""
    return updates(world) > before


@pytest.mark.parametrize("point", range(1, FIRST_PASS + 2))
def test_killed_at_any_point_of_the_first_pass(worlds: Worlds, point: int) -> None:
    """By SIGKILL: what reached the branch is adopted, although each making of the commit has an id of its own."""
    world = troubled(worlds)

    died = killed_at(world, point)
    left = heads(world)
    world.run_until_phase(Phase.AWAITING_GIT_PR)

    assert died is (point <= FIRST_PASS), "the pass has more or fewer points than are tried: mend FIRST_PASS"
    assert_one_of_each(world)
    assert len(world.restarts()) == 1
    assert not left or heads(world) == left


def test_killed_at_any_point_of_updates(worlds: Worlds) -> None:
    """Base moves again and again, and each time the pass that writes the pull request anew dies one point later."""
    world = troubled(worlds, guards={"update_interval": "0s"})
    world.run_until_phase(Phase.AWAITING_GIT_PR)
    for point in range(1, LATER):
        before = updates(world)
        move_base(world)
        pass_time(world)
        died = killed_at(world, point)
        world.run_until(partial(grew, world, before), "the update")
        assert_one_of_each(world)
        if not died:
            break

    assert point > 10, "an update has a token, a tree, a commit, a push, a text, and what the ledger says of them"


def test_killed_at_any_point_after_the_merge(worlds: Worlds) -> None:
    """In each phase one point later each time, to the verified outcome."""
    world = troubled(worlds)
    world.run_until_phase(Phase.AWAITING_GIT_PR)
    world.place.merge(world.place.pull_requests()[0]["number"])
    deaths: dict[Phase | None, int] = {}
    for _ in range(LATER):
        pass_time(world)
        phase = world.phase
        if killed_at(world, deaths.get(phase, 0) + 1):
            deaths[phase] = deaths.get(phase, 0) + 1
        if world.operation.outcome is not None:
            break
    world.run_until_outcome(Outcome.VERIFIED)

    assert set(deaths) >= {Phase.AWAITING_GIT_PR, Phase.AWAITING_SYNC}
    assert len(world.operations) == len(world.place.pull_requests("all")) == 1
    assert world.limit() == "1Gi"
    world.assert_whole()
