"""What the past says about a remedy: under way, refused by a person, or proven useless.

Protects invariant 7 (people win: a no stands until the evidence changes) and invariant 10 (bounded: attempts per
finding have a limit; reaching it escalates once).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from reconciler.model.operation import CARRIED, EffectStatus, Operation, Outcome
from reconciler.model.quantity import same_quantities
from reconciler.model.report import Held
from reconciler.plain import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.model.action import Remedy
    from reconciler.model.finding import Finding
    from reconciler.settings import GuardSettings

_DAY = timedelta(days=1)


def under_way(finding: Finding, history: Sequence[Operation]) -> Held | None:
    """Return the open operation that already speaks for the finding."""
    for operation in history:
        if operation.is_open and finding.fingerprint in operation.remedy.fingerprints:
            return Held(finding=finding, code="known", reason=f"{operation.id} is on it", operation=operation.id)
    return None


def held_by_past(remedy: Remedy, history: Sequence[Operation], settings: GuardSettings, now: datetime) -> Held | None:
    """Return why this remedy is not opened again now, or None when it may be."""
    same = [o for o in history if o.remedy.fingerprints & remedy.fingerprints]
    for operation in reversed(same):
        if remedy.digest in _proposed(operation) and operation.outcome and operation.closed_at:
            overruled = operation.retried or _is_about_another(operation, remedy)
            held = None if overruled else _held_by(operation, remedy, settings, now)
            if held is not None:
                return held
            break
    tried = attempts_on(remedy.fingerprints, history, now)
    if len(tried) >= settings.attempts_per_day:
        return Held(
            finding=remedy.finding,
            code="attempts",
            reason=f"{counted(len(tried), 'operation')} in a day did not end this; a person must look",
            operation=tried[-1].id,
            until=tried[0].opened_at + _DAY,
        )
    return None


def was_refused(remedy: Remedy, history: Sequence[Operation]) -> bool:
    """Tell whether we ever declined this very remedy: then it may not spoil what is under way for another finding."""
    return any(o.outcome is Outcome.REFUSED and o.remedy.digest == remedy.digest for o in history)


def refused_together(remedy: Remedy, history: Sequence[Operation]) -> bool:
    """Tell whether we ever declined this remedy together with others: then it is tried alone."""
    mine = {part.digest for part in remedy.answers}
    refused = (o.remedy for o in history if o.outcome is Outcome.REFUSED and not o.retried)
    return any(r.digest != remedy.digest and not mine.isdisjoint(part.digest for part in r.parts) for r in refused)


def _is_refused_group(operation: Operation) -> bool:
    return operation.outcome is Outcome.REFUSED and len(operation.targets) > 1


def _proposed(operation: Operation) -> set[str]:
    """Return the digests of what an operation stood for: what became of several findings became of each.

    Only our own refusal is about the whole: one part alone may still be possible.
    """
    parts = () if operation.outcome is Outcome.REFUSED else operation.remedy.parts
    return {operation.remedy.digest, *(part.digest for part in parts)}


def attempts_on(fingerprints: frozenset[str], history: Sequence[Operation], now: datetime) -> list[Operation]:
    """Return a day's operations that tried to end one of these findings, the one that most was tried on; oldest first.

    A revert is part of the attempt before it, and who wrote nothing tried nothing; what was refused for several objects
    is one with the tries of each alone; one after which a person asked for another try counts no more. The limit is
    each finding's: what was tried on one is no attempt on another beside it.
    """
    carried = {effect.data.get(CARRIED) for o in history for effect in o.effects.values()}  # it is one with its host
    tried = [operation for operation in history if _is_attempt(operation, now) and operation.id not in carried]
    of_each = [[o for o in tried if one in o.remedy.fingerprints] for one in sorted(fingerprints)]
    return max(of_each, key=len, default=[])


def _is_attempt(operation: Operation, now: datetime) -> bool:
    return (
        now - operation.opened_at < _DAY
        and not operation.retried
        and not operation.remedy.is_revert
        and not _is_refused_group(operation)
        and any(effect.status is EffectStatus.COMPLETED for effect in operation.effects.values())
    )


def _is_about_another(operation: Operation, remedy: Remedy) -> bool:
    """Tell whether a refusal was about an object that has been deleted and made anew since; a person's no stays."""
    uids, those = ({action.uid for action in r.actions} for r in (operation.remedy, remedy))
    return operation.outcome is Outcome.REFUSED and uids != those


def _held_by(operation: Operation, remedy: Remedy, settings: GuardSettings, now: datetime) -> Held | None:
    stands = {
        Outcome.REJECTED: ("rejected_before", settings.rejection_stands, "was rejected"),
        Outcome.FAILED: ("failed_before", settings.failure_stands, "did not help"),
        Outcome.NOT_APPLIED: ("failed_before", settings.failure_stands, "was never delivered"),
        Outcome.REFUSED: ("refused_before", settings.refusal_stands, "was refused"),
    }
    if operation.closed_at is None:
        return None
    if _was_left_out(remedy, operation):
        code, period, what = "rejected_before", settings.rejection_stands, "was left out of what was merged"
    elif operation.outcome in stands:
        code, period, what = stands[operation.outcome]
    else:
        return None
    until = operation.closed_at + period
    if now >= until:
        return None
    return Held(
        finding=remedy.finding,
        code=code,
        reason=f"the same proposal {what} ({operation.id}: {operation.outcome_reason})",
        operation=operation.id,
        until=until,
    )


def _was_left_out(remedy: Remedy, operation: Operation) -> bool:
    """Tell whether a reviewer took this one of several changes out of a pull request, and merged the others."""
    tracked, fields = operation.pull_request, operation.remedy.fields
    if tracked is None or tracked.merge_commit is None or operation.outcome is Outcome.SUPERSEDED:
        return False
    if remedy.digest not in {part.digest for part in operation.remedy.parts}:
        return False
    merged = dict(zip(((target, c.path) for target, c in fields), operation.expected, strict=True))
    return all(same_quantities((merged.get((t, c.path), c.after),), (c.before,)) for t, c in remedy.fields)
