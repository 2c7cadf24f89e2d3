"""A pull request's life on the forge: opened, moved, closed, reopened, merged; each with its event and its webhook.

The button in `rest/merges.py`, a push and a person's edit all end here, so that nobody learns of one and not the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.sandbox.forge import announcing, gates, mergeability, objects, owners
from reconciler.sandbox.forge.model import Event, Issue, PullRequest, Repository, Review, Side, User

if TYPE_CHECKING:
    from reconciler.sandbox.forge.state import State

Placed = tuple[Repository, Issue, PullRequest]


def record(state: State, issue: Issue, word: str, actor: User, *, commit: str | None = None, **about: object) -> Event:
    """Write down what happened to an issue."""
    made = Event(id=state.next_id(), word=word, actor=actor, at=state.now(), commit=commit, about=about)
    issue.events.append(made)
    issue.updated_at = state.now()
    return made


def next_number(repository: Repository) -> int:
    """Return the number of the next issue or pull request."""
    return max(repository.issues, default=0) + 1


def existing(repository: Repository, head: Side, base: str) -> Issue | None:
    """Return the open pull request of a head and a base; GitHub allows one."""
    for issue, pull in repository.pulls:
        same = (pull.head.repository, pull.head.ref, pull.base.ref) == (head.repository, head.ref, base)
        if issue.is_open and same:
            return issue
    return None


def open_pull(state: State, repository: Repository, issue: Issue, pull: PullRequest) -> None:
    """Let a pull request be there; its head's objects come from the fork where it is one."""
    repository.issues[issue.number] = issue
    _bring_head(repository, issue, pull)
    announcing.announce_pull(state, repository, issue, issue.user, "opened")
    _request_owners(state, (repository, issue, pull), issue.user)


def request_review(state: State, placed: Placed, reviewer: User, actor: User) -> None:
    """Ask somebody for a review, once."""
    repository, issue, pull = placed
    if reviewer in pull.requested:
        return
    pull.requested.append(reviewer)
    record(state, issue, "review_requested", actor, review_requester=actor, requested_reviewer=reviewer)
    announcing.announce_pull(state, repository, issue, actor, "review_requested", requested_reviewer=reviewer)


def close(state: State, repository: Repository, issue: Issue, actor: User, *, reason: str | None = None) -> None:
    """Close an issue or a pull request."""
    _end(state, issue, actor)
    issue.state_reason = reason
    record(state, issue, "closed", actor)
    _announce(state, repository, issue, actor, "closed")


def reopen(state: State, repository: Repository, issue: Issue, actor: User) -> None:
    """Open again what was closed; a head that went on meanwhile counts as it is now."""
    issue.state, issue.closed_at, issue.closed_by = "open", None, None
    issue.state_reason = "reopened" if issue.pull is None else None
    record(state, issue, "reopened", actor)
    pull = issue.pull
    if pull is not None and pull.head.repository is not None:
        pull.head.sha = pull.head.repository.git.head(pull.head.ref) or pull.head.sha
        _bring_head(repository, issue, pull)
        mergeability.forget(pull)
    _announce(state, repository, issue, actor, "reopened")


def merged(state: State, repository: Repository, issue: Issue, actor: User, commit: str) -> None:
    """Note that base took a pull request by this commit."""
    pull = issue.pull
    if pull is None:
        return
    _end(state, issue, actor)
    pull.merged_at, pull.merged_by, pull.merge_commit = state.now(), actor, commit
    record(state, issue, "merged", actor, commit=commit)
    record(state, issue, "closed", actor, commit=commit)
    announcing.announce_pull(state, repository, issue, actor, "closed")


def retarget(state: State, repository: Repository, issue: Issue, branch: str, actor: User) -> None:
    """Let a pull request go to another base."""
    pull = issue.pull
    if pull is None:
        return
    before = pull.base.ref
    pull.base.ref, pull.base.sha = branch, repository.git.head(branch) or pull.base.sha
    mergeability.forget(pull)
    record(state, issue, "base_ref_changed", actor)
    changes = {"base": {"ref": {"from": before}}}
    announcing.announce_pull(state, repository, issue, actor, "edited", changes=changes)


