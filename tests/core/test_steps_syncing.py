"""A merged change on its way into the cluster: what delivery makes of it, and when it is asked to reread Git."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.model.codec import encode
from reconciler.model.facts import Unknown
from reconciler.model.operation import EventKind, Outcome
from reconciler.model.snapshot import Renamed
from reconciler.steps import Step, next_steps
from tests.core.views import (
    drafts,
    effects,
    ended,
    ending,
    in_trouble,
    kinds,
    merged,
    settled,
    view,
    waits,
)
from tests.worlds import LATER, LIMIT, MERGE, NOW, WEBAPP, Story, application, settings, tracked

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.model.snapshot import FieldValues, Followed

K = EventKind
REFRESH = "op-1:0:refresh"
LIVE = {(WEBAPP, LIMIT): "1Gi"}
TOO_LATE = NOW + timedelta(hours=2)

RUNNING: dict[str, Any] = {"operation_phase": "Running"}
DELIVERY: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {  # state: the Application's fields, the followed facts
    "waiting_for_revision": ({}, {"contains": False}),
    "stale_status": ({"sources_current": False}, {}),
    "syncing": (RUNNING, {}),
    "sync_failed": ({"conditions": (("SyncError", "denied"),)}, {}),
    "waiting_for_window": (RUNNING | {"operation_message": "blocked by sync window"}, {}),
    "awaiting_manual_sync": ({"sync_status": "OutOfSync", "automated": False}, {}),
    "on_hold": ({"hold": "is suspended"}, {"contains": False}),
    "unknown": ({"sync_status": "Unknown"}, {}),
}


def delivered(
    followed: Followed | None = None,
    *,
    story: Story | None = None,
    now: datetime = NOW,
    live: FieldValues | None = None,
    **changes: Any,  # noqa: ANN401 - any field of an Application
) -> tuple[Step, ...]:
    """Take the steps of an operation that is merged in the ledger, with an Application changed as told."""
    operation = (story or Story().merged()).operation
    world = in_trouble(
        taken_at=now,
        followed={operation.id: followed or merged()},
        fields=LIVE if live is None else live,
        applications=(application(**changes),),
    )
    return next_steps(operation, view(operation, snapshot=world, now=now))


# --- delivery -------------------------------------------------------------------------------------------------------


def test_synced_descendant_with_the_live_field_is_live() -> None:
    """The revision and the values that went live are recorded."""
    steps = delivered()

    assert [(d.kind, d.data) for d in drafts(*steps)] == [(K.CHANGE_LIVE, {"revision": MERGE, "values": ["1Gi"]})]


def test_live_change_of_a_name_that_follows_its_content_records_the_name_of_now() -> None:
    """What comes after, such as a revert, is about that object."""
    renamed = Renamed(target=replace(WEBAPP, name="webapp-2"), fields=LIVE)
    steps = delivered(replace(merged(), renamed=renamed))

    assert [d.data["target"] for d in drafts(*steps)] == [encode(renamed.target)]


def test_live_change_without_a_revision_of_its_own_is_recorded_with_the_merge() -> None:
    """A HelmRelease names a chart's version, no commit: what is known is that the merge is in."""
    steps = delivered(revisions=())

    assert [d.data["revision"] for d in drafts(*steps)] == [MERGE]


def test_live_change_is_live_however_late() -> None:
    """The limit is for what is not there, not for what is."""
    assert kinds(*delivered(now=TOO_LATE)) == [K.CHANGE_LIVE]


@pytest.mark.parametrize("state", list(DELIVERY))
def test_each_state_of_delivery_is_said_by_name(state: str) -> None:
    """A person reads where it stands."""
    fields, facts = DELIVERY[state]
    steps = delivered(merged(**facts), **fields)

    assert [reason.partition(":")[0] for reason in waits(*steps)] == [state]
    assert drafts(*steps) == []


@pytest.mark.parametrize("state", ["waiting_for_revision", "stale_status", "syncing", "sync_failed"])
def test_change_that_delivery_does_not_bring_ends_at_the_limit_and_asks_a_person(state: str) -> None:
    """Invariant 10: merged but never live is an outcome of its own."""
    fields, facts = DELIVERY[state]
    outcome = ending(*delivered(merged(**facts), now=TOO_LATE, **fields))

    assert outcome is not None
    assert (outcome[0], outcome[2]) == (Outcome.NOT_APPLIED, True)
    assert outcome[1].startswith(f"{state}: ")


