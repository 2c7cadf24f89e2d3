"""What a request is about: its path and verb, read as the real server reads them before it knows any kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.sandbox.cluster.options import is_set

if TYPE_CHECKING:
    from reconciler.sandbox.wire import Request

_NAMED = {"GET": "get", "HEAD": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete", "POST": "create"}
_COLLECTION = {"GET": "list", "HEAD": "list", "POST": "create", "DELETE": "deletecollection"}
_OF_NAMESPACES = ("status", "finalize")  # what may follow a namespace's own name


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A path below a version of a group; `verb` is "" where the method does not fit."""

    verb: str
    group: str
    version: str
    plural: str
    namespace: str = ""
    name: str = ""
    subresource: str = ""

    @property
    def resource(self) -> str:
        """The plural with its group."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


def route(request: Request) -> Route | None:
    """Return what a request is about, or None when it is about no object: a version, a list of groups, a page."""
    parts = [part for part in request.path.split("/") if part]
    if parts[:1] == ["api"] and len(parts) > 2:  # noqa: PLR2004 - api, version, plural
        group, version, rest = "", parts[1], parts[2:]
    elif parts[:1] == ["apis"] and len(parts) > 3:  # noqa: PLR2004 - apis, group, version, plural
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return None
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 1:
        namespace = rest[1]
        if len(rest) > 2 and rest[2] not in _OF_NAMESPACES:  # noqa: PLR2004 - namespaces, name, plural
            rest = rest[2:]
    plural, name, subresource = (*rest[:2], *[""] * (2 - len(rest[:2])), "/".join(rest[2:]))
    verb = (_NAMED if name else _COLLECTION).get(request.method, "")
    if request.method == "POST" and name and not subresource:
        verb = ""
    if verb == "list" and is_set(request.query, "watch"):
        verb = "watch"
    return Route(
        verb=verb,
        group=group,
        version=version,
        plural=plural,
        namespace=namespace,
        name=name,
        subresource=subresource,
    )
