"""One declarative action: its Application, the source that it comes from, and the files with it edited."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.errors import Conflict, Refusal, SourceError
from reconciler.manifests.editing.edit import edit_fields
from reconciler.manifests.editing.spots import refuse_broken_json
from reconciler.manifests.rendering.hashed import delivers
from reconciler.manifests.rendering.jobs import RENDERED_KINDS, is_ours
from reconciler.model.delivery import owning_applications
from reconciler.model.facts import Unknown
from reconciler.model.flux_source import HELM_RELEASE
from reconciler.model.proposal import FileEdit
from reconciler.model.rendering import HELM
from reconciler.propose.locating import holding_source, locate_plain, locate_rendered

if TYPE_CHECKING:
    from reconciler.model.action import Action
    from reconciler.model.delivery import Application
    from reconciler.model.proposal import Located
    from reconciler.model.snapshot import Snapshot
    from reconciler.propose.workshop import Workshop


def placed(
    action: Action, application: Application, snapshot: Snapshot, workshop: Workshop
) -> tuple[Located, tuple[FileEdit, ...]]:
    """Return where the action's fields stand at the workshop's commit, and the files with them edited.

    Raises Refusal when the line cannot be found or edited safely, Conflict while delivery is behind.
    """
    application = workshop.settled(application)
    source = source_of(action, application, workshop)
    if application.sources[source].kind not in RENDERED_KINDS:
        located = locate_plain(action, application, source, snapshot, workshop)
        return located, _edited(located, action, application, workshop)
    try:
        return locate_rendered(action, application, source, snapshot, workshop)
    except Refusal as refusal:
        _refuse_chart_files(refusal, application, source)
        raise


def _edited(located: Located, action: Action, application: Application, workshop: Workshop) -> tuple[FileEdit, ...]:
    """Return the files with the action's changes.

    Raises Conflict when Git holds another value than the cluster by now: delivery may just be behind, so the next
    passes look again before a person is asked.
    """
    (path,), guards = located.paths, workshop.settings.guards
    before = workshop.repository.read(located.sites[0].blob)
    try:
        after = edit_fields(
            before,
            action.target,
            application.destination_namespace,
            action.changes,
            max_bytes=guards.max_file_bytes,
            max_changed_lines=guards.max_changed_lines,
        )
    except Refusal as refusal:
        if refusal.code != "edit.stale":
            raise
        remedy = "nothing to do if delivery is about to bring that value; otherwise see why it does not"
        raise Conflict(code="propose.git_ahead", message=refusal.message, remedy=remedy) from refusal
    refuse_broken_json(path, after)
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
