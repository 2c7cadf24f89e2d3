"""From a declarative action to a proposal: locate the owning file, edit it, name it by its content.

Protects invariant 6 (same state, same bytes): branch, commit and text are functions of the content. The identity
leaves the new value out, so that a better value updates the same pull request; the digest holds it, so that a
person's no is to exactly this. Nothing here writes anywhere.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from reconciler.diffs import unified_diff
from reconciler.errors import Conflict, Refusal, SourceError
from reconciler.ledger.secrecy import redacted
from reconciler.manifests.edit import edit_fields
from reconciler.manifests.hashed import delivers
from reconciler.manifests.jobs import RENDERED_KINDS, is_ours
from reconciler.model.action import shown
from reconciler.model.delivery import Application, normalized_repository, owning_applications
from reconciler.model.facts import Unknown
from reconciler.model.flux_source import HELM_RELEASE
from reconciler.model.objects import ObjectRef, format_path
from reconciler.model.proposal import FileEdit, Located, Proposal
from reconciler.model.rendering import HELM
from reconciler.propose.locating import holding_source, locate_plain, locate_rendered
from reconciler.propose.workshop import Workshop
from reconciler.texts import commit_message, marker, pull_request_text

if TYPE_CHECKING:
    from reconciler.model.action import Action
    from reconciler.model.operation import Operation, TrackedPullRequest
    from reconciler.model.snapshot import Snapshot
    from reconciler.model.verdict import Verdict
    from reconciler.ports import Renderer, Repository
    from reconciler.settings import Settings


def propose(
    operation: Operation,
    index: int,
    verdict: Verdict,
    snapshot: Snapshot,
    repository: Repository,
    renderer: Renderer,
    settings: Settings,
    *,
    earlier: TrackedPullRequest | None = None,
) -> Proposal:
    """Return the proposal for one declarative action on the base branch of now; `earlier` is what a revert takes back.

    Raises Refusal when the line cannot be found or edited safely, SourceError when Git does not answer.
    """
    action = operation.remedy.actions[index]
    application = owner_of(action, snapshot)
    base = repository.fetch()
    workshop = Workshop(repository=repository, renderer=renderer, settings=settings, commit=base)
    application = workshop.settled(application)
    source = source_of(action, application, workshop)
    if application.sources[source].kind in RENDERED_KINDS:
        try:
            located, edits = locate_rendered(action, application, source, snapshot, workshop)
        except Refusal as refusal:
            _refuse_chart_files(refusal, application, source)
            raise
    else:
        located = locate_plain(action, application, source, snapshot, workshop)
        edits = _edited(located, action, application, repository, settings)
    _refuse_secret_path(located)
    # What joined later changes the same pull request: the first finding names it.
    identity = _identity(operation.remedy.answers[0].actions[index], repository, settings)
    digest = _digest(identity, located, action)
    title, body = pull_request_text(
        operation_id=operation.id,
        remedy=operation.remedy,
        action=action,
        verdict=verdict,
        located=located,
        diff="\n".join(unified_diff(edit.before, edit.after, edit.path) for edit in edits),
        base=repository.base,
        settings=settings,
        marker=marker(identity, digest),
        earlier=earlier,
    )
    return Proposal(
        identity=identity,
        digest=digest,
        branch=f"{settings.forge.branch_prefix}/{_slug(action.target)}-{identity[:8]}",
        base=repository.base,
        base_commit=base,
        target=action.target,
        located=located,
        changes=action.changes,
        edits=edits,
        title=title,
        body=body,
        message=commit_message(
            remedy=operation.remedy,
            action=action,
            trailers={
                "Proposal-Id": identity,
                "Proposal-Digest": digest,
                "Object": action.target.key,
                "Old-Value": ", ".join(shown(change.before) for change in action.changes),
                "New-Value": ", ".join(shown(change.after) for change in action.changes),
            },
        ),
    )


def _edited(
    located: Located, action: Action, application: Application, repository: Repository, settings: Settings
) -> tuple[FileEdit, ...]:
    """Return the files with the action's changes.

    Raises Conflict when Git holds another value than the cluster by now: delivery may just be behind, so the next
    passes look again before a person is asked.
    """
    (path,) = located.paths
    before = repository.read(located.sites[0].blob)
    try:
        after = edit_fields(
            before,
            action.target,
            application.destination_namespace,
            action.changes,
            max_bytes=settings.guards.max_file_bytes,
            max_changed_lines=settings.guards.max_changed_lines,
        )
    except Refusal as refusal:
        if refusal.code != "edit.stale":
            raise
        remedy = "nothing to do if delivery is about to bring that value; otherwise see why it does not"
        raise Conflict(code="propose.git_ahead", message=refusal.message, remedy=remedy) from refusal
    return (FileEdit(path=path, before=before.decode(), after=after.decode()),)


def owner_of(action: Action, snapshot: Snapshot) -> Application:
    """Return the Application that delivers the target.

    Raises Refusal when there is not exactly one; SourceError when that is not known now.
    """
    if isinstance(snapshot.applications, Unknown) or isinstance(snapshot.workloads, Unknown):
        raise SourceError(  # passes by itself, where a refusal would stand
            code="propose.owner_unknown",
            message=f"the Application of {action.target} is not known now",
            remedy="run `reconciler doctor`; the next pass tries again",
        )
    workload = snapshot.workloads.get(action.target)
    tracking_id = workload.tracking_id if workload else None
    owners = owning_applications(action.target, tracking_id, snapshot.applications)
    owners = owners or tuple(a for a in snapshot.applications if delivers(a, action.target))
    if len(owners) != 1:
        names = ", ".join(str(a.ref) for a in owners) or "none"
        raise Refusal(
            code="propose.owner_ambiguous",
            message=f"{action.target} is delivered by {names}, not by exactly one Application",
            remedy="let one Application own it",
        )
    return owners[0]


def source_of(action: Action, application: Application, workshop: Workshop) -> int:
    """Return which of an Application's sources the target comes from, among those that read our repository.

    Raises Refusal when there is not exactly one, or our repository is read at another branch.
    """
    url = workshop.repository.url
    ours = [i for i, s in enumerate(application.sources) if is_ours(s, url)]
    if not ours and application.ref.kind == HELM_RELEASE and application.sources[0].chart:
        return 0  # a chart from elsewhere, but the release's own values may stand in our repository
    if not ours:
        shown = ", ".join(sorted({s.repository for s in application.sources})) or "no repository"
        raise Refusal(
            code="propose.other_repository",
            message=f"{application.ref} reads {shown}, not the configured {url}",
            remedy="configure `repository.url` as that Application has it",
        )
    for index in ours:
        _require_base(application, index, workshop.repository.base)
    possible = [i for i in ours if not application.sources[i].is_only_a_reference]
    refers = any(application.sources[i].ref for i in ours)
    possible += [
        i for i, s in enumerate(application.sources) if i not in ours and refers and (s.chart or s.kind == HELM)
    ]
    if len(possible) == 1:
        return possible[0]
    return holding_source(action, application, possible, workshop)


def _refuse_chart_files(refusal: Refusal, application: Application, source: int) -> None:
    """Say of a value that only a chart's file can hold why that file is not edited."""
    if refusal.code == "locate.not_found" and application.sources[source].helm.files_fixed:
        raise Refusal(
            code="locate.chart_files",
            message=f"no value of {application.ref} itself decides the field, and another value in a file of its chart"
            " is no new version of the chart, so Flux would not install it",
            remedy="set the value in `spec.values` of the HelmRelease, or release another version of the chart",
        ) from refusal


def _require_base(application: Application, source: int, base: str) -> None:
    """A merge into base never reaches an Application that follows another branch, a tag or a commit."""
    followed = application.sources[source].target_revision
    if followed not in {"HEAD", base, f"refs/heads/{base}"}:
        raise Refusal(
            code="propose.other_branch",
            message=f"{application.ref} follows {followed}, not the base branch {base}",
            remedy="configure `repository.base` as that Application has it, or let it follow base",
        )


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


def _digest(identity: str, located: Located, action: Action) -> str:
    parts = [identity, *located.paths, *(str(change) for change in action.changes)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def _slug(target: ObjectRef) -> str:
    """Name the target in a branch: namespace and name, letters, digits and dashes only."""
    text = "-".join(part for part in (target.namespace, target.name) if part)
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:60]
