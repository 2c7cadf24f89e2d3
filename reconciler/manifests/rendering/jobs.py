"""From an Application's source to a rendering: everything that delivery would hand to the tool, or a refusal.

Protects the proof: what we cannot repeat exactly as Argo CD or Flux does it is refused by name, never left out.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from reconciler.manifests.files.checkout import joined, refuse
from reconciler.manifests.rendering import flux, helm
from reconciler.manifests.rendering.overrides import overridden
from reconciler.model.delivery import normalized_repository
from reconciler.model.rendering import HELM, KUSTOMIZE, RenderJob

if TYPE_CHECKING:
    from reconciler.manifests.files.checkout import Checkout
    from reconciler.model.delivery import Application, Source

RENDERED_KINDS = (KUSTOMIZE, HELM)


def is_ours(source: Source, repository: str) -> bool:
    """Tell whether a source reads our repository."""
    return not source.chart and same_repository(source.repository, repository)


def same_repository(left: str, right: str) -> bool:
    """Tell whether two addresses are one repository's."""
    return _comparable(left) == _comparable(right)


@lru_cache(maxsize=4096)
def _comparable(url: str) -> str:
    """Return a repository's address as Argo CD compares it, where case does not count; default ports say nothing."""
    host, slash, path = normalized_repository(url).lower().partition("/")
    return re.sub(r":(?:22|80|443)$", "", host) + slash + path


def job_for(application: Application, index: int, checkout: Checkout, repository: str, *, max_bytes: int) -> RenderJob:
    """Return the rendering of one source, its files read into the checkout.

    Raises Refusal, with a code `rendering.…`, when it cannot be repeated here.
    """
    source = application.sources[index]
    folder = joined("", source.path)
    _refuse_build_environment(source)
    override = ""
    if source.kind in RENDERED_KINDS and is_ours(source, repository):
        source, override = overridden(application, source, checkout, folder, max_bytes)
    value_files: tuple[str, ...] = ()
    file_parameters: tuple[tuple[str, str], ...] = ()
    if source.kind == KUSTOMIZE:
        _refuse_options(application, source.kustomize.unsupported)
        flux.collect(checkout, source, max_bytes)
    elif source.kind == HELM:
        _refuse_options(application, source.helm.unsupported)
        if is_ours(source, repository):
            helm.collect_chart(checkout, folder, max_bytes)
        elif not source.chart:
            refuse("other_repository", f"the chart of {application.ref} lies in another repository", "edit it by hand")
        refs = {s.ref: is_ours(s, repository) for s in application.sources if s.ref}
        value_files = tuple(helm.value_files(checkout, source, refs, folder))
        file_parameters = tuple(helm.file_parameters(checkout, source, refs, folder))
        if value_files and source.helm.value_files_replace and joined(folder, "values.yaml") not in value_files:
            checkout.contents[joined(folder, "values.yaml")] = b"{}"
    else:
        refuse("unknown_tool", f"{application.ref} is rendered with {source.kind or 'an unknown tool'}", "edit by hand")
    return RenderJob(
        tool=source.kind,
        folder=folder,
        files=dict(checkout.contents),
        release=source.helm.release_name or application.ref.name,
        namespace=source.helm.namespace or application.destination_namespace,
        kustomize=source.kustomize,
        helm=source.helm,
        value_files=value_files,
        file_parameters=file_parameters,
        chart=f"{source.chart}-{source.target_revision}" if source.chart else "",
        copies=tuple(checkout.copies),
        override=override,
    )


def editable(job: RenderJob) -> tuple[str, ...]:
    """Return the files of a rendering in which a value may be changed."""
    if job.helm.files_fixed:
        return ()
    if job.tool == HELM:
        return helm.editable_values(job.folder, tuple(job.files), job.value_files, chart=job.chart)
    return tuple(sorted(job.files))


def _refuse_options(application: Application, keys: tuple[str, ...]) -> None:
    if keys:
        message = f"{application.ref} sets {', '.join(keys)}, which we cannot repeat"
        refuse("unsupported_option", message, "set that in a file of the source instead, or edit by hand")


def _refuse_build_environment(source: Source) -> None:
    """Argo CD fills its build environment into options; we do not know it."""
    said = [
        *source.helm.value_files,
        *(path for _, path in source.helm.file_parameters),
        *(p.value for p in source.helm.parameters),
        source.helm.values,
        *source.kustomize.images,
        source.kustomize.namespace,
        *(value for _, value in (*source.kustomize.labels, *source.kustomize.annotations)),
    ]
    if any("$ARGOCD_" in text or "${ARGOCD_" in text for text in said):
        refuse("build_environment", "the Application's options use Argo CD's build environment", "write the value out")
