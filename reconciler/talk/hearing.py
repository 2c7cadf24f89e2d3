"""Who is listened to: comments become commands, each once, and only of people who may write to the repository.

Nothing counts by default. A comment that was edited may say what its author never said; a bot's, our own, and one
whose author's rights are not known are not obeyed. What was heard is recorded together with what it does, all or
none, so that a crash or a second runner can never obey it twice.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from reconciler import plain
from reconciler.conversation import with_command
from reconciler.errors import ReconcilerError, Unauthorized
from reconciler.model.codec import encode
from reconciler.model.conversation import CONVERSATION, OVERLAP, Command, Comment, Speech, Word, speech_key
from reconciler.model.facts import Unknown
from reconciler.model.operation import Draft, EventKind
from reconciler.talk.commands import Order, order_in
from reconciler.talk.obeying import Obeyed, Said, obey

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.book import Book
    from reconciler.model.conversation import Conversation
    from reconciler.model.operation import Operation
    from reconciler.ports import Ports, Talk
    from reconciler.settings import ForgeSettings

_MANY = 100  # comments; once so many were read anew, the place where reading begins is moved
_FLOOD = 300  # comments; so many are never read twice, or a forge that gives no more of them could hide what follows
_AT_ONCE = 20  # commands in one pass; more are heard in the next
_LONGEST_WORD = 40  # characters of what was said instead of a command
_DROPPED = Unknown("comments", "what was said was not taken: the ledger moved meanwhile", "the next pass hears it")
_READER = "not obeyed: who may not write to this repository may not tell me what to do"
_EDITED = "not obeyed: the comment was edited, perhaps by somebody else; say it in a new one"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What was understood in one pass; `until` is where the next one begins to read."""

    commands: tuple[Command, ...] = ()
    drafts: tuple[Draft, ...] = ()
    until: datetime | None = None
    unknown: tuple[Unknown, ...] = ()
    left: int = 0  # commands that are heard later


def listens_since(book: Book, settings: ForgeSettings) -> datetime | None:
    """Return from when on comments are read; None where nobody can have said anything to us."""
    return _since(book.operations, book.conversation, settings)


def _since(history: Sequence[Operation], conversation: Conversation, settings: ForgeSettings) -> datetime | None:
    return conversation.since if settings.commands and _places(history, conversation) else None


def boxes_on(book: Book, ports: Ports, settings: ForgeSettings) -> int | None:
    """Return the dashboard's number where its boxes are to be looked at."""
    counts = settings.commands and settings.dashboard and settings.boxes
    if not counts or ports.talk is None or not ports.talk.tells_editors:
        return None
    return book.conversation.dashboard


def listen(comments: Sequence[Comment], book: Book, ports: Ports) -> tuple[Unknown, ...]:
    """Obey what is new in the comments and ticks; return what could not be found out about them.

    Raises LedgerError when it cannot be written down: then nothing of it counts.
    """
    if ports.talk is None or not comments:
        return ()
    heard = hear(comments, book.operations, book.conversation, ports.talk)
    moves = len(comments) >= _MANY and heard.until != book.conversation.since
    if heard.until is not None and (heard.commands or moves):
        data = {"commands": [encode(command) for command in heard.commands], "until": heard.until.isoformat()}
        # Dropped where another runner went on meanwhile: it may have heard the same.
        said = book.intend([*heard.drafts, Draft(operation=CONVERSATION, kind=EventKind.COMMENTS_HEARD, data=data)])
        if not said and CONVERSATION not in book.elsewhere:  # nobody heard it: no tick is taken off yet
            return (*heard.unknown, _DROPPED)
    return heard.unknown


def objection(
    number: int,
    *,
    history: Sequence[Operation],
    conversation: Conversation,
    settings: ForgeSettings,
    talk: Talk | None,
) -> str | None:
    """Return why a pull request must not be merged now, by what people have said since the snapshot; None: nothing.

    Nothing is written down: the next pass hears it as ever. Not to know is a reason too (invariant 8).
    """
    since = _since(history, conversation, settings)
    if talk is None or since is None:
        return None
    comments = talk.comments(since=since)
    if isinstance(comments, Unknown):
        return f"whether somebody objects in a comment is not known now ({comments})"
    heard = hear(comments, history, conversation, talk)
    for command in heard.commands:
        conversation = with_command(conversation, command)
    if conversation.stopped is not None:
        return f"stopped by {conversation.stopped.by} in a comment on {conversation.stopped.number}"
    if number in put_on_hold(conversation):
        return "somebody put it on hold in a comment"
    return "there are comments that were not heard yet" if heard.left else None


