"""Find where Git keeps a rendered field, and who else reads that file, through the ports.

Protects: what is proposed was rendered again with the edit, and the difference is exactly the intended fields; an
Application that shares an edited file is never changed unseen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.errors import Conflict, Refusal
from reconciler.manifests import jobs
from reconciler.manifests.documents import refuse_protected
from reconciler.manifests.locate import locate
from reconciler.manifests.objects import find_rendered
from reconciler.manifests.probing import Probe
from reconciler.manifests.tree import refuse_unsafe_entry
from reconciler.model.objects import format_path
from reconciler.model.proposal import FileEdit, Located, Site
from reconciler.propose.sharing import refuse_shared, sharing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reconciler.manifests.candidates import Candidate
    from reconciler.manifests.checkout import Checkout
    from reconciler.manifests.locate import OwningFile
    from reconciler.manifests.probing import Proven
    from reconciler.model.action import Action
    from reconciler.model.delivery import Application
    from reconciler.model.objects import ObjectRef
    from reconciler.model.rendering import Rendered, RenderJob
    from reconciler.model.snapshot import Snapshot
    from reconciler.propose.workshop import Workshop
    from reconciler.settings import Settings

SOURCE = "reconciler.dev/source"  # on an object in Git: where its fields are to be edited


def locate_rendered(
    action: Action, application: Application, index: int, snapshot: Snapshot, workshop: Workshop
) -> tuple[Located, tuple[FileEdit, ...]]:
    """Return where the action's fields stand, and the files with them edited, proven by rendering.

    Raises Refusal when there is not exactly one such place, or others read its file and may not be changed; Conflict
    while delivery is behind.
    """
    refuse_protected((), action.target)
    if not application.sources_current:
        raise Conflict(
            code="locate.source_changing",
            message=f"{application.ref} has not compared its present sources yet",
            remedy="wait for delivery to compare; the next pass tries again",
        )
    job, checkout = workshop.job(application, index)
    proven = _proven(action, application, job, workshop)
    for path in proven.edited:
        allowed = workshop.settings.guards.allowed_paths
        refuse_unsafe_entry(checkout.files[path], checkout.around(path), allowed)
    shared = sharing(application, snapshot.applications, proven.edited, workshop)
    refuse_shared(shared, tuple(proven.edited), application, index, workshop.settings)
    located = Located(
        application=application.ref,
        source_index=_edited_source(application, index, workshop),
        sites=tuple(_site(place, checkout) for place in proven.places),
        shared_with=shared,
        rendered_by=index,
    )
    return located, _edits(proven, job, workshop.settings)


def locate_plain(
    action: Action, application: Application, index: int, snapshot: Snapshot, workshop: Workshop
) -> Located:
    """Return where a directory's manifest holds the action's fields.

    Raises Refusal when there is not exactly one manifest, or others read its file and may not be changed.
    """
    owning = _manifest(action.target, application, index, workshop)
    edited = {owning.file.path: b""}
    shared = sharing(application, snapshot.applications, edited, workshop)
    refuse_shared(shared, tuple(edited), application, index, workshop.settings)
    sites = tuple(
        Site(
            path=owning.file.path,
            blob=owning.file.blob,
            document=owning.document,
            field=change.path,
            before=change.before,
            after=change.after,
        )
        for change in action.changes
    )
    return Located(application=application.ref, source_index=index, sites=sites, shared_with=shared)


def holding_source(action: Action, application: Application, indexes: Sequence[int], workshop: Workshop) -> int:
    """Return which of several sources of an Application the target comes from.

    Raises Refusal when it is none, or more than one.
    """
    found = [index for index in indexes if _holds(action.target, application, index, workshop)]
    if len(found) != 1:
        raise Refusal(
            code="locate.source_ambiguous" if found else "locate.not_found",
            message=f"{len(found) or 'none'} of the sources of {application.ref} hold {action.target}",
            remedy="let one source hold it",
        )
    return found[0]


def _holds(target: ObjectRef, application: Application, index: int, workshop: Workshop) -> bool:
    if application.sources[index].kind in jobs.RENDERED_KINDS:
        job, _ = workshop.job(application, index)
        return bool(find_rendered(workshop.renderer.render(job), target, application.destination_namespace))
    try:
        return bool(_manifest(target, application, index, workshop))
    except Refusal as error:
        if error.code != "locate.not_found":
            raise
        return False


def _manifest(target: ObjectRef, application: Application, index: int, workshop: Workshop) -> OwningFile:
    return locate(
        target,
        application,
        index,
        workshop.repository.files(workshop.commit, application.sources[index].path),
        workshop.repository.read,
        max_bytes=workshop.settings.guards.max_file_bytes,
        allowed_paths=workshop.settings.guards.allowed_paths,
    )


def _proven(action: Action, application: Application, job: RenderJob, workshop: Workshop) -> Proven:
    settings = workshop.settings

    def render(edited: Mapping[str, bytes]) -> tuple[Rendered, ...]:
        return workshop.renderer.render(job.edited(edited))

    probe = Probe(
        action.target,
        application.destination_namespace,
        action.changes,
        job.files,
        render,
        max_bytes=settings.guards.max_file_bytes,
        max_renderings=settings.rendering.max_renderings,
    )
    said = _mapped(action.target, settings) or str(probe.target_annotations.get(SOURCE) or "")
    return probe.prove(jobs.editable(job), _chosen(said))


def _mapped(target: ObjectRef, settings: Settings) -> str:
    """Return the place that the configuration names for an object; it wins over the object's own word."""
    key = f"{target.namespace}/{target.kind}/{target.name}="
    return next((m.removeprefix(key) for m in settings.locate.mappings if m.startswith(key)), "")


def _chosen(said: str) -> Callable[[Candidate], bool]:
    """Return whether a candidate is at the place `file#field`, or `file`, that somebody named; all are, if nobody did.

    Where a field is named, only what is about that field of the file is meant, so one place serves one change.
    """
    path, _, field = said.partition("#")
    if not path:
        return lambda _: True
    return lambda c: c.path == path and field in ("", format_path(c.spot.field))


def _edited_source(application: Application, index: int, workshop: Workshop) -> int:
    """Return the source whose revision tells that the edit is delivered: the one that the files are read through."""
    ours = [i for i, s in enumerate(application.sources) if jobs.is_ours(s, workshop.repository.url)]
    if index in ours or not ours:
        return index
    return ours[0]  # a chart from elsewhere with our value files, through a source with a `ref`


def _site(place: Candidate, checkout: Checkout) -> Site:
    return Site(
        path=place.path,
        blob=checkout.files[place.path].blob,
        document=place.document,
        field=place.spot.field,
        before=place.spot.before,
        after=place.spot.after,
    )


def _edits(proven: Proven, job: RenderJob, settings: Settings) -> tuple[FileEdit, ...]:
    edits = tuple(
        FileEdit(path=path, before=job.files[path].decode(), after=after.decode())
        for path, after in sorted(proven.edited.items())
    )
    changed = sum(old != new for e in edits for old, new in zip(e.before.split("\n"), e.after.split("\n"), strict=True))
    limit = settings.guards.max_changed_lines
    if changed > limit:
        raise Refusal(
            code="edit.too_many_lines",
            message=f"{changed} lines would change, more than {limit}",
            remedy="propose fewer changes",
        )
    return edits
