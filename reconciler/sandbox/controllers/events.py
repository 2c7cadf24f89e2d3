"""Events as people see them in a namespace: who did what to which object; a repeated one is counted, not repeated."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from reconciler.sandbox.cluster.errors import ApiError
from reconciler.sandbox.controllers.objects import Json, Key, key_of

if TYPE_CHECKING:
    import random

    from reconciler.sandbox.clock import SandboxClock
    from reconciler.sandbox.cluster.store import Store
    from reconciler.sandbox.controllers.agenda import Agenda

KEPT = timedelta(hours=1)  # after that the API server forgets an event, as the real one does
NORMAL, WARNING = "Normal", "Warning"
NOT_HERE = "NotInSandbox"  # the reason of an event about a feature that the sandbox does not have

_Topic = tuple[str, str, str, str]  # uid, field, reason, message


class Events:
    """Writes events; the same topic again within an hour raises the count."""

    def __init__(self, store: Store, clock: SandboxClock, ids: random.Random, agenda: Agenda) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._agenda = agenda
        self._known: dict[_Topic, Key] = {}
        self._expiry_planned = False

    def normal(self, item: Json, reason: str, message: str, *, by: str, container: str = "", host: str = "") -> None:
        """Record what went as it should."""
        self._record(item, (NORMAL, reason, message), by, container, host)

    def warning(self, item: Json, reason: str, message: str, *, by: str, container: str = "", host: str = "") -> None:
        """Record what did not."""
        self._record(item, (WARNING, reason, message), by, container, host)

    def not_here(self, item: Json, feature: str, *, by: str) -> None:
        """Record loudly that an object asks for something that the sandbox does not have."""
        self._record(item, (WARNING, NOT_HERE, f"the sandbox does not implement {feature}"), by, "", "")

    def _record(self, item: Json, what: tuple[str, str, str], by: str, container: str, host: str) -> None:
        kind, reason, message = what
        field = f"spec.containers{{{container}}}" if container else ""
        topic = (item["metadata"].get("uid", ""), field, reason, message)
        known = self._known.get(topic)
        if known is not None and self._store.get("Event", *known) is not None:
            self._store.change("Event", *known, self._count, manager=by)
            return
        event = self._event(item, kind, by, host)
        event["involvedObject"] |= {"fieldPath": field} if field else {}
        event |= {"reason": reason, "message": message}
        try:
            created = self._store.create(event, manager=by, applied=True)  # without managedFields: nobody asks
        except ApiError:
            return  # the namespace is going; events are best effort, in the real cluster too
        self._known[topic] = key_of(created)
        self._plan_expiry()

    def _plan_expiry(self) -> None:
        if self._known and not self._expiry_planned:
            self._expiry_planned = True
            self._agenda.plan(self._clock.now() + KEPT, self._expire)

    def _event(self, item: Json, kind: str, by: str, host: str) -> Json:
        namespace, name = key_of(item)
        stamp = self._clock.stamp()
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {
                "name": f"{name}.{self._ids.getrandbits(64):016x}",
                "namespace": namespace or "default",  # events about nodes stand there
            },
            "involvedObject": {
                "apiVersion": item["apiVersion"],
                "kind": item["kind"],
                "name": name,
                **({"namespace": namespace} if namespace else {}),
                "uid": item["metadata"].get("uid", ""),
                "resourceVersion": item["metadata"].get("resourceVersion", ""),
            },
            "type": kind,
            "count": 1,
            "firstTimestamp": stamp,
            "lastTimestamp": stamp,
            "eventTime": None,
            "source": {"component": by, **({"host": host} if host else {})},
            "reportingComponent": by,
            "reportingInstance": host,
        }

    def _count(self, event: Json) -> None:
        event["count"] += 1
        event["lastTimestamp"] = self._clock.stamp()

    def _expire(self) -> None:
        """Forget events that were not repeated for an hour; look at the others an hour later."""
        before = (self._clock.now() - KEPT).strftime("%Y-%m-%dT%H:%M:%SZ")
        for topic, key in list(self._known.items()):
            event = self._store.get("Event", *key)
            if event is None or event["lastTimestamp"] <= before:
                del self._known[topic]
                if event is not None:
                    self._store.purge("Event", *key)
        self._expiry_planned = False
        self._plan_expiry()
