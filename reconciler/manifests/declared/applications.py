"""An Application's own manifest in Git: which sources it declares there, and which of its values may be edited."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

from reconciler.errors import Conflict, Refusal
from reconciler.manifests.editing.documents import find, only
from reconciler.manifests.editing.parts import arrange, decode, refuse_generated, scan, split_bom
from reconciler.manifests.editing.values import typed
from reconciler.model.application_source import source_of, sources_in
from reconciler.model.flux_source import (
    HELM_RELEASE,
    KUSTOMIZATION,
    KUSTOMIZATION_OPTIONS,
    RELEASE_OPTIONS,
    source_of_kustomization,
    source_of_release,
)
from reconciler.plain import counted

if TYPE_CHECKING:
    from reconciler.model.delivery import Application, Source
    from reconciler.model.objects import FieldPath, ObjectRef

Manifest: TypeAlias = dict[str, Any]  # as JSON

_OPTIONS = ("helm", "kustomize")
_FLUX_OPTIONS = {KUSTOMIZATION: KUSTOMIZATION_OPTIONS, HELM_RELEASE: RELEASE_OPTIONS}


def manifest_in(data: bytes, ref: ObjectRef, *, max_bytes: int) -> Manifest:
    """Return the manifest of an Application from its file.

    Raises Refusal when the file holds none, or several.
    """
    _, text = split_bom(decode(data, max_bytes))
    refuse_generated(text)
    return typed(only(find(arrange(scan(text)), ref, ref.namespace), ref))  # type: ignore[no-any-return] # a mapping


def with_manifest(application: Application, manifest: Manifest) -> Application:
    """Return the Application with the sources that its manifest declares; their types are what delivery found.

    Raises Conflict when it declares another number of sources, Refusal when it is none that delivery would take.
    """
    try:
        if application.ref.kind in _FLUX_OPTIONS:
            return replace(application, sources=(_flux(application, manifest),))
        return with_spec(application, mapping(manifest.get("spec")))
    except (AttributeError, TypeError) as error:  # a commit may hold anything in the place of a list or a mapping
        message = f"what Git declares of {application.ref} is not of its kind's form"
        raise Refusal(code="locate.manifest", message=message, remedy="mend the manifest in Git") from error


def beside_options(manifest: Manifest, kind: str = "Application") -> Manifest:
    """Return the manifest of an Application, or of Flux, without what it tells Helm and Kustomize."""
    spec = mapping(manifest.get("spec"))
    if kind in _FLUX_OPTIONS:
        after = {k: v for k, v in mapping(spec.get("postBuild")).items() if k != "substitute"}
        without = {k: v for k, v in spec.items() if k not in _FLUX_OPTIONS[kind]}
        return {**manifest, "spec": {**without, "postBuild": after}}
    several, single = spec.get("sources"), spec.get("source")
    sources = several if isinstance(several, list) else [single]
    beside = [{k: v for k, v in mapping(source).items() if k not in _OPTIONS} for source in sources]
    return {**manifest, "spec": {**spec, "source": None, "sources": beside}}


def mapping(value: Any) -> dict[str, Any]:  # noqa: ANN401 - YAML has no narrower type
    """Return a mapping, or an empty one in the place of anything else."""
    return value if isinstance(value, dict) else {}


def with_spec(application: Application, spec: dict[str, Any]) -> Application:
    """Return the Application with the sources that a spec declares.

    Raises Conflict when it declares another number of sources.
    """
    declared = sources_in(spec)
    if len(declared) != len(application.sources):
        raise Conflict(
            code="propose.git_ahead",
            message=f"Git declares {counted(len(declared), 'source')} of {application.ref},"
            f" not {len(application.sources)}",
            remedy="nothing to do if delivery is about to bring that; otherwise see why it does not",
        )
    sources = (source_of(raw, old.kind) for raw, old in zip(declared, application.sources, strict=True))
    return replace(application, sources=tuple(sources))


def _flux(application: Application, manifest: dict[str, Any]) -> Source:
    """Return the source that a manifest of Flux declares; where it comes from is what its source object says now."""
    old, spec = application.sources[0], mapping(manifest.get("spec"))
    if application.ref.kind == KUSTOMIZATION:
        new = source_of_kustomization(spec, None, old.repository)
        unsupported = {*old.kustomize.unsupported, *new.kustomize.unsupported}
        options = replace(new.kustomize, unsupported=tuple(sorted(unsupported)))
        return replace(new, target_revision=old.target_revision, left_out=old.left_out, kustomize=options)
    git = None if old.chart else {"spec": {"url": old.repository}}
    built = old.target_revision if old.chart else ""
    metadata = manifest.get("metadata") or {}
    new = source_of_release(metadata, spec, git, old.repository, built=built, installed=old.chart)
    unsupported = {*old.helm.unsupported, *new.helm.unsupported}
    helm = replace(new.helm, namespace=old.helm.namespace, unsupported=tuple(sorted(unsupported)))
    return replace(new, target_revision=old.target_revision, left_out=old.left_out, helm=helm)


def is_option(field: FieldPath, kind: str = "Application") -> bool:
    """Tell whether a field of the manifest of an Application, or of Flux, is what it tells Helm or Kustomize."""
    if kind in _FLUX_OPTIONS:
        told = field[:1] == ("spec",) and len(field) > 1 and field[1] in _FLUX_OPTIONS[kind]
        return told and (field[1] != "postBuild" or field[2:3] == ("substitute",))
    inside = field[2:3] if field[:2] == ("spec", "source") else field[3:4] if field[:2] == ("spec", "sources") else ()
    return bool(inside) and inside[0] in _OPTIONS
