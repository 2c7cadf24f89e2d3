"""Who is obeyed, what a command does, and that it does it once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from reconciler.advance import fold
from reconciler.book import Book
from reconciler.ledger.sqlite import SqliteLedger
from reconciler.model.conversation import Conversation, Speech, speech_key
from reconciler.model.facts import Unknown
from reconciler.model.operation import Draft, Effect, EffectStatus, EventKind, Outcome
from reconciler.talk.hearing import listen, put_on_hold
from reconciler.talk.speaking import speak
from reconciler.talk.texts import stop_in_words
from reconciler.watching import UNWATCHED
from tests.talk.talkers import DASHBOARD, NUMBER, Rights, after, comment, heard
from tests.worlds import NOW, Story, settings, snapshot

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.model.operation import Operation
    from reconciler.ports import Ledger, Ports
    from reconciler.talk.hearing import Heard

OPEN = Story().pull_request_opened().operation
EDITED = NOW + timedelta(seconds=2)


def at_dashboard() -> Conversation:
    """Return a conversation in which the dashboard is issue 7."""
    key = speech_key("issue", Speech.DASHBOARD)
    said = Effect(
        key=key,
        status=EffectStatus.COMPLETED,
        intended_at=NOW,
        attempts=1,
        data={},
        result={"number": DASHBOARD},
    )
    return Conversation(begun_at=NOW, effects={key: said})


def kinds(found: Heard) -> list[EventKind]:
    """Return the events that commands became."""
    return [draft.kind for draft in found.drafts]


def answers(found: Heard) -> list[tuple[bool, str]]:
    """Return whether each command was obeyed, and what its author is told."""
    return [(command.obeyed, command.answer) for command in found.commands]


def test_writers_hold_is_obeyed() -> None:
    """A hold holds at once, before any label shows it."""
    found = heard(comment("/reconciler hold"), history=[OPEN])

    assert [(c.by, c.word, c.obeyed) for c in found.commands] == [("ana", "hold", True)]
    assert put_on_hold(after(*found.commands)) == {NUMBER}


@pytest.mark.parametrize(
    ("who", "why"),
    [
        ({"by": "mallory"}, "may not write"),
        ({"updated_at": EDITED}, "was edited"),
        ({"by": "mallory", "updated_at": EDITED}, "may not write"),
    ],
)
def test_who_may_not_write_and_what_was_edited_is_answered_and_not_obeyed(who: dict[str, Any], why: str) -> None:
    """Anybody may comment, and whoever may write may edit another's comment."""
    found = heard(comment("/reconciler stop", **who), history=[OPEN])

    ((obeyed, answer),) = answers(found)
    assert not obeyed
    assert why in answer
    assert found.drafts == ()
    assert after(*found.commands).stopped is None


@pytest.mark.parametrize(
    "who",
    [
        {"bot": True},
        {"by": "reconciler-bot"},
        {"by": "Reconciler-Bot"},
        {"by": ""},
        {"number": 99},
    ],
)
def test_bots_ourselves_and_other_places_are_not_heard_at_all(who: dict[str, Any]) -> None:
    """Nothing is remembered of them, so they cannot fill the ledger."""
    assert heard(comment("/reconciler stop", **who), history=[OPEN]).commands == ()


def test_permission_is_asked_for_people_with_commands_only() -> None:
    """Talking costs nothing: one question for each author of a command."""
    rights = Rights()
    said = (comment("hello", by="cy"), comment("/reconciler hold", number_of=2), comment("/reconciler x", number_of=3))
    heard(*said, history=[OPEN], rights=rights)

    assert rights.asked == ["ana"]


def test_unknown_permission_waits_and_nothing_of_it_is_lost() -> None:
    """Reading begins before what could not be judged, so that the next pass hears it (invariant 3)."""
    said = [comment("hello", number_of=1000 + n) for n in range(100)]
    found = heard(comment("/reconciler stop"), *said, history=[OPEN], rights=Rights(silent=True))

    assert found.commands == ()
    assert found.until is not None
    assert found.until <= comment("/reconciler stop").updated_at
    assert [isinstance(u, Unknown) for u in found.unknown] == [True]


def test_permission_that_is_never_told_is_a_no_with_a_remedy() -> None:
    """A forge that tells it to administrators only is not asked again for the same comment."""
    found = heard(comment("/reconciler stop"), history=[OPEN], rights=Rights(unauthorized=True))

    ((obeyed, answer),) = answers(found)
    assert not obeyed
    assert "make our user an administrator" in answer


def test_command_counts_once() -> None:
    """Its comment's id is remembered, obeyed or not."""
    said = (comment("/reconciler stop"), comment("/reconciler stop", by="mallory", number_of=2))
    before = after(*heard(*said, history=[OPEN]).commands)

    assert heard(*said, history=[OPEN], conversation=before).commands == ()