def head_moved(state: State, placed: Placed, old: str, new: str, actor: User) -> None:
    """Follow a push to the head of an open pull request."""
    repository, issue, pull = placed
    home = pull.head.repository
    forced = home is not None and not home.git.is_ancestor(old, new)
    pull.head.sha = new
    pull.base.sha = repository.git.head(pull.base.ref) or pull.base.sha
    _bring_head(repository, issue, pull)
    mergeability.forget(pull)
    issue.updated_at = state.now()
    if forced:
        record(state, issue, "head_ref_force_pushed", actor, commit=new)
    if gates.rules_of(repository, pull.base.ref).dismiss_stale:
        _dismiss_stale(state, placed, actor)
    announcing.announce_pull(state, repository, issue, actor, "synchronize", before=old, after=new)
    _request_owners(state, placed, actor)
    if repository.git.is_ancestor(new, pull.base.sha):
        close(state, repository, issue, actor)  # nothing is left to merge


def head_deleted(state: State, placed: Placed, actor: User) -> None:
    """Follow the deletion of a head: an open pull request is closed by it."""
    repository, issue, _ = placed
    if issue.is_open:
        close(state, repository, issue, actor)
    record(state, issue, "head_ref_deleted", actor)


def base_moved(state: State, placed: Placed, actor: User) -> None:
    """Follow a push to the base: mergeability is unknown again, and who got the head by it has merged."""
    repository, issue, pull = placed
    mergeability.forget(pull)
    tip = repository.git.head(pull.base.ref)
    if tip is not None and repository.git.is_ancestor(pull.head.sha, tip):
        merged(state, repository, issue, actor, _brought_by(repository, pull, tip))


def base_deleted(state: State, placed: Placed, actor: User) -> None:
    """Follow the deletion of a base: stacked pull requests go on to the base below, others are closed."""
    repository, issue, pull = placed
    below = next((p.base.ref for _, p in repository.pulls if p.merged_at and p.head.ref == pull.base.ref), None)
    if below is not None and repository.git.head(below) is not None:
        retarget(state, repository, issue, below, actor)
    else:
        close(state, repository, issue, actor)


def dismiss(state: State, placed: Placed, review: Review, actor: User, message: str) -> None:
    """Let a review count no more; the reviewer's own words stay."""
    repository, issue, _ = placed
    word, review.state = review.state.lower(), "DISMISSED"
    about = {"state": word, "review_id": review.id, "dismissal_message": message}
    record(state, issue, "review_dismissed", actor, dismissed_review=about)
    announcing.announce_pull(state, repository, issue, actor, "review_dismissed")


def _dismiss_stale(state: State, placed: Placed, actor: User) -> None:
    for review in placed[2].reviews:
        if review.state == "APPROVED":
            dismiss(state, placed, review, actor, "")


def _request_owners(state: State, placed: Placed, actor: User) -> None:
    """Ask the owners of what it changes, unless it is a draft; whoever was asked or reviewed before is left alone."""
    repository, issue, pull = placed
    if pull.draft:
        return
    known = {issue.user} | {review.user for review in pull.reviews}
    known |= {event.about["requested_reviewer"] for event in issue.events if event.word == "review_requested"}
    for each in owners.owned(state, repository, pull.base, pull.head):
        for user in each.users:
            if user not in known:
                request_review(state, placed, user, actor)


def _bring_head(repository: Repository, issue: Issue, pull: PullRequest) -> None:
    home, name = pull.head.repository, f"refs/pull/{issue.number}/head"
    if home is not None and home is not repository:
        objects.fetch(home.git, repository.git, pull.head.sha)
    repository.git.set_ref(name, pull.head.sha, expected=repository.git.ref(name))


def _brought_by(repository: Repository, pull: PullRequest, tip: str) -> str:
    """Return the commit by which base took a head that it holds: the first on its main line."""
    found = tip
    while found != pull.base.sha:
        parents = repository.git.commit(found).parents
        if not parents or not repository.git.is_ancestor(pull.head.sha, parents[0]):
            break
        found = parents[0]
    return found


def _end(state: State, issue: Issue, actor: User) -> None:
    issue.state, issue.closed_at, issue.closed_by = "closed", state.now(), actor
    issue.updated_at = state.now()


def _announce(state: State, repository: Repository, issue: Issue, actor: User, action: str) -> None:
    if issue.pull is None:
        announcing.announce_issue(state, repository, issue, actor, "issues", action)
    else:
        announcing.announce_pull(state, repository, issue, actor, action)
