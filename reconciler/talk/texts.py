"""The texts of the dashboard and of our answers, made from operations and commands alone. Pure.

Only absolute times are in them, so that a text changes when something happened and not because time went by; every
foreign value is escaped on its way into the template.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from reconciler import markdown, plain
from reconciler.markdown import Ours
from reconciler.model.operation import Operation, Outcome, Phase
from reconciler.sentences import sentence
from reconciler.standing import awaited_approvals, standing
from reconciler.steps.strays import nobody_follows
from reconciler.talk.boxes import line
from reconciler.texts import UNNAMED, render

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from reconciler.model.conversation import Command, Conversation
    from reconciler.model.operation import Event
    from reconciler.model.proposal import PullRequest
    from reconciler.model.report import Held

T = TypeVar("T")

ANSWER_MARKER = "<!-- reconciler:answer -->"
DASHBOARD_MARKER = "<!-- reconciler:dashboard -->"
DASHBOARD_TITLE = "reconciler: what is wrong, and where it stands"

_ROWS = 30  # of a section
_STORY = 60  # events, the newest
_BODY = 60_000  # characters; GitHub takes 65,536
_COMMANDS = 5  # the newest
_LONGEST = 400  # characters of a sentence
_COMMAND = re.compile(r"`(/?reconciler [a-z][a-z0-9 …-]{0,80})`")
_UNUSUAL = re.compile(r"[^A-Za-z0-9._-]")
_LATELY = timedelta(days=7)
_LEFT_ALONE = "Wrong, and nothing is under way"
_STRAYS = "Open, and nothing follows it"
_UNDER_WAY = frozenset({"known", "joins"})  # codes of findings for which an open operation speaks
_DONE = frozenset({Outcome.VERIFIED, Outcome.RESOLVED, Outcome.SUPERSEDED})


def stop_in_words(conversation: Conversation) -> str:
    """Say who told us to start nothing new; empty when nobody did."""
    stop = conversation.stopped
    if stop is None:
        return ""
    how = "`/reconciler resume` on the dashboard or `/reconciler resume all` on a pull request ends it"
    return f"stopped by {stop.by} in a comment on {stop.number}, {stop.at:%Y-%m-%d %H:%M} UTC; {how}"


def dashboard_marker(cluster: str) -> str:
    """Return the line by which a cluster's dashboard is found: several may share one repository and one user."""
    if cluster == UNNAMED:
        return DASHBOARD_MARKER
    return f"<!-- reconciler:dashboard of {_UNUSUAL.sub('_', cluster).replace('--', '-_')} -->"


def dashboard_title(cluster: str) -> str:
    """Return the title of a cluster's dashboard."""
    return DASHBOARD_TITLE if cluster == UNNAMED else f"{DASHBOARD_TITLE} ({plain.inert(cluster, 100)})"


def dashboard(
    history: Sequence[Operation],
    conversation: Conversation,
    now: datetime,
    commands: Sequence[str] = (),
    *,
    cluster: str = UNNAMED,
    held: Sequence[Held] | None = (),
    strays: Sequence[PullRequest] = (),
    listens: bool = True,
) -> str:
    """Return the text of a cluster's dashboard, with a box for each of the commands.

    `held` are the findings that open no operation now; None: it is not known what is wrong. `strays` are open
    pull requests that no operation follows. `listens` tells whether comments are heard.
    """
    lately = [o for o in history if o.is_open or (o.closed_at is not None and now - o.closed_at < _LATELY)]
    belonging = [(title, [o for o in lately if belongs(o)]) for title, belongs in _SECTIONS]
    left_alone = _left_alone(held or (), lately)
    fixed = {
        "stopped": Ours(_safe(stop_in_words(conversation))),
        "is_known": held is not None,
        "listens": listens,
        "boxes": [Ours(line(command)) for command in commands],
        "marker": Ours(dashboard_marker(cluster)),
    }

    def written(rows: int) -> str:
        sections = [_section(_LEFT_ALONE, left_alone, _held_row, rows)] if left_alone else []
        sections += [_section(_STRAYS, strays, lambda one: _stray_row(one, history), rows)] if strays else []
        sections += [_section(title, found[::-1], _row, rows) for title, found in belonging if found]
        return render("dashboard.md.j2", {**fixed, "sections": sections})

    return _fitting(written, _ROWS)


def answer(
    operation: Operation | None,
    commands: Sequence[Command],
    conversation: Conversation,
    story: tuple[Operation, Iterable[Event]] | None,
    *,
    held: bool = False,
) -> str:
    """Return our one comment: how things stand, what was said and answered, and the story where one was asked for.

    `operation` is the pull request's, or None on the dashboard; `story` is an operation with its events.
    """
    fixed = {
        "standing": Ours(_safe(_headline(operation, held=held))),
        "stopped": Ours(_safe(stop_in_words(conversation))),
        "rows": [_command_row(command) for command in commands[-_COMMANDS:]],
        "left_out": max(0, len(commands) - _COMMANDS),
        "story_of": story[0].id if story else "",
        "operation": Ours(f"Operation {markdown.code(operation.id)}.") if operation else Ours(""),
        "marker": Ours(ANSWER_MARKER),
    }
    told = _told(story[1], story[0]) if story else []
    return _fitting(lambda most: render("answer.md.j2", {**fixed, "story": told[-most:]}), _STORY)


