"""Which other Applications would change with an edited file: every one that reads it, proven by rendering.

Protects: a base or a values file that several environments share is not changed for one of them unseen. What cannot
be rendered, but reads the file, counts as changed.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable  # noqa: TC003 - a field of a NamedTuple
from fnmatch import fnmatchcase
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from reconciler.errors import Refusal, SourceError
from reconciler.manifests.files.checkout import is_below, joined
from reconciler.manifests.files.links import Links, links_of
from reconciler.manifests.files.locate import is_read
from reconciler.manifests.rendering import helm, jobs, kustomize
from reconciler.manifests.rendering.objects import same
from reconciler.model.facts import Fact, Unknown
from reconciler.model.rendering import FLUX, HELM, KUSTOMIZE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.model.delivery import Application, Source
    from reconciler.model.objects import ObjectRef
    from reconciler.propose.workshop import Workshop
    from reconciler.settings import Settings

_SHOWN = 10  # Applications named in a message
_FILLED = re.compile(r"\$\{?[A-Z_]+\}?")  # by Argo CD's build environment
_PATTERN = frozenset("*?[")


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
    reads = _readers(edited, workshop)
    shared = (
        other.ref
        for other in applications
        if other.ref not in (mine.ref, besides)
        and any(_changes(other, index, edited, reads, workshop) for index, _ in enumerate(other.sources))
    )
    return tuple(sorted(shared))


class _Readers(NamedTuple):
    """What is known of the edited files before any Application is looked at."""

    kustomization: Callable[[str], bool]  # whether the one in a folder reads one of them
    chart: Callable[[str], bool]  # whether the one in a folder depends on a chart that holds one
    links: Links
    leading: tuple[str, ...]  # symbolic links to one of them, or to a folder that holds one
    names: frozenset[str]  # last parts of the paths by which they can be named

    def folder(self, source: Source) -> str:
        """Return a source's folder without symbolic links."""
        return self.links.resolved(posixpath.normpath(posixpath.join("/", source.path)).lstrip("/"))


def _readers(edited: Mapping[str, bytes], workshop: Workshop) -> _Readers:
    limit = workshop.settings.guards.max_file_bytes
    links = links_of(workshop.repository.links(workshop.commit, max_bytes=limit))
    ends = {link: links.resolved(link) for link in links.targets}
    leading = [link for link, end in ends.items() if any(path == end or is_below(path, end) for path in edited)]
    return _Readers(
        _kustomized(edited, workshop, links),
        _depended_on(edited, workshop),
        links,
        tuple(leading),
        frozenset(map(posixpath.basename, (*edited, *leading))),
    )


def _kustomized(edited: Mapping[str, bytes], workshop: Workshop, links: Links) -> Callable[[str], bool]:
    """Return whether the kustomization in a folder reads one of the files; all are looked at once, when first asked."""

    @cache
    def folders() -> set[str]:
        limit = workshop.settings.guards.max_file_bytes
        there = workshop.repository.kustomizations(workshop.commit, max_bytes=limit)
        return kustomize.readers(there, edited.keys(), links.resolved)

    return lambda folder: folder in folders()


def _depended_on(edited: Mapping[str, bytes], workshop: Workshop) -> Callable[[str], bool]:
    """Return whether the chart in a folder depends on another chart of the repository that holds one of the files."""
    checkout, limit = workshop.checkout(), workshop.settings.guards.max_file_bytes

    @cache
    def depends(folder: str) -> bool:
        try:
            charts = helm.local_charts(checkout, folder, limit)
        except Refusal:
            return True
        return any(is_below(path, chart) for path in edited for chart in charts)

    above = {"/".join(path.split("/")[:depth]) for path in edited for depth in range(path.count("/") + 1)}
    in_chart = any(checkout.has(joined(folder, "Chart.yaml")) for folder in sorted(above))
    return depends if in_chart else lambda _: False


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
        remedy=f"set the value for {application.ref.name} alone in {_own_place(application.sources[index], paths)},"
        " or set locate.allow_shared",
    )


def _own_place(source: Source, paths: Sequence[str]) -> str:
    """Name where an Application's own value would go."""
    if source.kind == HELM:
        return "a value file that it alone reads"
    if source.kind != KUSTOMIZE:
        return "a folder that it alone reads"
    below = all(is_below(path, joined("", source.path)) for path in paths)
    return f"an overlay of its own over {source.path}" if below else f"a patch of the overlay {source.path}"


def _changes(
    application: Application,
    index: int,
    edited: Mapping[str, bytes],
    reads: _Readers,
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
        reached = _may_reach(source, edited, reads) or (ours and reads.chart(reads.folder(source)))
        return reached and _renders_otherwise(application, index, edited, workshop)
    if not ours:
        return False
    try:
        application = workshop.settled(application)
        source = application.sources[index]
        folder = reads.links.resolved(joined("", source.path))
    except Refusal:
        return source.kind == FLUX or _may_reach(source, edited, reads)  # Flux may read far more than its folder
    if source.kind == KUSTOMIZE:
        wider = source.kustomize.generated or source.kustomize.components  # reads more than its folder names
        return bool(wider or reads.kustomization(folder)) and _renders_otherwise(application, index, edited, workshop)
    below = [path for path in edited if is_below(path, folder)]
    linked = folder != joined("", source.path) or any(is_below(link, folder) for link in reads.leading)
    if linked or source.kind != "Directory":
        return linked or bool(below)
    there = [workshop.repository.entry(workshop.commit, path) for path in below]
    try:
        return any(file and is_read(source, file) for file in there)
    except Refusal:  # of a glob
        return True


def _renders_otherwise(application: Application, index: int, edited: Mapping[str, bytes], workshop: Workshop) -> bool:
    try:
        job, _ = workshop.job(application, index)
        here = {path: content for path, content in edited.items() if path in job.files}
        return bool(here) and not same(workshop.renderer.render(job), workshop.renderer.render(job.edited(here)))
    except Refusal:
        return True


def _may_reach(source: Source, edited: Mapping[str, bytes], reads: _Readers) -> bool:
    """Tell whether a source may read one of the files: one below it, or that it names, be it by a pattern or a link."""
    folder = reads.folder(source)
    said = (*source.helm.value_files, *(file for _, file in source.helm.file_parameters))
    named = {_FILLED.sub("*", posixpath.basename(posixpath.normpath(name))) for name in said}
    patterns = [name for name in named if _PATTERN.intersection(name)]
    by_pattern = any(fnmatchcase(name, pattern) for pattern in patterns for name in reads.names)
    return by_pattern or bool(named & reads.names) or any(is_below(p, folder) for p in (*edited, *reads.leading))
