"""Bring a proposal to the forge: commit, push, pull request; whatever of it is there already is adopted.

Protects invariants 6 and 7: a repeat finds the same commit on the same branch and the same pull request; a branch
that holds somebody else's commit is left alone; a pull request that a person closed on this very proposal is not
opened again, even when the ledger that remembered it is lost.
"""

from __future__ import annotations

from dataclasses import replace
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from reconciler.errors import Conflict, Refusal, SourceError
from reconciler.govern.approvals import approval_state
from reconciler.model.facts import Unknown
from reconciler.model.proposal import Proposal, PullRequest, PullRequestState
from reconciler.model.review import MergeState
from reconciler.texts import read_marker
from reconciler.watching import side_by_side

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from reconciler.model.objects import CommitId
    from reconciler.ports import Forge, Repository


def commit(proposal: Proposal, repository: Repository) -> CommitId:
    """Write the proposal's commit into the mirror; equal proposals give an equal commit.

    Where the forge makes our commits, this is the draft that it is given.
    """
    files = {edit.path: edit.after.encode() for edit in proposal.edits}
    return repository.commit(proposal.base_commit, files, proposal.message)


def publish(
    proposal: Proposal,
    repository: Repository,
    forge: Forge,
    *,
    closed_by_us: Collection[int] = (),
    earlier: Collection[PullRequest] = (),
    hold_label: str = "",
) -> PullRequest:
    """Push the proposal's branch and open its pull request, or adopt what is there.

    A close is a person's no, unless the ledger says that it was ours: `closed_by_us` are the numbers of those.
    `earlier` are other pull requests whose no still stands: the branch's newest one may have carried another proposal.
    The returned pull request has the head that its branch has now.

    Raises Refusal when a person's work or word stands against it, Conflict when the branch moves under us, or would be
    moved under a pull request that somebody put on hold (`hold_label`) or approved with another change.
    """
    with side_by_side(1, "publish") as pool:  # of Git and forge, neither needs the other's answer
        looked_up = pool.submit(forge.find, proposal.branch)
        heads = repository.heads()
    if isinstance(heads, Unknown):
        raise SourceError(code="git.no_answer", message=str(heads), remedy="run `reconciler doctor`")
    existing = looked_up.result()
    _respect_close(proposal, existing, earlier, closed_by_us)
    head = commit(proposal, repository)
    there = heads.get(proposal.branch)
    if there is None or not repository.is_same(there, head):
        if there is not None:
            _require_ours(there, proposal, repository)
        if existing is not None and existing.state is PullRequestState.OPEN:
            if hold_label in existing.labels:
                raise Conflict(
                    code="propose.held",
                    message=f"pull request {existing.number} is on hold by its label {hold_label}, with another change",
                    remedy="take the label off, or close the pull request; then the next pass goes on",
                )
            if there is not None and _is_left_approved(existing, there, proposal, repository, forge):
                return replace(existing, head=there)
        there = repository.push(proposal.branch, head, expected=there)
    if existing is not None and existing.state is PullRequestState.OPEN and existing.same_repository:
        if _tells_of_another(existing, proposal):  # of a lost ledger: for more objects, or for another value
            forge.update(existing.number, title=proposal.title, body=proposal.body)
        return replace(existing, head=there)
    return replace(forge.open(proposal), head=there)


def rewrite(
    proposal: Proposal, number: int, repository: Repository, forge: Forge, *, known: CommitId | None = None
) -> CommitId:
    """Push a proposal's new content to the branch of its open pull request, give that its new text; return its head.

    `known` is the head that the ledger says we put there: it is ours, whatever is written in it.

    Raises Refusal when the branch holds somebody else's commit, Conflict when it moves under us, is gone, or is in a
    merge queue, which a push would throw it out of.
    """
    heads = repository.heads()
    if isinstance(heads, Unknown):
        raise SourceError(code="git.no_answer", message=str(heads), remedy="run `reconciler doctor`")
    there = heads.get(proposal.branch)
    if there is None:
        raise Conflict(
            code="propose.branch_gone",
            message=f"the branch {proposal.branch} of pull request {number} is gone",
            remedy="restore the branch, or close the pull request",
        )
    head = commit(proposal, repository)
    if there != head:
        repository.fetch()  # what stands there may be newer than the mirror
    if not repository.is_same(there, head):
        if there != known:
            _require_ours(there, proposal, repository)
        if forge.mergeability(number).state is MergeState.QUEUED:
            raise Conflict(
                code="propose.queued",
                message=f"pull request {number} is in the merge queue",
                remedy="nothing to do: it is merged as it is, or looked at again when it leaves the queue",
            )
        there = repository.push(proposal.branch, head, expected=there)
    forge.update(number, title=proposal.title, body=proposal.body)
    return there


