"""What the server says of itself: version, health, groups, and the resources of each group."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.sandbox.cluster.errors import PageNotFound, path_not_found
from reconciler.sandbox.cluster.kinds import VERBS
from reconciler.sandbox.wire import NotInSandbox, Response, json_response

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.sandbox.cluster.kinds import Kind, Kinds
    from reconciler.sandbox.cluster.values import Json
    from reconciler.sandbox.wire import Request

VERSION = {
    "major": "1",
    "minor": "36",
    "gitVersion": "v1.36.3-sandbox",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "2026-01-01T00:00:00Z",
    "goVersion": "none",
    "compiler": "none",
    "platform": "sandbox",
}
_HEALTH = ("/healthz", "/livez", "/readyz")
_PARTS = {
    "status": ("", ["get", "patch", "update"]),
    "finalize": ("", ["update"]),
    "scale": ("autoscaling/v1 Scale", ["get", "patch", "update"]),
    "eviction": ("policy/v1 Eviction", ["create"]),
    "log": ("", ["get"]),
}
REVIEWS = ("SelfSubjectAccessReview", "SubjectAccessReview")
REVIEW_GROUP = "authorization.k8s.io"


def page(kinds: Kinds, request: Request) -> Response:
    """Answer a GET of a path that is about no object. Raises ApiError (404)."""
    path = "/" + request.path.strip("/")
    if path == "/version":
        return json_response(VERSION)
    if path.startswith(_HEALTH):
        return Response(200, b"ok", {"Content-Type": "text/plain; charset=utf-8"})
    if path.startswith("/openapi"):
        raise NotInSandbox("the OpenAPI description (with kubectl: --validate=false)")
    return json_response(_document(kinds, path, request.headers.get("host", "")))


def _document(kinds: Kinds, path: str, host: str) -> Json:
    groups = _groups(kinds)
    match path.split("/")[1:]:
        case [""]:
            return {"paths": ["/api", "/api/v1", "/apis", *(f"/apis/{name}" for name in groups), *_HEALTH, "/version"]}
        case ["api"]:
            addresses = [{"clientCIDR": "0.0.0.0/0", "serverAddress": host}]
            return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": addresses}
        case ["api", "v1"]:
            return _resources("v1", [kind for kind in kinds if not kind.group])
        case ["apis"]:
            listed = [_group(name, versions) for name, versions in groups.items()]
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": listed}
        case ["apis", group] if group in groups:
            return {"kind": "APIGroup", "apiVersion": "v1"} | _group(group, groups[group])
        case ["apis", group, version] if version in groups.get(group, ()):
            served = [kind for kind in kinds if (kind.group, kind.version) == (group, version)]
            return _resources(f"{group}/{version}", served)
        case ["api", _]:
            raise path_not_found()
        case ["apis", group, _] if group in groups:
            raise path_not_found()
    raise PageNotFound


def _groups(kinds: Kinds) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for kind in kinds:
        versions = found.setdefault(kind.group, [])
        if kind.version not in versions:
            versions.append(kind.version)
    del found[""]
    return found | {REVIEW_GROUP: ["v1"]}


def _group(name: str, versions: list[str]) -> Json:
    served = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": served, "preferredVersion": served[0]}


def _resources(group_version: str, kinds: Iterable[Kind]) -> Json:
    resources = [entry for kind in kinds for entry in _entries(kind)]
    if group_version == f"{REVIEW_GROUP}/v1":
        resources += [_review(kind) for kind in REVIEWS]
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": resources}


def _entries(kind: Kind) -> Iterable[Json]:
    verbs = [verb for verb in VERBS if not (kind.name == "Namespace" and verb == "deletecollection")]
    entry: Json = {
        "name": kind.plural,
        "singularName": kind.singular,
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": verbs,
    }
    if kind.short:
        entry["shortNames"] = list(kind.short)
    if kind.categories:
        entry["categories"] = list(kind.categories)
    yield entry
    for part in kind.subresources:
        of, part_verbs = _PARTS[part]
        api_version, _, own = of.rpartition(" ")
        group, _, version = api_version.rpartition("/")
        typed = {"group": group, "version": version} if of else {}
        yield {
            "name": f"{kind.plural}/{part}",
            "singularName": "",
            "namespaced": kind.namespaced,
            **typed,
            "kind": own or kind.kind,
            "verbs": part_verbs,
        }


def _review(kind: str) -> Json:
    return {
        "name": f"{kind.lower()}s",
        "singularName": kind.lower(),
        "namespaced": False,
        "kind": kind,
        "verbs": ["create"],
    }
