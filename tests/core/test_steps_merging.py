"""An open pull request is merged by us: when, and when not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconciler.model.objects import CommitId
from reconciler.model.operation import EventKind
from reconciler.model.review import Mergeability, MergeState, Review, ReviewState
from tests.core.open_pulls import APPROVAL, SILENT, inspected, known, seen, taken
from tests.core.views import effects, failed, kinds, pull_request, waits
from tests.worlds import settings

OBJECTION = replace(APPROVAL, state=ReviewState.CHANGES_REQUESTED)


@pytest.mark.parametrize(
    ("policy", "reviews", "state", "merges"),
    [
        ("never", (APPROVAL,), MergeState.CLEAN, False),
        ("on_approval", (), MergeState.CLEAN, False),
        ("on_approval", (APPROVAL,), MergeState.CLEAN, True),
        ("on_approval", (replace(APPROVAL, commit=CommitId("0" * 40)),), MergeState.CLEAN, False),
        ("on_approval", (replace(APPROVAL, may_write=False),), MergeState.CLEAN, False),
        ("on_approval", (replace(APPROVAL, bot=True),), MergeState.CLEAN, False),
        ("autonomous", (), MergeState.CLEAN, True),
        ("autonomous", (OBJECTION,), MergeState.CLEAN, False),
        *(
            ("autonomous", (), state, False)
            for state in MergeState
            if state not in {MergeState.CLEAN, MergeState.BEHIND}
        ),
    ],
)
def test_merge_needs_the_policys_word_and_the_forges(
    policy: str, reviews: tuple[Review, ...], state: MergeState, *, merges: bool
) -> None:
    """Invariants 8 and 9: an approval of the exact head where one is wanted, and no rule of the forge against it."""
    followed = seen(inspected(*reviews), mergeability=Mergeability(state=state, reason="the rules say no"))
    steps = taken(known(inspected(*reviews)), followed, configured=settings(policy={"merge": policy}))

    assert effects(*steps) == (["op-1:1:merge"] if merges else [])


@pytest.mark.parametrize(
    ("reviews", "asked", "said"),
    [
        ((APPROVAL,), (), "waits to be merged, ana approved it: http"),
        ((APPROVAL,), ("lead",), "waits to be merged, ana approved it; a review of lead is still missing: http"),
        ((), ("lead", "platform"), "waits for a review, asked of lead, platform: http"),
        ((APPROVAL,), ("Ana", "lead"), "ana approved it; a review of lead is still missing: http"),
        ((replace(APPROVAL, may_write=False),), ("ana",), "waits for a review: http"),
        ((OBJECTION,), ("lead",), "ana asks for changes in pull request 41: http"),
        ((), tuple("abcdefg"), "asked of a, b, c, d, e and 2 more: http"),
    ],
)
def test_whoever_still_owes_a_review_is_named(reviews: tuple[Review, ...], asked: tuple[str, ...], said: str) -> None:
    """The forge asks code owners by itself: a rule that wants theirs is met by nobody else."""
    followed = seen(inspected(*reviews), pull_request=pull_request(asked=asked))

    assert said in waits(*taken(known(inspected(*reviews)), followed))[0]


@pytest.mark.parametrize("fact", [None, SILENT])
def test_merge_waits_while_mergeability_is_unknown(fact: Any) -> None:  # noqa: ANN401 - any fact
    """Invariant 3."""
    followed = seen(inspected(), mergeability=fact)

    assert effects(*taken(known(inspected()), followed, configured=settings(policy={"merge": "autonomous"}))) == []


def test_pause_keeps_us_from_merging() -> None:
    """Invariant 7: a pause beats every rule."""
    paused = settings(policy={"merge": "autonomous"}, guards={"paused": True})
    followed = seen(inspected(), mergeability=Mergeability(state=MergeState.CLEAN))
    steps = taken(known(inspected()), followed, configured=paused)

    assert effects(*steps) == []
    assert "paused by the configuration" in waits(*steps)[0]


def test_merge_that_the_forge_keeps_refusing_becomes_a_persons() -> None:
    """Invariant 10: told once, with the forge's own words."""
    merging = settings(policy={"merge": "autonomous"}, guards={"effect_attempts": 2})
    followed = seen(inspected(), mergeability=Mergeability(state=MergeState.CLEAN))
    story = failed(known(inspected()), "op-1:1:merge", times=2)

    assert kinds(*taken(story, followed, configured=merging)) == [EventKind.ESCALATED]
    story.add(EventKind.ESCALATED, reason="x")
    assert "could not be merged, a person must: HTTP 500" in waits(*taken(story, followed, configured=merging))[0]


def test_merge_that_failed_is_not_told_as_one_that_was_made() -> None:
    """It waits for the next try, with the forge's words."""
    merging = settings(policy={"merge": "autonomous"}, guards={"effect_backoff": "1h"})
    followed = seen(inspected(), mergeability=Mergeability(state=MergeState.CLEAN))
    story = failed(known(inspected()), "op-1:1:merge")

    (said,) = waits(*taken(story, followed, configured=merging))

    assert said.startswith("merge failed (HTTP 500)")
