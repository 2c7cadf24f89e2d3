"""WATCH: changes as they happen, streamed outside the lock.

Protects: no change is left out; a watcher that is further behind than the history reaches is told 410 and must list
again. What enters or leaves a selector is told as added or deleted. Waiting follows the wall clock, because a watch's
time limit guards a connection, not the sandbox's world.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.sandbox.cluster.errors import ApiError, cause, invalid
from reconciler.sandbox.cluster.history import Stored
from reconciler.sandbox.cluster.kinds import Kind
from reconciler.sandbox.cluster.lists import at_revision, revision_of
from reconciler.sandbox.cluster.options import is_set, seconds
from reconciler.sandbox.cluster.render import Form, form, packed
from reconciler.sandbox.cluster.selectors import Predicate, selector
from reconciler.sandbox.cluster.store import Store
from reconciler.sandbox.wire import Response

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.sandbox.cluster.history import Change
    from reconciler.sandbox.wire import Request

_LONGEST = 1800.0  # seconds, where the watcher names no limit
_BOOKMARK_EVERY = 60.0  # seconds
_INITIAL_EVENTS_END = "k8s.io/initial-events-end"

Event = tuple[str, Stored]


def watched(store: Store, kind: Kind, namespace: str, request: Request, stopped: Callable[[], bool]) -> Response:
    """Answer a WATCH; called with the lock held, its stream is read without."""
    shown = form(kind, request.headers)
    selects = selector(kind, request.first("labelSelector"), request.first("fieldSelector"))
    headers = {"Content-Type": "application/json"}
    initial, asked = _initial(request), request.first("resourceVersion")
    revision = revision_of(store, asked, future=True)
    begins_now = initial or asked in ("", "0")
    try:
        if not begins_now:
            store.history.since(revision, kind.name, store.revision)
    except ApiError as error:
        # Errors after authorization come as events of the stream, as from the real server's watch cache.
        return Response(200, iter([_line("ERROR", packed(error.as_status()))]), headers)
    present = at_revision(store, kind, namespace, store.revision) if begins_now else []
    watch = _Watch(
        store=store,
        kind=kind,
        namespace=namespace,
        shown=shown,
        selects=selects,
        bookmarks=is_set(request.query, "allowWatchBookmarks"),
        seconds=seconds(request.first("timeoutSeconds") or str(_LONGEST)),
        stopped=stopped,
    )
    first = [stored for _, stored in present if selects is None or selects(stored.value)]
    return Response(200, watch.stream(first, store.revision if begins_now else revision, told=initial), headers)


def _initial(request: Request) -> bool:
    """Tell whether the watch begins with what is there and a bookmark after it."""
    if not is_set(request.query, "sendInitialEvents"):
        return False
    if request.first("resourceVersionMatch") != "NotOlderThan":
        wrong = "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
        raise invalid("ListOptions", "meta.k8s.io", "", [cause("FieldValueForbidden", wrong, "resourceVersionMatch")])
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Watch:
    store: Store
    kind: Kind
    namespace: str
    shown: Form
    selects: Predicate | None
    bookmarks: bool
    seconds: float
    stopped: Callable[[], bool]

    def stream(self, present: list[Stored], revision: int, *, told: bool) -> Iterator[bytes]:
        """Yield what is there, then every change, until the time is over or the server stops."""
        for stored in present:
            yield _line("ADDED", self.shown.one(stored))
        if told and self.bookmarks:
            yield _line("BOOKMARK", self.shown.bookmark(revision, **{_INITIAL_EVENTS_END: "true"}))
        end = time.monotonic() + self.seconds
        while not self.stopped() and (left := end - time.monotonic()) > 0:
            try:
                events, revision = self._next(revision, min(left, _BOOKMARK_EVERY))
            except ApiError as error:
                yield _line("ERROR", packed(error.as_status()))
                return
            if events:
                yield b"".join(_line(name, self.shown.one(stored)) for name, stored in events)
            elif self.bookmarks:
                yield _line("BOOKMARK", self.shown.bookmark(revision))

    def _next(self, revision: int, seconds: float) -> tuple[list[Event], int]:
        """Wait for changes that concern the watch; return them and how far they reach."""
        end = time.monotonic() + seconds
        with self.store.news:
            shelf = self.store.shelf(self.kind.name)
            while True:
                if shelf.revision > revision:
                    changes = self.store.history.since(revision, self.kind.name, self.store.revision)
                    events = [event for change in changes if (event := self._event(change))]
                else:
                    events = []
                revision = max(revision, self.store.revision)
                left = end - time.monotonic()
                if events or left <= 0 or self.stopped():
                    return events, revision
                self.store.news.wait(left)

    def _event(self, change: Change) -> Event | None:
        if self.namespace and change.place[1] != self.namespace:
            return None
        if self.selects is None:
            return change.type, change.stored
        was = change.before is not None and self.selects(change.before.value)
        fits = change.type != "DELETED" and self.selects(change.stored.value)
        if fits:
            return ("MODIFIED" if was else "ADDED"), change.stored
        if not was or change.before is None:
            return None
        return "DELETED", change.stored if change.type == "DELETED" else _as_of(change.before, change.revision)


def _as_of(stored: Stored, revision: int) -> Stored:
    """Return a version that left the selector, under the revision at which it left."""
    metadata = stored.value["metadata"] | {"resourceVersion": str(revision)}
    return Stored(stored.value | {"metadata": metadata})


def _line(name: str, data: bytes) -> bytes:
    return b'{"type":"%b","object":%b}\n' % (name.encode(), data)
