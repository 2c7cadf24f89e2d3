"""Facts about one operation's pull request and its way into the cluster.

The forge says what became of the pull request; the mirror says what the merge really holds and whether what
delivery compared descends from it. A merge queue can lose a change, so the content is read, never assumed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.errors import ReconcilerError, SourceError
from reconciler.model.delivery import find_application
from reconciler.model.facts import Fact, Unknown
from reconciler.model.objects import CommitId
from reconciler.model.proposal import PullRequest, PullRequestState
from reconciler.model.snapshot import Followed
from reconciler.observe import inspecting
from reconciler.observe.renaming import live_under_new_name
from reconciler.propose.values import parent_of, values_plain, values_rendered
from reconciler.propose.workshop import Workshop

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.model.delivery import Application
    from reconciler.model.operation import Operation, TrackedPullRequest
    from reconciler.ports import Ports, Repository
    from reconciler.settings import Settings


def follow(
    operation: Operation,
    *,
    pull_requests: Fact[tuple[PullRequest, ...]],
    applications: Fact[tuple[Application, ...]],
    base: Fact[CommitId],
    ports: Ports,
    settings: Settings,
) -> Followed:
    """Look up one operation's pull request: what people do with it while it is open, its merge commit afterwards."""
    tracked = operation.pull_request
    if tracked is None:
        return Followed(pull_request=None)
    found = _pull_request(tracked, pull_requests, ports)

    def values_at(commit: CommitId) -> Fact[tuple[str | None, ...]]:
        return _values(operation, tracked, commit, applications, ports, settings)

    merge = tracked.merge_commit or _merge_commit(found)
    try:
        if isinstance(found, PullRequest) and _is_elsewhere(found, tracked, base, ports.repository):
            return Followed(pull_request=found, elsewhere=found.base)
        if merge is None:
            at_base = _values_while_open(base, ports.repository, values_at)
            if found is None or isinstance(found, Unknown) or found.state is not PullRequestState.OPEN:
                return Followed(pull_request=found, values_at_base=at_base)
            inspection = inspecting.inspect(tracked, found, ports, settings, values_at)
            moved = inspecting.base_moved(tracked, base, ports.repository)
            return Followed(
                pull_request=found,
                values_at_base=at_base,
                inspection=inspection,
                base_moved=moved,
                mergeability=inspecting.mergeability(tracked, found, inspection, moved, base, ports, settings),
            )
        ports.repository.fetch()
    except ReconcilerError as error:
        doubt = Unknown("git", str(error), error.remedy)
        return Followed(pull_request=found, values_at_merge=doubt, values_at_base=doubt, contains_merge=doubt)
    return Followed(
        pull_request=found,
        values_at_merge=values_at(merge),
        values_at_base=_values_at_base(base, merge, ports.repository, values_at),
        contains_merge=_contains(tracked, merge, applications, ports.repository),
        renamed=live_under_new_name(operation, tracked, base, merge, applications, ports, settings),
    )


def _is_elsewhere(
    found: PullRequest, tracked: TrackedPullRequest, base: Fact[CommitId], repository: Repository
) -> bool:
    """Tell whether it goes, or went, into another branch; base may have been renamed, or have taken that branch in.

    Raises SourceError where it is merged, and base is not known.
    """
    if tracked.merge_commit is not None or found.base == repository.base:
        return False
    if found.merge_commit is None:
        return True
    if isinstance(base, Unknown):
        raise SourceError(code="git.no_base", message=str(base), remedy=base.remedy)
    repository.fetch()
    return repository.contains(base, found.merge_commit) is not True


def _values_while_open(
    base: Fact[CommitId],
    repository: Repository,
    values_at: Callable[[CommitId], Fact[tuple[str | None, ...]]],
) -> Fact[tuple[str | None, ...]]:
    """Read base's values beside an open pull request; the network is asked only when base has moved."""
    if isinstance(base, Unknown):
        return base
    if repository.contains(base, base) is not True:
        repository.fetch()
    return values_at(base)


def _pull_request(
    tracked: TrackedPullRequest, pull_requests: Fact[tuple[PullRequest, ...]], ports: Ports
) -> Fact[PullRequest | None]:
    """Find ours in the list; who merged or closed it is asked only once it is settled, for that costs a call."""
    if isinstance(pull_requests, Unknown):
        return pull_requests
    found = next((p for p in pull_requests if p.number == tracked.number), None)
    if found is not None and (found.state is PullRequestState.OPEN or tracked.merge_commit is not None):
        return found
    try:
        asked = ports.forge.find(tracked.branch)
    except ReconcilerError as error:
        return Unknown("forge", str(error), error.remedy)
    return asked if asked is not None and asked.number == tracked.number else found


def _merge_commit(found: Fact[PullRequest | None]) -> CommitId | None:
    return None if found is None or isinstance(found, Unknown) else found.merge_commit


def _values(
    operation: Operation,
    tracked: TrackedPullRequest,
    commit: CommitId,
    applications: Fact[tuple[Application, ...]],
    ports: Ports,
    settings: Settings,
) -> Fact[tuple[str | None, ...]]:
    """Read the changed fields as a commit has them; a file or object that is gone holds none of them."""
    located, fields = tracked.located, [(target, change.path) for target, change in operation.remedy.fields]
    application = find_application(located.application, applications)
    parent = parent_of(located, applications)
    if isinstance(application, Unknown):
        return application
    if isinstance(parent, Unknown):
        return parent
    workshop = Workshop(repository=ports.repository, renderer=ports.renderer, settings=settings, commit=commit)
    try:
        if located.rendered_by is not None:
            return values_rendered(application, located, fields, workshop, parent=parent)
        return values_plain(application, located, fields, workshop)
    except ReconcilerError as error:
        return Unknown("git", str(error), error.remedy)


def _values_at_base(
    base: Fact[CommitId],
    merge: CommitId,
    repository: Repository,
    values_at: Callable[[CommitId], Fact[tuple[str | None, ...]]],
) -> Fact[tuple[str | None, ...]]:
    """Read the fields at base, if it has the merge: sources are asked side by side, so base may be older than it."""
    descends = base if isinstance(base, Unknown) else repository.contains(base, merge)
    if isinstance(base, Unknown) or isinstance(descends, Unknown):
        return Unknown("git", f"whether base has the merge is not known ({descends})")
    if not descends:
        return Unknown("git", f"base was read before the merge, at {base[:8]}")
    return values_at(base)


def _contains(
    tracked: TrackedPullRequest,
    merge: CommitId,
    applications: Fact[tuple[Application, ...]],
    repository: Repository,
) -> Fact[bool]:
    """Ask of the revision that reads the edited file: of a HelmRelease, which names none, that of its parent."""
    located = tracked.located
    application, index = find_application(located.application, applications), located.source_index
    if not isinstance(application, Unknown) and not application.revisions and located.parent is not None:
        application, index = find_application(located.parent, applications), 0
    if isinstance(application, Unknown):
        return application
    if index >= len(application.revisions):
        return Unknown("delivery", f"{application.ref.name} reports no revision")
    revision = application.revisions[index]
    if len(revision) != 40 or any(c not in "0123456789abcdef" for c in revision):  # noqa: PLR2004 - a SHA-1 in hex
        return Unknown("delivery", f"{application.ref.name} reports the revision {revision!r}, not a commit")
    return repository.contains(CommitId(revision), merge)
