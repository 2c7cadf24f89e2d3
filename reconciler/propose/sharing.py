"""Which other Applications would change with an edited file: every one that reads it, proven by rendering.

Protects: a base or a values file that several environments share is not changed for one of them unseen. What cannot
be rendered, but reads the file, counts as changed.
"""

from __future__ import annotations

import posixpath
from functools import cache
from typing import TYPE_CHECKING

from reconciler.errors import Refusal, SourceError
from reconciler.manifests import jobs, kustomize
from reconciler.manifests.checkout import is_below, joined
from reconciler.manifests.locate import is_read
from reconciler.manifests.objects import same
from reconciler.model.facts import Fact, Unknown
from reconciler.model.rendering import FLUX, HELM, KUSTOMIZE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reconciler.model.delivery import Application, Source
    from reconciler.model.objects import ObjectRef
    from reconciler.propose.workshop import Workshop
    from reconciler.settings import Settings

_SHOWN = 10  # Applications named in a message


def sharing(
    mine: Application,
    applications: Fact[tuple[Application, ...]],
    edited: Mapping[str, bytes],
    workshop: Workshop,
    *,
    besides: ObjectRef | None = None,
) -> tuple[ObjectRef, ...]:
    """Return the other Applications that an edit of these files would change, in the order of their names.

    `besides` is one more that is meant to read them: the parent that delivers an Application's manifest.
    Raises SourceError while the Applications are not known.
    """
    if isinstance(applications, Unknown):
        raise SourceError(
            code="locate.sharing_unknown",
            message="who else reads the file is not known now",
            remedy="run `reconciler doctor`; the next pass tries again",
        )
    by_kustomize = _kustomized(edited, workshop)
    shared = (
        other.ref
        for other in applications
        if other.ref not in (mine.ref, besides)
        and any(_changes(other, index, edited, by_kustomize, workshop) for index, _ in enumerate(other.sources))
    )
    return tuple(sorted(shared))


def _kustomized(edited: Mapping[str, bytes], workshop: Workshop) -> Callable[[str], bool]:
    """Return whether the kustomization in a folder reads one of the files; all are looked at once, when first asked."""

    @cache
    def folders() -> set[str]:
        limit = workshop.settings.guards.max_file_bytes
        return kustomize.readers(workshop.repository.kustomizations(workshop.commit, max_bytes=limit), edited.keys())

    return lambda folder: folder in folders()


def refuse_shared(
    shared: Sequence[ObjectRef], paths: Sequence[str], application: Application, index: int, settings: Settings
) -> None:
    """Refuse an edit that reaches other Applications, unless the configuration allows it; name them all."""
    if not shared or settings.locate.allow_shared:
        return
    names = ", ".join(ref.name for ref in shared[:_SHOWN])
    more = f" and {len(shared) - _SHOWN} more" if len(shared) > _SHOWN else ""
    raise Refusal(
        code="locate.shared_base",
        message=f"{', '.join(paths)} is also read by {names}{more}, which would change too",
        remedy=f"set the value for {application.ref.name} alone in {_own_place(application.sources[index])},"
        " or set locate.allow_shared",
    )


def _own_place(source: Source) -> str:
    """Name where an Application's own value would go."""
    if source.kind == KUSTOMIZE:
        return f"a patch of the overlay {source.path}"
    own = source.helm.value_files[-1:]
    return f"its value file {own[0]}" if own else "a value file of its own"


def _changes(
    application: Application,
    index: int,
    edited: Mapping[str, bytes],
    by_kustomize: Callable[[str], bool],
    workshop: Workshop,
) -> bool:
    """Tell whether a source would be another one with the edit; every doubt is a yes.

    Most sources read none of the files, and that is known without reading anything of theirs.
    """
    source, url = application.sources[index], workshop.repository.url
    ours = jobs.is_ours(source, url)
    if source.is_only_a_reference or not (ours or any(jobs.is_ours(s, url) for s in application.sources if s.ref)):
        return False
    if source.kind == HELM:
        return _may_reach(source, edited) and _renders_otherwise(application, index, edited, workshop)
    if not ours:
        return False
    try:
        application = workshop.settled(application)
        source = application.sources[index]
        folder = joined("", source.path)
    except Refusal:
        return source.kind == FLUX or _may_reach(source, edited)  # Flux may read far more than its folder
    if source.kind == KUSTOMIZE:
        wider = source.kustomize.generated or source.kustomize.components  # reads more than its folder names
        return bool(wider or by_kustomize(folder)) and _renders_otherwise(application, index, edited, workshop)
    below = [path for path in edited if is_below(path, folder)]
    there = [workshop.repository.entry(workshop.commit, path) for path in below]
    try:
        return any(file and (source.kind != "Directory" or is_read(source, file)) for file in there)
    except Refusal:  # of a glob
        return True


def _renders_otherwise(application: Application, index: int, edited: Mapping[str, bytes], workshop: Workshop) -> bool:
    try:
        job, _ = workshop.job(application, index)
        here = {path: content for path, content in edited.items() if path in job.files}
        return bool(here) and not same(workshop.renderer.render(job), workshop.renderer.render(job.edited(here)))
    except Refusal:
        return True


def _may_reach(source: Source, edited: Mapping[str, bytes]) -> bool:
    """Tell whether a source may read one of the files: one below it, or that it names."""
    folder = posixpath.normpath(posixpath.join("/", source.path)).lstrip("/")
    named = {posixpath.basename(posixpath.normpath(name)) for name in source.helm.value_files}
    return any(is_below(path, folder) or posixpath.basename(path) in named for path in edited)
