"""What a commit says in the fields of a proposal: what was merged, and what base holds since."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.errors import Refusal
from reconciler.manifests.editing.edit import holds, read_fields
from reconciler.manifests.editing.texts import taken_apart, value_in
from reconciler.manifests.rendering.hashed import find_now, named_now
from reconciler.manifests.rendering.objects import text_of, value_at
from reconciler.model.delivery import find_application
from reconciler.propose.generated import as_generated, generator_at
from reconciler.propose.kept import kept_by
from reconciler.propose.unknown import refuse_unknown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.model.delivery import Application
    from reconciler.model.facts import Fact
    from reconciler.model.objects import FieldPath, ObjectRef
    from reconciler.model.proposal import Located
    from reconciler.model.rendering import Rendered
    from reconciler.propose.workshop import Workshop

    Fields = Sequence[tuple[ObjectRef, FieldPath]]


def values_plain(
    application: Application, located: Located, fields: Fields, workshop: Workshop
) -> tuple[str | None, ...]:
    """Return the fields as the manifests of a commit have them, None for those that they do not hold."""
    found: dict[tuple[ObjectRef, FieldPath], str | None] = {}
    for target in dict.fromkeys(target for target, _ in fields):
        paths = [path for mine, path in fields if mine == target]
        values = _values_of(target, paths, application, located, workshop)
        found.update(zip(((target, path) for path in paths), values, strict=True))
    return tuple(found[field] for field in fields)


def _values_of(
    target: ObjectRef, paths: Sequence[FieldPath], application: Application, located: Located, workshop: Workshop
) -> tuple[str | None, ...]:
    """Read an object's fields in the file that it was in; where that does not have it any more, in the one that has."""
    namespace, limit = application.destination_namespace, workshop.settings.guards.max_file_bytes
    entry = workshop.repository.entry(workshop.commit, located.path_of(target))
    if entry is not None:
        text = workshop.repository.read(entry.blob)
        values = read_fields(text, target, namespace, paths, max_bytes=limit)
        if any(value is not None for value in values) or holds(text, target, namespace, max_bytes=limit):
            return values
    try:
        moved = workshop.owning_file(target, application, located.source_index).file.blob
    except Refusal as refusal:
        if refusal.code == "locate.not_found":
            return tuple(None for _ in paths)
        raise
    return read_fields(workshop.repository.read(moved), target, namespace, paths, max_bytes=limit)


def values_rendered(
    application: Application,
    located: Located,
    fields: Fields,
    workshop: Workshop,
    *,
    parent: Application | None = None,
) -> tuple[str | None, ...]:
    """Return the fields as a commit renders them, None for those that it does not render as one value."""
    declared = declared_at(application, located, workshop, parent=parent)
    if declared is None:
        return tuple(None for _ in fields)
    rendered = rendered_at(declared, located, workshop)
    return tuple(_value(rendered, target, path, application) for target, path in fields)


def parent_of(located: Located, applications: Fact[tuple[Application, ...]]) -> Fact[Application | None]:
    """Return who delivers the Application's own manifest, where that is edited itself."""
    if located.parent is None or located.generator is not None:
        return None
    return find_application(located.parent, applications)


def target_rendered(
    application: Application,
    located: Located,
    target: ObjectRef,
    workshop: Workshop,
    *,
    parent: Application | None = None,
) -> ObjectRef:
    """Return the target by the name that a commit renders it with, where that follows its content."""
    declared = declared_at(application, located, workshop, parent=parent)
    rendered = () if declared is None else rendered_at(declared, located, workshop)
    return named_now(rendered, target, application.destination_namespace)


def declared_at(
    application: Application, located: Located, workshop: Workshop, *, parent: Application | None = None
) -> Application | None:
    """Return the Application as a commit declares it, where an edit changes its own manifest or what generates it.

    `parent` delivers its manifest. None where the commit has none.
    """
    if located.generator is not None:
        generator = generator_at(located.generator, application, workshop)
        return None if generator is None else as_generated(application, generator.applications({}))
    if parent is None:
        return application
    kept = kept_by(parent, application.ref, workshop)
    return None if kept is None else kept.declared(application, {})


def rendered_at(declared: Application, located: Located, workshop: Workshop) -> tuple[Rendered, ...]:
    """Return what a commit renders for the Application."""
    job, _ = workshop.job(declared, located.rendered_by or 0)
    return workshop.renderer.render(job)


def _value(rendered: Sequence[Rendered], target: ObjectRef, path: FieldPath, application: Application) -> str | None:
    found = find_now(rendered, target, application.destination_namespace)
    if len(found) != 1:
        return None
    holder, names = taken_apart(path)
    value = value_at(found[0], holder)
    refuse_unknown([value], f"a field of {target}", application)
    text = text_of(value)
    return value_in(text, path) if names and text is not None else text
