"""An open pull request that is still ours: a better value, or a base that moved under it, makes it anew in place.

A push starts checks and drops approvals, so it needs a reason: the finding asks for more by now, another finding of the
same object joins it, or base changed one of our very files. Other commits in base do nothing. What a person approved is
left alone, unless it cannot be merged.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.decide import decide
from reconciler.decide.past import held_by_past, under_way, was_refused
from reconciler.decide.together import fits, together
from reconciler.model.action import Action, ActionClass, Remedy
from reconciler.model.codec import encode
from reconciler.model.facts import Unknown
from reconciler.model.operation import Draft, EventKind, Operation, TrackedPullRequest
from reconciler.model.quantity import parse_quantity, same_quantities
from reconciler.model.review import Mergeability, MergeState
from reconciler.model.verdict import Answer
from reconciler.steps.parts import attempt, given_up
from reconciler.steps.words import Record, Step, Verb, View, effect_key, escalation, wait

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.govern.approvals import ApprovalState
    from reconciler.model.finding import Finding
    from reconciler.model.snapshot import Followed


def updated(
    operation: Operation, tracked: TrackedPullRequest, followed: Followed, opinions: ApprovalState, view: View
) -> Iterator[Step]:
    """Revise the remedy, or write the pull request anew; yields nothing when it is as it should be."""
    leading = operation.remedy.leading
    if leading is None:
        return
    ready = (tracked.written_at or tracked.opened_at) + view.settings.guards.update_interval
    approved = bool(opinions.persons)
    better = None if approved or view.now < ready else _better(operation, view)
    if better is not None:
        before = "; ".join(action.summary for action in operation.remedy.declaratives.values())
        data = {"remedy": encode(better), "before": before}
        yield Record(drafts=(Draft(operation=operation.id, kind=EventKind.REMEDY_REVISED, data=data),))
        return
    why = _why(tracked, followed, approved=approved)
    if why is None or not _holds_before(operation, followed):
        return
    effect = operation.effects.get(effect_key(operation, leading, Verb.UPDATE))
    shown = f"pull request {tracked.number} is to be written anew: {why}"
    verdict = view.judge_together(operation, leading)
    if view.now < ready:
        yield wait(operation, shown, ready)
    elif _is_queued(followed):  # for as long as that takes, and no try is spent
        yield wait(operation, f"{shown}, but it is in the merge queue")
    elif verdict.answer is not Answer.GO:
        yield wait(operation, f"{shown}; {verdict.message}", verdict.until)
    elif effect is not None and given_up(effect, view.settings):
        if not operation.escalated:
            yield Record(drafts=(escalation(operation, f"{shown}; it was given up: {effect.error}"),))
        yield wait(operation, f"{shown}; it was given up: {effect.error}")
    else:
        yield from attempt(operation, leading, Verb.UPDATE, view, reason=why)
        yield wait(operation, shown)


def _is_queued(followed: Followed) -> bool:
    """Tell whether it is in a merge queue: a push would be refused, or throw it out."""
    mergeability = followed.mergeability
    return isinstance(mergeability, Mergeability) and mergeability.state is MergeState.QUEUED


def _holds_before(operation: Operation, followed: Followed) -> bool:
    """Tell whether base still holds what the edit replaces; where it is unknown or changed, nothing can be written."""
    at_base = followed.values_at_base
    if at_base is None or isinstance(at_base, Unknown):
        return False
    return same_quantities(at_base, tuple(change.before for _, change in operation.remedy.fields))


def _why(tracked: TrackedPullRequest, followed: Followed, *, approved: bool) -> str | None:
    """Return why it must be written anew, or None."""
    mergeability = followed.mergeability
    state = mergeability.state if isinstance(mergeability, Mergeability) else None
    if approved:
        conflict = followed.base_moved is True and state is MergeState.DIRTY
        return "it conflicts with base, so that its approval could not be used" if conflict else None
    if tracked.outdated:
        return "what was found asks for another change by now"
    if followed.base_moved is True:
        return "base changed its file, and not its field"
    return "the rules of base want it up to date, and it is behind" if state is MergeState.BEHIND else None


def _better(operation: Operation, view: View) -> Remedy | None:
    """Return the remedy that the findings ask for by now: further on the same way, or for one more of the object's."""
    if isinstance(view.findings, Unknown) or operation.remedy.is_revert:
        return None
    before = operation.remedy.answers
    parts = [_further(part, view.findings.get(part.finding.fingerprint), view) or part for part in before]
    parts += _joining(operation, view.findings.values(), view)
    if parts == list(before):
        return None
    return replace(together(parts), parent=operation.remedy.parent)


def _further(part: Remedy, finding: Finding | None, view: View) -> Remedy | None:
    """Return a part's remedy of now, if it goes further on the same way."""
    remedy = decide(finding, view.snapshot, view.settings) if finding is not None else None
    if not isinstance(remedy, Remedy) or not fits(part, remedy, view.snapshot):
        return None
    pairs = list(zip(part.actions, remedy.actions, strict=True))
    declarative = [pair for pair in pairs if pair[0].action_class is ActionClass.DECLARATIVE]
    if not declarative or not all(_goes_further(old, new) for old, new in declarative):
        return None
    return None if _is_held(remedy, view) else remedy


def _joining(operation: Operation, findings: Iterable[Finding], view: View) -> Iterator[Remedy]:
    """Yield remedies for findings of the same objects that nobody is on yet; no other object joins it any more."""
    for finding in findings:
        if finding.target not in operation.targets or under_way(finding, view.history) is not None:
            continue
        remedy = decide(finding, view.snapshot, view.settings)
        if isinstance(remedy, Remedy) and _may_join(remedy, operation, view):
            yield remedy


def _is_held(remedy: Remedy, view: View) -> bool:
    """People win: a no to this very value stands."""
    return held_by_past(remedy, view.history, view.settings.guards, view.now) is not None


def _may_join(remedy: Remedy, operation: Operation, view: View) -> bool:
    """Tell whether a remedy is alike, and nothing is known against it."""
    alike = fits(operation.remedy, remedy, view.snapshot)
    return alike and not _is_held(remedy, view) and not was_refused(remedy, view.history)


def _goes_further(old: Action, new: Action) -> bool:
    """Tell whether an action changes the same fields from the same values, and by more; never by less."""
    same = [change.path for change in old.changes] == [change.path for change in new.changes]
    if not same or not same_quantities([c.before for c in old.changes], [c.before for c in new.changes]):
        return False
    afters = [(a.before, a.after, b.after) for a, b in zip(old.changes, new.changes, strict=True)]
    further = not same_quantities([c.after for c in old.changes], [c.after for c in new.changes])
    return further and all(map(_is_further, afters))


def _is_further(values: tuple[str | None, str | None, str | None]) -> bool:
    try:
        before, was, now = (parse_quantity(value or "0") for value in values)  # unset is none of it
    except ValueError:
        return True  # no amounts: another value is another value
    return abs(now - before) >= abs(was - before)
