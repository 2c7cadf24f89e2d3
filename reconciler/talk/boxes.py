"""Boxes on the dashboard: a tick becomes the command that its ticker could have written, if it is proven who ticked.

A tick is an edit of the issue's text. Where the forge keeps every revision with its editor, the revision in which a
box is ticked and before which it was not says who ticked it; anything else proves nothing and is taken off again.

Protects: only boxes that we offer count, a tick counts once, and its ticker's rights are asked for like an author's.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from reconciler.model.conversation import Comment, Word
from reconciler.model.facts import Unknown
from reconciler.model.operation import EffectStatus, Outcome
from reconciler.standing import awaited_approvals
from reconciler.talk.commands import PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.model.conversation import Board, Conversation, Revision
    from reconciler.model.facts import Fact
    from reconciler.model.operation import Operation

_BOX = re.compile(r"^- \[(?P<tick>[ xX])\] .*<!-- reconciler:box (?P<command>[a-z]+(?: [A-Za-z0-9-]+)?) -->$")
_MOST = 18  # boxes, and one more; so many commands are heard in one pass
_AGAIN = frozenset({Outcome.FAILED, Outcome.REFUSED, Outcome.NOT_APPLIED, Outcome.REJECTED})


def offered(operations: Sequence[Operation], conversation: Conversation) -> tuple[str, ...]:
    """Return the commands that have a box now: approve and retry where that would do something, stop or resume."""
    found = [f"{Word.APPROVE} {o.id}" for o in operations if awaited_approvals(o)]
    found += [f"{Word.RETRY} {o.id}" for o in operations if _may_be_retried(o)]
    return (*found[:_MOST], Word.STOP.value if conversation.stopped is None else Word.RESUME.value)


def _may_be_retried(operation: Operation) -> bool:
    if operation.is_open:
        return any(effect.status is EffectStatus.FAILED for effect in operation.effects.values())
    return operation.outcome in _AGAIN and not operation.retried


def line(command: str) -> str:
    """Return an empty box."""
    words = {Word.APPROVE: "approve", Word.RETRY: "try again", Word.STOP: "start nothing new", Word.RESUME: "go on"}
    word, _, operation = command.partition(" ")
    about = f" `{operation}`" if operation else ""
    return f"- [ ] {words[Word(word)]}{about} <!-- reconciler:box {command} -->"


def ticked(board: Fact[Board | None], offers: Sequence[str]) -> tuple[Comment, ...]:
    """Return proven ticks of offered boxes as the comments that would say the same."""
    if board is None or isinstance(board, Unknown):
        return ()
    return tuple(_said(board, command, by) for command, by in _proven(board) if command in offers)


def same_text(one: str, other: str) -> bool:
    """Compare as a forge keeps texts: a browser sends other line ends, and spaces at the end may go."""
    return [line.rstrip() for line in one.strip().splitlines()] == [
        line.rstrip() for line in other.strip().splitlines()
    ]


def _proven(board: Board) -> Iterator[tuple[str, Revision]]:
    """Yield each ticked box with the revision that ticked it; nothing where the revisions do not lead to the text."""
    if not board.revisions or not same_text(board.revisions[-1].body, board.issue.body):
        return
    for command in _ticks(board.issue.body):
        earlier: Revision | None = None
        for revision in reversed(board.revisions):
            if command not in _ticks(revision.body):
                if earlier is not None:
                    yield command, earlier
                break
            earlier = revision


def _ticks(body: str) -> list[str]:
    found = (_BOX.match(line.rstrip()) for line in body.splitlines())
    return [match["command"] for match in found if match is not None and match["tick"] != " "]


def _said(board: Board, command: str, by: Revision) -> Comment:
    """Return the tick as a comment whose number no comment has: the same tick has the same, and another another."""
    name = f"{board.issue.number}:{by.at.isoformat()}:{by.editor}:{command}"
    number = -int(hashlib.sha256(name.encode()).hexdigest()[:12], 16) - 1
    return Comment(
        id=number,
        number=board.issue.number,
        author=by.editor,
        bot=by.bot,
        body=f"{PREFIX} {command}",
        created_at=by.at,
        updated_at=by.at,
    )
