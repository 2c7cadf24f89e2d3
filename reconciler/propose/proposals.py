"""From declarative actions to a proposal: locate the owning files, edit them, name it by its content.

Protects invariant 6 (same state, same bytes): branch, commit and text are functions of the content. The identity
leaves the new value out, so that a better value updates the same pull request; the digest holds it, so that a
person's no is to exactly this. Nothing here writes anywhere.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from reconciler.diffs import unified_diff
from reconciler.errors import Refusal
from reconciler.ledger.secrecy import redacted
from reconciler.model.action import shown
from reconciler.model.delivery import normalized_repository
from reconciler.model.objects import ObjectRef, format_path
from reconciler.model.proposal import Proposal
from reconciler.propose.uniting import all_placed
from reconciler.propose.workshop import Workshop
from reconciler.texts import commit_message, marker, pull_request_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.model.action import Action, Remedy
    from reconciler.model.operation import Operation, TrackedPullRequest
    from reconciler.model.proposal import Located
    from reconciler.model.snapshot import Snapshot
    from reconciler.ports import Renderer, Repository
    from reconciler.settings import Settings


def propose(
    operation: Operation,
    snapshot: Snapshot,
    repository: Repository,
    renderer: Renderer,
    settings: Settings,
    *,
    earlier: TrackedPullRequest | None = None,
) -> Proposal:
    """Return the proposal for an operation's declarative actions on the base branch of now.

    Every one of them must have a verdict. `earlier` is what a revert takes back.
    Raises Refusal when a line cannot be found or edited safely, SourceError when Git does not answer.
    """
    remedy, actions = operation.remedy, tuple(operation.remedy.declaratives.values())
    workshop = Workshop(repository=repository, renderer=renderer, settings=settings, commit=repository.fetch())
    located, edits = all_placed(actions, snapshot, workshop)
    _refuse_secret_path(located)
    # What joined later changes the same pull request: the first finding names it.
    named = next(iter(remedy.answers[0].declaratives.values()))
    identity = _identity(named, repository, settings)
    digest = _digest(identity, located, remedy)
    title, body = pull_request_text(
        operation_id=operation.id,
        remedy=remedy,
        verdicts=operation.verdicts,
        located=located,
        diff="\n".join(unified_diff(edit.before, edit.after, edit.path) for edit in edits),
        base=repository.base,
        settings=settings,
        marker=marker(identity, digest, cluster=settings.cluster.name),
        earlier=earlier,
    )
    return Proposal(
        identity=identity,
        digest=digest,
        branch=f"{settings.forge.branch_prefix}/{_slug(named.target)}-{identity[:8]}",
        base=repository.base,
        base_commit=workshop.commit,
        targets=tuple(action.target for action in actions),
        located=located,
        changes=tuple(change for _, change in remedy.fields),
        edits=edits,
        title=title,
        body=body,
        message=commit_message(remedy=remedy, trailers=_trailers(identity, digest, actions)),
    )


def _trailers(identity: str, digest: str, actions: Sequence[Action]) -> Iterator[tuple[str, str]]:
    """Yield what the commit says to machines: three lines an object."""
    yield "Proposal-Id", identity
    yield "Proposal-Digest", digest
    for action in actions:
        yield "Object", action.target.key
        yield "Old-Value", ", ".join(shown(change.before) for change in action.changes)
        yield "New-Value", ", ".join(shown(change.after) for change in action.changes)


def _refuse_secret_path(located: Located) -> None:
    """Refuse a path that the ledger would not keep as it is: a pull request that is not found again is lost."""
    if any(redacted(path) != path for path in located.paths):
        raise Refusal(
            code="propose.secret_path",
            message="the path of the manifest in the repository looks as if it held a credential",
            remedy="rename that file or folder",
        )


def _identity(action: Action, repository: Repository, settings: Settings) -> str:
    parts = [
        normalized_repository(repository.url),
        repository.base,
        settings.cluster.name,
        action.target.key,
        action.name,
        *sorted(format_path(change.path) for change in action.changes),
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def _digest(identity: str, located: Located, remedy: Remedy) -> str:
    several = len(remedy.declaratives) > 1
    changes = (f"{target.key} {change}" if several else str(change) for target, change in remedy.fields)
    return hashlib.sha256("\n".join([identity, *located.paths, *changes]).encode()).hexdigest()[:32]


def _slug(target: ObjectRef) -> str:
    """Name the target in a branch: namespace and name, letters, digits and dashes only."""
    text = "-".join(part for part in (target.namespace, target.name) if part)
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:60]