def test_commands_are_understood_in_their_order() -> None:
    """Who stops and then resumes has resumed."""
    said = (comment("/reconciler stop"), comment("/reconciler resume all", by="bo", number_of=2))
    found = heard(*said, history=[OPEN])

    assert [obeyed for obeyed, _ in answers(found)] == [True, True]
    assert after(*found.commands).stopped is None


def test_stop_is_said_with_its_author_and_resume_of_a_hold_does_not_end_it() -> None:
    """A stop of everything is not taken back by who wants one pull request to go on."""
    said = (comment("/reconciler stop"), comment("/reconciler resume", by="bo", number_of=2))
    conversation = after(*heard(*said, history=[OPEN]).commands)

    assert stop_in_words(conversation).startswith("stopped by ana in a comment on 41")
    assert "still stopped" in conversation.commands[-1].answer


def test_no_more_than_twenty_commands_in_a_pass_and_the_rest_in_the_next() -> None:
    """Whoever floods us delays themselves, and nobody's command is lost."""
    said = [comment("/reconciler explain", number_of=n) for n in range(1, 31)]
    found = heard(*said, history=[OPEN])

    assert len(found.commands) == 20
    assert found.until is not None
    assert found.until <= said[20].updated_at
    rest = heard(*said, history=[OPEN], conversation=after(*found.commands))
    assert [command.comment for command in rest.commands] == list(range(21, 31))


def test_flood_of_one_author_does_not_delay_another() -> None:
    """Anybody may comment on a public repository; a writer's stop is heard in the first pass all the same."""
    flood = [comment("/reconciler stop", by="mallory", number_of=n) for n in range(1, 101)]
    found = heard(*flood, comment("/reconciler stop", number_of=200), history=[OPEN])

    assert [command.by for command in found.commands if command.obeyed] == ["ana"]
    assert len(found.commands) == 20
    assert found.until is not None
    assert found.until <= flood[19].updated_at


def test_what_was_heard_and_could_not_be_written_down_is_said_to_be_unheard(tmp_path: Path) -> None:
    """Else the tick that said it would be taken off the dashboard and be lost."""
    ledger = SqliteLedger(tmp_path / "ledger.db")
    for event in Story().pull_request_opened().events:
        draft = Draft(operation=event.operation, kind=event.kind, data=event.data)
        ledger.append([draft], at=event.at, expected=event.sequence - 1)
    intended = Draft(
        operation="op-1", kind=EventKind.EFFECT_FAILED, data={"key": "op-1:1:update", "verb": "update", "error": "no"}
    )
    ledger.append([intended], at=NOW, expected=len(ledger.events()))
    book = Book(cast("Ledger", ledger), lambda: NOW)
    by_hand = Draft(operation="op-1", kind=EventKind.APPROVAL_REJECTED, data={"by": "bo"})
    ledger.append([by_hand], at=NOW, expected=len(ledger.events()))
    ports = cast("Ports", SimpleNamespace(talk=Rights()))

    (unheard,) = listen([comment("/reconciler retry")], book, ports)

    assert "ledger moved" in unheard.reason
    assert listen([comment("/reconciler retry")], book, ports) == ()
    assert book.conversation.commands[-1].obeyed
    ledger.close()


def test_retry_lets_failed_effects_be_tried_at_once() -> None:
    """What was given up is as if it had not been tried, and what it announced stays known."""
    story = Story().add(EventKind.EFFECT_INTENDED, key="op-1:1:propose", verb="propose", data={"branch": "b"})
    story.add(EventKind.EFFECT_FAILED, key="op-1:1:propose", verb="propose", error="no", permanent=True)
    story.add(EventKind.RETRY_ASKED, by="ana")

    effect = story.operation.effects["op-1:1:propose"]
    assert (effect.status, effect.attempts, effect.permanent) == (EffectStatus.INTENDED, 0, False)
    assert effect.data == {"branch": "b"}


def test_retry_of_an_ended_operation_lets_its_trouble_be_answered_anew_once() -> None:
    """A no is taken back by who may; a later no counts again, because it ends another operation."""
    ended = _rejected()
    found = heard(comment("/reconciler retry"), history=[ended])
    assert kinds(found) == [EventKind.RETRY_ASKED]

    again = replace(ended, retried=True)
    ((obeyed, answer),) = answers(heard(comment("/reconciler retry", number_of=2), history=[again]))
    assert not obeyed
    assert "holds nothing back" in answer


