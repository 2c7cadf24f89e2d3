"""Brakes outside policy: pause, cooldown, rate, circuit breaker, attempts.

Protects invariant 10 (bounded) and invariant 7 (a person's pause beats every rule). All of them read the ledger's
operations and the given time, nothing else. An action's own effect, taken up again after a crash, does not count
against it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from reconciler.decide.past import attempts_on
from reconciler.model.action import Action, ActionClass, ActionName
from reconciler.model.facts import Unknown
from reconciler.model.operation import CARRIED, EffectStatus, Operation, Outcome, Phase, parts_of
from reconciler.model.verdict import Answer, GuardAnswer, Route
from reconciler.plain import counted
from reconciler.settings import format_duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.model.cluster import Workload
    from reconciler.model.objects import ObjectRef
    from reconciler.model.operation import Effect
    from reconciler.model.snapshot import Snapshot
    from reconciler.model.verdict import Verdict
    from reconciler.settings import GuardSettings

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_DIRECT = frozenset({"run", "apply"})  # verbs of effects that write to the target itself
_PROPOSE = frozenset({"propose"})
_BUDGETS = frozenset({"rate", "open_pull_requests"})  # names of the guards that count pull requests


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The action that the guards are asked about, as the ledger knows it."""

    action: Action
    index: int  # of the action in its remedy
    operation: Operation | None  # None: not opened yet (`reconciler plan`)
    route: Route
    restarted_at: datetime | None = None  # what the live object says, whoever restarted it


def asked_of(action: Action, index: int, operation: Operation | None, route: Route, snapshot: Snapshot) -> Asked:
    """Return the question with what the live target says of its last restart."""
    workload = None if isinstance(snapshot.workloads, Unknown) else snapshot.workloads.get(action.target)
    return Asked(action=action, index=index, operation=operation, route=route, restarted_at=_restarted_at(workload))


class Write(NamedTuple):
    """One effect with what its key says: `<operation>:<index of the action>:<verb>`."""

    operation: str
    place: int
    verb: str
    targets: tuple[ObjectRef, ...]  # the one that was written to, or all that a pull request is about
    effect: Effect

    @property
    def at(self) -> datetime:
        """When it was last attempted; the intent keeps the time of the first attempt."""
        return max(self.effect.intended_at, self.effect.finished_at or self.effect.intended_at)


def guards_for(
    asked: Asked,
    history: Sequence[Operation],
    settings: GuardSettings,
    flags: frozenset[str],
    now: datetime,
    *,
    stopped: str = "",
) -> tuple[GuardAnswer, ...]:
    """Return what every guard says, the passing ones included."""
    others = [w for w in writes(history) if not _is_own(w, asked)]
    return (
        _pause(settings, flags, stopped),
        _cooldown(asked, others, settings, now),
        _rate(asked, others, settings, now),
        _open_pull_requests(asked, history, settings),
        _circuit_breaker(failures_in_row(asked.action.target, history, others), settings, now),
        _attempts(asked, history, settings, now),
    )


def writes(history: Sequence[Operation]) -> Iterator[Write]:
    """Yield every effect of every operation, where it was done."""
    for operation in history:
        for effect in operation.effects.values():
            if CARRIED in effect.data:
                continue
            name, place, verb = parts_of(effect.key)
            direct = verb in _DIRECT
            targets = (operation.remedy.actions[place].target,) if direct else operation.targets
            yield Write(name, place, verb, targets, effect)


def failures_in_row(target: ObjectRef, history: Sequence[Operation], written: Sequence[Write]) -> list[datetime]:
    """Return when writes and operations on a target failed since the last verified one, oldest first."""
    ended = [(o.outcome, o.closed_at) for o in history if target in o.targets and o.closed_at is not None]
    verified = max((at for outcome, at in ended if outcome is Outcome.VERIFIED), default=None)
    failed = [at for outcome, at in ended if outcome is Outcome.FAILED]
    failed += [w.at for w in written if target in w.targets and w.effect.status is EffectStatus.FAILED]
    return sorted(at for at in failed if verified is None or at > verified)


def _is_own(write: Write, asked: Asked) -> bool:
    """Tell whether an effect is this very action's; its half of a hybrid remedy does not brake the other."""
    if asked.operation is None or write.operation != asked.operation.id:
        return False
    return write.place == asked.index or asked.action.action_class is ActionClass.DECLARATIVE


def _pause(settings: GuardSettings, flags: frozenset[str], stopped: str) -> GuardAnswer:
    if stopped:
        return GuardAnswer(name="pause", passed=False, message=stopped)
    if settings.paused:
        return GuardAnswer(name="pause", passed=False, message="paused by the configuration")
    if "paused" in flags:
        return GuardAnswer(name="pause", passed=False, message="paused by an annotation on the target or its namespace")
    return GuardAnswer(name="pause", passed=True, message="not paused")


def _cooldown(asked: Asked, others: Sequence[Write], settings: GuardSettings, now: datetime) -> GuardAnswer:
    if asked.route is Route.PULL_REQUEST:
        return GuardAnswer(name="cooldown", passed=True, message="a pull request does not disturb the target")
    times = [w.at for w in others if w.verb in _DIRECT and asked.action.target in w.targets]
    times += _restarts_by_others(asked, now)
    if times and now < max(times) + settings.cooldown:
        message = f"{asked.action.target} was acted on {format_duration(_rounded(now - max(times)))} ago"
        return GuardAnswer(name="cooldown", passed=False, message=message, until=max(times) + settings.cooldown)
    message = f"no action on {asked.action.target} within {format_duration(settings.cooldown)}"
    return GuardAnswer(name="cooldown", passed=True, message=message)


