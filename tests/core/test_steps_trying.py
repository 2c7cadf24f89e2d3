"""Effects that fail, and a person's no: how often, how late, and how it ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.model.operation import EventKind, Outcome
from reconciler.steps import next_steps
from tests.core.views import (
    completed,
    effects,
    ended,
    ending,
    failed,
    intended,
    settled,
    until,
    view,
    waits,
)
from tests.worlds import Story, settings

RUN, PROPOSE, APPLY, CLOSE = "op-1:0:run", "op-1:1:propose", "op-1:1:apply", "op-1:0:close"
K = EventKind


# --- retries --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tries", "pause"),
    [
        (1, timedelta(seconds=30)),
        (2, timedelta(minutes=1)),
        (3, timedelta(minutes=2)),
        (7, timedelta(minutes=32)),
        (8, timedelta(hours=1)),
        (60, timedelta(hours=1)),
        (2000, timedelta(hours=1)),
    ],
)
def test_pauses_between_tries_double_up_to_an_hour(tries: int, pause: timedelta) -> None:
    """Invariant 10: a write that fails is tried ever less often, however many tries are configured."""
    story = failed(completed(Story(), RUN), PROPOSE)
    operation = story.operation
    effect = replace(operation.effects[PROPOSE], attempts=tries)
    assert effect.finished_at is not None
    ready = effect.finished_at + pause
    configured = settings(guards={"effect_attempts": 3000, "circuit_failures": 9})
    settled(story, settings=configured)
    operation = replace(story.operation, effects={**operation.effects, PROPOSE: effect})

    early = next_steps(operation, view(operation, settings=configured, now=ready - timedelta(seconds=1)))
    due = next_steps(operation, view(operation, settings=configured, now=ready))

    assert (effects(*early), until(*early)) == ([], [ready])
    assert waits(*early) == [f"propose failed (HTTP 500); try {tries + 1} comes later"]
    assert effects(*due) == [PROPOSE]


def test_no_pause_is_configured_as_none() -> None:
    """A back-off of nothing tries in every pass."""
    story = failed(completed(Story(), RUN), PROPOSE)

    assert effects(*settled(story, settings=settings(guards={"effect_backoff": "0s"}), now=story.at)) == [PROPOSE]


@pytest.mark.parametrize(("tries", "permanent"), [(5, False), (1, True)])
def test_change_that_fails_for_good_ends_the_operation_and_asks_a_person_once(*, tries: int, permanent: bool) -> None:
    """Invariant 10: tries have a limit; reaching it is said once."""
    story = failed(completed(Story(), RUN), PROPOSE, times=tries, permanent=permanent)
    configured = settings(guards={"circuit_failures": 9})

    assert settled(story, settings=configured) == ()
    assert ended(story) == (Outcome.REFUSED, True)
    assert story.operation.outcome_reason == "HTTP 500"
    assert [e.kind for e in story.events].count(K.ESCALATED) == 1


def test_restart_that_fails_for_good_does_not_end_the_change() -> None:
    """The declarative half settles a hybrid operation."""
    story = failed(Story(), RUN, permanent=True)

    assert effects(*settled(story)) == [PROPOSE]
    assert story.operation.is_open


def test_failure_before_the_intent_is_a_try_too() -> None:
    """A file that cannot be located now is looked for later, not in every pass."""
    story = completed(Story(), RUN).add(K.EFFECT_FAILED, key=PROPOSE, verb="propose", error="git: timeout")
    failed_at = story.at
    steps = settled(story, now=failed_at + timedelta(seconds=29))

    assert (effects(*steps), until(*steps)) == ([], [failed_at + timedelta(seconds=30)])


def test_own_failed_write_does_not_trip_the_breaker_of_its_retry() -> None:
    """An action's own effect, taken up again, does not count against it."""
    story = failed(completed(Story(), RUN), PROPOSE, times=2)
    configured = settings(guards={"circuit_failures": 1})

    assert effects(*settled(story, settings=configured)) == [PROPOSE]


# --- a person's no on the command line ------------------------------------------------------------------------------


def rejected(story: Story, reason: str = "wrong service") -> Story:
    """Record ana's no."""
    return story.add(K.APPROVAL_REJECTED, by="ana", reason=reason)


def test_no_before_any_pull_request_ends_the_operation() -> None:
    """Invariant 7: a no is a no, with its reason."""
    steps = next_steps(rejected(Story()).operation, view())

    assert ending(*steps) == (Outcome.REJECTED, "rejected by ana: wrong service", False)
    assert effects(*steps) == []


def test_no_without_a_reason_names_the_person_alone() -> None:
    """No dangling colon."""
    steps = next_steps(rejected(Story(), "").operation, view())

    assert ending(*steps) == (Outcome.REJECTED, "rejected by ana", False)


def test_no_closes_the_open_pull_request_first_and_then_ends() -> None:
    """The pull request does not outlive the operation."""
    story = rejected(Story().pull_request_opened())
    steps = next_steps(story.operation, view())
    assert (effects(*steps), ending(*steps)) == ([CLOSE], None)

    assert ending(*next_steps(completed(story, CLOSE).operation, view())) is not None


def test_close_that_failed_is_tried_later() -> None:
    """The forge may be down for a while."""
    story = failed(rejected(Story().pull_request_opened()), CLOSE)

    assert effects(*next_steps(story.operation, view(now=story.at))) == []
    assert effects(*next_steps(story.operation, view(now=story.at + timedelta(seconds=30)))) == [CLOSE]


def test_close_that_fails_for_good_ends_rejected_and_asks_a_person() -> None:
    """Somebody must close by hand what we cannot close."""
    story = failed(rejected(Story().pull_request_opened()), CLOSE, times=5)

    assert ending(*next_steps(story.operation, view())) == (
        Outcome.REJECTED,
        "rejected by ana: wrong service",
        True,
    )


@pytest.mark.parametrize("story", [Story().merged(), Story().live()], ids=["merged", "live"])
def test_no_after_the_merge_closes_nothing_and_ends(story: Story) -> None:
    """There is nothing left to close; following it stops."""
    steps = next_steps(rejected(story).operation, view())

    assert effects(*steps) == []
    assert ending(*steps) == (Outcome.REJECTED, "rejected by ana: wrong service", False)


def test_no_beats_an_open_retry() -> None:
    """Invariant 7: nothing more is tried for what a person refused."""
    assert effects(*next_steps(rejected(intended(Story(), RUN)).operation, view())) == []


def test_no_to_a_change_whose_pull_request_may_be_open_closes_it_first() -> None:
    """Invariant 1: a crash between the forge and the ledger leaves no pull request that nobody follows."""
    announced = {"branch": "reconciler/production-webapp-12345678"}
    story = rejected(Story().add(K.EFFECT_INTENDED, key=PROPOSE, verb="propose", data=announced))
    steps = next_steps(story.operation, view())
    assert (effects(*steps), ending(*steps)) == ([CLOSE], None)

    assert ending(*next_steps(completed(story, CLOSE).operation, view())) is not None
