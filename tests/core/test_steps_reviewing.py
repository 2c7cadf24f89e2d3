"""An open pull request: the rules that the table of the lifecycle is made of, at their edges."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from reconciler.model.facts import Unknown
from reconciler.model.objects import CommitId
from reconciler.model.operation import EventKind, Outcome
from reconciler.model.proposal import PullRequestState
from reconciler.model.review import Mergeability, MergeState
from reconciler.steps import Perform
from tests.core.open_pulls import APPROVAL, EAGER, SILENT, inspected, known, seen, taken
from tests.core.views import drafts, effects, ending, kinds, pull_request, waits
from tests.worlds import NOW, Story, settings

K = EventKind


# --- what people did -------------------------------------------------------------------------------------------------


def test_what_people_did_is_written_down_once() -> None:
    """The ledger tells who said what about which head; a repeat says nothing."""
    first = taken(Story().pull_request_opened(), seen(inspected(APPROVAL)))
    again = taken(known(inspected(APPROVAL)), seen(inspected(APPROVAL)))

    assert [(d.kind, d.data["said"]) for d in drafts(*first)] == [
        (K.PULL_REQUEST_INSPECTED, "pull request 41: ana approved")
    ]
    assert drafts(*again) == []


def test_time_within_the_same_second_is_not_relied_on() -> None:
    """What changed twice in one second may have been read in between, so it is read again."""
    fresh = inspected(APPROVAL, updated_at=NOW - timedelta(seconds=1))
    (draft,) = drafts(*taken(Story().pull_request_opened(), seen(fresh)))

    assert draft.data["inspection"]["updated_at"] is None
    assert drafts(*taken(known(replace(fresh, updated_at=None)), seen(fresh))) == []


def test_foreign_value_becomes_the_expected_one_and_its_branch_theirs() -> None:
    """Invariant 7: no update, no close, no merge; whatever policy says."""
    theirs = inspected(foreign="ana@example.com", values=("3Gi",), head=CommitId("f" * 40))
    story = known(theirs)
    steps = taken(
        story,
        seen(theirs, base_moved=True, mergeability=Mergeability(state=MergeState.CLEAN)),
        configured=settings(policy={"merge": "autonomous"}),
    )

    assert story.operation.expected == ("3Gi",)
    assert (drafts(*steps), effects(*steps)) == ([], [])
    assert "holds a commit by ana@example.com, so it is theirs" in waits(*steps)[0]


def test_field_that_a_person_took_away_is_no_value_to_expect() -> None:
    """The proposal's own value stays what a check would look for."""
    assert known(inspected(foreign="ana@example.com", values=(None,))).operation.expected == ("1Gi",)


@pytest.mark.parametrize("fact", [SILENT, None])
def test_nothing_is_done_while_reviews_are_unknown(fact: Any) -> None:  # noqa: ANN401 - any fact
    """Invariant 3: unknown is neither approved nor untouched."""
    followed = seen(fact, base_moved=True)
    steps = taken(Story().pull_request_opened(), followed, findings={}, configured=settings(guards=EAGER))

    assert (drafts(*steps), effects(*steps)) == ([], [])
    assert waits(*steps)[0].startswith("pull request 41 waits for a review")


# --- the trouble is gone ---------------------------------------------------------------------------------------------

SHORT = {"stabilization_period": "1s", "settle_limit": "1s"}


def quiet(story: Story, times: int) -> Story:
    """Let passes find nothing."""
    for _ in range(times):
        story.add(K.TROUBLE_WATCHED, quiet=True)
    return story


@pytest.mark.parametrize(
    ("passes", "period", "closes"), [(1, "0s", False), (2, "0s", True), (2, "1h", False)], ids=["few", "both", "short"]
)
def test_trouble_must_be_gone_for_passes_and_for_a_while(passes: int, period: str, *, closes: bool) -> None:
    """A gap is not an end: neither a quick loop nor a slow one closes early."""
    story = quiet(known(inspected()), passes)
    steps = taken(
        story,
        seen(inspected()),
        findings={},
        configured=settings(guards=EAGER | {"quiet_period": period}, verify=SHORT),
    )

    assert effects(*steps) == (["op-1:0:close"] if closes else [])
    assert [step.outcome for step in steps if isinstance(step, Perform)] == ([Outcome.RESOLVED] if closes else [])