def _fitting(written: Callable[[int], str], most: int) -> str:
    """Return the longest text that a forge takes: foreign words, once escaped, can be ten times as long."""
    text = written(most)
    while len(text) > _BODY and most > 1:
        most //= 2
        text = written(most)
    return text


def _safe(text: str) -> str:
    """Escape a sentence and keep the commands in it as code; whatever else stands between backticks is foreign."""
    parts = _COMMAND.split(plain.one_line(text, _LONGEST))
    return "".join(markdown.code(part) if n % 2 else _escaped(part) for n, part in enumerate(parts))


def _escaped(part: str) -> str:
    """Escape a piece of a sentence; the spaces at its ends belong to the sentence."""
    inner = part.strip()
    return part.replace(inner, markdown.prose(inner, _LONGEST)) if inner else part


def _waits_for_people(operation: Operation) -> bool:
    return operation.phase is Phase.AWAITING_GIT_PR


def _waits_for_approval(operation: Operation) -> bool:
    return bool(awaited_approvals(operation)) and not _waits_for_people(operation)


def _in_flight(operation: Operation) -> bool:
    return operation.is_open and not _waits_for_people(operation) and not _waits_for_approval(operation)


def _given_up(operation: Operation) -> bool:
    bad = {Outcome.FAILED, Outcome.REFUSED, Outcome.NOT_APPLIED}
    return operation.outcome in bad and not operation.retried


def _rejected(operation: Operation) -> bool:
    return operation.outcome is Outcome.REJECTED and not operation.retried


_SECTIONS: tuple[tuple[str, Callable[[Operation], bool]], ...] = (
    ("Waiting for an approval", _waits_for_approval),
    ("Waiting for a review", _waits_for_people),
    ("In flight", _in_flight),
    ("Given up: a person should look", _given_up),
    ("Rejected by a person", _rejected),
    ("Done in the last seven days", lambda o: o.outcome in _DONE),
)


def _section(title: str, found: Sequence[T], row: Callable[[T], dict[str, Any]], most: int) -> dict[str, Any]:
    return {"title": Ours(title), "rows": [row(one) for one in found[:most]], "left_out": max(0, len(found) - most)}


def _left_alone(held: Sequence[Held], lately: Sequence[Operation]) -> list[Held]:
    """Return the findings that nothing is under way for, but those whose given up or rejected operation is shown."""
    shown = {o.id for o in lately if _given_up(o) or _rejected(o)}
    found = [one for one in held if one.code not in _UNDER_WAY and one.operation not in shown]
    return sorted(found, key=lambda one: one.finding.target)


def _held_row(held: Held) -> dict[str, Any]:
    target = held.finding.target
    until = f", until {held.until:%Y-%m-%d %H:%M} UTC" if held.until else ""
    return {
        "target": markdown.listed([f"{target.namespace}/{target.name}"]),
        "finding": held.finding.summary,
        "standing": Ours(_safe(f"{held.reason}{until}")),
        "pull_request": Ours("—"),
        "operation": markdown.code(held.operation or ""),
    }


def _stray_row(found: PullRequest, history: Sequence[Operation]) -> dict[str, Any]:
    return {
        "target": Ours("—"),
        "finding": found.title,
        "standing": Ours(_safe(nobody_follows(found, history))),
        "pull_request": markdown.link(f"pull request {found.number}", found.url),
        "operation": Ours("—"),
    }


def _row(operation: Operation) -> dict[str, Any]:
    pull_request = operation.pull_request
    link = markdown.link(f"pull request {pull_request.number}", pull_request.url) if pull_request else Ours("—")
    escalated = "; a person was asked to look" if operation.escalated and operation.is_open else ""
    return {
        "target": markdown.listed(f"{target.namespace}/{target.name}" for target in operation.targets),
        "finding": operation.remedy.finding.summary,
        "standing": Ours(_safe(standing(operation) + escalated)),
        "pull_request": link,
        "operation": markdown.code(operation.id),
    }


def _headline(operation: Operation | None, *, held: bool) -> str:
    if operation is None:
        return "What was said here"
    if operation.outcome is not None:
        return f"{operation.outcome.value.replace('_', ' ')}: {standing(operation)}"
    if held:
        return "on hold: this pull request is left alone until `/reconciler resume`, or until its label is taken off"
    return f"{operation.phase.value.replace('_', ' ')}: {standing(operation)}"


def _command_row(command: Command) -> dict[str, Any]:
    return {
        "at": f"{command.at:%Y-%m-%d %H:%M:%S}",
        "by": command.by,
        "word": command.word or "—",
        "answer": Ours(_safe(command.answer)),
    }


def _told(events: Iterable[Event], operation: Operation) -> list[dict[str, str]]:
    said = [(event.at, sentence(event, operation)) for event in events]
    told = [{"at": f"{at:%Y-%m-%d %H:%M:%S}", "text": text} for at, text in said if text]
    return told[-_STORY:]
