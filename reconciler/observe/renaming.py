"""The live fields of a target whose name follows its content: an edit, a reviewer's too, makes another object of it.

Only a rendering tells that object's name: that of base, else of what delivery has compared, else of the merge. The
former object may stay, for delivery prunes it only where it is told to, and says nothing. Protects invariant 3: a name
or a field that is not known is unknown, and never what the former object holds.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reconciler.errors import ReconcilerError
from reconciler.manifests.rendering.hashed import may_become
from reconciler.model.delivery import find_application
from reconciler.model.facts import Fact, Unknown
from reconciler.model.objects import CommitId, ObjectRef
from reconciler.model.snapshot import Renamed
from reconciler.propose.values import parent_of, target_rendered
from reconciler.propose.workshop import Workshop

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.model.action import Action
    from reconciler.model.delivery import Application
    from reconciler.model.operation import Operation, TrackedPullRequest
    from reconciler.model.snapshot import FieldValues, Followed
    from reconciler.ports import Ports, Repository
    from reconciler.settings import Settings

_COMMIT = re.compile(r"[0-9a-f]{40}")


def live_under_new_name(
    operation: Operation,
    tracked: TrackedPullRequest,
    base: Fact[CommitId],
    merge: CommitId,
    applications: Fact[tuple[Application, ...]],
    ports: Ports,
    settings: Settings,
) -> Fact[Renamed] | None:
    """Look up what a merged change made of its target, and that object's fields; None where it keeps its name."""
    if tracked.located.becomes is None:
        return None
    application = find_application(tracked.located.application, applications)
    parent = parent_of(tracked.located, applications)
    if isinstance(application, Unknown):
        return application
    if isinstance(parent, Unknown):
        return parent
    if isinstance(base, Unknown):
        return base
    action = _renamed(operation, tracked.located.becomes)
    try:
        commits = _since(merge, (base, *_compared(application, tracked)), ports.repository)
        named = (
            target_rendered(
                application,
                tracked.located,
                action.target,
                Workshop(repository=ports.repository, renderer=ports.renderer, settings=settings, commit=commit),
                parent=parent,
            )
            for commit in commits
        )
        names = tuple(dict.fromkeys(named))
        fields = ports.cluster.fields(dict.fromkeys(names, frozenset(change.path for change in action.changes)))
    except ReconcilerError as error:
        return Unknown("git", str(error), error.remedy)
    if isinstance(fields, Unknown):
        return fields
    there = next((name for name in names if any(fields[name, c.path] is not None for c in action.changes)), names[0])
    live = {(action.target, change.path): fields[there, change.path] for change in action.changes}
    return Renamed(target=there, fields=live)


def _compared(application: Application, tracked: TrackedPullRequest) -> tuple[CommitId, ...]:
    revisions = application.revisions[tracked.located.source_index :][:1]
    return tuple(CommitId(revision) for revision in revisions if _COMMIT.fullmatch(revision))


def _since(merge: CommitId, commits: Iterable[CommitId], repository: Repository) -> tuple[CommitId, ...]:
    """Return those commits that have the merge, and the merge itself last."""
    return tuple(dict.fromkeys([*(c for c in commits if repository.contains(c, merge) is True), merge]))


def with_renamed(
    fields: Fact[FieldValues], followed: Mapping[str, Followed], operations: Iterable[Operation]
) -> Fact[FieldValues]:
    """Return the live fields with those of renamed targets in the place of what the former objects hold."""
    if isinstance(fields, Unknown):
        return fields
    found = dict(fields)
    for operation in operations:
        tracked = operation.pull_request
        renamed = followed[operation.id].renamed if operation.id in followed else None
        if renamed is None or tracked is None or tracked.located.becomes is None:
            continue
        action = _renamed(operation, tracked.located.becomes)
        for change in action.changes:
            found.pop((action.target, change.path), None)
        if isinstance(renamed, Renamed):
            found.update(renamed.fields)
    return found


def _renamed(operation: Operation, becomes: ObjectRef) -> Action:
    """Return the action whose target becomes another object."""
    declarative = tuple(operation.remedy.declaratives.values())
    return next((a for a in declarative if may_become(a.target, becomes)), declarative[0])
