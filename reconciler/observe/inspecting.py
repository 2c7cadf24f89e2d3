"""Facts about one pull request that is open: whose commits it holds, what reviewers said, whether base moved under it.

Reviews cost a call for each pull request, so they are read again only when the forge says that it changed; what was
read last is in the ledger. Protects invariant 3: a head that could not be read is unknown, not ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.errors import ReconcilerError
from reconciler.model.facts import Fact, Unknown
from reconciler.model.review import Inspection, Mergeability, MergeState
from reconciler.settings import MergePolicy

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.model.objects import CommitId
    from reconciler.model.operation import TrackedPullRequest
    from reconciler.model.proposal import PullRequest
    from reconciler.ports import Ports, Repository
    from reconciler.settings import Settings


def inspect(
    tracked: TrackedPullRequest,
    found: PullRequest,
    ports: Ports,
    settings: Settings,
    values_at: Callable[[CommitId], Fact[tuple[str | None, ...]]],
) -> Fact[Inspection]:
    """Return what people did with an open pull request: as remembered where nothing changed since, else read anew."""
    known = tracked.inspected
    if known is not None and (known.head, known.updated_at) == (found.head, found.updated_at):
        return known
    try:
        foreign = None if found.head == tracked.head else _foreign(tracked, found, ports.repository, settings)
        values = values_at(found.head) if foreign else None
        if isinstance(values, Unknown):
            return values
        return Inspection(
            head=found.head,
            updated_at=found.updated_at,
            reviews=ports.forge.reviews(found.number),
            foreign=foreign,
            values=values,
        )
    except ReconcilerError as error:
        return Unknown("forge", str(error), error.remedy)


def _foreign(tracked: TrackedPullRequest, found: PullRequest, repository: Repository, settings: Settings) -> str | None:
    """Return who made the head, if it is not a commit of ours for this very proposal.

    Ours never stand on anything but base, so whoever added to them made the head.
    """
    repository.fetch()
    commit, ours = repository.describe(found.head), settings.repository.author_email
    identity = tracked.branch.rpartition("-")[2]
    if commit.by_us and commit.trailers.get("Proposal-Id", "").startswith(identity):
        return None
    others = [mail for mail in (commit.author_email, commit.committer_email) if mail != ours]
    return others[0] if others else f"somebody under our name, {ours}"


def base_moved(tracked: TrackedPullRequest, base: Fact[CommitId], repository: Repository) -> Fact[bool]:
    """Tell whether one of our files has another content in base than the one that was edited."""
    if isinstance(base, Unknown):
        return base
    try:
        for path, blob in {site.path: site.blob for site in tracked.located.sites}.items():
            entry = repository.entry(base, path)
            if (entry.blob if entry else "") != blob:  # a file that we add has no content in base yet
                return True
    except ReconcilerError as error:
        return Unknown("git", str(error), error.remedy)
    return False


def mergeability(
    tracked: TrackedPullRequest,
    found: PullRequest,
    inspection: Fact[Inspection],
    moved: Fact[bool],
    base: Fact[CommitId],
    ports: Ports,
    settings: Settings,
) -> Fact[Mergeability] | None:
    """Ask whether it could be merged, where somebody needs the answer: each pull request costs calls of its own."""
    if not _may_follow(tracked, found, inspection, moved, base, ports, settings):
        return None
    try:
        answer = ports.forge.mergeability(found.number)
    except ReconcilerError as error:
        return Unknown("forge", str(error), error.remedy)
    return Unknown("forge", answer.reason) if answer.state is MergeState.UNKNOWN else answer


def _may_follow(
    tracked: TrackedPullRequest,
    found: PullRequest,
    inspection: Fact[Inspection],
    moved: Fact[bool],
    base: Fact[CommitId],
    ports: Ports,
    settings: Settings,
) -> bool:
    """Tell whether something may follow from the answer.

    One that is on hold, or theirs, is left alone whatever the answer. One that is to be written anew may be in a merge
    queue. Of one that waits for its first review nothing follows, unless base went on: its rules may want it up to
    date, and then it is written anew, but not too often.
    """
    if isinstance(inspection, Unknown) or inspection.foreign or settings.forge.hold_label in found.labels:
        return False
    reviewed = bool(inspection.reviews)
    due = ports.clock.now() >= (tracked.written_at or tracked.opened_at) + settings.guards.update_interval
    if (moved is True or tracked.outdated) and (reviewed or due):
        return True
    if settings.policy.merge is MergePolicy.NEVER:
        return False
    if settings.policy.merge is MergePolicy.AUTONOMOUS or reviewed:
        return True
    return due and (isinstance(base, Unknown) or ports.repository.contains(found.head, base) is not True)
