"""Boxes: a tick counts when it is proven who made it, and only then."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.model.conversation import Board, Conversation, DashboardIssue, Revision
from reconciler.model.facts import Unknown
from reconciler.model.operation import EventKind, Outcome
from reconciler.talk import boxes, texts
from tests.talk.talkers import DASHBOARD, comment
from tests.worlds import NOW, Story

FAILED = Story().live().add(EventKind.OPERATION_CLOSED, outcome=Outcome.FAILED, reason="still there").operation
NOTHING_SAID = Conversation(begun_at=NOW)
OFFERS = boxes.offered([FAILED], NOTHING_SAID)
TEXT = texts.dashboard([FAILED], NOTHING_SAID, NOW, OFFERS)
RETRY = "retry op-1"


def tick(text: str, command: str = RETRY) -> str:
    """Return a text in which a box is ticked."""
    lines = text.splitlines()
    return "\n".join(each.replace("[ ]", "[x]") if f"box {command} " in each else each for each in lines)


def board(*texts_by: tuple[str, str], now: str | None = None, bot: bool = False) -> Board:
    """Return the dashboard after revisions, each a text and its editor."""
    revisions = tuple(
        Revision(at=NOW + timedelta(minutes=n), editor=editor, bot=bot, body=text)
        for n, (text, editor) in enumerate(texts_by)
    )
    body = revisions[-1].body if now is None else now
    return Board(
        issue=DashboardIssue(number=DASHBOARD, url="http://localhost:3/7", body=body, is_open=True), revisions=revisions
    )


def said(found: Board | Unknown | None) -> list[tuple[str, str]]:
    """Return who ticked what."""
    return [(each.author, each.body) for each in boxes.ticked(found, OFFERS)]


def test_dashboard_offers_what_would_do_something() -> None:
    """And either a stop or its end."""
    assert OFFERS == (RETRY, "stop")
    assert f"- [ ] try again `op-1` <!-- reconciler:box {RETRY} -->" in TEXT


def test_tick_is_of_who_made_the_revision_in_which_it_appears() -> None:
    """Whoever edits the text afterwards has not ticked it."""
    later = tick(TEXT, "stop")

    assert said(board((TEXT, "bot"), (tick(TEXT), "ana"))) == [("ana", "/reconciler retry op-1")]
    assert said(board((TEXT, "bot"), (later, "mallory"), (tick(later), "ana"))) == [
        ("ana", "/reconciler retry op-1"),
        ("mallory", "/reconciler stop"),
    ]


def test_browsers_line_ends_do_not_matter() -> None:
    """A forge keeps what a browser sends."""
    windows = tick(TEXT).replace("\n", "\r\n") + "\r\n"

    assert said(board((TEXT, "bot"), (windows, "ana"))) == [("ana", "/reconciler retry op-1")]


@pytest.mark.parametrize(
    "found",
    [
        None,
        Unknown("github", "no answer"),
        board((TEXT, "bot")),
        board((tick(TEXT), "ana")),  # what was before it is not known
        board((TEXT, "bot"), (tick(TEXT), "ana"), now=tick(TEXT, "stop")),  # an edit that the history lacks
        board((TEXT, "bot"), ("", "ana"), (TEXT, "bot")),
    ],
)
def test_what_is_not_proven_does_not_count(found: Board | Unknown | None) -> None:
    """Nothing is guessed: not who, and not what was before."""
    assert said(found) == []


@pytest.mark.parametrize(
    "forged",
    [
        TEXT + "\n- [x] go on <!-- reconciler:box approve op-2 -->",
        TEXT + "\n- [x] go on <!-- reconciler:box hold -->",
        TEXT + "\n> - [x] try again `op-1` <!-- reconciler:box retry op-1 -->",
    ],
)
def test_only_boxes_that_we_offer_count(forged: str) -> None:
    """A box that somebody wrote into the text is not one of ours."""
    assert said(board((TEXT, "bot"), (forged, "ana"))) == []


def test_same_tick_has_one_number_and_no_comments() -> None:
    """It is heard once like a comment, and a later tick of the same box is another."""
    first = boxes.ticked(board((TEXT, "bot"), (tick(TEXT), "ana")), OFFERS)
    again = boxes.ticked(board((TEXT, "bot"), (tick(TEXT), "ana"), (tick(TEXT) + "\n", "bo")), OFFERS)
    later = boxes.ticked(board((TEXT, "bot"), (tick(TEXT), "ana"), (TEXT, "bot"), (tick(TEXT), "ana")), OFFERS)

    assert first == again
    assert first[0].id != later[0].id
    assert first[0].id < 0 < comment("x").id


def test_box_of_an_ended_stop_is_another() -> None:
    """What is stopped can go on, and a retried operation has no box any more."""
    from reconciler.model.conversation import Stop

    stopped = replace(NOTHING_SAID, stopped=Stop(by="ana", at=NOW, number=DASHBOARD))

    assert boxes.offered([replace(FAILED, retried=True)], stopped) == ("resume",)
