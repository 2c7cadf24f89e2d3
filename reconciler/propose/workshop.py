"""One commit with the means to render it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.manifests.files.checkout import Checkout
from reconciler.manifests.files.locate import locate
from reconciler.manifests.rendering import flux, jobs
from reconciler.manifests.rendering.source_ignore import left_out
from reconciler.model.objects import CommitId
from reconciler.ports import Renderer, Repository
from reconciler.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.manifests.files.folder import OwningFile
    from reconciler.model.delivery import Application, Source
    from reconciler.model.objects import ObjectRef
    from reconciler.model.rendering import RenderJob


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What is read and rendered with, at one commit."""

    repository: Repository
    renderer: Renderer
    settings: Settings
    commit: CommitId

    def follows(self, source: Source) -> bool:
        """Tell whether a source reads our repository at its base branch."""
        base = self.repository.base
        return jobs.is_ours(source, self.repository.url) and source.target_revision in {
            "HEAD",
            base,
            f"refs/heads/{base}",
        }

    def checkout(self, source: Source | None = None) -> Checkout:
        """Return an empty view of the commit, for a source without what Flux leaves out of it.

        Raises Refusal where that cannot be told.
        """
        return Checkout(
            lambda path: self.repository.entry(self.commit, path),
            lambda folder: self.repository.files(self.commit, folder),
            lambda path: self.repository.beside(self.commit, path),
            self.repository.read,
            max_files=self.settings.rendering.max_files,
            max_bytes=self.settings.rendering.max_bytes,
            hides=self._left_out(source),
        )

    def _left_out(self, source: Source | None) -> Callable[[str], bool]:
        if source is None or source.left_out is None or not jobs.is_ours(source, self.repository.url):
            return lambda _: False
        limit = self.settings.guards.max_file_bytes
        return left_out(self.repository.ignore_files(self.commit, max_bytes=limit), source.left_out)

    def owning_file(self, target: ObjectRef, application: Application, index: int) -> OwningFile:
        """Return the document from which a plain directory's source reads the target.

        Raises Refusal when there is not exactly one, or it must not change.
        """
        limit = self.settings.guards.max_file_bytes
        return locate(
            target,
            application,
            index,
            lambda source: self.repository.manifests(self.commit, source.path, deep=source.recurse, max_bytes=limit),
            lambda path: self.repository.beside(self.commit, path),
            self.repository.read,
            max_bytes=limit,
            allowed_paths=self.settings.guards.allowed_paths,
        )

    def settled(self, application: Application) -> Application:
        """Return the Application with each source of our repository as what this commit makes of it.

        Raises Refusal when that cannot be told.
        """
        sources = application.sources
        ours = (s if not jobs.is_ours(s, self.repository.url) else flux.settled(s, self.checkout(s)) for s in sources)
        return replace(application, sources=tuple(ours))

    def directories(self, application: Application) -> tuple[Application, tuple[int, ...]]:
        """Return the Application with its sources of our repository as the plain directories that they are, if any.

        With it, which of its sources are directories of our repository at its base branch.
        Raises Refusal when that cannot be told.
        """
        sources = tuple(
            s if not jobs.is_ours(s, self.repository.url) else flux.as_directory(s, self.checkout(s))
            for s in application.sources
        )
        plain = (index for index, s in enumerate(sources) if s.kind == "Directory" and self.follows(s))
        return replace(application, sources=sources), tuple(plain)

    def job(self, application: Application, index: int) -> tuple[RenderJob, Checkout]:
        """Return the rendering of a source, and what it reads."""
        application = self.settled(application)
        checkout = self.checkout(application.sources[index])
        limit = self.settings.guards.max_file_bytes
        return jobs.job_for(application, index, checkout, self.repository.url, max_bytes=limit), checkout
