"""What the forge should show now, and which of it is due: it differs from what was said last. Pure.

Only operations that are open or ended within a day are looked at, and whatever somebody spoke to us about; what was
said is in the ledger, so that an unchanged text costs no request.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from reconciler.model.conversation import Conversation, Speech, StatusState, Word, speech_key
from reconciler.model.facts import Unknown
from reconciler.model.objects import CommitId
from reconciler.model.operation import EffectStatus, Event, Operation
from reconciler.model.proposal import PullRequest
from reconciler.model.report import Held
from reconciler.model.snapshot import Snapshot
from reconciler.settings import ForgeSettings
from reconciler.talk import boxes, texts
from reconciler.talk.hearing import label_orders
from reconciler.talk.statuses import is_held, statuses

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.model.operation import Effect
    from reconciler.settings import GuardSettings

_DAY = timedelta(days=1)
_LONGEST_BACKOFF = timedelta(hours=1)
_MOST_DOUBLINGS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """One thing that the forge should show; `digest` tells whether it was said already."""

    key: str
    speech: Speech
    digest: str
    summary: str
    number: int | None = None
    known: int | None = None  # the comment that says it now
    commit: CommitId | None = None
    state: StatusState | None = None
    text: str = field(default="", repr=False)
    title: str = ""  # of the dashboard, like the marker
    marker: str = ""
    wanted: bool = True  # of a label
    undone: bool = False  # the forge shows something else than was said last
    boxes: bool = False  # of a dashboard: people may tick in it
    seen: str | None = None  # the dashboard's text from which this pass took the ticks


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Everything that decides what is said."""

    history: Sequence[Operation]
    conversation: Conversation
    snapshot: Snapshot
    settings: ForgeSettings
    now: datetime
    story: Callable[[str], tuple[Event, ...]] = field(repr=False)
    boxes: bool = False  # the dashboard has boxes that count
    held: Sequence[Held] | None = ()  # findings that open no operation now; None: it is not known what is wrong
    strays: Sequence[PullRequest] = ()  # open, and no operation follows them


def due(scene: Scene, guards: GuardSettings) -> tuple[Saying, ...]:
    """Return what is to be said now: labels first, for they are somebody's wish, then what informs."""
    effects = scene.conversation.effects
    return tuple(saying for saying in wanted(scene) if _is_due(saying, effects, guards, scene.now))


def wanted(scene: Scene) -> Iterator[Saying]:
    """Yield everything that the forge should show."""
    if scene.settings.commands:
        yield from _labels(scene)
        yield from _answers(scene)
    if scene.settings.statuses:
        yield from _statuses(scene)
    if scene.settings.dashboard:
        yield from _dashboard(scene)


def _labels(scene: Scene) -> Iterator[Saying]:
    for number, command in label_orders(scene.conversation).items():
        on = command.word == Word.HOLD
        done = "put on" if on else "taken off"
        yield Saying(
            key=speech_key(number, Speech.LABEL),
            speech=Speech.LABEL,
            digest=str(command.comment),
            summary=f"the label {scene.settings.hold_label} is {done} pull request {number}, as {command.by} wants",
            number=number,
            text=scene.settings.hold_label,
            wanted=on,
        )


def _answers(scene: Scene) -> Iterator[Saying]:
    by_number = {o.pull_request.number: o for o in scene.history if o.pull_request is not None}
    for number in dict.fromkeys(command.number for command in scene.conversation.commands):
        operation = by_number.get(number)
        said = scene.conversation.said(number)
        key = speech_key(number, Speech.COMMENT)
        effect = scene.conversation.effects.get(key)
        if not _is_recent(operation, scene.now) and _answered(effect, len(said)):
            continue
        explained = next((c.operation for c in reversed(said) if c.obeyed and c.word == Word.EXPLAIN), None)
        about = next((o for o in scene.history if o.id == explained), None)
        story = (about, scene.story(about.id)) if about is not None else None
        held = is_held(number, scene.snapshot, scene.settings.hold_label)
        text = texts.answer(operation, said, scene.conversation, story, held=held)
        yield Saying(
            key=key,
            speech=Speech.COMMENT,
            digest=f"{len(said)}:{_digest(text)}",
            summary=f"answered in a comment on {number}",
            number=number,
            known=_number(effect, "comment"),
            text=text,
        )


def _statuses(scene: Scene) -> Iterator[Saying]:
    for operation in scene.history:
        if not _is_recent(operation, scene.now):
            continue
        for commit, state, description in statuses(operation, scene.snapshot, scene.settings.hold_label):
            yield Saying(
                key=speech_key(commit, Speech.STATUS),
                speech=Speech.STATUS,
                digest=_digest(f"{state} {description}"),
                summary=f"the status of {commit[:8]} is {state}: {description}",
                commit=commit,
                state=state,
                text=description,
            )


def _dashboard(scene: Scene) -> Iterator[Saying]:
    if not (scene.history or scene.held or scene.strays or scene.conversation.dashboard):
        return  # nothing ever happened: no issue is needed to say so
    board = scene.snapshot.board
    if isinstance(board, Unknown):
        return  # somebody may have ticked a box: it is not overwritten unseen
    commands = boxes.offered(scene.history, scene.conversation) if scene.boxes else ()
    if scene.snapshot.unheard and boxes.ticked(board, commands):
        return  # nor before it was heard
    cluster = scene.snapshot.cluster
    text = texts.dashboard(
        scene.history,
        scene.conversation,
        scene.now,
        commands,
        cluster=cluster,
        held=scene.held,
        strays=scene.strays,
        listens=scene.settings.commands,
    )
    yield Saying(
        key=speech_key("issue", Speech.DASHBOARD),
        speech=Speech.DASHBOARD,
        digest=_digest(text),
        summary="wrote the dashboard",
        number=scene.conversation.dashboard,
        text=text,
        title=texts.dashboard_title(cluster),
        marker=texts.dashboard_marker(cluster),
        undone=board is not None and board.issue.is_open and not boxes.same_text(board.issue.body, text),
        boxes=scene.boxes,
        seen=None if board is None else board.issue.body,
    )


def _is_recent(operation: Operation | None, now: datetime) -> bool:
    if operation is None:
        return False
    return operation.is_open or (operation.closed_at is not None and now - operation.closed_at < _DAY)


def _answered(effect: Effect | None, commands: int) -> bool:
    return effect is not None and str(effect.result.get("digest", "")).startswith(f"{commands}:")


def _number(effect: Effect | None, name: str) -> int | None:
    found = effect.result.get(name) if effect is not None else None
    return found if isinstance(found, int) else None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _is_due(saying: Saying, effects: Mapping[str, Effect], guards: GuardSettings, now: datetime) -> bool:
    """Tell whether it was not said yet; what failed is tried again later, and after enough tries when it changes."""
    effect = effects.get(saying.key)
    if effect is None:
        return True
    if effect.status is EffectStatus.COMPLETED:
        return saying.undone or bool(effect.result.get("digest") != saying.digest)
    tried = effect.data.get("digest") == saying.digest
    if effect.permanent or effect.attempts >= guards.effect_attempts:
        return not tried
    if effect.status is EffectStatus.INTENDED:
        return True  # a crash: it is said again, and finds what it said
    doubled: int = 2 ** min(max(effect.attempts - 1, 0), _MOST_DOUBLINGS)
    pause = min(min(guards.effect_backoff, _LONGEST_BACKOFF) * doubled, _LONGEST_BACKOFF)
    return now >= (effect.finished_at or effect.intended_at) + pause
