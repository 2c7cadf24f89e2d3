"""Edit an Application's own manifest, where the Application itself sets a field and another one delivers it from Git.

Protects: the whole way is rendered again, from the edited manifest to the target; only what the Application tells its
tool may change, never what it reads or where it delivers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from reconciler.errors import Refusal
from reconciler.manifests.applications import as_declared, is_option
from reconciler.manifests.probing import Probe
from reconciler.model.action import replacements
from reconciler.model.delivery import owning_applications
from reconciler.model.facts import Fact, Unknown
from reconciler.model.proposal import Located
from reconciler.propose.sharing import refuse_shared, sharing
from reconciler.propose.sites import edited_source, edits_of, site_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.manifests.folder import OwningFile
    from reconciler.manifests.probing import Proven
    from reconciler.model.action import Action, Replacement
    from reconciler.model.delivery import Application
    from reconciler.model.proposal import FileEdit
    from reconciler.model.rendering import Rendered
    from reconciler.model.snapshot import Snapshot
    from reconciler.propose.workshop import Workshop


class Kept(NamedTuple):
    """The manifest of an Application, and the Application that delivers it."""

    parent: Application
    owning: OwningFile


def kept_in_git(
    application: Application, applications: Fact[tuple[Application, ...]], workshop: Workshop
) -> Kept | None:
    """Return where our repository keeps the Application's manifest: in a plain directory of exactly one parent."""
    if isinstance(applications, Unknown):
        return None
    parents = owning_applications(application.ref, None, applications)
    if len(parents) != 1:
        return None
    found = [Kept(parents[0], owning) for owning in _manifests(application, parents[0], workshop)]
    return found[0] if len(found) == 1 else None


def _manifests(application: Application, parent: Application, workshop: Workshop) -> Iterator[OwningFile]:
    try:
        parent = workshop.directories(parent)
    except Refusal:
        return
    for index, source in enumerate(parent.sources):
        if source.kind != "Directory" or not workshop.follows(source):
            continue
        try:
            yield workshop.owning_file(application.ref, parent, index)
        except Refusal:
            continue


def replaced(action: Action) -> tuple[Replacement, ...]:
    """Return the action's changes as what a rendering can prove.

    Raises Refusal where one sets a field that is not there, unsets one, or edits inside a text.
    """
    found = replacements(action.changes)
    if found is None:
        raise Refusal(
            code="locate.not_a_replacement",
            message=f"{action.summary} is more than other values in the place of present ones, and only those are"
            " proven here",
            remedy="set the field in Git, by hand",
        )
    return found


def manifest_probe(action: Action, application: Application, index: int, kept: Kept, workshop: Workshop) -> Probe:
    """Return a search in the Application's manifest, by rendering what it declares."""
    path, limit = kept.owning.file.path, workshop.settings.guards.max_file_bytes
    data = workshop.repository.read(kept.owning.file.blob)

    def render(edited: Mapping[str, bytes]) -> tuple[Rendered, ...]:
        declared = as_declared(application, edited.get(path, data), max_bytes=limit)
        job, _ = workshop.job(declared, index)
        return workshop.renderer.render(job)

    return Probe(
        action.target,
        application.destination_namespace,
        replaced(action),
        {path: data},
        render,
        max_bytes=limit,
        max_renderings=workshop.settings.rendering.max_renderings,
    )


def prove_in_manifest(action: Action, application: Application, index: int, kept: Kept, workshop: Workshop) -> Proven:
    """Return the places in the Application's manifest that set the fields."""
    probe = manifest_probe(action, application, index, kept, workshop)
    return probe.prove(
        [kept.owning.file.path],
        lambda c: c.document == kept.owning.document and is_option(c.spot.field, application.ref.kind),
    )


def locate_in_manifest(
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
        source_index=edited_source(application, index, workshop),
        sites=tuple(site_of(place, file.blob) for place in proven.places),
        shared_with=shared,
        rendered_by=index,
        parent=kept.parent.ref,
        becomes=proven.becomes,
    )
    return located, edits_of(proven.edited, {file.path: workshop.repository.read(file.blob)}, workshop.settings)
