"""One action on its way, or all that one pull request carries: verdict, approval, effect, and when to give up.

Protects invariant 10: tries have a limit and their pauses grow; reaching it is told to a person once.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from reconciler.model.codec import encode
from reconciler.model.facts import Unknown
from reconciler.model.operation import (
    Draft,
    Effect,
    EffectStatus,
    EventKind,
    Operation,
    Outcome,
)
from reconciler.model.verdict import Answer, Route, Verdict, gravest
from reconciler.plain import counted
from reconciler.steps.words import Perform, Record, Step, Verb, View, effect_key, gravest_on, wait

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.settings import Settings

_LONGEST_BACKOFF = timedelta(hours=1)
_MOST_DOUBLINGS = 32  # from a microsecond to the longest; more would overflow a timedelta


def part(operation: Operation, index: int, view: View) -> Iterator[Step]:
    """One action, with what goes together with it, on its way from verdict to effect.

    Yields nothing once it is done or given up.
    """
    verdicts = {i: view.judge(operation, i) for i in operation.remedy.together_with(index)}
    news = {i: v for i, v in verdicts.items() if _is_news(operation.verdicts.get(i), v)}
    if news:
        yield Record(drafts=tuple(_verdict_given(operation, i, v) for i, v in news.items()))
        return
    action, verdict, whose = (
        operation.remedy.actions[index],
        gravest(verdicts.values()),
        gravest_on(operation, verdicts),
    )
    match verdict.answer:
        case Answer.GO:
            # Several objects can only share a pull request; where that is not their way, it is refused, by name.
            route = verdict.route if len(verdicts) == 1 else Route.PULL_REQUEST
            silent = _silent(route, view)
            if silent is None:
                yield from attempt(operation, index, _VERBS[route], view)
            else:
                yield wait(operation, f"{action.name}: {silent}")
        case Answer.WAIT:
            yield wait(operation, f"{action.name}{_of(whose)}: {verdict.message}", verdict.until)
        case Answer.AWAIT_APPROVAL:
            asking = [i for i, v in verdicts.items() if v.answer is Answer.AWAIT_APPROVAL]
            unasked = [i for i in asking if i not in operation.approval_requested]
            if unasked:
                yield Record(drafts=tuple(_approval_requested(operation, i) for i in unasked))
            yield wait(
                operation, f"{action.name}{_of(whose)} waits for an approval: `reconciler approve {operation.id}`"
            )
        case Answer.REFUSE:
            pass


def _of(name: str) -> str:
    return f" of {name}" if name else ""


def _verdict_given(operation: Operation, index: int, verdict: Verdict) -> Draft:
    data = {"action": index, "verdict": encode(verdict)}
    return Draft(operation=operation.id, kind=EventKind.VERDICT_GIVEN, data=data)


def _approval_requested(operation: Operation, index: int) -> Draft:
    return Draft(operation=operation.id, kind=EventKind.APPROVAL_REQUESTED, data={"action": index})


def _silent(route: Route, view: View) -> str | None:
    """Say that Git or the forge does not answer: no try is spent on that, and it goes on when they do (invariant 3)."""
    if route is not Route.PULL_REQUEST:
        return None
    for fact in (view.snapshot.base, view.snapshot.pull_requests):
        if isinstance(fact, Unknown):
            return f"no pull request can be opened now ({fact}){f'; {fact.remedy}' if fact.remedy else ''}"
    return None


_VERBS = {Route.RUN: Verb.RUN, Route.PULL_REQUEST: Verb.PROPOSE, Route.APPLY: Verb.APPLY}


def _is_news(recorded: Verdict | None, verdict: Verdict) -> bool:
    """A verdict is written down when it says something else than before, not in every pass."""
    if recorded is None:
        return True
    said = (recorded.answer, recorded.route, recorded.code, recorded.policy_hash)
    return said != (verdict.answer, verdict.route, verdict.code, verdict.policy_hash)


def attempt(
    operation: Operation, index: int, verb: Verb, view: View, *, reason: str = "", outcome: Outcome | None = None
) -> Iterator[Step]:
    """Announce or repeat an effect, within the limits on tries (invariant 10)."""
    key = effect_key(operation, index, verb)
    effect = operation.effects.get(key)
    perform = Perform(operation=operation.id, key=key, verb=verb, action=index, reason=reason, outcome=outcome)
    if effect is not None and given_up(effect, view.settings):
        return
    if effect is None or effect.status is EffectStatus.INTENDED:
        # An intent without a result is a crash: the effect is done again, and each one is safe to repeat.
        yield perform
    elif effect.status is EffectStatus.FAILED:
        ready = _retry_at(effect, view.settings)
        if view.now >= ready:
            yield perform
        else:
            yield wait(operation, f"{verb} failed ({effect.error}); try {effect.attempts + 1} comes later", ready)
    elif verb is Verb.UPDATE and view.now > (effect.finished_at or effect.intended_at):
        yield perform  # done before, and due anew by facts that are newer than that


def given_up(effect: Effect, settings: Settings) -> bool:
    """Unfinished, and trying again will not mend it or was tried often enough; a write that kills us counts too."""
    if effect.status is EffectStatus.COMPLETED:
        return False
    return effect.permanent or effect.attempts >= settings.guards.effect_attempts


def _retry_at(effect: Effect, settings: Settings) -> datetime:
    doubled: int = 2 ** min(effect.attempts - 1, _MOST_DOUBLINGS)
    pause = min(min(settings.guards.effect_backoff, _LONGEST_BACKOFF) * doubled, _LONGEST_BACKOFF)
    return (effect.finished_at or effect.intended_at) + pause


def failure(operation: Operation, index: int, settings: Settings) -> str | None:
    """Say why an action will not happen: refused by governance, or its effect given up."""
    for verb in (Verb.RUN, Verb.PROPOSE, Verb.APPLY):
        effect = operation.effects.get(effect_key(operation, index, verb))
        if effect is not None and given_up(effect, settings):
            return effect.error or f"{verb} was begun {counted(effect.attempts, 'time')} and never finished"
    verdict = operation.verdicts.get(index)
    if verdict is not None and verdict.answer is Answer.REFUSE:
        return f"{verdict.message} [{verdict.code}]"
    return None


def completed(operation: Operation, index: int) -> Effect | None:
    """Return the effect by which an action reached the cluster, once it is done."""
    for verb in (Verb.RUN, Verb.APPLY):
        effect = operation.effects.get(effect_key(operation, index, verb))
        if effect is not None and effect.status is EffectStatus.COMPLETED:
            return effect
    return None
