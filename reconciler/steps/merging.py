"""An open pull request as it should be: it waits for people, or is merged by us where policy says so.

The policy's word comes first, then the forge's: the rules of the base branch hold whatever we may do. Protects
invariants 8 (a policy that errs means no) and 9: a merge names the head that was looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.govern.facts import facts_for
from reconciler.model.facts import Unknown
from reconciler.model.operation import EffectStatus
from reconciler.model.proposal import PullRequest
from reconciler.model.quantity import same_quantities
from reconciler.model.review import MergeState
from reconciler.model.verdict import Answer
from reconciler.settings import MergePolicy
from reconciler.steps.parts import attempt, given_up
from reconciler.steps.words import Record, Step, Verb, View, effect_key, escalation, wait

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.govern.approvals import ApprovalState
    from reconciler.model.operation import Operation, TrackedPullRequest
    from reconciler.model.snapshot import Followed

_NAMES = 5  # of those asked for a review


def awaited(tracked: TrackedPullRequest, opinions: ApprovalState | None = None, *, asked: Sequence[str] = ()) -> str:
    """Say what an open pull request waits for, by what reviewers said; `asked` were asked to be among them.

    Forges ask the owners of the changed files by themselves, so these names are what a rule about them waits for.
    """
    number, url, names = tracked.number, tracked.url, _named(_silent(asked, opinions))
    unreviewed = f"pull request {number} waits for a review{f', asked of {names}' if names else ''}: {url}"
    if opinions is None:
        return unreviewed
    ignored = "".join(f"; {who}'s review does not count: {why}" for who, why in opinions.not_counted)
    if opinions.changes_requested_by:
        return f"{', '.join(opinions.changes_requested_by)} asks for changes in pull request {number}: {url}{ignored}"
    if opinions.approved_by:
        missing = f"; a review of {names} is still missing" if names else ""
        approved = f"{', '.join(opinions.approved_by)} approved it{missing}"
        return f"pull request {number} waits to be merged, {approved}: {url}{ignored}"
    return f"{unreviewed}{ignored}"


def _silent(asked: Sequence[str], opinions: ApprovalState | None) -> Sequence[str]:
    """Return who has not said anything yet, of those who were asked."""
    if opinions is None:
        return asked
    ignored = (who for who, _ in opinions.not_counted)
    heard = {name.casefold() for name in (*opinions.approved_by, *opinions.changes_requested_by, *ignored)}
    return [name for name in asked if name.casefold() not in heard]


def _named(people: Sequence[str]) -> str:
    """Return a few names, and how many more there are."""
    more = len(people) - _NAMES
    return ", ".join(people[:_NAMES]) + (f" and {more} more" if more > 0 else "")


def why_not(operation: Operation, index: int, opinions: ApprovalState, view: View) -> str | None:
    """Return why we may not merge it ourselves, or None; governance is asked as for any action, then the policy."""
    verdict = view.judge_together(operation, index)
    if verdict.answer is not Answer.GO:
        return verdict.message
    review = {
        "approvals": len(opinions.approved_by),
        "changes_requested": len(opinions.changes_requested_by),
    }
    for i in operation.remedy.together_with(index):
        action = operation.remedy.actions[i]
        facts = facts_for(action, i, operation, view.snapshot, view.history, view.settings, view.now)
        answer = view.policy.merge(facts | {"review": review})
        if answer.code != "merge":
            return answer.message
    return None


def considered(
    operation: Operation, tracked: TrackedPullRequest, followed: Followed, opinions: ApprovalState, view: View
) -> Iterator[Step]:
    """Merge it where policy and the forge's rules let us; otherwise it waits, and this says for what."""
    found = followed.pull_request
    asked = found.asked if isinstance(found, PullRequest) else ()
    shown = awaited(tracked, opinions, asked=asked) + _beside(operation, followed)
    leading = operation.remedy.leading
    if view.settings.policy.merge is MergePolicy.NEVER or leading is None:
        yield wait(operation, shown)
        return
    against = why_not(operation, leading, opinions, view) or _unmergeable(followed)
    if against is not None:
        yield wait(operation, f"{shown} (not merged by us: {against})")
        return
    effect = operation.effects.get(effect_key(operation, leading, Verb.MERGE))
    if effect is not None and given_up(effect, view.settings):
        reason = f"pull request {tracked.number} could not be merged, a person must: {effect.error}"
        if not operation.escalated:
            yield Record(drafts=(escalation(operation, reason),))
        yield wait(operation, reason)
        return
    yield from attempt(operation, leading, Verb.MERGE, view)
    if effect is not None and effect.status is EffectStatus.COMPLETED:
        yield wait(operation, f"pull request {tracked.number} is merged by us; the next pass reads what base holds")


def _unmergeable(followed: Followed) -> str | None:
    mergeability = followed.mergeability
    if mergeability is None or isinstance(mergeability, Unknown):
        return (
            f"whether it can be merged is not known now ({mergeability})" if mergeability else "nobody asked the forge"
        )
    return None if mergeability.state is MergeState.CLEAN else mergeability.reason


def _beside(operation: Operation, followed: Followed) -> str:
    """Say what a reviewer should know: it may not be needed any more."""
    at_base, said = followed.values_at_base, ""
    if at_base is not None and not isinstance(at_base, Unknown) and same_quantities(at_base, operation.expected):
        said += " (base holds the proposed value already)"
    if operation.quiet_since is not None:
        said += f" (the trouble is gone since {operation.quiet_since:%Y-%m-%d %H:%M} UTC)"
    return said
