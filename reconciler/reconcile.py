"""The pass, as a story: read the ledger, take a snapshot, find, decide, then advance every operation as far as it goes.

A pass never sleeps and never waits for the world: what cannot go on now is written as the reason to wait, and the
next pass looks again (invariant 2). It ends by itself: rounds are counted (invariant 10).
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

from reconciler.book import Book
from reconciler.diagnose import diagnose
from reconciler.errors import ReconcilerError, foreign_text
from reconciler.model.conversation import CONVERSATION
from reconciler.model.facts import Fact, Unknown, known
from reconciler.model.operation import Draft, Event, EventKind
from reconciler.model.report import PassReport, Plan, PlannedAction, PlannedRemedy
from reconciler.model.verdict import Answer, Route, gravest
from reconciler.observe import observe
from reconciler.perform import SIDE_BY_SIDE, in_words, perform
from reconciler.propose.proposals import propose
from reconciler.sentences import conversation_sentence, pass_sentence, sentence
from reconciler.steps import Perform, Record, View, Wait, next_steps
from reconciler.steps.opening import opening, supposed_all
from reconciler.steps.parts import completed
from reconciler.steps.strays import nobody_follows, strays
from reconciler.talk.boxes import offered, ticked
from reconciler.talk.hearing import boxes_on, listen, listens_since, objection, put_on_hold
from reconciler.talk.speaking import speak
from reconciler.talk.texts import stop_in_words
from reconciler.watching import UNWATCHED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from reconciler.model.finding import Finding
    from reconciler.model.operation import Operation
    from reconciler.model.report import Held
    from reconciler.model.snapshot import Snapshot
    from reconciler.ports import Ports
    from reconciler.settings import Settings
    from reconciler.watching import Watcher

_ELSEWHERE = "another reconciler goes on with it right now"
_ROUNDS = 8  # the longest way in one pass is verdict, intent, merge, live, check; the rest is margin


def reconcile(
    ports: Ports, settings: Settings, watcher: Watcher = UNWATCHED, *, effects_at_once: int = SIDE_BY_SIDE
) -> PassReport:
    """Make one pass; a watcher who wants an end gets it between two effects, with a report of what was done.

    Raises LedgerError when the ledger cannot be read, written or believed: then nothing is done.
    """
    started = ports.clock.now()
    book = Book(ports.ledger, ports.clock.now)
    since = listens_since(book, settings.forge)
    board = boxes_on(book, ports, settings.forge)
    snapshot = observe(ports, book.open_operations, settings, started, watcher, comments_since=since, board=board)
    snapshot = _with_people(snapshot, book, ports)
    watcher.doing("deciding")
    findings = diagnose(snapshot, settings)
    held = _open_operations(_view(snapshot, findings, settings, ports, book, started), book)
    view = _view(snapshot, findings, settings, ports, book, started)
    waiting = _advance_all(view, ports, book, watcher, effects_at_once)
    left = strays(snapshot, book.operations)
    waiting |= {f"pull request {one.number}": nobody_follows(one, book.operations) for one in left}
    speak(snapshot, settings, ports, book, watcher, None if isinstance(findings, Unknown) else held, strays=left)
    return _report(
        book,
        snapshot,
        findings,
        held,
        waiting,
        started,
        ports.clock.now(),
        paused=settings.guards.paused or bool(snapshot.stopped),
    )


def plan(ports: Ports, settings: Settings, watcher: Watcher = UNWATCHED) -> Plan:
    """Return what a pass would start now; reads everything, writes nothing."""
    now = ports.clock.now()
    book = Book(ports.ledger, ports.clock.now)
    snapshot = _as_people_want(observe(ports, book.open_operations, settings, now, watcher), book)
    watcher.doing("deciding")
    findings = diagnose(snapshot, settings)
    view = _view(snapshot, findings, settings, ports, book, now)
    made = opening(view)
    planned = tuple(_planned(operation, view, ports) for operation in supposed_all(made, view))
    return Plan(
        taken_at=now,
        findings=() if isinstance(findings, Unknown) else findings,
        remedies=planned,
        held=made.held,
        unknown=tuple(snapshot.unknowns()),
    )


def _with_people(snapshot: Snapshot, book: Book, ports: Ports) -> Snapshot:
    """Hear what people said before anything is decided; what could not be heard is tried in the next pass."""
    comments = known(snapshot.comments, default=())  # not known: nothing was heard, and what was said before holds
    ticks = ticked(snapshot.board, offered(book.operations, book.conversation))
    unheard = listen((*ticks, *comments), book, ports)
    return _as_people_want(replace(snapshot, unheard=unheard), book)


def _as_people_want(snapshot: Snapshot, book: Book) -> Snapshot:
    """Return the snapshot with what people told us in comments, by this pass or an earlier one."""
    return replace(snapshot, stopped=stop_in_words(book.conversation), on_hold=put_on_hold(book.conversation))


def _view(
    snapshot: Snapshot,
    findings: Fact[tuple[Finding, ...]],
    settings: Settings,
    ports: Ports,
    book: Book,
    now: datetime,
) -> View:
    taken = count()  # several operations of one round may ask before any of the new ones is recorded
    return View(
        snapshot=snapshot,
        findings=findings if isinstance(findings, Unknown) else {f.fingerprint: f for f in findings},
        settings=settings,
        policy=ports.policy,
        now=now,
        history=book.operations,
        next_id=lambda: book.next_id(at=now, taken=next(taken)),
    )


def _open_operations(view: View, book: Book) -> tuple[Held, ...]:
    """Open an operation for each new remedy; hand a finding that is out of attempts to a person, once."""
    made = opening(view)
    drafts = tuple(made.drafts(view))
    if drafts:
        book.intend(drafts)  # somebody else appended: they may have opened the same; the next pass decides
    exhausted = [h for h in made.held if h.code in {"attempts", "failed_before"} and h.operation]
    for stuck in exhausted:
        operation = book.get(stuck.operation or "")
        if not operation.escalated:
            data = {"reason": stuck.reason}
            book.conclude([Draft(operation=operation.id, kind=EventKind.ESCALATED, data=data)])
    return made.held


def _advance_all(view: View, ports: Ports, book: Book, watcher: Watcher, at_once: int) -> dict[str, str]:
    """Advance every open operation until nothing is left to do now; return what each one waits for."""
    waiting: dict[str, str] = {}
    for _ in range(_ROUNDS):
        view = replace(view, history=book.operations, objection=_objection(view, ports, book))
        ours = [operation for operation in book.open_operations if operation.id not in book.elsewhere]
        steps = [step for operation in ours for step in next_steps(operation, view)]
        theirs = [operation.id for operation in book.open_operations if operation.id in book.elsewhere]
        waiting = {**dict.fromkeys(theirs, _ELSEWHERE), **_reasons(steps)}
        records = [step for step in steps if isinstance(step, Record)]
        for record in records:
            book.conclude(record.drafts)
        effects = [s for s in steps if isinstance(s, Perform) and _is_ours(book, s.operation)]
        if effects:
            watcher.acting(in_words(effects))
            perform(effects, view, ports, book, watcher, side_by_side_at_most=at_once)
        if (not records and not effects) or watcher.wants_an_end():
            break
    return waiting


def _objection(view: View, ports: Ports, book: Book) -> Callable[[int], str | None]:
    """Return what asks for people's objections to a merge, knowing what was heard until now."""
    settings = view.settings.forge
    return partial(
        objection, history=book.operations, conversation=book.conversation, settings=settings, talk=ports.talk
    )