def test_limit_itself_is_still_in_time() -> None:
    """The limit counts from the merge, and is reached only when it is over."""
    story = Story().merged()
    limit = story.at + timedelta(minutes=30)

    assert ending(*delivered(story=story, now=limit, **RUNNING)) is None
    assert ending(*delivered(story=story, now=limit + timedelta(seconds=1), **RUNNING)) is not None


@pytest.mark.parametrize("state", ["waiting_for_window", "awaiting_manual_sync", "on_hold", "unknown"])
def test_waiting_for_people_or_for_an_answer_has_no_limit(state: str) -> None:
    """Invariant 3: a closed window, a manual sync and silence are not failures, however long they last."""
    fields, facts = DELIVERY[state]
    steps = delivered(merged(**facts), story=told_late(), now=TOO_LATE, **fields)

    assert (drafts(*steps), len(waits(*steps))) == ([], 1)


@pytest.mark.parametrize("state", ["waiting_for_window", "awaiting_manual_sync", "on_hold", "unknown"])
def test_person_is_told_once_that_a_merge_is_not_live_in_time(state: str) -> None:
    """Invariant 10: the wait goes on, and does not go unnoticed."""
    fields, facts = DELIVERY[state]
    steps = delivered(merged(**facts), now=TOO_LATE, **fields)

    assert (kinds(*steps), len(waits(*steps))) == ([K.ESCALATED], 1)
    assert kinds(*delivered(merged(**facts), **fields)) == []


def test_application_that_went_away_after_the_merge_is_told_once() -> None:
    """Nobody delivers it any more: that is no failure of the change, but a person must know."""
    operation = Story().merged().operation
    gone = in_trouble(taken_at=TOO_LATE, followed={operation.id: merged()}, applications=())
    steps = next_steps(operation, view(operation, snapshot=gone, now=TOO_LATE))

    assert (kinds(*steps), len(waits(*steps))) == ([K.ESCALATED], 1)


def told_late() -> Story:
    """Return a merge of which a person was told that it is late."""
    return Story().merged().add(K.ESCALATED, reason="late")


@pytest.mark.parametrize(
    ("followed", "applications", "fields"),
    [
        (merged(contains=Unknown("git", "shallow")), (application(),), LIVE),
        (merged(contains=None), (application(),), LIVE),
        (merged(), Unknown("argocd", "down"), LIVE),
        (merged(), (), LIVE),
        (merged(), (application(),), Unknown("kubernetes", "down")),
        (merged(), (application(),), {}),
    ],
    ids=["ancestry", "ancestry not asked", "Applications", "Application gone", "live fields", "field not read"],
)
def test_unknown_fact_never_ends_a_delivery(followed: Followed, applications: Any, fields: Any) -> None:  # noqa: ANN401
    """Invariant 3: nothing is live and nothing has failed because somebody did not answer."""
    operation = told_late().operation
    world = in_trouble(followed={"op-1": followed}, applications=applications, fields=fields, taken_at=TOO_LATE)
    steps = next_steps(operation, view(operation, snapshot=world, now=TOO_LATE))

    assert (drafts(*steps), effects(*steps), len(waits(*steps))) == ([], [], 1)


def test_live_object_that_still_holds_the_old_value_waits() -> None:
    """Invariant 4: Synced is a word; the live field is the fact."""
    steps = delivered(live={(WEBAPP, LIMIT): "512Mi"})

    assert waits(*steps) == ["not_live_yet: the live object still holds 512Mi, not 1Gi"]


@pytest.mark.parametrize(("value", "shown"), [("2Gi", "2Gi"), (None, "unset")])
def test_later_commit_that_changed_the_field_supersedes(value: str | None, shown: str) -> None:
    """Invariant 7: somebody else's newer value is not waited against."""
    steps = delivered(merged(at_base=(value,)))

    assert ending(*steps) == (
        Outcome.SUPERSEDED,
        f"a later commit set the field to {shown} before it went live",
        False,
    )
    assert effects(*steps) == []


@pytest.mark.parametrize("at_base", [None, Unknown("git", "down"), ("1024Mi",)])
def test_base_that_is_unknown_or_says_the_same_supersedes_nothing(at_base: Any) -> None:  # noqa: ANN401 - any fact
    """Invariant 3: silence is no later commit."""
    assert kinds(*delivered(merged(at_base=at_base))) == [K.CHANGE_LIVE]


