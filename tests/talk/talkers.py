"""People who comment, and a forge that knows who of them may write."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from reconciler.conversation import with_command
from reconciler.errors import SourceError, Unauthorized
from reconciler.model.conversation import Command, Comment, Conversation
from reconciler.model.facts import Unknown
from reconciler.talk.hearing import Heard, hear
from tests.worlds import NOW

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from reconciler.model.operation import Operation
    from reconciler.ports import Talk

NUMBER = 41  # the pull request of tests.worlds
DASHBOARD = 7


@dataclass
class Rights:
    """Who may write, and how the forge answers; nothing else of the port is ever asked."""

    writers: tuple[str, ...] = ("ana", "bo")
    silent: bool = False
    unauthorized: bool = False
    asked: list[str] = field(default_factory=list)
    said: tuple[Comment, ...] | Unknown = ()

    def us(self) -> str:
        """Return the bot."""
        return "reconciler-bot"

    def comments(self, *, since: datetime) -> tuple[Comment, ...] | Unknown:
        """Return what was said since, or that nobody knows."""
        if isinstance(self.said, Unknown):
            return self.said
        return tuple(each for each in self.said if each.updated_at >= since)

    def may_write(self, user: str) -> bool:
        """Answer, or fail as told."""
        self.asked.append(user)
        if self.unauthorized:
            raise Unauthorized(code="gitea.http_403", message="no", remedy="make our user an administrator")
        if self.silent:
            raise SourceError(code="gitea.unreachable", message="no answer", remedy="wait")
        return user in self.writers


def comment(body: str, *, by: str = "ana", number: int = NUMBER, number_of: int = 1, **changes: Any) -> Comment:  # noqa: ANN401
    """Return a comment, later ones with higher numbers."""
    at = NOW + timedelta(seconds=number_of)
    made = Comment(id=number_of, number=number, author=by, bot=False, body=body, created_at=at, updated_at=at)
    return replace(made, **changes)


def heard(
    *comments: Comment,
    history: Sequence[Operation] = (),
    rights: Rights | None = None,
    conversation: Conversation | None = None,
) -> Heard:
    """Hear comments below pull request 41."""
    talk = cast("Talk", rights or Rights())
    return hear(comments, history, conversation or Conversation(begun_at=NOW), talk)


def after(*commands: Command) -> Conversation:
    """Return the conversation after some commands."""
    conversation = Conversation(begun_at=NOW)
    for command in commands:
        conversation = with_command(conversation, command)
    return conversation
