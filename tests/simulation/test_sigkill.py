"""Invariant 1 on the real components: killed at every point of a pass, nothing happens twice and nothing is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.model.operation import Outcome, Phase
from tests.scenarios.world import World, hungry
from tests.simulation.deaths import killed_at

if TYPE_CHECKING:
    from tests.scenarios.conftest import Worlds

pytestmark = pytest.mark.beds("testbed")

FIRST_PASS = 32  # more points than the first pass has; the ones beyond it check the undisturbed pass
LATER_PASSES = 60
WORLDS_AT_ONCE = 8


def assert_once(world: World) -> None:
    """One operation, one restart, one branch, one pull request, and a whole chain."""
    assert len(world.operations) == 1
    assert len(world.restarts()) == 1
    assert len(world.place.pull_requests("all")) == 1
    branches = world.place.forge().branches(world.place.repository)
    assert len([name for name in branches if name.startswith("reconciler/")]) == 1
    world.assert_whole()


@pytest.mark.parametrize("batch", range(FIRST_PASS // WORLDS_AT_ONCE))
def test_killed_at_any_point_of_the_first_pass(worlds: Worlds, batch: int) -> None:
    """Before and after each effect and each durable write: the next pass completes or adopts."""
    points = range(1 + batch * WORLDS_AT_ONCE, 1 + (batch + 1) * WORLDS_AT_ONCE)
    made = {point: worlds(hungry()) for point in points}
    for world in made.values():
        world.place.wait_for_sync(health=None)
        world.place.wait_until_waiting("CrashLoopBackOff", restarts=1)

    died = {point: killed_at(world, point) for point, world in made.items()}

    for world in made.values():
        world.run_until_phase(Phase.AWAITING_GIT_PR)
        assert_once(world)
    if batch == 0:
        assert all(died.values()), "the first points are in every pass"
    if points.stop > FIRST_PASS:
        assert not all(died.values()), "the pass has more points than are tried: raise FIRST_PASS"


def test_killed_at_any_point_after_the_merge(worlds: Worlds) -> None:
    """From the merge to the outcome, in every phase: each write may be the last one of its process."""
    world = worlds(hungry())
    world.place.wait_for_sync(health=None)
    world.place.wait_until_waiting("CrashLoopBackOff", restarts=1)
    world.run_until_phase(Phase.AWAITING_GIT_PR)
    world.place.merge(world.place.pull_requests()[0]["number"])

    deaths: dict[Phase | None, int] = {}
    for _ in range(LATER_PASSES):
        # In each phase one point later each time; a pass with fewer points lives, and the phase goes on.
        phase = world.phase
        if killed_at(world, deaths.get(phase, 0) + 1):
            deaths[phase] = deaths.get(phase, 0) + 1
        if world.operation.outcome is not None:
            break
    world.run_until_outcome(Outcome.VERIFIED)

    assert set(deaths) == {Phase.AWAITING_GIT_PR, Phase.AWAITING_SYNC, Phase.STABILIZING}
    assert world.limit() == "1Gi"
    assert_once(world)
