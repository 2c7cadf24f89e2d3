"""Which other Applications would change with an edited file: every one that reads it, proven by rendering.

Protects: a base or a values file that several environments share is not changed for one of them unseen. What cannot
be rendered, but reads the file, counts as changed.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from reconciler.errors import Refusal, SourceError
from reconciler.manifests import flux, jobs
from reconciler.manifests.checkout import is_below, joined
from reconciler.manifests.locate import is_read
from reconciler.manifests.objects import same
from reconciler.model.facts import Fact, Unknown
from reconciler.model.rendering import HELM, KUSTOMIZE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.manifests.checkout import Checkout
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
    others = sorted((a for a in applications if a.ref not in (mine.ref, besides)), key=lambda a: a.ref)
    return tuple(
        other.ref
        for other in others
        if any(_changes(other, index, edited, workshop) for index, _ in enumerate(other.sources))
    )


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


def _changes(application: Application, index: int, edited: Mapping[str, bytes], workshop: Workshop) -> bool:
    """Tell whether a source would be another one with the edit; every doubt is a yes."""
    source, url = application.sources[index], workshop.repository.url
    ours = jobs.is_ours(source, url)
    if source.is_only_a_reference or not (ours or any(jobs.is_ours(s, url) for s in application.sources if s.ref)):
        return False
    checkout = workshop.checkout()
    try:
        application = workshop.settled(application)
        source = application.sources[index]
        paths = _read_by(application, index, checkout, edited, workshop) if ours or source.kind == HELM else set()
    except Refusal:
        return _may_reach(source, edited)
    if not paths & edited.keys():
        return False
    if source.kind not in jobs.RENDERED_KINDS:
        return True
    try:
        job, _ = workshop.job(application, index)
        here = {path: content for path, content in edited.items() if path in job.files}
        return not same(workshop.renderer.render(job), workshop.renderer.render(job.edited(here)))
    except Refusal:
        return True


def _read_by(
    application: Application, index: int, checkout: Checkout, edited: Mapping[str, bytes], workshop: Workshop
) -> set[str]:
    """Return what a source reads, as far as it is in the commit; of a plain folder only what is edited."""
    source, limit = application.sources[index], workshop.settings.guards.max_file_bytes
    folder = joined("", source.path)
    if source.kind == KUSTOMIZE:
        flux.collect(checkout, source, limit, strict=False)
        return set(checkout.contents)
    if source.kind == HELM:
        job, _ = workshop.job(application, index)
        return set(job.files)
    there = [workshop.repository.entry(workshop.commit, path) for path in edited if is_below(path, folder)]
    return {file.path for file in there if file and (source.kind != "Directory" or is_read(source, file))}


def _may_reach(source: Source, edited: Mapping[str, bytes]) -> bool:
    """Tell whether a source that cannot be judged may read one of the files: one below it, or that it names."""
    folder = joined("", source.path)
    named = {posixpath.basename(name) for name in source.helm.value_files}
    below = any(is_below(path, folder) for path in edited)
    return below or any(posixpath.basename(path) in named for path in edited)