def _is_left_approved(
    existing: PullRequest, there: CommitId, proposal: Proposal, repository: Repository, forge: Forge
) -> bool:
    """Tell whether persons approved it as it is: of a lost ledger, that base moved takes no approval away.

    What is left must be our change to the last byte, for anybody can write our name into a commit, and approve it.

    Raises Conflict where they approved another change than this one.
    """
    opinions = approval_state(forge.reviews(existing.number), head=existing.head, author=existing.author)
    if not opinions.persons or forge.mergeability(existing.number).state is MergeState.DIRTY:
        return False
    said = read_marker(existing.body)
    if said is None or said["digest"] != proposal.digest:
        raise Conflict(
            code="propose.approved",
            message=f"pull request {existing.number} is approved by {', '.join(opinions.persons)}, with another change",
            remedy="merge or close it; then the next pass goes on",
        )
    return _makes_this_change(there, proposal, repository)


def _makes_this_change(there: CommitId, proposal: Proposal, repository: Repository) -> bool:
    """Tell whether a commit makes the proposal's change and no other, on whatever base held when it was made."""
    made = repository.describe(there)
    if len(made.parents) != 1 or repository.contains(proposal.base_commit, made.parents[0]) is not True:
        return False
    files = dict[str, bytes]()
    for edit in proposal.edits:
        old, new = (_content(commit, edit.path, repository) for commit in (made.parents[0], there))
        if _changed_lines(old, new) != _changed_lines(edit.before.encode(), edit.after.encode()):
            return False
        files[edit.path] = new
    return repository.describe(repository.commit(made.parents[0], files, proposal.message)).tree == made.tree


def _content(commit: CommitId, path: str, repository: Repository) -> bytes:
    entry = repository.entry(commit, path)
    return repository.read(entry.blob) if entry is not None else b""


def _changed_lines(old: bytes, new: bytes) -> list[tuple[list[bytes], list[bytes]]]:
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    found = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    return [(before[i:j], after[k:m]) for tag, i, j, k, m in found if tag != "equal"]


def _tells_of_another(existing: PullRequest, proposal: Proposal) -> bool:
    """Tell whether its text is of a change that it does not hold any more; a text without our marker is a person's."""
    said = read_marker(existing.body)
    return said is not None and said["digest"] != proposal.digest


def _respect_close(
    proposal: Proposal, existing: PullRequest | None, earlier: Iterable[PullRequest], closed_by_us: Collection[int]
) -> None:
    """Refuse what a person closed: what became of this very proposal last, whatever its branch carried since."""
    known = {p.number: p for p in earlier if p.branch == proposal.branch}
    if existing is not None:
        known[existing.number] = existing  # newer, and it tells who closed it
    same = [p for p in known.values() if (read_marker(p.body) or {}).get("digest") == proposal.digest]
    if any(p.state is PullRequestState.OPEN for p in same):
        return
    last = max(same, key=lambda p: p.number, default=None)
    if last is not None and last.state is PullRequestState.CLOSED and last.number not in closed_by_us:
        raise Refusal(
            code="propose.rejected_before",
            message=f"{last.closed_by or 'a person'} closed pull request {last.number} on this same proposal",
            remedy="reopen it to have it, or wait until the evidence changes",
        )


def _require_ours(there: CommitId, proposal: Proposal, repository: Repository) -> None:
    """A head of ours is made by us and carries this proposal's identity; anything else is a person's work."""
    found = repository.describe(there)
    if not found.by_us or found.trailers.get("Proposal-Id") != proposal.identity:
        raise Refusal(
            code="propose.foreign_commit",
            message=f"branch {proposal.branch} holds a commit by {found.author_email}",
            remedy="review and merge that branch, or delete it; then the next pass goes on",
        )