def _is_ours(book: Book, operation: str) -> bool:
    """Still open, and no other pass went on with it."""
    return operation not in book.elsewhere and book.get(operation).is_open


def _reasons(steps: Sequence[Perform | Record | Wait]) -> dict[str, str]:
    reasons: dict[str, str] = {}
    for step in steps:
        if isinstance(step, Wait):
            earlier = reasons.get(step.operation)
            reasons[step.operation] = f"{earlier}; {step.reason}" if earlier else step.reason
    return reasons


def _planned(operation: Operation, view: View, ports: Ports) -> PlannedRemedy:
    """Return what is left to do of an operation, and make its proposal without publishing it."""
    remedy, leading, verdicts = operation.remedy, operation.remedy.leading, operation.verdicts
    actions = {i: PlannedAction(action=action, verdict=verdicts[i]) for i, action in enumerate(remedy.actions)}
    if leading is not None:
        # The first one stands for the pull request, with the verdict on all that it would carry.
        verdict = gravest(verdicts[i] for i in remedy.declaratives)
        actions[leading] = replace(actions[leading], verdict=verdict)
        if verdict.route is Route.PULL_REQUEST and verdict.answer is not Answer.REFUSE:
            actions[leading] = _with_proposal(actions[leading], operation, view, ports)
    left = (action for i, action in actions.items() if completed(operation, i) is None)
    return PlannedRemedy(remedy=remedy, actions=tuple(left))


def _with_proposal(planned: PlannedAction, operation: Operation, view: View, ports: Ports) -> PlannedAction:
    """Return the action that stands for the pull request with its proposal, or why there is none."""
    try:
        proposal = propose(operation, view.snapshot, ports.repository, ports.renderer, view.settings)
    except ReconcilerError as error:
        return replace(planned, problem=f"{error}; {error.remedy}")
    except Exception as error:  # noqa: BLE001 - as in a pass: one file's surprise hides no other remedy
        return replace(planned, problem=foreign_text(f"{type(error).__name__}: {error}"))
    return replace(planned, proposal=proposal)


def _problem(event: Event) -> str:
    """Say what failed, and what a person can do about it where the error says so."""
    remedy = event.data.get("remedy")
    said = f"{event.operation}: {event.data['verb']} failed: {event.data['error']}"
    return f"{said}; {remedy}" if remedy else said


def _line(event: Event, book: Book) -> str | None:
    if event.operation == CONVERSATION:
        return conversation_sentence(event)
    return sentence(event, book.get(event.operation))


def _report(
    book: Book,
    snapshot: Snapshot,
    findings: Fact[tuple[Finding, ...]],
    held: Sequence[Held],
    waiting: Mapping[str, str],
    started: datetime,
    finished: datetime,
    *,
    paused: bool,
) -> PassReport:
    touched = {event.operation for event in book.recorded}
    operations = tuple(o for o in book.operations if o.is_open or o.id in touched)
    lines = tuple(filter(None, (_line(event, book) for event in book.recorded)))
    problems = tuple(_problem(event) for event in book.recorded if event.kind is EventKind.EFFECT_FAILED)
    unknown = tuple(snapshot.unknowns())
    return PassReport(
        started_at=started,
        finished_at=finished,
        sentence=pass_sentence((*lines, *problems), waiting, unknown, snapshot, held=held, paused=paused),
        lines=lines,
        waiting=tuple(sorted(waiting.items())),
        findings=() if isinstance(findings, Unknown) else findings,
        held=tuple(held),
        operations=operations,
        unknown=unknown,
        problems=problems,
    )
