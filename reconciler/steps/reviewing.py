"""An open pull request: what people and base do with it, and what we do then. `docs/lifecycle.md` is its table.

The order is the order of weight: a hold stops everything, base may have taken another value, the trouble may be gone,
people's commits make it theirs; only what is still ours is updated, and only what policy lets us is merged.

Protects invariants 3 (nothing is closed, updated or merged on unknown facts), 7 (people win) and 9 (an approval is of
an exact head).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from reconciler.govern.approvals import ApprovalState, approval_state
from reconciler.model.codec import encode
from reconciler.model.facts import Unknown
from reconciler.model.operation import Draft, EventKind, Operation, Outcome, TrackedPullRequest
from reconciler.model.proposal import PullRequest, PullRequestState
from reconciler.model.quantity import same_quantities
from reconciler.plain import one_line
from reconciler.steps import ending, merging, updating
from reconciler.steps.delivering import live_values
from reconciler.steps.parts import attempt
from reconciler.steps.words import (
    Record,
    Step,
    Verb,
    View,
    effect_key,
    trouble_is_there,
    wait,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from reconciler.model.review import Inspection
    from reconciler.model.snapshot import Followed

# Forges tell times to the second: what changed twice in one second may have been read in between.
_SETTLED = timedelta(seconds=5)


def awaiting_git_pr(operation: Operation, view: View) -> Iterator[Step]:
    """Its pull request was opened: see what people did with it."""
    tracked, followed = operation.pull_request, view.snapshot.followed.get(operation.id)
    if tracked is None:
        return
    if followed is None:  # it was opened in this pass
        yield wait(operation, merging.awaited(tracked))
        return
    found = followed.pull_request
    if isinstance(found, Unknown):
        yield wait(operation, f"pull request {tracked.number} is not known now ({found})")
    elif found is None:
        yield wait(operation, f"pull request {tracked.number} is not in the forge's list; that proves nothing")
    elif found.state is PullRequestState.OPEN:
        yield from _open(operation, tracked, found, followed, view)
    elif found.state is PullRequestState.CLOSED:
        yield from ending.closed(operation, tracked, found, view)
    else:
        yield from ending.merged(operation, tracked, followed, view)


def _open(
    operation: Operation, tracked: TrackedPullRequest, found: PullRequest, followed: Followed, view: View
) -> Iterator[Step]:
    hold = view.settings.forge.hold_label
    if found.number in view.snapshot.on_hold:
        yield wait(operation, f"pull request {tracked.number} is on hold by a comment: {tracked.url}")
        return
    if hold in found.labels:
        yield wait(operation, f"pull request {tracked.number} is on hold by its label {hold}: {tracked.url}")
        return
    if followed.elsewhere is not None:
        where = one_line(followed.elsewhere)
        yield wait(operation, f"pull request {tracked.number} goes into {where} by now, so it is theirs: {tracked.url}")
        return
    taken = _taken_by_base(operation, followed)
    if taken is not None:
        yield from _close(operation, tracked, Outcome.SUPERSEDED, taken, view)
        return
    inspection = followed.inspection
    if inspection is None:
        yield wait(operation, merging.awaited(tracked, asked=found.asked))
        return
    if isinstance(inspection, Unknown):
        yield wait(operation, f"{merging.awaited(tracked)} (what people said is not known now: {inspection})")
        return
    for look in _looks(operation, tracked, found, followed, inspection, view):
        steps = tuple(look)
        yield from steps
        if steps:
            return


def _looks(
    operation: Operation,
    tracked: TrackedPullRequest,
    found: PullRequest,
    followed: Followed,
    inspection: Inspection,
    view: View,
) -> Iterator[Iterator[Step]]:
    """Yield what may have something to say, in the order of weight; the first one that does decides."""
    opinions = approval_state(inspection.reviews, head=inspection.head, author=found.author)
    yield _noticed(operation, tracked, inspection, view.snapshot.taken_at)
    yield _watched(operation, tracked, inspection, opinions, view)
    yield _left_to_people(operation, tracked, inspection)
    yield _delivered_without(operation, tracked, followed, view)
    yield updating.updated(operation, tracked, followed, opinions, view)
    yield merging.considered(operation, tracked, followed, opinions, view)


def _taken_by_base(operation: Operation, followed: Followed) -> str | None:
    """Say that somebody gave the field another value in base meanwhile.

    The end is seen in a later snapshot only: the pull request may be merged at this very moment.
    """
    at_base = followed.values_at_base
    if at_base is None or isinstance(at_base, Unknown):
        return None
    before = tuple(change.before for _, change in operation.remedy.fields)
    if len(at_base) != len(before):  # read before another finding joined; the next pass reads all fields
        return None
    if same_quantities(at_base, before) or same_quantities(at_base, operation.expected):
        return None
    shown = ", ".join(value or "absent" for value in at_base)
    return f"somebody set the field to {shown} in base, so this proposal is out of date"


def _close(
    operation: Operation, tracked: TrackedPullRequest, outcome: Outcome, reason: str, view: View
) -> Iterator[Step]:
    yield from attempt(operation, 0, Verb.CLOSE, view, reason=reason, outcome=outcome)
    yield wait(operation, f"pull request {tracked.number}: {reason}")


def _noticed(operation: Operation, tracked: TrackedPullRequest, inspection: Inspection, at: datetime) -> Iterator[Step]:
    """Write down what people did with it, once; a time that may still have more to come is not remembered."""
    settled = inspection.updated_at is not None and at - inspection.updated_at >= _SETTLED
    seen, before = replace(inspection, updated_at=inspection.updated_at if settled else None), tracked.inspected
    news = bool(seen.reviews or seen.foreign) if before is None else _content(seen) != _content(before)
    if news or (settled and seen != before):
        data = {"inspection": encode(seen), "said": "; ".join(_said(tracked, seen, before)) if news else ""}
        yield Record(drafts=(Draft(operation=operation.id, kind=EventKind.PULL_REQUEST_INSPECTED, data=data),))


def _content(inspection: Inspection) -> object:
    return inspection.head, inspection.reviews, inspection.foreign, inspection.values


def _said(tracked: TrackedPullRequest, seen: Inspection, before: Inspection | None) -> Iterator[str]:
    """Say what is new: reviews are told as they are, whether or not they count."""
    known = before.reviews if before else ()
    for review in seen.reviews:
        if review not in known:
            yield f"pull request {tracked.number}: {review.user} {review.state.replace('_', ' ')}"
    if seen.foreign and (before is None or before.head != seen.head):
        value = ", ".join(value or "absent" for value in seen.values or ())
        yield f"pull request {tracked.number} holds a commit by {seen.foreign}, so it is theirs now; its value: {value}"


def _watched(
    operation: Operation, tracked: TrackedPullRequest, inspection: Inspection, opinions: ApprovalState, view: View
) -> Iterator[Step]:
    """Close it once the trouble has been gone long enough; a person's commit or approval makes that theirs to decide.

    Only a pass that knows everything counts (invariant 3), each snapshot once, and none so soon after an action of
    ours that the trouble had no time to come back.
    """
    there, unknown = trouble_is_there(operation, view), any(True for _ in view.snapshot.unknowns())
    if there is None or unknown or operation.remedy.is_revert:
        return
    if there:
        if operation.quiet_passes:
            yield _quiet(operation, quiet=False)
        return
    if inspection.foreign or opinions.persons or _acted_lately(operation, view):
        return
    guards, since = view.settings.guards, operation.quiet_since or view.now
    if operation.quiet_passes < guards.quiet_passes:
        if operation.updated_at < view.snapshot.taken_at:
            yield _quiet(operation, quiet=True)
    elif view.now - since >= guards.quiet_period:
        reason = f"the trouble has been gone since {since:%Y-%m-%d %H:%M} UTC, so this is not needed any more"
        yield from _close(operation, tracked, Outcome.RESOLVED, reason, view)


def _quiet(operation: Operation, *, quiet: bool) -> Record:
    draft = Draft(operation=operation.id, kind=EventKind.TROUBLE_WATCHED, data={"quiet": quiet})
    return Record(drafts=(draft,))


def _acted_lately(operation: Operation, view: View) -> bool:
    """A restart hides the trouble for a while; that is no sign that it ended."""
    verify = view.settings.verify
    keys = [effect_key(operation, index, Verb.RUN) for index in operation.remedy.imperatives]
    effects = [operation.effects[key] for key in keys if key in operation.effects]
    times = [effect.finished_at or effect.intended_at for effect in effects]
    return bool(times) and view.now < max(times) + verify.stabilization_period + verify.settle_limit


def _left_to_people(operation: Operation, tracked: TrackedPullRequest, inspection: Inspection) -> Iterator[Step]:
    if inspection.foreign is not None:
        reason = f"pull request {tracked.number} holds a commit by {inspection.foreign}, so it is theirs: {tracked.url}"
        yield wait(operation, reason)


def _delivered_without(
    operation: Operation, tracked: TrackedPullRequest, followed: Followed, view: View
) -> Iterator[Step]:
    """Close it where base holds the proposed value, and it is live: then it brings nothing, whatever the trouble does.

    What is still wrong then asks for another remedy, which this one would only keep waiting.
    """
    at_base, expected = followed.values_at_base, operation.expected
    if at_base is None or isinstance(at_base, Unknown) or not same_quantities(at_base, expected):
        return
    live = live_values(operation, view.snapshot)
    if isinstance(live, Unknown) or not same_quantities(live, expected):
        return
    reason = "somebody set the proposed value in base, and it is live, so this changes nothing any more"
    yield from _close(operation, tracked, Outcome.SUPERSEDED, reason, view)
