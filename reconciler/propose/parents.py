"""Prove an edit of an Application's own manifest, which another Application delivers from Git.

Protects: the whole way is rendered again, from the edited manifest to the target; only what the Application tells its
tool may change, never what it reads or where it delivers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.errors import Refusal
from reconciler.manifests.rendering.probing import Probe
from reconciler.model.action import replacements
from reconciler.propose.generated import also_generated
from reconciler.propose.sharing import sharing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.model.action import Action, Replacement
    from reconciler.model.objects import ObjectRef
    from reconciler.model.rendering import Rendered
    from reconciler.propose.kept import Kept
    from reconciler.propose.search import Search


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


def manifest_probe(search: Search, kept: Kept) -> Probe:
    """Return a search in what decides the Application's manifest, by rendering what that declares."""
    workshop, application = search.workshop, search.application

    def render(edited: Mapping[str, bytes]) -> tuple[Rendered, ...]:
        job, _ = workshop.job(kept.declared(application, edited), search.index)
        return workshop.renderer.render(job)

    return Probe(
        search.action.target,
        application.destination_namespace,
        search.action.changes,
        kept.checkout.contents,
        render,
        max_bytes=workshop.settings.guards.max_file_bytes,
        max_renderings=workshop.settings.rendering.max_renderings,
    )


def reached(search: Search, kept: Kept, edited: Mapping[str, bytes]) -> tuple[ObjectRef, ...]:
    """Return who else changes with the files of a manifest, beside the parent, which was looked at as a whole."""
    applications, workshop = search.snapshot.applications, search.workshop
    read = sharing(search.application, applications, edited, workshop, besides=kept.parent.ref)
    generated = also_generated(edited, applications, workshop)
    return tuple(sorted({*read, *generated} - {search.application.ref}))
