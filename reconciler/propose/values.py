"""What a commit renders in the fields of a proposal: what was merged, and what base holds since."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.manifests.objects import find_rendered, text_of, value_at
from reconciler.propose.generated import as_generated, generator_at
from reconciler.propose.kept import kept_by
from reconciler.propose.unknown import refuse_unknown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.model.delivery import Application
    from reconciler.model.objects import FieldPath, ObjectRef
    from reconciler.model.proposal import Located
    from reconciler.propose.workshop import Workshop


def values_rendered(
    application: Application,
    located: Located,
    target: ObjectRef,
    paths: Sequence[FieldPath],
    workshop: Workshop,
    *,
    parent: Application | None = None,
) -> tuple[str | None, ...]:
    """Return the fields as a commit renders them, None for those that it does not render as one value.

    Where the edit is in the Application's own manifest, it is rendered as its manifest in that commit says, which
    `parent` delivers.
    """
    if located.generator is not None:
        generator = generator_at(located.generator, application, workshop)
        if generator is None:
            return tuple(None for _ in paths)
        application = as_generated(application, generator.applications({}))
    elif parent is not None:
        kept = kept_by(parent, application.ref, workshop)
        if kept is None:
            return tuple(None for _ in paths)
        application = kept.declared(application, {})
    job, _ = workshop.job(application, located.rendered_by or 0)
    found = find_rendered(workshop.renderer.render(job), target, application.destination_namespace)
    if len(found) != 1:
        return tuple(None for _ in paths)
    values = [value_at(found[0], path) for path in paths]
    refuse_unknown(values, f"a field of {target}", application)
    return tuple(map(text_of, values))
