"""What a commit renders in the fields of a proposal: what was merged, and what base holds since."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.manifests.applications import as_declared
from reconciler.manifests.hashed import find_now, named_now
from reconciler.manifests.objects import text_of, value_at
from reconciler.manifests.texts import taken_apart, value_in
from reconciler.propose.generated import as_generated, generator_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.model.delivery import Application
    from reconciler.model.objects import FieldPath, ObjectRef
    from reconciler.model.proposal import Located
    from reconciler.model.rendering import Rendered
    from reconciler.propose.workshop import Workshop


def values_rendered(
    application: Application, located: Located, target: ObjectRef, paths: Sequence[FieldPath], workshop: Workshop
) -> tuple[str | None, ...]:
    """Return the fields as a commit renders them, None for those that it does not render as one value.

    An object whose name follows its content is found under its name of then.
    """
    declared = declared_at(application, located, workshop)
    if declared is None:
        return tuple(None for _ in paths)
    found = find_now(rendered_at(declared, located, workshop), target, application.destination_namespace)
    return tuple(_value(found[0], path) if len(found) == 1 else None for path in paths)


def target_rendered(application: Application, located: Located, target: ObjectRef, workshop: Workshop) -> ObjectRef:
    """Return the target by the name that a commit renders it with, where that follows its content."""
    declared = declared_at(application, located, workshop)
    rendered = () if declared is None else rendered_at(declared, located, workshop)
    return named_now(rendered, target, application.destination_namespace)


def declared_at(application: Application, located: Located, workshop: Workshop) -> Application | None:
    """Return the Application as a commit declares it, where an edit changes its own manifest or what generates it.

    None where the commit has none.
    """
    if located.generator is not None:
        generator = generator_at(located.generator, application, workshop)
        return None if generator is None else as_generated(application, generator.applications({}))
    if located.parent is not None:
        entry = workshop.repository.entry(workshop.commit, located.sites[0].path)
        if entry is None:
            return None
        limit = workshop.settings.guards.max_file_bytes
        return as_declared(application, workshop.repository.read(entry.blob), max_bytes=limit)
    return application


def rendered_at(declared: Application, located: Located, workshop: Workshop) -> tuple[Rendered, ...]:
    """Return what a commit renders for the Application."""
    job, _ = workshop.job(declared, located.rendered_by or 0)
    return workshop.renderer.render(job)


def _value(rendered: Rendered, path: FieldPath) -> str | None:
    holder, names = taken_apart(path)
    text = text_of(value_at(rendered, holder))
    return value_in(text, path) if names and text is not None else text
