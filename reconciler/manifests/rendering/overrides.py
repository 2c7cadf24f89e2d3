"""Options that Argo CD reads from a file beside the source, in the place of the Application's own.

Protects the proof: what Argo CD Image Updater writes there, images of Kustomize and parameters of Helm, is repeated;
anything else there is refused. The file itself is never edited, for it belongs to whoever writes it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reconciler.manifests.editing.values import first_document, mappings, texts
from reconciler.manifests.files.checkout import joined, refuse
from reconciler.model.delivery import HelmParameter

if TYPE_CHECKING:
    from reconciler.manifests.files.checkout import Checkout
    from reconciler.model.delivery import Application, Source

_KNOWN = {("helm", "parameters"), ("kustomize", "images")}


def overridden(
    application: Application, source: Source, checkout: Checkout, folder: str, max_bytes: int
) -> tuple[Source, str]:
    """Return the source as the files beside it change it, and the path of the last of them; empty where none does.

    A list takes the place of the Application's (a JSON merge patch). Raises Refusal where one cannot be repeated.
    """
    ref, last = application.ref, ""
    if ref.kind != "Application":  # Argo CD alone knows such files
        return source, last
    elsewhere = joined(folder, f".argocd-source-{ref.namespace}_{ref.name}.yaml")
    if checkout.has(elsewhere):
        message = f"{elsewhere} counts or not, by the namespace in which Argo CD itself runs"
        refuse("override_file", message, "edit by hand")
    for name in (".argocd-source.yaml", f".argocd-source-{ref.name}.yaml"):
        path = joined(folder, name)
        data = checkout.take(path) if checkout.has(path) else None
        if data is not None:
            source, last = _merged(source, first_document(data, max_bytes), path), path
            checkout.contents.pop(path)  # nothing to the tool, and no place for an edit
    return source, last


def _merged(source: Source, said: dict[str, Any], path: str) -> Source:
    keys = {(tool, key) for tool, options in said.items() for key in (options if isinstance(options, dict) else ("",))}
    if not keys <= _KNOWN:
        shown = ", ".join(sorted(".".join(key).rstrip(".") for key in keys - _KNOWN))
        message = f"{path} sets {shown} beside the Application, which is not repeated here"
        refuse("override_file", message, "set that in the Application instead, or edit by hand")
    if ("helm", "parameters") in keys:
        parameters = tuple(map(_parameter, mappings(said["helm"]["parameters"])))
        source = replace(source, helm=replace(source.helm, parameters=parameters))
    if ("kustomize", "images") in keys:
        images = tuple(texts(said["kustomize"]["images"]))
        source = replace(source, kustomize=replace(source.kustomize, images=images))
    return source


def _parameter(raw: dict[str, Any]) -> HelmParameter:
    """Read a parameter as Go reads JSON: the case of a key does not count."""
    said = {key.lower(): str(value or "") for key, value in raw.items()}
    forced = said.get("forcestring", "").lower() == "true"
    return HelmParameter(name=said.get("name", ""), value=said.get("value", ""), force_string=forced)
