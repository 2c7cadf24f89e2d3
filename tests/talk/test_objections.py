"""What people say between the snapshot and a merge stops the merge, if they are people who are obeyed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from reconciler.model.conversation import Conversation
from reconciler.model.facts import Unknown
from reconciler.talk.hearing import objection
from tests.talk.talkers import NUMBER, Rights, after, comment, heard
from tests.worlds import NOW, Story, settings

if TYPE_CHECKING:
    from reconciler.model.conversation import Comment
    from reconciler.ports import Talk

OPEN = Story().pull_request_opened().operation


def against(
    *said: Comment,
    conversation: Conversation | None = None,
    rights: Rights | None = None,
    **forge: Any,  # noqa: ANN401
) -> str | None:
    """Return what stands against merging pull request 41."""
    rights = rights or Rights(said=said)
    return objection(
        NUMBER,
        history=[OPEN],
        conversation=conversation or Conversation(begun_at=NOW),
        settings=settings(forge=forge).forge,
        talk=cast("Talk", rights),
    )


@pytest.mark.parametrize(
    ("body", "why"),
    [("/reconciler hold", "on hold"), ("/reconciler stop", "stopped by ana in a comment on 41")],
)
def test_writers_hold_and_stop_object(body: str, why: str) -> None:
    """Said once, wherever it would be obeyed."""
    assert why in (against(comment(body)) or "")


@pytest.mark.parametrize(
    "said",
    [
        comment("fine with me"),
        comment("/reconciler hold", by="mallory"),
        comment("/reconciler hold", bot=True),
        comment("/reconciler hold", number=99),
        comment("> /reconciler hold"),
        comment("/reconciler explain"),
    ],
)
def test_what_is_not_obeyed_does_not_object(said: Comment) -> None:
    """The parser and the rights are those of every command."""
    assert against(said) is None


def test_what_was_taken_back_does_not_object() -> None:
    """Commands count in their order, over what was heard before."""
    hold, resume = comment("/reconciler hold"), comment("/reconciler resume", number_of=2)

    assert against(hold, resume) is None
    before = after(*heard(hold, history=[OPEN]).commands)
    assert against(hold, resume, conversation=before) is None


def test_not_to_know_objects() -> None:
    """Invariant 8: comments that cannot be read, authors whose rights are not told now, a flood not heard yet."""
    silent = Rights(said=(comment("/reconciler hold"),), silent=True)
    flood = [comment("/reconciler explain", number_of=n) for n in range(1, 30)]

    assert "not known now" in (against(rights=Rights(said=Unknown("github", "no answer"))) or "")
    assert "not heard yet" in (against(rights=silent) or "")
    assert "not heard yet" in (against(*flood) or "")


def test_nobody_is_asked_where_commands_are_off() -> None:
    """Then a comment is a comment."""
    rights = Rights(said=(comment("/reconciler stop"),))

    assert against(rights=rights, commands=False) is None
    assert rights.asked == []
