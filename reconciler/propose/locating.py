"""Find where Git keeps a rendered field, and who else reads that file, through the ports.

Protects: what is proposed was rendered again with the edit, and the difference is exactly the intended fields; an
Application that shares an edited file is never changed unseen.
"""

from __future__ import annotations

from difflib import ndiff
from typing import TYPE_CHECKING

from reconciler.errors import Conflict, Refusal
from reconciler.manifests import jobs
from reconciler.manifests.documents import refuse_forbidden_kind
from reconciler.manifests.objects import find_rendered, text_of, value_at
from reconciler.manifests.overlay import overlaid
from reconciler.manifests.parameters import with_other_parameters
from reconciler.manifests.probing import Probe
from reconciler.manifests.tree import REGULAR_MODES, refuse_unsafe_entry
from reconciler.model.objects import format_path
from reconciler.model.proposal import FileEdit, Located, Site, TreeFile
from reconciler.model.rendering import KUSTOMIZE
from reconciler.propose.parents import kept_in_git, prove_in_manifest, replaced
from reconciler.propose.sharing import refuse_shared, sharing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reconciler.manifests.candidates import Candidate
    from reconciler.manifests.checkout import Checkout
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
    refuse_forbidden_kind(action.target)
    if not application.sources_current:
        raise Conflict(
            code="locate.source_changing",
            message=f"{application.ref} has not compared its present sources yet",
            remedy="wait for delivery to compare; the next pass tries again",
        )
    job, checkout = workshop.job(application, index)
    probe = _probe(action, application, job, workshop)
    said = _mapped(action.target, workshop.settings) or str(probe.target_annotations.get(SOURCE) or "")
    try:
        proven = probe.prove(jobs.editable(job), _chosen(said))
    except Refusal as refusal:
        name = _own_parameter(action, application, job, workshop) if refusal.code == "locate.not_found" else None
        if name is None:
            raise
        return _locate_in_manifest(action, application, index, name, snapshot, workshop)
    edited, sites = proven.edited, tuple(_site(place, checkout.files[place.path].blob) for place in proven.places)
    shared = sharing(application, snapshot.applications, edited, workshop)
    if shared and job.tool == KUSTOMIZE and not workshop.settings.locate.allow_shared:
        own = _in_overlay(action, application, probe, job, checkout, snapshot, workshop)
        if own is not None:
            (edited, sites), shared = own, ()
    refuse_shared(shared, tuple(edited), application, index, workshop.settings)
    for path in edited:
        there = checkout.files.get(path) or TreeFile(path=path, blob="", mode=REGULAR_MODES[0])
        refuse_unsafe_entry(there, checkout.around(path), workshop.settings.guards.allowed_paths)
    located = Located(
        application=application.ref,
        source_index=_edited_source(application, index, workshop),
        sites=sites,
        shared_with=shared,
        rendered_by=index,
    )
    return located, _edits(edited, job.files, workshop.settings)


def _own_parameter(action: Action, application: Application, job: RenderJob, workshop: Workshop) -> str | None:
    """Return the name of the Application's own value that decides one of the fields, if one does."""
    for change in replaced(action):
        for name, changed in with_other_parameters(job, change):
            try:
                rendered = workshop.renderer.render(changed)
            except Refusal:
                continue
            found = find_rendered(rendered, action.target, application.destination_namespace)
            if len(found) == 1 and text_of(value_at(found[0], change.path)) == change.after:
                return name
    return None


def _locate_in_manifest(
    action: Action, application: Application, index: int, name: str, snapshot: Snapshot, workshop: Workshop
) -> tuple[Located, tuple[FileEdit, ...]]:
    """Return the places in the Application's own manifest, where another Application delivers that from Git."""
    kept = kept_in_git(application, snapshot.applications, workshop)
    if kept is None:
        raise Refusal(
            code="locate.application_parameter",
            message=f"{application.ref} itself sets the field, in its {name}, and no plain directory of"
            " exactly one Application keeps its manifest in this repository",
            remedy="edit the Application where it is kept, or move the value into a file of the source",
        )
    proven = prove_in_manifest(action, application, index, kept, workshop)
    shared = sharing(application, snapshot.applications, proven.edited, workshop, besides=kept.parent.ref)
    refuse_shared(shared, tuple(proven.edited), application, index, workshop.settings)
    file = kept.owning.file
    located = Located(
        application=application.ref,
        source_index=_edited_source(application, index, workshop),
        sites=tuple(_site(place, file.blob) for place in proven.places),
        shared_with=shared,
        rendered_by=index,
        parent=kept.parent.ref,
    )
    return located, _edits(proven.edited, {file.path: workshop.repository.read(file.blob)}, workshop.settings)


def _in_overlay(
    action: Action,
    application: Application,
    probe: Probe,
    job: RenderJob,
    checkout: Checkout,
    snapshot: Snapshot,
    workshop: Workshop,
) -> tuple[dict[str, bytes], tuple[Site, ...]] | None:
    """Return the Application's own overlay with a patch for the fields, if that is exact and reaches nobody else."""
    limit = workshop.settings.guards.max_file_bytes
    try:
        ways = overlaid(checkout, job.folder, action.target, probe.rendered, replaced(action), max_bytes=limit)
    except Refusal:
        return None
    made = next((way for way in ways if probe.is_exact(way.edited)), None)
    if made is None or sharing(application, snapshot.applications, made.edited, workshop):
        return None
    sites = [
        Site(path=made.patch, blob="", document=0, field=change.path, before=change.before, after=change.after)
        for change in action.changes
    ]
    blob = checkout.files[made.kustomization].blob
    entry = Site(path=made.kustomization, blob=blob, document=0, field=("patches",), before="", after=made.patch)
    return made.edited, (*sites, entry)


def locate_plain(
    action: Action, application: Application, index: int, snapshot: Snapshot, workshop: Workshop
) -> Located:
    """Return where a directory's manifest holds the action's fields.

    Raises Refusal when there is not exactly one manifest, or others read its file and may not be changed.
    """
    owning = workshop.owning_file(action.target, application, index)
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
        return bool(workshop.owning_file(target, application, index))
    except Refusal as error:
        if error.code != "locate.not_found":
            raise
        return False


def _probe(action: Action, application: Application, job: RenderJob, workshop: Workshop) -> Probe:
    settings = workshop.settings

    def render(edited: Mapping[str, bytes]) -> tuple[Rendered, ...]:
        return workshop.renderer.render(job.edited(edited))

    return Probe(
        action.target,
        application.destination_namespace,
        replaced(action),
        job.files,
        render,
        max_bytes=settings.guards.max_file_bytes,
        max_renderings=settings.rendering.max_renderings,
    )


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


def _site(place: Candidate, blob: str) -> Site:
    return Site(
        path=place.path,
        blob=blob,
        document=place.document,
        field=place.spot.field,
        before=place.spot.before,
        after=place.spot.after,
    )


def _edits(edited: Mapping[str, bytes], files: Mapping[str, bytes], settings: Settings) -> tuple[FileEdit, ...]:
    edits = tuple(
        FileEdit(path=path, before=files.get(path, b"").decode(), after=after.decode())
        for path, after in sorted(edited.items())
    )
    rows = [row for e in edits for row in ndiff(e.before.splitlines(), e.after.splitlines())]
    changed = sum(row.startswith("+ ") for row in rows)
    limit = settings.guards.max_changed_lines
    if changed > limit:
        raise Refusal(
            code="edit.too_many_lines",
            message=f"{changed} lines would change, more than {limit}",
            remedy="propose fewer changes",
        )
    return edits
