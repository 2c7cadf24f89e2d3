"""What stands between a change and a branch: protection and rulesets, put together and judged.

Classic protection lets administrators pass unless it says otherwise; a ruleset binds everybody.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from reconciler.sandbox.forge import owners
from reconciler.sandbox.forge.model import Json, Permission, Protection, PullRequest, Repository, Review

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.sandbox.forge.model import User
    from reconciler.sandbox.forge.state import State

Contexts = tuple[tuple[str, int | None], ...]

THROUGH_PULL_REQUEST = "Changes must be made through a pull request."
_DECIDED = ("APPROVED", "CHANGES_REQUESTED", "DISMISSED")
_PASSED = ("success", "neutral", "skipped")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Everything that binds a change of one branch."""

    protected: bool = False
    contexts: Contexts = ()
    strict: bool = False
    reviews: int | None = None  # None: no pull request is needed
    dismiss_stale: bool = False
    code_owners: bool = False
    last_push_approval: bool = False
    pushers: tuple[str, ...] | None = None
    linear: bool = False
    force_pushes: bool = True
    deletions: bool = True
    locked: bool = False


def rules_of(repository: Repository, branch: str, permission: Permission | None = None) -> Rules:
    """Return the rules of a branch: all, or those that bind somebody with this permission."""
    found = [_ruled(rules) for rules in _active(repository, branch)]
    classic = repository.protections.get(branch)
    if classic is not None and (classic.enforce_admins or permission is not Permission.ADMIN):
        found.append(_classic(classic))
    return Rules(
        protected=bool(found),
        contexts=tuple(dict.fromkeys(context for rules in found for context in rules.contexts)),
        strict=any(rules.strict for rules in found),
        reviews=max((rules.reviews for rules in found if rules.reviews is not None), default=None),
        dismiss_stale=any(rules.dismiss_stale for rules in found),
        code_owners=any(rules.code_owners for rules in found),
        last_push_approval=any(rules.last_push_approval for rules in found),
        pushers=next((rules.pushers for rules in found if rules.pushers is not None), None),
        linear=any(rules.linear for rules in found),
        force_pushes=all(rules.force_pushes for rules in found),
        deletions=all(rules.deletions for rules in found),
        locked=any(rules.locked for rules in found),
    )


def active_rules(repository: Repository, branch: str) -> list[tuple[int, Json]]:
    """Return the rules of the rulesets that apply to a branch, each with the ruleset's id."""
    return [(number, rule) for number, rules in _matching(repository, branch) for rule in rules]


def unmet(state: State, repository: Repository, pull: PullRequest, rules: Rules) -> list[str]:
    """Return what keeps a pull request from being merged, in GitHub's sentences; conflicts are not among them."""
    found = [] if rules.reviews is None else list(_unmet_reviews(state, repository, pull, rules))
    return found + unmet_checks(repository, pull.head.sha, rules.contexts)


def unmet_checks(repository: Repository, sha: str, contexts: Contexts) -> list[str]:
    """Return what is said of required checks that have not succeeded, as one sentence or none."""
    words = {context: state_of(repository, sha, context, app) for context, app in contexts}
    open_ones = {context: word for context, word in words.items() if word != "success"}
    if not open_ones:
        return []
    if len(contexts) == 1:
        [(context, word)] = open_ones.items()
        return [f'Required status check "{context}" is {word}.']
    counts = Counter(open_ones.values())
    share = f"{len(open_ones)} of {len(contexts)} required status checks"
    if len(counts) == 1 and "failing" not in counts:
        [word] = counts
        return [f"{share} are {word}."]
    return [f"{share} have not succeeded: {' and '.join(f'{n} {word}' for word, n in sorted(counts.items()))}."]


def state_of(repository: Repository, sha: str, context: str, app: int | None = None) -> str:
    """Return how a check of a commit stands: success, pending, failing or expected (nobody has reported it)."""
    reported: list[tuple[int, str]] = [
        (status.id, {"success": "success", "pending": "pending"}.get(status.state, "failing"))
        for status in repository.statuses
        if (status.sha, status.context) == (sha, context) and (app is None or _app_of(status.creator) == app)
    ]
    for check in repository.checks.values():
        if (check.sha, check.name) == (sha, context) and (app is None or check.app.id == app):
            passed = "success" if check.conclusion in _PASSED else "failing"
            reported.append((check.id, passed if check.status == "completed" else "pending"))
    return max(reported, default=(0, "expected"))[1]


def reported_contexts(repository: Repository, sha: str) -> set[str]:
    """Return the names of all checks that were reported for a commit."""
    statuses = {status.context for status in repository.statuses if status.sha == sha}
    return statuses | {check.name for check in repository.checks.values() if check.sha == sha}


