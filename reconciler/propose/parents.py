"""Edit an Application's own manifest, where the Application itself sets a field and another one delivers it from Git.

Protects: the whole way is rendered again, from the edited manifest to the target; only what the Application tells its
tool may change, never what it reads or where it delivers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from reconciler.errors import Refusal
from reconciler.manifests.applications import as_declared, is_option
from reconciler.manifests.jobs import is_ours
from reconciler.manifests.locate import OwningFile, locate
from reconciler.manifests.probing import Probe
from reconciler.model.action import replacements
from reconciler.model.delivery import owning_applications
from reconciler.model.facts import Fact, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.manifests.probing import Proven
    from reconciler.model.action import Action, Replacement
    from reconciler.model.delivery import Application
    from reconciler.model.rendering import Rendered
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
    base = workshop.repository.base
    try:
        parent = workshop.directories(parent)
    except Refusal:
        return
    for index, source in enumerate(parent.sources):
        follows = source.target_revision in {"HEAD", base, f"refs/heads/{base}"}
        if source.kind != "Directory" or not follows or not is_ours(source, workshop.repository.url):
            continue
        try:
            yield locate(
                application.ref,
                parent,
                index,
                workshop.repository.files(workshop.commit, source.path),
                workshop.repository.read,
                max_bytes=workshop.settings.guards.max_file_bytes,
                allowed_paths=workshop.settings.guards.allowed_paths,
            )
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
            message=f"{action.summary} is more than other values in the place of present ones; behind a rendered"
            " source only those are proven",
            remedy="set the field in Git, by hand",
        )
    return found


def prove_in_manifest(action: Action, application: Application, index: int, kept: Kept, workshop: Workshop) -> Proven:
    """Return the places in the Application's manifest that set the fields, proven by rendering what it declares."""
    path, limit = kept.owning.file.path, workshop.settings.guards.max_file_bytes
    data = workshop.repository.read(kept.owning.file.blob)

    def render(edited: Mapping[str, bytes]) -> tuple[Rendered, ...]:
        declared = as_declared(application, edited.get(path, data), max_bytes=limit)
        job, _ = workshop.job(declared, index)
        return workshop.renderer.render(job)

    probe = Probe(
        action.target,
        application.destination_namespace,
        replaced(action),
        {path: data},
        render,
        max_bytes=limit,
        max_renderings=workshop.settings.rendering.max_renderings,
    )
    return probe.prove(
        [path], lambda c: c.document == kept.owning.document and is_option(c.spot.field, application.ref.kind)
    )
