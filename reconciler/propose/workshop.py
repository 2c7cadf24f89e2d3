"""One commit with the means to render it; what a rendered source says of an object there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.manifests import flux, jobs
from reconciler.manifests.applications import as_declared
from reconciler.manifests.checkout import Checkout
from reconciler.manifests.objects import find_rendered, text_of, value_at
from reconciler.model.objects import CommitId
from reconciler.ports import Renderer, Repository
from reconciler.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.model.delivery import Application
    from reconciler.model.objects import FieldPath, ObjectRef
    from reconciler.model.proposal import Located
    from reconciler.model.rendering import RenderJob


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What is read and rendered with, at one commit."""

    repository: Repository
    renderer: Renderer
    settings: Settings
    commit: CommitId

    def checkout(self) -> Checkout:
        """Return an empty view of the commit."""
        return Checkout(
            lambda path: self.repository.entry(self.commit, path),
            lambda folder: self.repository.files(self.commit, folder),
            self.repository.read,
            max_files=self.settings.rendering.max_files,
            max_bytes=self.settings.rendering.max_bytes,
        )

    def settled(self, application: Application) -> Application:
        """Return the Application with each source of our repository as what this commit makes of it.

        Raises Refusal when that cannot be told.
        """
        sources = application.sources
        ours = (s if not jobs.is_ours(s, self.repository.url) else flux.settled(s, self.checkout()) for s in sources)
        return replace(application, sources=tuple(ours))

    def directories(self, application: Application) -> Application:
        """Return the Application with the sources of our repository as the plain directories that they are, if any.

        Raises Refusal when that cannot be told.
        """
        sources = application.sources
        ours = (
            s if not jobs.is_ours(s, self.repository.url) else flux.as_directory(s, self.checkout()) for s in sources
        )
        return replace(application, sources=tuple(ours))

    def job(self, application: Application, index: int) -> tuple[RenderJob, Checkout]:
        """Return the rendering of a source, and what it reads."""
        application = self.settled(application)
        checkout = self.checkout()
        limit = self.settings.guards.max_file_bytes
        return jobs.job_for(application, index, checkout, self.repository.url, max_bytes=limit), checkout


def values_rendered(
    application: Application, located: Located, target: ObjectRef, paths: Sequence[FieldPath], workshop: Workshop
) -> tuple[str | None, ...]:
    """Return the fields as a commit renders them, None for those that it does not render as one value.

    Where the edit is in the Application's own manifest, it is rendered as its manifest in that commit says.
    """
    if located.parent is not None:
        entry = workshop.repository.entry(workshop.commit, located.sites[0].path)
        if entry is None:
            return tuple(None for _ in paths)
        limit = workshop.settings.guards.max_file_bytes
        application = as_declared(application, workshop.repository.read(entry.blob), max_bytes=limit)
    job, _ = workshop.job(application, located.rendered_by or 0)
    found = find_rendered(workshop.renderer.render(job), target, application.destination_namespace)
    if len(found) != 1:
        return tuple(None for _ in paths)
    return tuple(text_of(value_at(found[0], path)) for path in paths)