def opinions(reviews: Iterable[Review]) -> list[Review]:
    """Return each reviewer's newest opinion; a comment is none, and a dismissed one counts no more."""
    newest = {review.user.id: review for review in reviews if review.state in _DECIDED}
    return [review for review in newest.values() if review.state != "DISMISSED"]


def refused_push(
    state: State, user: User, repository: Repository, branch: str, *, old: str | None, new: str | None
) -> str | None:
    """Return why a branch may not be pushed to directly, or None."""
    rules = rules_of(repository, branch, state.permission(user, repository))
    if not rules.protected:
        return None
    if rules.locked:
        return "Cannot change this locked branch"
    if new is None:
        return None if rules.deletions else "Cannot delete this branch"
    if old is not None and not rules.force_pushes and not repository.git.is_ancestor(old, new):
        return "Cannot force-push to this branch"
    if rules.pushers is not None and user.login.lower() not in rules.pushers:
        return "You're not authorized to push to this branch."
    if rules.reviews is not None:
        return THROUGH_PULL_REQUEST
    if rules.linear and len(repository.git.commit(new).parents) > 1:
        return "This branch must not contain merge commits."
    return next(iter(unmet_checks(repository, new, rules.contexts)), None)


def _unmet_reviews(state: State, repository: Repository, pull: PullRequest, rules: Rules) -> Iterator[str]:
    counted = [
        review for review in opinions(pull.reviews) if state.permission(review.user, repository) >= Permission.WRITE
    ]
    against = sum(review.state == "CHANGES_REQUESTED" for review in counted)
    if against:
        yield f"{against} review{'s' if against > 1 else ''} requesting changes by reviewers with write access."
    needed = rules.reviews or 0
    approvals = [review for review in counted if review.state == "APPROVED"]
    owing = _owing(state, repository, pull, approvals) if rules.code_owners else []
    if owing:
        yield owners.waiting(owing)
    elif len(approvals) < needed:
        are = "approving review is" if needed == 1 else "approving reviews are"
        yield f"At least {needed} {are} required by reviewers with write access."
    elif rules.last_push_approval and not any(_saw_last_push(pull, review) for review in approvals):
        yield "New changes require approval from someone other than the last pusher."


def _owing(state: State, repository: Repository, pull: PullRequest, approvals: Iterable[Review]) -> list[str]:
    return owners.missing(state, repository, pull.base, pull.head, {review.user for review in approvals})


def _saw_last_push(pull: PullRequest, review: Review) -> bool:
    home = pull.head.repository
    pusher = home.pushers.get(f"refs/heads/{pull.head.ref}") if home else None
    return review.commit == pull.head.sha and review.user is not pusher


def _app_of(user: User) -> int | None:
    return user.app.id if user.app else None


def _classic(found: Protection) -> Rules:
    return Rules(
        contexts=found.contexts or (),
        strict=found.strict and bool(found.contexts is not None),
        reviews=found.reviews,
        dismiss_stale=found.dismiss_stale,
        code_owners=found.code_owners,
        last_push_approval=found.last_push_approval,
        pushers=found.pushers,
        linear=found.linear,
        force_pushes=found.force_pushes,
        deletions=found.deletions,
        locked=found.locked,
    )


def _active(repository: Repository, branch: str) -> list[tuple[Json, ...]]:
    return [rules for _, rules in _matching(repository, branch)]


def _matching(repository: Repository, branch: str) -> list[tuple[int, tuple[Json, ...]]]:
    return [
        (number, ruleset.rules)
        for number, ruleset in repository.rulesets.items()
        if ruleset.enforcement == "active"
        and ruleset.target == "branch"
        and _names(repository, branch, ruleset.include)
        and not _names(repository, branch, ruleset.exclude)
    ]


def _names(repository: Repository, branch: str, patterns: Iterable[str]) -> bool:
    default = branch == repository.git.default_branch
    special = {"~ALL": True, "~DEFAULT_BRANCH": default}
    return any(special.get(pattern) or fnmatchcase(f"refs/heads/{branch}", pattern) for pattern in patterns)


def _ruled(rules: tuple[Json, ...]) -> Rules:
    given = {rule["type"]: rule.get("parameters", {}) for rule in rules}
    request, checks = given.get("pull_request", {}), given.get("required_status_checks", {})
    required = checks.get("required_status_checks", ())
    return Rules(
        contexts=tuple((check["context"], check.get("integration_id")) for check in required),
        strict=checks.get("strict_required_status_checks_policy", False),
        reviews=request.get("required_approving_review_count", 0) if "pull_request" in given else None,
        dismiss_stale=request.get("dismiss_stale_reviews_on_push", False),
        code_owners=request.get("require_code_owner_review", False),
        last_push_approval=request.get("require_last_push_approval", False),
        linear="required_linear_history" in given,
        force_pushes="non_fast_forward" not in given,
        deletions="deletion" not in given,
        locked="update" in given,
    )