def hear(comments: Sequence[Comment], history: Sequence[Operation], conversation: Conversation, talk: Talk) -> Heard:
    """Return the new commands in the comments, and what each of them comes to, knowing those before it."""
    places, known = _places(history, conversation), conversation.heard
    told = [(c, o) for c in comments if c.number in places and c.id not in known and (o := _order(c)) is not None]
    against: dict[str, str | Unknown | None] = {}
    commands: list[Command] = []
    drafts: list[Draft] = []
    unknown: list[Unknown] = []
    now, later = _in_turn(told)
    for comment, order in now:
        if comment.author not in against:
            against[comment.author] = _against(comment.author, talk)
        why = against[comment.author]
        if isinstance(why, Unknown):
            later.append(comment)
            unknown.append(why)
        elif why is not None:
            about = places[comment.number]
            said = Said(comment=comment, order=order, operation=about, history=history, conversation=conversation)
            became = obey(said) if not (why or comment.edited) else Obeyed(obeyed=False, answer=why or _EDITED)
            command = _command(said, became)
            conversation = with_command(conversation, command)
            commands.append(command)
            drafts += became.drafts
    return Heard(
        commands=tuple(commands),
        drafts=tuple(drafts),
        until=_until(comments, later, conversation.since),
        unknown=tuple(dict.fromkeys(unknown)),
        left=len(later),
    )


def _in_turn(told: Sequence[tuple[Comment, Order]]) -> tuple[list[tuple[Comment, Order]], list[Comment]]:
    """Return what is heard now and what later: by turns of the authors, so that nobody's flood delays a stop."""
    turns: Counter[str] = Counter()
    ranks = []
    for place, (comment, _) in enumerate(told):
        ranks.append((turns[comment.author], place))
        turns[comment.author] += 1
    now = {place for _, place in sorted(ranks)[:_AT_ONCE]}
    return [told[place] for place in sorted(now)], [c for place, (c, _) in enumerate(told) if place not in now]


def _order(comment: Comment) -> Order | None:
    return None if comment.bot or not comment.author else order_in(comment.body)


def _places(history: Sequence[Operation], conversation: Conversation) -> Mapping[int, Operation | None]:
    """Return where one can talk to us: below our pull requests, each with its newest operation, and the dashboard."""
    places: dict[int, Operation | None] = {o.pull_request.number: o for o in history if o.pull_request is not None}
    if conversation.dashboard is not None:
        places[conversation.dashboard] = None
    return places


def _against(author: str, talk: Talk) -> str | Unknown | None:
    """Return why somebody is not obeyed (empty: nothing), None for ourselves, Unknown where that may be known later."""
    try:
        if author.casefold() == talk.us().casefold():
            return None
        return "" if talk.may_write(author) else _READER
    except Unauthorized as error:
        return f"not obeyed: whether you may write here is not known to me; {error.remedy}"
    except ReconcilerError as error:
        return Unknown("comments", f"whether {plain.one_line(author)} may write ({error})", error.remedy)


def _command(said: Said, became: Obeyed) -> Command:
    return Command(
        comment=said.comment.id,
        number=said.comment.number,
        by=plain.one_line(said.comment.author, 100),
        word=plain.one_line(said.order.word, _LONGEST_WORD),
        at=said.comment.created_at,
        obeyed=became.obeyed,
        answer=became.answer,
        operation=became.operation,
        everything=became.everything,
    )


def _until(comments: Sequence[Comment], later: Sequence[Comment], since: datetime | None) -> datetime | None:
    """Begin the next reading where this one began, or past much that was read; ticks are read in another way.

    Short of its end by an overlap, in the forge's own time: a comment may be seen later than one that is newer. And
    never past what was left for later.
    """
    times = [c.updated_at for c in comments if c.id > 0]
    if len(times) < _MANY or since is None:
        return since
    end = max(times) - OVERLAP
    if end <= since:
        end = max(times) if len(times) >= _FLOOD else since
    return min([end, *(c.updated_at for c in later if c.id > 0)])


def put_on_hold(conversation: Conversation) -> frozenset[int]:
    """Return the pull requests that a comment put on hold and whose label does not show it yet."""
    return frozenset(number for number, command in label_orders(conversation).items() if command.word == Word.HOLD)


def label_orders(conversation: Conversation) -> Mapping[int, Command]:
    """Return the newest hold or resume of each pull request, where the label has not followed it yet."""
    newest = {
        command.number: command
        for command in conversation.commands
        if command.obeyed and command.word in {Word.HOLD, Word.RESUME} and not command.everything
    }
    return {number: command for number, command in newest.items() if not _is_shown(command, conversation)}


def _is_shown(command: Command, conversation: Conversation) -> bool:
    effect = conversation.effects.get(speech_key(command.number, Speech.LABEL))
    return effect is not None and effect.result.get("digest") == str(command.comment)
