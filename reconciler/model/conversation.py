"""What people say to us on the forge, what we said last, and what follows from it for everything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from reconciler.model.operation import Effect

CONVERSATION = "conversation"  # stands for an operation's id in events that belong to none
OVERLAP = timedelta(minutes=5)  # between two readings of comments: the forge's clock is not ours, nor one clock


class Word(StrEnum):
    """What a person may tell us in a comment, after `/reconciler`."""

    EXPLAIN = "explain"
    RETRY = "retry"
    HOLD = "hold"
    STOP = "stop"
    RESUME = "resume"
    APPROVE = "approve"


class Speech(StrEnum):
    """The writes by which we talk; the last part of an effect's key."""

    COMMENT = "comment"
    LABEL = "label"
    STATUS = "status"
    DASHBOARD = "dashboard"


class StatusState(StrEnum):
    """What a commit status says; the words of GitHub and Gitea alike."""

    PENDING = "pending"
    SUCCESS = "success"
    FAILURE = "failure"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """One comment below an issue or a pull request."""

    id: int
    number: int  # of the issue or pull request
    author: str
    bot: bool  # as far as the forge tells
    body: str
    created_at: datetime
    updated_at: datetime

    @property
    def edited(self) -> bool:
        """Its words may be somebody else's than its author's: whoever may write here may edit it."""
        return self.updated_at != self.created_at


@dataclass(frozen=True, slots=True, kw_only=True)
class DashboardIssue:
    """The issue that shows where everything stands."""

    number: int
    url: str
    body: str
    is_open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One state of an issue's text, and who made it."""

    at: datetime
    editor: str
    bot: bool
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """The dashboard as it was read: its issue, and where a box is ticked its revisions, oldest first."""

    issue: DashboardIssue
    revisions: tuple[Revision, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One comment that told us something, and what we made of it; its id makes it count once."""

    comment: int
    number: int  # of the issue or pull request that it stands below
    by: str
    word: str  # as given; a `Word` where it was obeyed
    at: datetime
    obeyed: bool
    answer: str
    operation: str | None = None
    everything: bool = False  # stop, and the resume that ends it


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A person wants nothing new to be started."""

    by: str
    at: datetime
    number: int  # where it was said


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """The fold of the ledger's events that belong to no operation; `conversation.py` is the only maker."""

    begun_at: datetime | None = None  # the ledger's first event: what was said before is not for this ledger
    read_until: datetime | None = None  # by the forge's clock; comments that changed before were read
    commands: tuple[Command, ...] = ()
    stopped: Stop | None = None
    effects: Mapping[str, Effect] = field(default_factory=dict)

    @property
    def since(self) -> datetime | None:
        """From when on comments are to be read; None: nothing was ever done here that one could talk about.

        Earlier than seems needed: what was heard is known by its id, and the ledger's first event has our own time.
        """
        if self.read_until is not None or self.begun_at is None:
            return self.read_until
        return self.begun_at - OVERLAP

    @property
    def heard(self) -> frozenset[int]:
        """The comments that were heard already."""
        return frozenset(command.comment for command in self.commands)

    @property
    def dashboard(self) -> int | None:
        """The number of the dashboard issue, once it was written."""
        effect = self.effects.get(speech_key("issue", Speech.DASHBOARD))
        number = effect.result.get("number") if effect is not None else None
        return number if isinstance(number, int) else None

    def said(self, number: int) -> tuple[Command, ...]:
        """Return what was told us below an issue or a pull request, oldest first."""
        return tuple(command for command in self.commands if command.number == number)


def speech_key(about: str | int, speech: Speech) -> str:
    """Return the idempotency key of what we say: `conversation:<number, commit or issue>:<speech>`."""
    return f"{CONVERSATION}:{about}:{speech}"