def test_trouble_that_comes_back_starts_the_count_anew() -> None:
    """No flapping: what counts is without a break."""
    story = quiet(known(inspected()), 1)
    (draft,) = drafts(*taken(story, seen(inspected())))

    assert (draft.kind, draft.data) == (K.TROUBLE_WATCHED, {"quiet": False})
    story.add(draft.kind, **draft.data)
    assert (story.operation.quiet_passes, story.operation.quiet_since) == (0, None)


def test_pass_that_does_not_know_everything_counts_nothing() -> None:
    """Invariant 3: a silent source is no quiet one."""
    guards = settings(guards=EAGER, verify=SHORT)
    blind = taken(quiet(known(inspected()), 2), seen(inspected()), findings={}, configured=guards, alerts=SILENT)
    unknown = taken(quiet(known(inspected()), 2), seen(inspected()), findings=SILENT, configured=guards)

    assert [(drafts(*steps), effects(*steps)) for steps in (blind, unknown)] == [([], []), ([], [])]


def test_restart_that_hides_the_trouble_is_no_sign_of_its_end() -> None:
    """Right after an action of ours the count does not begin."""
    rested = {"stabilization_period": "5m", "settle_limit": "10m"}
    soon = settings(guards=EAGER, verify=rested)
    story = known(inspected())

    assert drafts(*taken(story, seen(inspected()), findings={}, configured=soon)) == []
    assert kinds(*taken(story, seen(inspected()), findings={}, configured=settings(guards=EAGER, verify=SHORT))) == [
        K.TROUBLE_WATCHED
    ]


def test_approved_pull_request_is_left_to_people_when_the_trouble_is_gone() -> None:
    """Invariant 7: somebody wanted it; they may merge or close it."""
    story = quiet(known(inspected(APPROVAL)), 2)
    steps = taken(story, seen(inspected(APPROVAL)), findings={}, configured=settings(guards=EAGER, verify=SHORT))

    assert effects(*steps) == []
    assert "ana approved it" in waits(*steps)[0]


# --- whose close it was ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("closer", "outcome"), [("reconciler", Outcome.RESOLVED), (None, Outcome.RESOLVED), ("ana", Outcome.REJECTED)]
)
def test_close_that_we_announced_is_ours_unless_a_person_was_faster(closer: str | None, outcome: Outcome) -> None:
    """Invariant 7: their close is their no, also when ours was about to come."""
    story = known(inspected()).add(
        K.EFFECT_INTENDED, key="op-1:0:close", verb="close", data={"outcome": "resolved", "reason": "gone"}
    )
    ended = ending(*taken(story, seen(None, pull_request=pull_request(PullRequestState.CLOSED, closed_by=closer))))

    assert ended is not None
    assert ended[0] is outcome


def test_close_beside_a_missing_base_is_nobodys_no() -> None:
    """Who deletes base closes every pull request by it; that proves nothing about ours (invariant 3)."""
    closed = seen(None, pull_request=pull_request(PullRequestState.CLOSED, closed_by="ana"))
    steps = taken(known(inspected()), closed, base=Unknown("git", "the remote has no branch main"))

    assert drafts(*steps) == []
    assert "closed, and base is not known" in waits(*steps)[0]


# --- hold ------------------------------------------------------------------------------------------------------------


def test_hold_stops_everything_that_would_be_done() -> None:
    """Invariant 7: base taken, trouble gone, merge allowed: nothing while the label is there."""
    held = pull_request(labels=("bug", "on-ice"))
    followed = seen(inspected(), pull_request=held, values_at_base=("9Gi",), base_moved=True)
    configured = settings(forge={"hold_label": "on-ice"}, policy={"merge": "autonomous"}, guards=EAGER, verify=SHORT)
    steps = taken(quiet(known(inspected()), 9), followed, findings={}, configured=configured)

    assert (drafts(*steps), effects(*steps)) == ([], [])
    assert "is on hold by its label on-ice" in waits(*steps)[0]
