"""What is due to be said: once, again after a crash or when it changed, later after a failure."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from reconciler.conversation import conversed
from reconciler.model.conversation import CONVERSATION, Conversation, Speech, StatusState
from reconciler.model.facts import Unknown
from reconciler.model.operation import Effect, EffectStatus, Event, EventKind, Operation, Outcome
from reconciler.model.proposal import PullRequestState
from reconciler.model.report import Held
from reconciler.talk.saying import Saying, Scene, due, wanted
from reconciler.talk.statuses import statuses
from tests.core.views import pull_request
from tests.talk.talkers import after, comment, heard
from tests.worlds import MERGE, NOW, Story, settings, snapshot

OPEN = Story().pull_request_opened().operation
FOUND = pull_request(PullRequestState.OPEN)


def scene(*history: Operation, conversation: Conversation | None = None, **changes: Any) -> Scene:  # noqa: ANN401
    """Return everything that decides, with the pull request open and everything switched on."""
    forge = settings(forge={"dashboard": True, "statuses": True}).forge
    made = Scene(
        history=history,
        conversation=conversation or Conversation(begun_at=NOW),
        snapshot=snapshot(pull_requests=(FOUND,)),
        settings=forge,
        now=NOW,
        story=lambda _: (),
    )
    return replace(made, **changes)


def said(saying: Saying, status: EffectStatus, **changes: Any) -> Conversation:  # noqa: ANN401
    """Return the conversation after an attempt to say something."""
    effect = Effect(
        key=saying.key,
        status=status,
        intended_at=NOW,
        attempts=1,
        data={"digest": saying.digest},
        result={"digest": saying.digest} if status is EffectStatus.COMPLETED else {},
        finished_at=None if status is EffectStatus.INTENDED else NOW,
    )
    return Conversation(begun_at=NOW, effects={saying.key: replace(effect, **changes)})


def speeches(found: tuple[Saying, ...]) -> list[Speech]:
    """Return what kind of things are due."""
    return [saying.speech for saying in found]


def one(speech: Speech) -> Saying:
    """Return the only thing of a kind that is wanted."""
    (found,) = (saying for saying in wanted(scene(OPEN)) if saying.speech is speech)
    return found


def test_nothing_is_said_where_nothing_ever_happened() -> None:
    """An empty ledger opens no issue."""
    assert due(scene(), settings().guards) == ()


def test_dashboard_begins_with_what_is_wrong_though_nothing_can_be_done() -> None:
    """People learn of it where they look, not only where the log is."""
    held = Held(finding=OPEN.remedy.finding, code="no_remedy", reason="its memory limit is at the configured maximum")

    assert speeches(due(scene(held=(held,)), settings().guards)) == [Speech.DASHBOARD]
    assert due(scene(held=None), settings().guards) == ()


@pytest.mark.parametrize(
    ("status", "again"), [(EffectStatus.COMPLETED, False), (EffectStatus.INTENDED, True), (EffectStatus.FAILED, False)]
)
def test_what_was_said_is_not_said_again_and_what_a_crash_left_open_is(status: EffectStatus, *, again: bool) -> None:
    """An intent without a result may or may not have been written: saying it again finds out."""
    conversation = said(one(Speech.DASHBOARD), status)

    assert (Speech.DASHBOARD in speeches(due(scene(OPEN, conversation=conversation), settings().guards))) is again


@pytest.mark.parametrize(("later", "again"), [(timedelta(seconds=29), False), (timedelta(seconds=30), True)])
def test_failure_is_tried_again_after_a_pause(later: timedelta, *, again: bool) -> None:
    """The pause is the one of all writes: guards.effect_backoff, doubled each time."""
    conversation = said(one(Speech.DASHBOARD), EffectStatus.FAILED)
    found = due(scene(OPEN, conversation=conversation, now=NOW + later), settings().guards)

    assert (Speech.DASHBOARD in speeches(found)) is again


@pytest.mark.parametrize("changes", [{"attempts": 5}, {"permanent": True}])
def test_given_up_until_there_is_something_else_to_say(changes: dict[str, Any]) -> None:
    """A token without the permission is not tried with each pass (invariant 10)."""
    guards, later = settings().guards, NOW + timedelta(days=2)
    conversation = said(one(Speech.DASHBOARD), EffectStatus.FAILED, **changes)
    assert Speech.DASHBOARD not in speeches(due(scene(OPEN, conversation=conversation, now=later), guards))

    news = replace(OPEN, escalated=True)
    assert Speech.DASHBOARD in speeches(due(scene(news, conversation=conversation, now=later), guards))


def test_what_is_said_anew_has_all_its_tries() -> None:
    """A hold whose label could not be put on takes none of the tries from the resume that follows it."""

    def event(kind: EventKind, **data: Any) -> Event:  # noqa: ANN401
        data = {"key": "conversation:41:label", "verb": "label", **data}
        return Event(sequence=1, at=NOW, operation=CONVERSATION, kind=kind, data=data, previous="", hash="")

    def failed(digest: str) -> list[Event]:
        announced = event(EventKind.EFFECT_INTENDED, data={"digest": digest})
        return [announced, event(EventKind.EFFECT_FAILED, error="no", permanent=False)]

    (given_up,) = conversed(failed("hold") * 5).effects.values()
    (tried,) = conversed([*failed("hold") * 5, *failed("resume")]).effects.values()

    assert (given_up.attempts, tried.attempts) == (5, 1)


@pytest.mark.parametrize(
    ("switch", "speech"), [("dashboard", Speech.DASHBOARD), ("statuses", Speech.STATUS), ("commands", Speech.COMMENT)]
)
def test_what_is_switched_off_is_not_said(switch: str, speech: Speech) -> None:
    """Each has a switch of its own."""
    conversation = after(*heard(comment("/reconciler hold"), history=[OPEN]).commands)
    on = scene(OPEN, conversation=conversation)
    off = replace(on, settings=on.settings.model_copy(update={switch: False}))

    assert speech in [saying.speech for saying in wanted(on)]
    assert speech not in [saying.speech for saying in wanted(off)]


def test_label_comes_first_and_one_comment_for_all_commands() -> None:
    """Comments never pile up, and somebody's wish comes before our information."""
    commands = heard(comment("/reconciler hold"), comment("/reconciler explain", number_of=2), history=[OPEN]).commands
    found = due(scene(OPEN, conversation=after(*commands)), settings().guards)

    assert speeches(found) == [Speech.LABEL, Speech.COMMENT, Speech.STATUS, Speech.DASHBOARD]


