"""An Application's own manifest in Git: which sources it declares there, and which of its values may be edited."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reconciler.errors import Conflict
from reconciler.manifests.documents import find, only
from reconciler.manifests.parts import arrange, decode, refuse_generated, scan, split_bom
from reconciler.manifests.values import typed
from reconciler.model.application_source import source_of, sources_in

if TYPE_CHECKING:
    from reconciler.model.delivery import Application
    from reconciler.model.objects import FieldPath

_OPTIONS = ("helm", "kustomize")


def as_declared(application: Application, data: bytes, *, max_bytes: int) -> Application:
    """Return the Application with the sources that its manifest declares; their types are what Argo CD found.

    Raises Refusal when the file holds no such manifest, Conflict when it declares another number of sources.
    """
    _, text = split_bom(decode(data, max_bytes))
    refuse_generated(text)
    found = find(arrange(scan(text)), application.ref, application.ref.namespace)
    return with_spec(application, typed(only(found, application.ref)).get("spec") or {})


def with_spec(application: Application, spec: dict[str, Any]) -> Application:
    """Return the Application with the sources that a spec declares.

    Raises Conflict when it declares another number of sources.
    """
    declared = sources_in(spec)
    if len(declared) != len(application.sources):
        raise Conflict(
            code="propose.git_ahead",
            message=f"Git declares {len(declared)} sources of {application.ref}, not {len(application.sources)}",
            remedy="nothing to do if Argo CD is about to deliver that; otherwise see why it does not",
        )
    sources = (source_of(raw, old.kind) for raw, old in zip(declared, application.sources, strict=True))
    return replace(application, sources=tuple(sources))


def is_option(field: FieldPath) -> bool:
    """Tell whether a field of an Application's manifest is what it tells Helm or Kustomize."""
    inside = field[2:3] if field[:2] == ("spec", "source") else field[3:4] if field[:2] == ("spec", "sources") else ()
    return bool(inside) and inside[0] in _OPTIONS
