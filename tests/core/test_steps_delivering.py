"""An open pull request: what people did with it, and what their merge really holds."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from reconciler.model.codec import encode
from reconciler.model.facts import Unknown
from reconciler.model.operation import EventKind, Outcome, Phase
from reconciler.model.proposal import PullRequestState
from reconciler.model.snapshot import Followed
from reconciler.steps import Step, next_steps
from tests.core.views import (
    drafts,
    effects,
    ending,
    in_trouble,
    kinds,
    merged,
    pull_request,
    replay,
    settled,
    view,
    waits,
)
from tests.worlds import LIMIT, MERGE, NOW, WEBAPP, Story, oom_remedy, tracked

K = EventKind
LIVE = {(WEBAPP, LIMIT): "1Gi"}
SILENT = Unknown("forge", "timeout")


def reviewed(followed: Followed | None, story: Story | None = None) -> tuple[Step, ...]:
    """Take the steps of an operation whose pull request is open in the ledger."""
    operation = (story or Story().pull_request_opened()).operation
    seen = {operation.id: followed} if followed else {}
    return next_steps(operation, view(operation, snapshot=in_trouble(followed=seen)))


# --- review ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (pull_request(), "waits for a review: http://localhost:3/platform/manifests/pulls/41"),
        (SILENT, "is not known now (forge: timeout)"),
        (None, "is not in the forge's list; that proves nothing"),
        (pull_request(PullRequestState.MERGED, merge_commit=None), "is merged, its merge commit is not known yet"),
    ],
    ids=["open", "forge is silent", "not in the list", "merged, by what is not said yet"],
)
def test_pull_request_that_is_not_settled_waits(found: Any, said: str) -> None:  # noqa: ANN401 - any fact
    """Invariant 3: only a merge or a close that the forge reports moves anything."""
    steps = reviewed(Followed(pull_request=found))

    assert waits(*steps) == [f"pull request 41 {said}"]
    assert (drafts(*steps), effects(*steps)) == ([], [])


def test_pull_request_of_this_very_pass_waits_for_its_review() -> None:
    """The snapshot was taken before it was opened."""
    assert waits(*reviewed(None)) == [
        "pull request 41 waits for a review: http://localhost:3/platform/manifests/pulls/41"
    ]


def test_restart_goes_on_while_the_pull_request_waits() -> None:
    """The other half is taken up again after a crash, whatever the review takes."""
    story = Story().add(K.EFFECT_INTENDED, key="op-1:0:run", verb="run")
    for kind in (K.EFFECT_INTENDED, K.EFFECT_COMPLETED):
        story.add(kind, key="op-1:1:propose", verb="propose")
    story.add(K.PULL_REQUEST_OPENED, pull_request=encode(tracked()))
    world = in_trouble(followed={"op-1": Followed(pull_request=pull_request())})

    assert effects(*settled(story, snapshot=world)) == ["op-1:0:run"]
    assert story.operation.phase is Phase.AWAITING_GIT_PR


def test_merge_is_recorded_with_its_commit_its_person_and_what_it_holds() -> None:
    """From here on the merge commit is what delivery must reach."""
    steps = reviewed(merged())

    assert [(d.kind, d.data) for d in drafts(*steps)] == [
        (
            K.PULL_REQUEST_MERGED,
            {"merge_commit": MERGE, "by": "ana", "expected": ["1Gi"], "modified_by_reviewer": False},
        )
    ]


@pytest.mark.parametrize(("value", "modified"), [("1024Mi", False), ("2Gi", True), ("768Mi", True)])
def test_reviewers_value_becomes_the_expected_one(value: str, *, modified: bool) -> None:
    """Invariant 7: what a reviewer made of it counts; another notation of ours is not another value."""
    story = Story().pull_request_opened()
    replay(story, *reviewed(merged(at_merge=(value,)), story))

    assert story.operation.expected == (value,)
    assert story.operation.pull_request is not None
    assert story.operation.pull_request.modified_by_reviewer is modified


def test_field_that_was_to_go_is_gone() -> None:
    """A revert of what we added is merged when the field is unset, and lost when it still has its value."""
    remedy = oom_remedy()
    restart, memory = remedy.actions
    (limit,) = (change for change in memory.changes if change.path == LIMIT)
    unset = replace(memory, changes=(replace(limit, before="1Gi", after=None),))
    story = Story(replace(remedy, actions=(restart, unset))).pull_request_opened()

    assert kinds(*reviewed(merged(at_merge=(None,)), story)) == [K.PULL_REQUEST_MERGED]
    assert kinds(*reviewed(merged(at_merge=("1Gi",)), story)) == [K.PULL_REQUEST_MERGED, K.OPERATION_CLOSED]
    assert replay(story, *reviewed(merged(at_merge=(None,)), story)).operation.expected == (None,)


@pytest.mark.parametrize("values", [(None,), ("512Mi",), ("0.5Gi",)], ids=["field gone", "unchanged", "as before"])
def test_merge_that_lost_the_change_is_superseded(values: tuple[str | None, ...]) -> None:
    """A merge queue or a reviewer may have dropped it: the content is read, never assumed."""
    steps = reviewed(merged(at_merge=values))

    assert kinds(*steps) == [K.PULL_REQUEST_MERGED, K.OPERATION_CLOSED]
    assert ending(*steps) == (Outcome.SUPERSEDED, f"merge commit {MERGE[:8]} does not hold the change", False)


@pytest.mark.parametrize("values", [None, Unknown("git", "down")])
def test_merge_whose_content_is_unknown_waits(values: Any) -> None:  # noqa: ANN401 - any fact
    """Invariant 3: what a merge holds is read before anything is said about it."""
    steps = reviewed(merged(at_merge=values))

    assert drafts(*steps) == []
    assert waits(*steps)[0].startswith(f"the content of merge commit {MERGE[:8]} is not known now")


def test_merge_whose_content_stays_unknown_is_told_once() -> None:
    """Invariant 10: base may have been forced away from it for good, so the wait does not go unnoticed."""
    operation, late = Story().pull_request_opened().operation, NOW + timedelta(days=30)
    facts = in_trouble(taken_at=late, followed={operation.id: merged(at_merge=Unknown("git", "gone"))})
    steps = next_steps(operation, view(operation, snapshot=facts, now=late))

    assert (kinds(*steps), len(waits(*steps))) == ([K.ESCALATED], 1)
    told = replace(operation, escalated=True)
    assert kinds(*next_steps(told, view(told, snapshot=facts, now=late))) == []


@pytest.mark.parametrize(("closer", "said"), [("ana", "ana"), (None, "somebody")])
def test_close_is_a_persons_no(closer: str | None, said: str) -> None:
    """Invariant 7: a closed pull request ends the operation as rejected; nothing is reopened."""
    steps = reviewed(Followed(pull_request=pull_request(PullRequestState.CLOSED, closed_by=closer)))

    assert [(d.kind, d.data.get("by")) for d in drafts(*steps)] == [
        (K.PULL_REQUEST_CLOSED, said),
        (K.OPERATION_CLOSED, None),
    ]
    assert ending(*steps) == (Outcome.REJECTED, f"{said} closed pull request 41", False)
    assert effects(*steps) == []


@pytest.mark.parametrize(
    ("values", "closes"),
    [
        (("2Gi",), True),
        ((None,), True),
        (("512Mi",), False),
        (("1Gi",), False),
        (Unknown("git", "down"), False),
        (None, False),
    ],
    ids=["another value", "field gone", "as before", "as proposed", "unknown", "not asked"],
)
def test_open_pull_request_is_closed_when_base_took_another_value(values: Any, *, closes: bool) -> None:  # noqa: ANN401
    """What somebody set meanwhile is theirs; the value proposed may be our own merge seen too early."""
    steps = reviewed(Followed(pull_request=pull_request(), values_at_base=values))

    assert effects(*steps) == (["op-1:0:close"] if closes else [])


def test_pull_request_that_we_closed_is_superseded() -> None:
    """Our own close is no person's no."""
    story = Story().pull_request_opened().add(K.EFFECT_INTENDED, key="op-1:0:close", verb="close")
    steps = reviewed(Followed(pull_request=pull_request(PullRequestState.CLOSED, closed_by="reconciler")), story)

    outcome = ending(*steps)
    assert outcome is not None
    assert outcome[0] is Outcome.SUPERSEDED


def test_merge_seen_in_this_pass_is_followed_in_the_same_pass() -> None:
    """Nothing is put off that is known already: merge and arrival in one pass."""
    story = Story().pull_request_opened()
    settled(story, snapshot=in_trouble(followed={"op-1": merged()}, fields=LIVE), now=story.at)

    assert story.operation.phase is Phase.STABILIZING