def _restarts_by_others(asked: Asked, now: datetime) -> list[datetime]:
    """Return when a person, or a reconciler with another ledger, restarted it; a time to come is not believed."""
    at = asked.restarted_at
    ours = asked.operation.effects.values() if asked.operation else ()
    if at is None or at > now or any(effect.intended_at.replace(microsecond=0) == at for effect in ours):
        return []
    return [at]


def _rate(asked: Asked, others: Sequence[Write], settings: GuardSettings, now: datetime) -> GuardAnswer:
    proposes = asked.route is Route.PULL_REQUEST
    limit = settings.pull_requests_per_hour if proposes else settings.actions_per_hour
    verbs, what = (_PROPOSE, "pull requests") if proposes else (_DIRECT, "actions")
    times = sorted(w.at for w in others if w.verb in verbs and now - w.at < _HOUR)
    message = f"{len(times)} of {limit} {what} in the last hour"
    if len(times) < limit:
        return GuardAnswer(name="rate", passed=True, message=message)
    free = times[len(times) - limit] if limit else now  # a limit of nothing is looked at again, in case it changes
    return GuardAnswer(name="rate", passed=False, message=message, until=free + _HOUR)


def _open_pull_requests(asked: Asked, history: Sequence[Operation], settings: GuardSettings) -> GuardAnswer:
    """Count what may be open: pull requests that nobody ended, and those announced whose fate is not known yet."""
    if asked.route is not Route.PULL_REQUEST:
        return GuardAnswer(name="open_pull_requests", passed=True, message="not a pull request")
    own = asked.operation.id if asked.operation else None
    count = sum(1 for operation in history if operation.id != own and _may_be_open(operation))
    message = f"{count} of {settings.max_open_pull_requests} pull requests are open"
    return GuardAnswer(name="open_pull_requests", passed=count < settings.max_open_pull_requests, message=message)


def _may_be_open(operation: Operation) -> bool:
    if not operation.is_open:
        return False
    if operation.pull_request is not None:
        return operation.pull_request.merge_commit is None and operation.pull_request.closed_by is None
    return is_announced(operation)


def is_announced(operation: Operation) -> bool:
    """Tell whether a pull request of it was announced: it may be open, whatever became of us."""
    return any("branch" in effect.data for effect in operation.effects.values())


def waits_for_budget(verdict: Verdict) -> bool:
    """Tell whether nothing but the budgets keeps this from becoming a pull request now, or nothing at all."""
    braking = {guard.name for guard in verdict.guards if not guard.passed}
    if verdict.route is not Route.PULL_REQUEST or not braking <= _BUDGETS:
        return False
    return verdict.answer is Answer.GO or (verdict.answer is Answer.WAIT and bool(braking) and not verdict.degraded)


def is_planned(operation: Operation) -> bool:
    """Tell whether an operation is about to open its pull request, as soon as the budgets let it."""
    leading = operation.remedy.leading
    if operation.phase is not Phase.DECIDED or leading is None or is_announced(operation):
        return False
    verdict = operation.verdicts.get(leading)
    return verdict is None or waits_for_budget(verdict)


def pull_requests_left(history: Sequence[Operation], settings: GuardSettings, now: datetime) -> int:
    """Return how many more pull requests the budgets let be opened now; those that are planned come first.

    Less than nothing: so many of those have to wait.
    """
    lately = sum(1 for w in writes(history) if w.verb in _PROPOSE and now - w.at < _HOUR)
    there = sum(1 for operation in history if _may_be_open(operation))
    planned = sum(1 for operation in history if is_planned(operation))
    left = min(settings.pull_requests_per_hour - lately, settings.max_open_pull_requests - there)
    return max(0, left) - planned


def _circuit_breaker(failures: list[datetime], settings: GuardSettings, now: datetime) -> GuardAnswer:
    message = f"{counted(len(failures), 'failure')} in a row"
    if len(failures) < settings.circuit_failures or now >= failures[-1] + settings.circuit_rest:
        return GuardAnswer(name="circuit_breaker", passed=True, message=message)
    until = failures[-1] + settings.circuit_rest
    return GuardAnswer(name="circuit_breaker", passed=False, message=message, until=until)


def _attempts(asked: Asked, history: Sequence[Operation], settings: GuardSettings, now: datetime) -> GuardAnswer:
    if asked.operation is None or asked.action.name is ActionName.REVERT_CHANGE:
        return GuardAnswer(name="attempts", passed=True, message="not an attempt of its own")
    fingerprints = frozenset(f.fingerprint for f in asked.operation.remedy.findings_on(asked.action.target))
    others = [o for o in attempts_on(fingerprints, history, now) if o.id != asked.operation.id]
    message = f"{len(others)} of {settings.attempts_per_day} attempts on this finding in a day"
    if len(others) < settings.attempts_per_day:
        return GuardAnswer(name="attempts", passed=True, message=message)
    return GuardAnswer(name="attempts", passed=False, message=message, until=others[0].opened_at + _DAY)


def _restarted_at(workload: Workload | None) -> datetime | None:
    """Read when a workload was restarted; anybody may write the annotation, so it may be no time at all."""
    try:
        at = datetime.fromisoformat((workload and workload.restarted_at) or "")
    except ValueError:
        return None
    return at if at.tzinfo else None


def _rounded(duration: timedelta) -> timedelta:
    return timedelta(seconds=round(duration.total_seconds()))
