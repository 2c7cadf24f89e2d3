"""A pull request is merged or closed, by a person or by us, and every forge tells so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.model.proposal import PullRequestState
from tests.beds.users import REVIEWER
from tests.contract.pulls import BRANCH, listed, proposal

if TYPE_CHECKING:
    from tests.contract.forge_worlds import ForgeWorld


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_a_merge_by_a_person_tells_the_commit_that_base_has_now(world: ForgeWorld, method: str) -> None:
    """However it is merged, the merge commit is the tip that base took, also when the branch is gone."""
    world.push(BRANCH)
    opened = world.adapter().open(proposal())
    world.merge(opened.number, method)

    found = world.adapter().find(BRANCH)

    assert found is not None
    assert (found.number, found.state, found.merged_by) == (opened.number, PullRequestState.MERGED, REVIEWER)
    assert found.merge_commit == world.base_head()
    assert found.same_repository
    assert [(p.state, p.merge_commit) for p in listed(world)] == [(PullRequestState.MERGED, found.merge_commit)]


def test_a_close_by_a_person_tells_who(world: ForgeWorld) -> None:
    """A person's close is a rejection, so who it was matters."""
    world.push(BRANCH)
    opened = world.adapter().open(proposal())
    world.close(opened.number)

    found = world.adapter().find(BRANCH)

    assert found is not None
    assert (found.state, found.closed_by, found.merge_commit) == (PullRequestState.CLOSED, REVIEWER, None)


def test_after_a_close_a_new_one_can_be_opened_and_is_the_one_found(world: ForgeWorld) -> None:
    """The branch stays the same for a better value, so the newest counts."""
    world.push(BRANCH)
    first = world.adapter().open(proposal())
    world.close(first.number)

    second = world.adapter().open(proposal())

    found = world.adapter().find(BRANCH)
    assert second.number > first.number
    assert found is not None
    assert found.number == second.number
    assert [p.number for p in listed(world)] == [second.number, first.number]


def test_our_close_says_why_once(world: ForgeWorld) -> None:
    """Closing again changes nothing, and does not repeat the comment."""
    world.push(BRANCH)
    opened = world.adapter().open(proposal())

    world.adapter().close(opened.number, why="The trouble ended before this was merged.")
    world.adapter().close(opened.number, why="The trouble ended before this was merged.")

    found = world.adapter().find(BRANCH)
    assert found is not None
    assert (found.state, found.closed_by) == (PullRequestState.CLOSED, world.bot)
    assert world.comments(opened.number) == ["The trouble ended before this was merged."]


def test_closing_a_merged_one_changes_nothing(world: ForgeWorld) -> None:
    """Invariant 7: a person who merges first has decided."""
    world.push(BRANCH)
    opened = world.adapter().open(proposal())
    world.merge(opened.number, "merge")

    world.adapter().close(opened.number, why="too late")

    assert world.comments(opened.number) == []
    assert [p.state for p in listed(world)] == [PullRequestState.MERGED]
