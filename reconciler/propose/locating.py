"""Find where Git keeps a rendered field, and who else reads that file, through the ports.

Protects: what is proposed was rendered again with the edit, and the difference is exactly the intended fields; an
Application that shares an edited file is never changed unseen.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.errors import Refusal
from reconciler.manifests.editing.documents import refuse_forbidden_kind
from reconciler.manifests.files.checkout import joined
from reconciler.manifests.files.locate import require_current
from reconciler.manifests.rendering import jobs
from reconciler.manifests.rendering.hashed import find_now, may_be_hashed
from reconciler.manifests.rendering.objects import differences, find_rendered, text_of, value_at
from reconciler.manifests.rendering.overrides import overridden
from reconciler.manifests.rendering.parameters import with_other_parameters
from reconciler.manifests.rendering.probing import Probe
from reconciler.model.action import replacements
from reconciler.model.objects import format_path
from reconciler.model.proposal import Located, Site
from reconciler.model.rendering import HELM, KUSTOMIZE
from reconciler.propose.config_maps import beside_hashed, is_inside, of_files, of_text, whole_changes
from reconciler.propose.fields import of_new_fields
from reconciler.propose.generating import locate_generated
from reconciler.propose.homes import Own
from reconciler.propose.own import beside_defaults, beside_others, in_overlay, of_another_kind
from reconciler.propose.own_manifest import of_manifest
from reconciler.propose.parents import replaced
from reconciler.propose.patches import beside_hindrance, in_own_patch
from reconciler.propose.search import Search
from reconciler.propose.sharing import refuse_shared, sharing
from reconciler.propose.sites import edited_source, edits_of, refuse_unsafe, site_of
from reconciler.propose.unknown import refuse_unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reconciler.manifests.rendering.candidates import Candidate
    from reconciler.model.action import Action
    from reconciler.model.delivery import Application
    from reconciler.model.objects import ObjectRef
    from reconciler.model.proposal import FileEdit
    from reconciler.model.rendering import Rendered, RenderJob
    from reconciler.model.snapshot import Snapshot
    from reconciler.propose.workshop import Workshop
    from reconciler.settings import Settings

_SHOWN = 4  # differences named in a message
SOURCE = "reconciler.dev/source"  # on an object in Git: where its fields are to be edited


def locate_rendered(
    action: Action, application: Application, index: int, snapshot: Snapshot, workshop: Workshop
) -> tuple[Located, tuple[FileEdit, ...]]:
    """Return where the action's fields stand, and the files with them edited, proven by rendering.

    Raises Refusal when there is not exactly one such place, or others read its file and may not be changed; Conflict
    while delivery is behind.
    """
    refuse_forbidden_kind(action.target)
    require_current(application)
    job, checkout = workshop.job(application, index)
    _refuse_unknown(action, application, job, workshop)
    probe = _probe(action, application, job, workshop)
    search = Search(
        action=action,
        application=application,
        index=index,
        snapshot=snapshot,
        workshop=workshop,
        job=job,
        checkout=checkout,
        probe=probe,
    )
    if is_inside(action):
        return _for_it_alone(search, of_text(search), lambda: None)
    if replacements(action.changes) is None:
        return _located(search, of_new_fields(search))
    said = _mapped(action.target, workshop.settings) or str(probe.target_annotations.get(SOURCE) or "")
    try:
        proven = probe.prove(jobs.editable(job), _chosen(said))
    except Refusal as refusal:
        if refusal.code != "locate.not_found":
            raise
        found = _elsewhere(search, said)
        if found is None:
            probe.refuse_renamed()
            _refuse_unrepeatable(job, workshop)
            raise
        return found
    sites = tuple(site_of(place, checkout.files[place.path].blob) for place in proven.places)
    own = None if said else beside_defaults(search, proven.places)
    if own is not None:
        return _located(search, own)
    return _for_it_alone(
        search,
        Own(proven.edited, sites),
        lambda: beside_hashed(search) or in_own_patch(search) or beside_others(search, proven.places),
    )


def _elsewhere(search: Search, said: str) -> tuple[Located, tuple[FileEdit, ...]] | None:
    """Return what no value of the source's YAML decides: the Application does, or other files; None: nothing found."""
    action, application, index, workshop = search.action, search.application, search.index, search.workshop
    name = _own_parameter(action, application, search.job, workshop)
    if name is not None and application.generated_by is not None:
        return locate_generated(action, application, index, application.generated_by, search.snapshot, workshop)
    if name is not None:
        return _located(search, *of_manifest(search, name))
    if said:
        return None
    found = of_files(search)
    if found is not None:
        return _for_it_alone(search, found, lambda: beside_hashed(search) or in_overlay(search))
    own = of_another_kind(search) or beside_hindrance(search)
    return None if own is None else _located(search, own)


def _for_it_alone(search: Search, own: Own, beside: Callable[[], Own | None]) -> tuple[Located, tuple[FileEdit, ...]]:
    """Return what was found; where others read its files, the Application's own place beside it, or nothing."""
    shared, settings = search.shared_with(own.edited), search.workshop.settings
    if shared and not settings.locate.allow_shared:
        alone = beside()
        if alone is not None:
            return _located(search, alone)
    refuse_shared(shared, tuple(own.edited), search.application, search.index, settings)
    return _located(search, own, shared)


