"""GitHub's word on an open pull request: reviews with their authors' rights, whether it could be merged, and merging.

Protects: a permission is asked for, never read off `author_association`, which is only a hint; a merge names the head
that was looked at; a pull request in a merge queue is seen as such, because a push would throw it out.
"""

from __future__ import annotations

from http import HTTPStatus
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from reconciler.adapters.github_client import asking, given
from reconciler.errors import Conflict, ReconcilerError, Refusal, Unauthorized
from reconciler.model.objects import CommitId
from reconciler.model.review import Mergeability, MergeState, Review, ReviewState

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from github.PullRequest import PullRequest
    from github.Repository import Repository

    from reconciler.adapters.github_lists import Lists

_STATES = {
    "APPROVED": ReviewState.APPROVED,
    "CHANGES_REQUESTED": ReviewState.CHANGES_REQUESTED,
    "COMMENTED": ReviewState.COMMENTED,
    "DISMISSED": ReviewState.DISMISSED,
}
_OPINIONS = frozenset({ReviewState.APPROVED, ReviewState.CHANGES_REQUESTED})
_WRITERS = frozenset({"admin", "write"})
_QUEUE = {"added_to_merge_queue": True, "removed_from_merge_queue": False}
_PASSED = frozenset({"success", "neutral", "skipped"})
_EVENTS = 100  # the newest; a pull request that was queued is rarely talked about so much afterwards
_PAGE, _PAGES = 100, 5  # of reviews of one pull request, and of its checks
_WORDS = {
    MergeState.BLOCKED: "the rules of the base branch are not met",
    MergeState.BEHIND: "the rules want it up to date with base, and it is behind",
    MergeState.DIRTY: "it has conflicts with base",
    MergeState.DRAFT: "it is a draft",
    MergeState.UNSTABLE: "a check has not passed",
    MergeState.QUEUED: "it is in the merge queue",
    MergeState.UNKNOWN: "GitHub is still finding out whether it can be merged",
}


def reviews(repo: Repository, number: int, lists: Lists) -> tuple[Review, ...]:
    """Return the submitted reviews, oldest first; who had an opinion is looked up, once each.

    While there are no new ones, asking costs nothing.
    """
    with asking(f"for the reviews of pull request {number}"):
        found = [_review(each) for each in _submitted(f"{repo.url}/pulls/{number}/reviews", lists)]
    rights = {user: _may_write(repo, user) for user in sorted({r.user for r in found if r.state in _OPINIONS} - {""})}
    return tuple(
        Review(
            user=r.user or "somebody whose account is gone",
            state=r.state,
            commit=r.commit,
            may_write=rights.get(r.user) if r.state in _OPINIONS else None,
            bot=r.bot,
        )
        for r in found
    )


def mergeability(repo: Repository, number: int, lists: Lists) -> Mergeability:
    """Return GitHub's `mergeable_state`, unless it waits in a merge queue; for open checks, their names.

    The state is always read anew: neither `updated_at` nor the tag of a pull request follows checks and base.
    """
    with asking(f"whether pull request {number} can be merged"):
        pull = repo.get_pull(number)
        pull.complete()
        state = _state(pull.mergeable_state)
        if _is_queued(pull, f"{repo.url}/issues/{number}/events", lists):
            state = MergeState.QUEUED
        reason = _WORDS.get(state, "")
        head, base = pull.head.sha, pull.base.ref
    if state in {MergeState.BLOCKED, MergeState.UNSTABLE}:
        waiting = _waiting(repo, head, base, lists)
        reason += f" ({waiting})" if waiting else ""
    return Mergeability(state=state, reason=reason)


def merge(repo: Repository, number: int, *, head: CommitId, method: str) -> CommitId:
    """Merge what was looked at; GitHub's no is a wait, because checks and people go on."""
    try:
        with asking(f"to merge pull request {number}", writing=True):
            return CommitId(repo.get_pull(number).merge(sha=head, merge_method=method).sha)
    except Refusal as refusal:
        if not refusal.code.endswith(f"_{HTTPStatus.METHOD_NOT_ALLOWED.value}"):
            raise
        raise Conflict(
            code="github.not_mergeable",
            message=refusal.message,
            remedy="nothing to do if it waits for checks or reviews; otherwise see the rules of the base branch",
        ) from refusal


