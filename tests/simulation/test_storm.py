"""Invariants 1, 3, 4, 6 and 7 in a storm: everything fails now and then, processes die, people do as they like.

The assertions are in `chaos.py`, at the end of each story; here a few seeds are lived through. `make bench` lives
through a thousand passes, and `python -m tests.simulation.chaos FROM TO` through as many seeds as one likes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.model.operation import Outcome
from tests.simulation.chaos import simulate

if TYPE_CHECKING:
    from pathlib import Path

ENDS = {Outcome.VERIFIED, Outcome.REJECTED, Outcome.SUPERSEDED, Outcome.REFUSED, Outcome.FAILED, Outcome.RESOLVED}


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(1, 16))])
def test_no_storm_does_a_thing_twice_or_loses_one(seed: int, tmp_path: Path) -> None:
    """Every story ends; nothing was done twice, nothing was lost, and Git's fields were left to Git."""
    run = simulate(seed, tmp_path)

    assert run.faults > 10
    assert {operation.outcome for operation in run.world.operations} <= ENDS


@pytest.mark.long
def test_a_storm_has_deaths_in_it(tmp_path: Path) -> None:
    """The process dies at appends to the ledger, before and after them, and the story ends all the same."""
    assert simulate(5, tmp_path).deaths > 0


@pytest.mark.long
@pytest.mark.parametrize("seed", range(8))
def test_no_storm_does_a_thing_twice_to_a_shared_pull_request(seed: int, tmp_path: Path) -> None:
    """Three Deployments share the only pull request that may be open: the same holds for each."""
    run = simulate(seed, tmp_path, "api", "mail")

    assert {operation.outcome for operation in run.world.operations} <= ENDS
    assert max(len(operation.targets) for operation in run.world.operations) > 1