def test_reviewers_value_is_the_one_that_must_be_live() -> None:
    """Invariant 7: ours would be the wrong one to wait for."""
    story = Story().merged(expected="2Gi")
    theirs = merged(at_merge=("2Gi",), at_base=("2Gi",))

    assert waits(*delivered(theirs, story=story))[0].startswith("not_live_yet")
    assert kinds(*delivered(theirs, story=story, live={(WEBAPP, LIMIT): "2Gi"})) == [K.CHANGE_LIVE]


# --- the nudge ------------------------------------------------------------------------------------------------------


def nudged(story: Story, *, status: K = K.EFFECT_COMPLETED) -> Story:
    """Ask delivery to reread Git, with this result."""
    story.add(K.EFFECT_INTENDED, key=REFRESH, verb="refresh")
    return story.add(status, key=REFRESH, verb="refresh", error="HTTP 500")


def test_delivery_that_lags_behind_is_asked_to_reread_git() -> None:
    """A refresh, never a sync."""
    assert effects(*delivered(merged(contains=False))) == [REFRESH]


@pytest.mark.parametrize(
    "state", ["syncing", "sync_failed", "waiting_for_window", "awaiting_manual_sync", "on_hold", "unknown"]
)
def test_delivery_that_a_refresh_cannot_help_is_left_alone(state: str) -> None:
    """Invariant 10: no write without a use."""
    fields, facts = DELIVERY[state]

    assert effects(*delivered(merged(**facts), **fields)) == []


def test_refresh_that_is_still_pending_is_not_asked_for_again() -> None:
    """Argo takes the annotation away when it has read."""
    assert effects(*delivered(merged(contains=False), refresh_pending=True)) == []


@pytest.mark.parametrize("status", [K.EFFECT_COMPLETED, K.EFFECT_FAILED])
def test_refresh_is_repeated_only_after_the_interval(status: K) -> None:
    """A request may be lost or fail; asking in every pass would be noise."""
    story = nudged(Story().merged(), status=status)
    due = story.at + timedelta(seconds=30)

    assert effects(*delivered(merged(contains=False), story=story, now=due - timedelta(seconds=1))) == []
    assert effects(*delivered(merged(contains=False), story=story, now=due)) == [REFRESH]


def test_announced_refresh_is_taken_up_again_after_a_crash() -> None:
    """Invariant 1: an intent without a result is done again once it is due."""
    story = Story().merged().add(K.EFFECT_INTENDED, key=REFRESH, verb="refresh")

    assert effects(*delivered(merged(contains=False), story=story)) == [REFRESH]


def test_pending_refresh_does_not_outlive_the_limit() -> None:
    """Invariant 10: a controller that is down ends as not applied."""
    outcome = ending(*delivered(merged(contains=False), refresh_pending=True, now=TOO_LATE))

    assert outcome is not None
    assert outcome[0] is Outcome.NOT_APPLIED


# --- rarer ways -----------------------------------------------------------------------------------------------------


def test_second_source_of_an_application_is_read_at_its_own_revision() -> None:
    """Revisions run parallel to sources."""
    story = Story().pull_request_opened()
    located = replace(tracked().located, source_index=1)
    story.events[-1] = replace(story.events[-1], data={"pull_request": encode(replace(tracked(), located=located))})
    story.add(K.PULL_REQUEST_MERGED, merge_commit=MERGE, by="ana", expected=["1Gi"])
    steps = delivered(story=story, revisions=(LATER, MERGE))

    assert drafts(*steps)[0].data["revision"] == MERGE


def test_story_of_a_superseded_merge_ends_without_asking_a_person() -> None:
    """Somebody else's decision needs nobody."""
    story = Story().pull_request_opened()
    settled(story, snapshot=in_trouble(followed={"op-1": merged(at_merge=("512Mi",))}))

    assert ended(story) == (Outcome.SUPERSEDED, False)


def test_configured_limit_is_the_one_that_holds() -> None:
    """Invariant 10: limits are settings."""
    story = Story().merged()
    operation = story.operation
    world = in_trouble(followed={"op-1": merged()}, fields=LIVE, applications=(application(**RUNNING),))
    short = settings(delivery={"liveness_limit": "1m"})

    assert ending(*next_steps(operation, view(operation, snapshot=world, settings=short))) is not None
