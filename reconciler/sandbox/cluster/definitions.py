"""CustomResourceDefinitions: what a good one holds, its status, and those that are there from the start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.sandbox.cluster import schemas
from reconciler.sandbox.cluster.errors import cause, invalid
from reconciler.sandbox.wire import NotInSandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.sandbox.cluster.kinds import Kind
    from reconciler.sandbox.cluster.values import Json


def check(kind: Kind, definition: Json) -> None:
    """Raise ApiError when a definition is wrong, NotInSandbox when it wants what is not here."""
    causes = list(_faults(definition))
    if causes:
        raise invalid(kind.kind, kind.group, definition["metadata"]["name"], causes)
    versions = definition["spec"]["versions"]
    if sum(1 for version in versions if version.get("served")) > 1:
        raise NotInSandbox("custom resources in more than one version")
    if any("scale" in (version.get("subresources") or {}) for version in versions):
        raise NotInSandbox("the scale subresource of custom resources")
    for version in versions:
        schemas.refuse_unknown_rules((version.get("schema") or {}).get("openAPIV3Schema") or {})


def establish(definition: Json, at: str) -> None:
    """Give a new definition the status that its controllers give it at once."""
    spec = definition["spec"]
    established = "the initial names have been accepted"
    definition["status"] = {
        "acceptedNames": dict(spec["names"]),
        "conditions": [
            _condition("NamesAccepted", "NoConflicts", "no conflicts found", at),
            _condition("Established", "InitialNamesAccepted", established, at),
        ],
        "storedVersions": [version["name"] for version in spec["versions"] if version.get("storage")],
    }


def argo_cd() -> Iterator[Json]:
    """Return the definitions that Argo CD brings along."""
    for plural, kind, *short in (
        ("applications", "Application", "app", "apps"),
        ("applicationsets", "ApplicationSet", "appset", "appsets"),
        ("appprojects", "AppProject", "appproj", "appprojs"),
    ):
        parts: Json = {"subresources": {"status": {}}} if kind == "ApplicationSet" else {}
        schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
        yield {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{plural}.argoproj.io"},
            "spec": {
                "group": "argoproj.io",
                "names": {"kind": kind, "plural": plural, "shortNames": short},
                "scope": "Namespaced",
                "versions": [{"name": "v1alpha1", "served": True, "storage": True, "schema": schema, **parts}],
            },
        }


def _faults(definition: Json) -> Iterator[Json]:
    spec: Any = definition.get("spec") or {}
    names = spec.get("names") or {}
    for field, value in (
        ("spec.group", spec.get("group")),
        ("spec.names.plural", names.get("plural")),
        ("spec.names.kind", names.get("kind")),
        ("spec.scope", spec.get("scope")),
        ("spec.versions", spec.get("versions")),
    ):
        if not value:
            yield cause("FieldValueRequired", "Required value", field)
    if sum(1 for version in spec.get("versions") or () if version.get("storage")) != 1:
        message = "Invalid value: must have exactly one version marked as storage version"
        yield cause("FieldValueInvalid", message, "spec.versions")
    wanted, name = f"{names.get('plural')}.{spec.get('group')}", definition["metadata"]["name"]
    if name != wanted:
        message = f'Invalid value: "{name}": must be spec.names.plural+"."+spec.group'
        yield cause("FieldValueInvalid", message, "metadata.name")


def _condition(kind: str, reason: str, message: str, at: str) -> Json:
    return {"type": kind, "status": "True", "lastTransitionTime": at, "reason": reason, "message": message}