def test_status_waits_where_the_forge_did_not_answer() -> None:
    """Nothing is told of a head that is not known (invariant 3)."""
    silent = snapshot(pull_requests=Unknown("github", "no answer"))

    assert list(statuses(OPEN, silent, "hold")) == []


@pytest.mark.parametrize(
    ("labels", "state"), [((), StatusState.SUCCESS), (("hold",), StatusState.PENDING), (("x",), StatusState.SUCCESS)]
)
def test_open_pull_request_is_a_success_unless_it_is_on_hold(labels: tuple[str, ...], state: StatusState) -> None:
    """A pending status would keep a forge from merging what waits for nothing but people."""
    found = snapshot(pull_requests=(replace(FOUND, labels=labels),))

    assert [(commit, told) for commit, told, _ in statuses(OPEN, found, "hold")] == [(FOUND.head, state)]


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (None, StatusState.PENDING),
        (Outcome.VERIFIED, StatusState.SUCCESS),
        (Outcome.FAILED, StatusState.FAILURE),
        (Outcome.NOT_APPLIED, StatusState.ERROR),
    ],
)
def test_after_the_merge_head_and_merge_commit_say_how_it_ends(outcome: Outcome | None, state: StatusState) -> None:
    """Pending until it is verified, and then what came of it."""
    story = Story().live()
    if outcome is not None:
        story.add(EventKind.OPERATION_CLOSED, outcome=outcome, reason="so")
    told = list(statuses(story.operation, snapshot(), "hold"))

    assert [commit for commit, _, _ in told] == ["d" * 40, MERGE]
    assert {said for _, said, _ in told} == {state}
    assert all(len(text) <= 140 for _, _, text in told)
