"""Edit what an ApplicationSet generates an Application from: an element of its list, or a file of Git.

Protects: the whole way is made again, from the edited element over the Application to the target. The Application may
change in nothing but what it tells its tool; every other one that changes is named, and allowed or refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.manifests.declared.applications import beside_options
from reconciler.manifests.declared.applicationsets import is_input
from reconciler.manifests.declared.templates import refuse
from reconciler.manifests.rendering.objects import same
from reconciler.manifests.rendering.probing import Probe
from reconciler.model.proposal import Located
from reconciler.propose.generated import also_generated, as_generated, changed, generator_of, require_present
from reconciler.propose.parents import replaced
from reconciler.propose.sharing import refuse_shared, sharing
from reconciler.propose.sites import edited_source, edits_of, refuse_unsafe, site_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.manifests.rendering.candidates import Candidate
    from reconciler.manifests.rendering.probing import Proven
    from reconciler.model.action import Action
    from reconciler.model.delivery import Application
    from reconciler.model.objects import ObjectRef
    from reconciler.model.proposal import FileEdit
    from reconciler.model.rendering import Rendered
    from reconciler.model.snapshot import Snapshot
    from reconciler.propose.generated import Generator
    from reconciler.propose.workshop import Workshop


def locate_generated(
    action: Action, application: Application, index: int, owner: ObjectRef, snapshot: Snapshot, workshop: Workshop
) -> tuple[Located, tuple[FileEdit, ...]]:
    """Return the places that the Application's own values are generated from, and their files edited.

    Raises Refusal, with a code `locate.…`, when there is not exactly one, or others change too and may not; Conflict
    while the cluster has another Application than Git generates.
    """
    kept = generator_of(owner, snapshot.applications, workshop)
    if kept is None:
        message = (
            f"{owner} generates {application.ref}, and no plain directory of exactly one Application keeps it here"
        )
        refuse("not_in_git", message, "keep it in the configured repository, or edit it by hand")
    generator, parent = kept
    files, before = generator.inputs(), generator.applications({})
    require_present(application, before)
    proven = _proven(action, application, index, generator, files, before, workshop)
    edited = proven.edited
    in_manifest = generator.file.path in edited
    others = sharing(application, snapshot.applications, edited, workshop, besides=parent.ref if in_manifest else None)
    generated = (*changed(generator, before, edited), *also_generated(edited, snapshot.applications, workshop))
    shared = tuple(sorted({*others, *generated} - {application.ref}))
    refuse_shared(shared, tuple(edited), application, index, workshop.settings)
    checkout = workshop.checkout()
    for path in edited:
        checkout.take(path)
    refuse_unsafe(edited, checkout, workshop.settings)
    located = Located(
        application=application.ref,
        source_index=edited_source(application, index, workshop),
        sites=tuple(site_of(place, checkout.files[place.path].blob) for place in proven.places),
        shared_with=shared,
        rendered_by=index,
        parent=parent.ref if in_manifest else None,
        generator=generator.file.path,
        becomes=proven.becomes,
    )
    return located, edits_of(edited, files, workshop.settings)


def _proven(
    action: Action,
    application: Application,
    index: int,
    generator: Generator,
    files: Mapping[str, bytes],
    before: Mapping[str, dict[str, Any]],
    workshop: Workshop,
) -> Proven:
    name = application.ref.name

    def render(edited: Mapping[str, bytes]) -> tuple[Rendered, ...]:
        made = generator.applications(edited)
        declared = as_generated(application, made)
        if not same(beside_options(made[name]), beside_options(before[name])):
            refuse("reach", f"{application.ref} would change in more than what it tells its tool")
        job, _ = workshop.job(declared, index)
        return workshop.renderer.render(job.edited({p: c for p, c in edited.items() if p in job.files}))

    def is_wanted(place: Candidate) -> bool:
        if place.path != generator.file.path:
            return True
        return place.document == generator.document and is_input(place.spot.field)

    probe = Probe(
        action.target,
        application.destination_namespace,
        replaced(action),
        files,
        render,
        max_bytes=workshop.settings.guards.max_file_bytes,
        max_renderings=workshop.settings.rendering.max_renderings,
    )
    return probe.prove(tuple(files), is_wanted)
