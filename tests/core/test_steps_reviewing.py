"""An open pull request: the rules that the table of the lifecycle is made of, at their edges."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.model.codec import encode
from reconciler.model.facts import Unknown
from reconciler.model.objects import CommitId
from reconciler.model.operation import EventKind, Outcome
from reconciler.model.proposal import PullRequestState
from reconciler.model.review import Inspection, Mergeability, MergeState, Review, ReviewState
from reconciler.model.snapshot import Followed
from reconciler.steps import Perform, Step, next_steps
from tests.core.views import FOUND, drafts, effects, ending, failed, in_trouble, kinds, pull_request, view, waits
from tests.worlds import NOW, Story, settings, tracked

if TYPE_CHECKING:
    from reconciler.settings import Settings

K = EventKind
HEAD = tracked().head
AGES = timedelta(days=30)
APPROVAL = Review(user="ana", state=ReviewState.APPROVED, commit=HEAD, may_write=True)
OBJECTION = replace(APPROVAL, state=ReviewState.CHANGES_REQUESTED)
SILENT = Unknown("forge", "timeout")


def inspected(*reviews: Review, **changes: Any) -> Inspection:  # noqa: ANN401 - any field
    """Return what was read of our own head, long ago."""
    made: dict[str, Any] = {"head": HEAD, "updated_at": NOW - AGES, "reviews": reviews}
    return Inspection(**made | changes)


def seen(inspection: Any, **changes: Any) -> Followed:  # noqa: ANN401 - facts
    """Return the facts of an open pull request."""
    made: dict[str, Any] = {
        "pull_request": pull_request(updated_at=NOW - AGES),
        "values_at_base": ("512Mi",),
        "inspection": inspection,
        "base_moved": False,
    }
    return Followed(**made | changes)


def known(inspection: Inspection) -> Story:
    """Return the story of a pull request that was inspected already."""
    return Story().pull_request_opened().add(K.PULL_REQUEST_INSPECTED, inspection=encode(inspection), said="")


def taken(
    story: Story,
    followed: Followed,
    *,
    findings: Any = FOUND,  # noqa: ANN401 - a fact
    configured: Settings | None = None,
    **changes: Any,  # noqa: ANN401
) -> tuple[Step, ...]:
    """Take the steps of one moment."""
    operation = story.operation
    world = in_trouble(followed={operation.id: followed}, **changes)
    return next_steps(operation, view(operation, snapshot=world, findings=findings, settings=configured or settings()))


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

EAGER = {"quiet_passes": 2, "quiet_period": "0s", "update_interval": "0s"}
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


# --- updates ---------------------------------------------------------------------------------------------------------


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

    assert kinds(*first) == [K.ESCALATED]
    assert (drafts(*again), effects(*again)) == ([], [])
    assert "it was given up: HTTP 500" in waits(*again)[0]


# --- merging ---------------------------------------------------------------------------------------------------------


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

    assert kinds(*taken(story, followed, configured=merging)) == [K.ESCALATED]
    story.add(K.ESCALATED, reason="x")
    assert "could not be merged, a person must: HTTP 500" in waits(*taken(story, followed, configured=merging))[0]


# --- hold ------------------------------------------------------------------------------------------------------------


def test_hold_stops_everything_that_would_be_done() -> None:
    """Invariant 7: base taken, trouble gone, merge allowed: nothing while the label is there."""
    held = pull_request(labels=("bug", "on-ice"))
    followed = seen(inspected(), pull_request=held, values_at_base=("9Gi",), base_moved=True)
    configured = settings(forge={"hold_label": "on-ice"}, policy={"merge": "autonomous"}, guards=EAGER, verify=SHORT)
    steps = taken(quiet(known(inspected()), 9), followed, findings={}, configured=configured)

    assert (drafts(*steps), effects(*steps)) == ([], [])
    assert "is on hold by its label on-ice" in waits(*steps)[0]
