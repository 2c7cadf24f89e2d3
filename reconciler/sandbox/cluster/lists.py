"""LIST: pages of a consistent list, and lists as they were at an earlier revision.

Protects: all pages of a list show one revision; when the history no longer reaches it, the answer is 410, not a page
of something else.
"""

from __future__ import annotations

import base64
import binascii
import json
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.sandbox.cluster.errors import ApiError, bad_request, cause, expired, invalid
from reconciler.sandbox.cluster.options import number
from reconciler.sandbox.cluster.render import form
from reconciler.sandbox.cluster.selectors import selector
from reconciler.sandbox.cluster.shelf import Key
from reconciler.sandbox.wire import Response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.sandbox.cluster.history import Stored
    from reconciler.sandbox.cluster.kinds import Kind
    from reconciler.sandbox.cluster.store import Store
    from reconciler.sandbox.cluster.values import Json
    from reconciler.sandbox.wire import Request

_TOKEN_VERSION = "meta.k8s.io/v1"  # noqa: S105 - a format, no secret
_FORGOTTEN = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. "
    "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or "
    "deleted between the time the first chunk was returned and now may show up in the list."
)


@dataclass(frozen=True, slots=True)
class _Page:
    """Where a list stands: at which revision, and after which key."""

    revision: int
    after: Key | None = None


def listed(store: Store, kind: Kind, namespace: str, request: Request) -> Response:
    """Answer a LIST."""
    shown = form(kind, request.headers)
    selects = selector(kind, request.first("labelSelector"), request.first("fieldSelector"))
    limit = _limit(request)
    page = _page(store, request)
    items = _items(store, kind, namespace, page)
    if selects is not None:
        items = [(key, stored) for key, stored in items if selects(stored.value)]
    metadata: Json = {"resourceVersion": str(page.revision), **({"continue": ""} if kind.custom else {})}
    if limit and len(items) > limit:
        metadata["continue"] = _token(page.revision, items[limit - 1][0])
        if selects is None:
            metadata["remainingItemCount"] = len(items) - limit
        items = items[:limit]
    body = shown.many(metadata, [stored for _, stored in items])
    return Response(200, body, {"Content-Type": "application/json"})


def at_revision(store: Store, kind: Kind, namespace: str, revision: int) -> list[tuple[Key, Stored]]:
    """Return the objects as they were at a revision. Raises ApiError (410) when that is forgotten."""
    shelf = store.shelf(kind.name)
    if shelf.revision <= revision:
        return shelf.items(namespace)
    entries = dict(shelf.items())
    for change in reversed(store.history.since(revision, kind.name, store.revision)):
        if change.before is None:
            del entries[change.place[1:]]
        else:
            entries[change.place[1:]] = change.before
    return sorted(
        ((key, stored) for key, stored in entries.items() if not namespace or key[0] == namespace),
        key=lambda entry: entry[0],
    )


def _items(store: Store, kind: Kind, namespace: str, page: _Page) -> list[tuple[Key, Stored]]:
    try:
        items = at_revision(store, kind, namespace, page.revision)
    except ApiError:
        if page.after is None:
            raise
        error = expired(_FORGOTTEN)
        error.metadata = {"continue": _token(-1, page.after)}
        raise error from None
    if page.after is None:
        return items
    return items[bisect_right([key for key, _ in items], page.after) :]


def _page(store: Store, request: Request) -> _Page:
    token = request.first("continue")
    asked, match = request.first("resourceVersion"), request.first("resourceVersionMatch")
    _check_match(asked, match, token)
    if token:
        page = _read(token)
        if asked not in ("", "0"):
            raise bad_request("specifying resource version is not allowed when using continue")
        return page if page.revision >= 0 else _Page(store.revision, page.after)
    revision = revision_of(store, asked)
    if match == "Exact" or (request.first("limit") and asked not in ("", "0") and not match):
        return _Page(revision)
    return _Page(store.revision)


def revision_of(store: Store, text: str, *, future: bool = False) -> int:
    """Return a resourceVersion as a number, "" as 0. Raises ApiError when it is none, or (but for a watch) none yet."""
    if not text:
        return 0
    if not text.isdecimal():
        wrong = f'Invalid value: "{text}": strconv.ParseUint: parsing "{text}": invalid syntax'
        raise bad_request(f"invalid resource version: resourceVersion: {wrong}")
    revision = int(text)
    if revision > store.revision and not future:
        message = f"Timeout: Too large resource version: {revision}, current: {store.revision}"
        detail = {"causes": [cause("ResourceVersionTooLarge", "Too large resource version", "")]}
        raise ApiError(504, "Timeout", message, detail, retry_after=1)
    return revision


def _check_match(asked: str, match: str, token: str) -> None:
    wrong = ""
    if match and token:
        wrong = "Forbidden: resourceVersionMatch is forbidden when continue is provided"
    elif match and not asked:
        wrong = "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided"
    elif match == "Exact" and asked == "0":
        wrong = 'Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
    elif match not in ("", "Exact", "NotOlderThan"):
        wrong = f'Unsupported value: "{match}": supported values: "Exact", "NotOlderThan", ""'
    if wrong:
        reason = "FieldValueForbidden" if wrong.startswith("Forbidden") else "FieldValueNotSupported"
        raise invalid("ListOptions", "meta.k8s.io", "", [cause(reason, wrong, "resourceVersionMatch")])


def _limit(request: Request) -> int:
    text = request.first("limit") or "0"
    asked = number(text)
    if request.first("resourceVersion") == "0" and not request.first("continue"):
        return 0  # the watch cache answers whole lists only
    return max(0, asked)


def _token(revision: int, after: Key) -> str:
    value = {"v": _TOKEN_VERSION, "rv": revision, "start": f"{after[0]}/{after[1]}\0"}
    return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).decode().rstrip("=")


def _read(token: str) -> _Page:
    try:
        value: Mapping[str, object] = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        namespace, _, name = str(value["start"]).removesuffix("\0").partition("/")
        return _Page(int(str(value["rv"])), (namespace, name))
    except (binascii.Error, ValueError, KeyError, TypeError) as error:
        raise bad_request(f"invalid continue token: continue key is not valid: {error}") from None