def _refuse_unknown(action: Action, application: Application, job: RenderJob, workshop: Workshop) -> None:
    """Refuse fields that a variable fills whose value is not known here."""
    for mine in find_rendered(workshop.renderer.render(job), action.target, application.destination_namespace):
        for change in action.changes:
            refuse_unknown(value_at(mine, change.path), f"{format_path(change.path)} of {action.target}", application)


def _located(search: Search, own: Own, shared: tuple[ObjectRef, ...] = ()) -> tuple[Located, tuple[FileEdit, ...]]:
    """Return what was found, if its files may be edited."""
    workshop, checkout = search.workshop, search.workshop.checkout()  # of the files as they are, for whoever reads them
    for path in own.edited:
        checkout.take(path)
    refuse_unsafe(own.edited, checkout, workshop.settings)
    located = Located(
        application=search.application.ref,
        source_index=edited_source(search.application, search.index, workshop),
        sites=own.sites,
        shared_with=shared,
        rendered_by=search.index,
        parent=own.parent,
        becomes=own.becomes if own.parent else search.probe.becomes(own.edited),
    )
    return located, edits_of(own.edited, checkout.contents, workshop.settings)


def _own_parameter(action: Action, application: Application, job: RenderJob, workshop: Workshop) -> str | None:
    """Return the name of the Application's own value that decides one of the fields, if one does.

    Raises Refusal where that stands in a file beside the source.
    """
    for change in replaced(action):
        for name, changed in with_other_parameters(job, change):
            try:
                rendered = workshop.renderer.render(changed)
            except Refusal:
                continue
            found = find_now(rendered, action.target, application.destination_namespace)
            if len(found) == 1 and text_of(value_at(found[0], change.path)) == change.after:
                _refuse_override(name, job)
                return name
    return None


def _refuse_unrepeatable(job: RenderJob, workshop: Workshop) -> None:
    """Refuse, by name, where a chart makes passwords or certificates up: no two renderings are the same."""
    render = workshop.renderer.render
    found = list(differences(render(job), render(replace(job, again=True)))) if job.tool == HELM else []
    if found:
        raise Refusal(
            code="rendering.not_repeatable",
            message=f"the same files render differently each time in {', '.join(found[:_SHOWN])}, so no edit can be"
            " proven",
            remedy="set in Git what the chart makes up there, which Argo CD too makes up anew with each comparison",
        )


def _refuse_override(name: str, job: RenderJob) -> None:
    """Refuse a value that stands in a file beside the source: another tool writes there, and would write it again."""
    if job.override and name.startswith(("helm.parameters", "kustomize.images")):
        raise Refusal(
            code="locate.override_file",
            message=f"{job.override} sets the field, in its {name}",
            remedy="let the tool that writes that file change it, Argo CD Image Updater as a rule, or edit it by hand",
        )


def locate_plain(
    action: Action, application: Application, index: int, snapshot: Snapshot, workshop: Workshop
) -> Located:
    """Return where a directory's manifest holds the action's fields.

    Raises Refusal when there is not exactly one manifest, or others read its file and may not be changed.
    """
    _refuse_other_options(application, index, workshop)
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


def _refuse_other_options(application: Application, index: int, workshop: Workshop) -> None:
    """Refuse a directory where a file beside the manifests says what of it is read."""
    source, checkout = application.sources[index], workshop.checkout()
    overridden(application, source, checkout, joined("", source.path), workshop.settings.guards.max_file_bytes)


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
        return bool(find_now(workshop.renderer.render(job), target, application.destination_namespace))
    try:
        return bool(workshop.owning_file(target, application, index))
    except Refusal as error:
        if error.code != "locate.not_found":
            raise
        return False


def _probe(action: Action, application: Application, job: RenderJob, workshop: Workshop) -> Probe:
    settings, namespace = workshop.settings, application.destination_namespace
    if is_inside(action) and job.tool != KUSTOMIZE:
        replaced(action)

    def render(edited: Mapping[str, bytes]) -> tuple[Rendered, ...]:
        return workshop.renderer.render(job.edited(edited))

    return Probe(
        action.target,
        namespace,
        whole_changes(action, render({}), namespace) if is_inside(action) else action.changes,
        job.files,
        render,
        max_bytes=settings.guards.max_file_bytes,
        max_renderings=settings.rendering.max_renderings,
    )


def _mapped(target: ObjectRef, settings: Settings) -> str:
    """Return the place that the configuration names for an object; it wins over the object's own word.

    An object whose name follows its content may be named without its hash.
    """
    names = (target.name, may_be_hashed(target) or target.name)
    keys = (f"{target.namespace}/{target.kind}/{name}=" for name in names)
    found = (m.removeprefix(key) for key in keys for m in settings.locate.mappings if m.startswith(key))
    return next(found, "")


def _chosen(said: str) -> Callable[[Candidate], bool]:
    """Return whether a candidate is at the place `file#field`, or `file`, that somebody named; all are, if nobody did.

    Where a field is named, only what is about that field of the file is meant, so one place serves one change.
    """
    path, _, field = said.partition("#")
    if not path:
        return lambda _: True
    return lambda c: c.path == path and field in ("", format_path(c.spot.field))
