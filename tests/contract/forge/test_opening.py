"""A pull request is opened once, and found again, on every forge."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from reconciler.adapters import forges
from reconciler.errors import ReconcilerError, Refusal
from reconciler.model.proposal import PullRequestState
from tests.beds.users import REVIEWER
from tests.contract.pulls import BRANCH, listed, proposal

if TYPE_CHECKING:
    from tests.contract.forge_worlds import ForgeWorld


def test_an_opened_pull_request_carries_the_proposal(world: ForgeWorld) -> None:
    """Title, text, branches, head commit and author are as proposed."""
    head = world.push(BRANCH)

    opened = world.adapter().open(proposal())

    assert (opened.state, opened.branch, opened.base, opened.head) == (PullRequestState.OPEN, BRANCH, "main", head)
    assert (opened.title, opened.body, opened.author) == (proposal().title, proposal().body, world.bot)
    assert opened.same_repository
    assert (opened.merge_commit, opened.merged_by, opened.closed_by) == (None, None, None)


def test_an_opened_pull_request_is_found_by_its_branch_and_in_the_list(world: ForgeWorld) -> None:
    """It is found again without any store."""
    world.push(BRANCH)
    opened = world.adapter().open(proposal())

    found = world.adapter().find(BRANCH)

    assert found is not None
    assert (found.number, found.head, found.url) == (opened.number, opened.head, opened.url)
    assert [p.number for p in listed(world)] == [opened.number]


def test_a_branch_without_a_pull_request_finds_nothing(world: ForgeWorld) -> None:
    """Absent is a known answer: None."""
    world.push(BRANCH)
    world.adapter().open(proposal())

    assert world.adapter().find("reconciler/other-4567") is None


def test_opening_twice_adopts_the_first(world: ForgeWorld) -> None:
    """Invariant 6: running twice is a no-op."""
    world.push(BRANCH)
    first = world.adapter().open(proposal())

    second = world.adapter().open(proposal())

    assert second.number == first.number
    assert [p.number for p in listed(world)] == [first.number]


def test_four_openings_at_once_leave_one_open(world: ForgeWorld) -> None:
    """Invariant 6: even a forge that does not see the race ends with one, and all openers agree on it."""
    world.push(BRANCH)
    adapters = [world.adapter() for _ in range(4)]

    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(lambda adapter: adapter.open(proposal()), adapters))

    still_open = [p.number for p in listed(world) if p.state is PullRequestState.OPEN]
    found = world.adapter().find(BRANCH)
    assert len(still_open) == 1
    assert {p.number for p in opened} == set(still_open)
    assert found is not None
    assert found.number == still_open[0]


def test_the_list_leaves_out_other_prefixes_and_forks(world: ForgeWorld) -> None:
    """A pull request from a fork is never ours, whatever its branch is called."""
    world.push(BRANCH)
    world.push("reconciler-of-somebody/else")
    ours = world.adapter().open(proposal())
    world.adapter().open(proposal("reconciler-of-somebody/else"))
    world.pull_request_from_fork("reconciler/forged-1")

    assert [p.number for p in listed(world)] == [ours.number]
    assert world.adapter().find("reconciler/forged-1") is None


def test_labels_and_reviewers_are_put_on(world: ForgeWorld) -> None:
    """A label that the repository lacks is made."""
    world.push(BRANCH)

    opened = world.adapter(labels=("reconciler", "memory"), reviewers=(REVIEWER,)).open(proposal())

    assert world.labels(opened.number) == {"reconciler", "memory"}
    assert world.reviewers(opened.number) == {REVIEWER}


def test_one_bad_reviewer_keeps_nobody_else_from_being_asked(
    world: ForgeWorld, caplog: pytest.LogCaptureFixture
) -> None:
    """The forge refuses the whole request; each is then asked alone, and the bad one is a warning."""
    world.push(BRANCH)

    opened = world.adapter(reviewers=("nobody-of-this-name", REVIEWER)).open(proposal())

    assert world.reviewers(opened.number) == {REVIEWER}
    told = [(record.levelname, vars(record)["extra"]) for record in caplog.records if record.name == forges.__name__]
    assert told == [("WARNING", "review by nobody-of-this-name")]


def test_a_head_that_does_not_differ_or_exist_is_an_error_that_names_it(world: ForgeWorld) -> None:
    """A proposal that the forge cannot take says what is wrong, and opens nothing."""
    with pytest.raises(ReconcilerError) as caught:
        world.adapter().open(proposal("main"))

    assert isinstance(caught.value, Refusal)
    assert "422" in caught.value.code
    assert listed(world, "main") == ()


def test_doctor_finds_everything_in_order_and_changes_nothing(world: ForgeWorld) -> None:
    """Identity, repository, push and pull requests work for our bot, and no pull request is left behind."""
    before = world.base_head()

    diagnoses = world.adapter().examine()

    assert [d.detail for d in diagnoses if d.required and not d.works] == []
    assert any(world.bot in d.detail for d in diagnoses)
    assert all(d.remedy for d in diagnoses if not d.works)
    assert world.adapter().find("main") is None
    assert world.base_head() == before