def test_retry_before_the_end_does_not_overrule_it() -> None:
    """Who wanted another try and then closed the pull request has said no."""
    story = Story().pull_request_opened().add(EventKind.RETRY_ASKED, by="ana")
    story.add(EventKind.OPERATION_CLOSED, outcome=Outcome.REJECTED, reason="closed by ana")

    assert story.operation.retried is False


@pytest.mark.parametrize("by", ["ana", "bo"])
def test_approve_says_yes_to_actions_that_wait_for_it(by: str) -> None:
    """The yes carries the name of who said it, and the second time it says nothing new."""
    story = Story().add(EventKind.APPROVAL_REQUESTED, action=1)
    story.add(EventKind.PULL_REQUEST_OPENED, pull_request=_tracked())
    found = heard(comment("/reconciler approve", by=by), history=[story.operation])

    assert [(d.kind, d.data) for d in found.drafts] == [(EventKind.APPROVAL_GIVEN, {"action": 1, "by": by})]


def test_approve_without_anything_that_waits_says_where_to_say_it() -> None:
    """A pull request is approved by a review, which is bound to its head."""
    ((obeyed, answer),) = answers(heard(comment("/reconciler approve"), history=[OPEN]))

    assert not obeyed
    assert "approved by a review" in answer


@pytest.mark.parametrize(
    ("body", "obeyed", "said"),
    [
        ("/reconciler explain op-1", True, "the story of op-1"),
        ("/reconciler explain", False, "name the operation"),
        ("/reconciler explain op-9", False, "no such operation"),
        ("/reconciler hold", False, "on the pull request"),
        ("/reconciler stop", True, "until `/reconciler resume`"),
        ("/reconciler resume", False, "nothing is stopped"),
    ],
)
def test_on_the_dashboard_an_operation_is_named(body: str, obeyed: bool, said: str) -> None:  # noqa: FBT001
    """There, a command is about what it names, or about everything."""
    found = heard(comment(body, number=DASHBOARD), history=[OPEN], conversation=at_dashboard())

    ((was_obeyed, answer),) = answers(found)
    assert was_obeyed is obeyed
    assert said in answer


def test_every_event_that_a_command_becomes_is_allowed_by_the_table() -> None:
    """In no phase does a command write a ledger that cannot be read."""
    stories = (
        Story(),
        Story().pull_request_opened(),
        Story().merged(),
        Story().live(),
        Story().add(EventKind.APPROVAL_REQUESTED, action=1),
    )
    for story in stories:
        operation = replace(story.operation, pull_request=OPEN.pull_request)
        for word in ("explain", "retry", "hold", "stop", "resume", "approve"):
            found = heard(comment(f"/reconciler {word}"), history=[operation])
            for draft in found.drafts:
                story.add(draft.kind, **draft.data)
        assert fold(story.events)


def _rejected() -> Operation:
    story = Story().pull_request_opened()
    return story.add(EventKind.OPERATION_CLOSED, outcome=Outcome.REJECTED, reason="closed by ana").operation


def _tracked() -> object:
    from reconciler.model.codec import encode
    from tests.worlds import tracked

    return encode(tracked())


def test_of_two_runners_that_hear_the_same_one_obeys(tmp_path: Path) -> None:
    """The hearing and what it does are appended together, and only on what both have seen."""
    ledger = SqliteLedger(tmp_path / "ledger.db")
    for event in Story().pull_request_opened().events:
        draft = Draft(operation=event.operation, kind=event.kind, data=event.data)
        ledger.append([draft], at=event.at, expected=event.sequence - 1)
    books = [Book(cast("Ledger", ledger), lambda: NOW) for _ in range(2)]
    ports = cast("Ports", SimpleNamespace(talk=Rights()))
    for book in books:
        assert listen([comment("/reconciler stop")], book, ports) == ()

    kinds_now = [event.kind for event in ledger.events()]
    assert kinds_now.count(EventKind.COMMENTS_HEARD) == 1
    assert [book.conversation.stopped is not None for book in books] == [True, True]
    ledger.close()


def test_no_try_is_spent_on_a_forge_that_does_not_answer(tmp_path: Path) -> None:
    """Else an hour without requests left would use up all tries, and a label would never follow its person's word."""
    ledger = SqliteLedger(tmp_path / "ledger.db")
    book = Book(cast("Ledger", ledger), lambda: NOW)
    for event in Story().pull_request_opened().events:
        book.record([Draft(operation=event.operation, kind=event.kind, data=event.data)])
    ports = cast("Ports", SimpleNamespace(talk=Rights(), clock=SimpleNamespace(now=lambda: NOW)))
    listen([comment("/reconciler hold")], book, ports)
    before = ledger.events()

    speak(snapshot(pull_requests=Unknown("github", "no requests left")), settings(), ports, book, UNWATCHED)

    assert ledger.events() == before
    ledger.close()
