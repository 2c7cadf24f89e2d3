"""Gitea's word on an open pull request: reviews, whether it could be merged, and merging.

Traps of its answers: a dismissed review keeps its state and says `dismissed` beside it; only repository administrators
may ask for somebody's permission, but `official` says that a reviewer may write (or is on the branch's list of
approvers); `mergeable` speaks of conflicts and drafts alone and is also false while Gitea still works it out, so that
what the branch's rules say shows only when the merge is asked for (405). One of them waits for every review that was
asked for, code owners' among them; as nobody tells us of it, a review that others than we asked for is waited for.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from reconciler.errors import Conflict, Refusal, SourceError, foreign_text
from reconciler.model.objects import CommitId
from reconciler.model.review import Mergeability, MergeState, Review, ReviewState

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from reconciler.adapters.http import JsonClient

_STATES = {
    "APPROVED": ReviewState.APPROVED,
    "REQUEST_CHANGES": ReviewState.CHANGES_REQUESTED,
    "COMMENT": ReviewState.COMMENTED,
}
_REQUEST = "REQUEST_REVIEW"
_PAGES, _PAGE = 10, 50
_METHODS = {"merge": "merge", "squash": "squash", "rebase": "rebase"}


@contextmanager
def understood() -> Iterator[None]:
    """Turn an answer of the wrong shape into an error that says so."""
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise SourceError(
            code="gitea.bad_answer",
            message=f"Gitea's answer makes no sense: {foreign_text(repr(error))}",
            remedy="check that forge.url is Gitea's address, and not that of a proxy or login page",
        ) from error


def reviews(client: JsonClient, pull: str) -> tuple[Review, ...]:
    """Return the submitted reviews, oldest first; requests for one and pending ones are none."""
    with understood():
        return tuple(_review(each) for each in _listed(client, pull) if each["state"] in _STATES)


def asked(pull: dict[str, Any]) -> tuple[str, ...]:
    """Return the users and teams that were asked for a review; who gave one is still among them."""
    teams = pull.get("requested_reviewers_teams") or ()
    return (*(user["login"] for user in pull.get("requested_reviewers") or ()), *(team["name"] for team in teams))


def mergeability(client: JsonClient, repository: str, number: int, *, ours: Collection[str] = ()) -> Mergeability:
    """Return what Gitea says of conflicts and drafts, what its people wait for, and what the head's statuses come to.

    `ours` are those whom we asked for a review ourselves: one of them is enough.
    """
    with understood():
        pull = client.get(f"{repository}/pulls/{number}")
        if pull["draft"]:
            return Mergeability(state=MergeState.DRAFT, reason="it is a draft")
        if not pull["mergeable"]:
            # Not `dirty`: what a person approved would be written anew for that, and it may just not be checked yet.
            return Mergeability(state=MergeState.UNKNOWN, reason="it conflicts with base, or Gitea is still looking")
        known = {name.casefold() for name in ours}
        others = {name for name in asked(pull) if name.casefold() not in known}
        owing = sorted(others & set(_owing(client, f"{repository}/pulls/{number}"))) if others else []
        if owing:
            names = foreign_text(", ".join(owing))
            reason = f"Gitea does not say whether it can do without a review of {names}, which was asked for"
            return Mergeability(state=MergeState.BLOCKED, reason=reason)
        combined = client.get(f"{repository}/commits/{pull['head']['sha']}/status")
        waiting = [(each["context"], each["status"]) for each in combined["statuses"] or () if not _passed(each)]
    if waiting:
        shown = ", ".join(f"{context} {status}" for context, status in waiting)
        return Mergeability(state=MergeState.UNSTABLE, reason=f"a check has not passed ({foreign_text(shown)})")
    return Mergeability(state=MergeState.CLEAN)


def merge(client: JsonClient, pull: str, *, head: CommitId, method: str) -> CommitId:
    """Merge what was looked at; Gitea's no is a wait, because checks and people go on."""
    try:
        client.send("POST", f"{pull}/merge", {"Do": _METHODS[method], "head_commit_id": head})
    except Refusal as refusal:
        if not refusal.code.endswith("_405"):
            raise
        raise Conflict(
            code="gitea.not_mergeable",
            message=refusal.message,
            remedy="nothing to do if it waits for checks or reviews; otherwise see the protection of the base branch",
        ) from refusal
    with understood():
        return CommitId(client.get(pull)["merge_commit_sha"])


def _listed(client: JsonClient, pull: str) -> Iterator[dict[str, Any]]:
    """Yield what Gitea lists as reviews, oldest first, page by page."""
    for page in range(1, _PAGES + 1):
        listed = client.get(f"{pull}/reviews", {"page": str(page), "limit": str(_PAGE)}) or []
        yield from listed
        if not listed:
            return


def _owing(client: JsonClient, pull: str) -> Iterator[str]:
    """Yield the users and teams whose review is asked for and not given: their requests are in the list of reviews."""
    for each in _listed(client, pull):
        if each["state"] == _REQUEST:
            yield each["user"]["login"] if each["user"] else each["team"]["name"]


def _review(data: dict[str, Any]) -> Review:
    return Review(
        user=data["user"]["login"],
        state=ReviewState.DISMISSED if data["dismissed"] else _STATES[data["state"]],
        commit=CommitId(data["commit_id"]),
        may_write=bool(data["official"]),
    )


def _passed(status: dict[str, Any]) -> bool:
    return bool(status["status"] in {"success", "skipped"})
