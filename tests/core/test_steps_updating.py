"""An open pull request is written anew: when, and when not."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.model.operation import EventKind
from reconciler.model.review import Mergeability, MergeState
from tests.core.open_pulls import APPROVAL, EAGER, SILENT, inspected, known, seen, taken
from tests.core.views import drafts, effects, failed, kinds, waits
from tests.worlds import settings

K = EventKind


@pytest.mark.parametrize(
    ("changes", "updates"),
    [
        ({}, False),
        ({"base_moved": True}, True),
        ({"base_moved": True, "values_at_base": ("1Gi",)}, False),
        ({"base_moved": True, "values_at_base": SILENT}, False),
        ({"base_moved": SILENT}, False),
        ({"mergeability": Mergeability(state=MergeState.BEHIND)}, True),
        ({"mergeability": Mergeability(state=MergeState.DIRTY)}, False),
    ],
    ids=[
        "untouched",
        "moved",
        "moved, value there",
        "values unknown",
        "unknown",
        "must be up to date",
        "conflict elsewhere",
    ],
)
def test_pull_request_is_written_anew_for_a_reason_only(changes: dict[str, Any], *, updates: bool) -> None:
    """Each push starts checks and drops approvals."""
    steps = taken(known(inspected()), seen(inspected(), **changes), configured=settings(guards=EAGER))

    assert effects(*steps) == (["op-1:1:update"] if updates else [])


@pytest.mark.parametrize(("state", "updates"), [(MergeState.CLEAN, False), (MergeState.DIRTY, True)])
def test_approved_pull_request_is_written_anew_only_when_it_conflicts(state: MergeState, *, updates: bool) -> None:
    """An approval of what cannot be merged is worth nothing; any other is kept."""
    followed = seen(inspected(APPROVAL), base_moved=True, mergeability=Mergeability(state=state))
    steps = taken(known(inspected(APPROVAL)), followed, configured=settings(guards=EAGER))

    assert effects(*steps) == (["op-1:1:update"] if updates else [])


def test_updates_have_a_pause_between_them() -> None:
    """Invariant 10: a file that changes every minute does not start checks every minute."""
    followed = seen(inspected(), base_moved=True)
    steps = taken(known(inspected()), followed, configured=settings(guards={"update_interval": "1d"}))

    assert effects(*steps) == []
    assert "is to be written anew: base changed its file" in waits(*steps)[0]


def test_update_that_is_given_up_asks_a_person_once() -> None:
    """Invariant 10: a rule that refuses our push is told, not tried for ever."""
    story = failed(known(inspected()), "op-1:1:update", permanent=True)
    followed = seen(inspected(), base_moved=True)
    first = taken(story, followed, configured=settings(guards=EAGER))
    for draft in drafts(*first):
        story.add(draft.kind, **draft.data)
    again = taken(story, followed, configured=settings(guards=EAGER))

    assert kinds(*first) == [EventKind.ESCALATED]
    assert (drafts(*again), effects(*again)) == ([], [])
    assert "it was given up: HTTP 500" in waits(*again)[0]
