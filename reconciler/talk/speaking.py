"""Say what is due: announce it in the ledger, write it to the forge, record what came of it.

Protects invariant 1 as `perform.py` does, and the pass: whatever fails here is told as a problem and tried again
later; it never keeps anything else from being done, so it comes last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.errors import ReconcilerError, Refusal, foreign_text
from reconciler.model.conversation import CONVERSATION, Speech
from reconciler.model.facts import Unknown
from reconciler.model.operation import Draft, EventKind
from reconciler.talk import texts
from reconciler.talk.boxes import same_text
from reconciler.talk.saying import Saying, Scene, due

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reconciler.book import Book
    from reconciler.model.proposal import PullRequest
    from reconciler.model.report import Held
    from reconciler.model.snapshot import Snapshot
    from reconciler.ports import Ports, Talk
    from reconciler.settings import Settings
    from reconciler.watching import Watcher

_AT_ONCE = 20  # writes in one pass; forges take so many a minute


def speak(
    snapshot: Snapshot,
    settings: Settings,
    ports: Ports,
    book: Book,
    watcher: Watcher,
    held: Sequence[Held] | None = (),
    strays: Sequence[PullRequest] = (),
) -> None:
    """Say what is due, one thing after the other; `held` are findings that open no operation, None: not known.

    `strays` are open pull requests that no operation follows.

    Raises LedgerError when it cannot be announced or recorded.
    """
    if ports.talk is None or isinstance(snapshot.pull_requests, Unknown):
        return  # no try is spent on a forge that does not answer, or that a limit lets nobody ask
    scene = Scene(
        history=book.operations,
        conversation=book.conversation,
        snapshot=snapshot,
        settings=settings.forge,
        now=ports.clock.now(),
        story=book.story,
        held=held,
        strays=strays,
        boxes=settings.forge.boxes and settings.forge.commands and ports.talk.tells_editors,
    )
    for saying in due(scene, settings.guards)[:_AT_ONCE]:
        if watcher.wants_an_end() or not book.intend([_intent(saying)]):
            return  # somebody wants an end, or another runner is talking
        book.record([_outcome(saying, ports.talk)])


def _intent(saying: Saying) -> Draft:
    data = {"summary": saying.summary, "digest": saying.digest}
    return _draft(EventKind.EFFECT_INTENDED, saying, data=data)


def _outcome(saying: Saying, talk: Talk) -> Draft:
    try:
        result = _SAY[saying.speech](saying, talk)
    except ReconcilerError as error:
        permanent = isinstance(error, Refusal)
        return _draft(EventKind.EFFECT_FAILED, saying, error=str(error), remedy=error.remedy, permanent=permanent)
    except Exception as error:  # noqa: BLE001 - a vendor's surprise is a failed effect, not a lost pass
        text = foreign_text(f"{type(error).__name__}: {error}")
        return _draft(EventKind.EFFECT_FAILED, saying, error=text, remedy="", permanent=False)
    said = {"digest": saying.digest, "summary": saying.summary, **result}
    return _draft(EventKind.EFFECT_COMPLETED, saying, result=said)


def _draft(kind: EventKind, saying: Saying, **more: Any) -> Draft:  # noqa: ANN401 - an event's data
    return Draft(operation=CONVERSATION, kind=kind, data={"key": saying.key, "verb": saying.speech, **more})


def _comment(saying: Saying, talk: Talk) -> dict[str, Any]:
    if saying.number is None:
        return {}
    comment = talk.write_comment(saying.number, saying.text, marker=texts.ANSWER_MARKER, known=saying.known)
    return {"comment": comment}


def _label(saying: Saying, talk: Talk) -> dict[str, Any]:
    if saying.number is not None:
        talk.label(saying.number, saying.text, wanted=saying.wanted)
    return {}


def _status(saying: Saying, talk: Talk) -> dict[str, Any]:
    if saying.commit is not None and saying.state is not None:
        talk.set_status(saying.commit, saying.state, description=saying.text)
    return {}


def _dashboard(saying: Saying, talk: Talk) -> dict[str, Any]:
    """Write the issue; one that a person closed is left alone, and one that is gone is made anew.

    One whose boxes may have been ticked since they were looked at is left for the next pass, which looks again.
    """
    found = talk.dashboard(saying.number) if saying.number is not None else None
    if found is None:
        found = talk.find_dashboard(saying.marker)
    if found is not None and not found.is_open:
        return {"number": found.number, "url": found.url, "closed": True}
    if found is not None and saying.boxes and (saying.seen is None or not same_text(found.body, saying.seen)):
        left = "left the dashboard as it is: somebody may have ticked a box in it meanwhile"
        return {"number": found.number, "url": found.url, "digest": "", "summary": left}
    if found is None or not same_text(found.body, saying.text):
        number = found.number if found is not None else None
        found = talk.write_dashboard(number, title=saying.title, body=saying.text)
    return {"number": found.number, "url": found.url}


_SAY: dict[Speech, Callable[[Saying, Talk], dict[str, Any]]] = {
    Speech.COMMENT: _comment,
    Speech.LABEL: _label,
    Speech.STATUS: _status,
    Speech.DASHBOARD: _dashboard,
}