def _submitted(url: str, lists: Lists) -> Iterator[dict[str, Any]]:
    """Yield the reviews that are not being written still, page by page."""
    for page in range(1, _PAGES + 1):
        wanted = {"per_page": _PAGE} | ({"page": page} if page > 1 else {})
        items = lists.get(url, wanted, _kept)
        yield from (item for item in items if item["state"] in _STATES)
        if len(items) < _PAGE:
            return


def _kept(item: dict[str, Any]) -> dict[str, Any]:
    """Return what we read of a review; a user whose account is gone is None."""
    user = item["user"]
    who = {"login": given(user["login"]), "type": user.get("type")} if user else None
    return {"user": who, "state": given(item["state"]), "commit_id": item.get("commit_id")}


def _review(found: dict[str, Any]) -> Review:
    user = found["user"]
    return Review(
        user=user["login"] if user else "",
        state=_STATES[found["state"]],
        commit=CommitId(found["commit_id"] or ""),
        bot=bool(user) and user["type"] == "Bot",
    )


def _may_write(repo: Repository, login: str) -> bool:
    with asking(f"what {login} may do"):
        return repo.get_collaborator_permission(login) in _WRITERS


def _state(word: str | None) -> MergeState:
    if word == "has_hooks":
        return MergeState.CLEAN
    try:
        return MergeState(word or "unknown")
    except ValueError:
        return MergeState.UNKNOWN


def _is_queued(pull: PullRequest, url: str, lists: Lists) -> bool:
    """Look for the newest word about the merge queue; REST has no other way to tell.

    The events only ever grow, so asking costs nothing while there are no new ones; of many, the last ones are read.
    """
    listed = [item["event"] for item in lists.get(url, {"per_page": _PAGE}, _event)]
    newest: Iterable[str] = reversed(listed)
    if len(listed) == _PAGE:
        newest = (event.event for event in islice(pull.get_issue_events().reversed, _EVENTS))
    return next((_QUEUE[event] for event in newest if event in _QUEUE), False)


def _event(item: dict[str, Any]) -> dict[str, Any]:
    return {"event": item["event"]}


def _waiting(repo: Repository, sha: str, base: str, lists: Lists) -> str:
    """Name the checks that have not passed, as far as we may know them: the state says the same without names."""
    try:
        with asking(f"for the checks of {sha[:12]}"):
            told = dict(_checks(repo, sha))
    except Unauthorized:
        return ""
    silent = [name for name in _required(repo, base, lists) if name not in told]
    still = [f"{name} {word}" for name, word in told.items() if word not in _PASSED]
    return ", ".join([*still, *(f"{name} has not begun" for name in silent)])


def _checks(repo: Repository, sha: str) -> Iterator[tuple[str, str]]:
    """Yield the statuses and checks of a commit, each with how far it is."""
    commit = f"{repo.url}/commits/{sha}"
    for each in _all(repo, f"{commit}/status", "statuses"):
        yield each["context"], each["state"]
    for each in _all(repo, f"{commit}/check-runs", "check_runs"):
        yield each["name"], each["conclusion"] or each["status"]


def _required(repo: Repository, base: str, lists: Lists) -> list[str]:
    """Return the checks that rulesets want in base; asking costs nothing while those are unchanged.

    Branch protection is not asked: it would cost a request for each pull request in each pass.
    """
    try:
        with asking(f"for the rules of {base}"):
            rules = lists.get(f"{repo.url}/rules/branches/{quote(base, safe='')}", {"per_page": _PAGE}, _contexts)
    except ReconcilerError:  # a GitHub without rulesets: it only saves people a look
        return []
    return list(dict.fromkeys(context for rule in rules for context in rule["contexts"]))


def _contexts(rule: dict[str, Any]) -> dict[str, Any]:
    wanted = (rule.get("parameters") or {}).get("required_status_checks") or ()
    return {"contexts": [given(each["context"]) for each in wanted]}


def _all(repo: Repository, url: str, name: str) -> Iterator[dict[str, Any]]:
    """Yield the items of a list that stands in an answer under a name, page by page."""
    for page in range(1, _PAGES + 1):
        _, found = repo.requester.requestJsonAndCheck("GET", url, parameters={"per_page": _PAGE, "page": page})
        yield from found[name]
        if len(found[name]) < _PAGE:
            return
