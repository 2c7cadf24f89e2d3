"""Argo CD's application controller: when it compares, when it syncs, and what it writes.

Work takes its time by the clock, so that what lies between is seen: OutOfSync, an operation that is Running, one that
Succeeded before the next comparison. Everything else follows from what changed in the store, nothing is searched.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from reconciler.sandbox.clock import Due
from reconciler.sandbox.delivery import automation, removal, status, windows
from reconciler.sandbox.delivery.automation import is_automatic
from reconciler.sandbox.delivery.comparing import Comparer
from reconciler.sandbox.delivery.operations import (
    OVER,
    Operations,
    Running,
    is_automated,
    retry_at,
)
from reconciler.sandbox.delivery.projects import (
    NAMESPACE,
    InvalidSpec,
    check,
    destination_server,
    install,
    project_of,
    sources_of,
)
from reconciler.sandbox.delivery.sources import Sources
from reconciler.sandbox.delivery.tracking import Tracked

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reconciler.sandbox.clock import SandboxClock
    from reconciler.sandbox.cluster.store import Store
    from reconciler.sandbox.delivery.comparing import Comparison
    from reconciler.sandbox.timing import Timing

Json = dict[str, Any]

# How thoroughly to compare: with the revision of last time, with the newest one, or because somebody asked.
RECENT, LATEST, ASKED = 1, 2, 3
_GRACE = timedelta(seconds=180)  # in which Git may fail before anybody hears of it, unless somebody asked


@dataclass(slots=True)
class _Watch:
    """What the controller remembers of one Application beside what it wrote."""

    uid: str
    automated: bool = False
    level: int = 0  # of the comparison that is asked for
    comparing: Due | None = None
    operating: Due | None = None
    poll: Due | None = None
    running: Running | None = None
    failing_since: datetime | None = None  # Git gave no answer since

    def stop(self) -> None:
        for due in (self.comparing, self.operating, self.poll):
            if due is not None:
                due.cancelled = True


class ArgoCd:
    """Syncs the Applications of the namespace `argocd` from bare Git repositories into the sandbox's cluster.

    `repositories` finds the folder behind a repository's address. `clusters` names the addresses, beside
    `https://kubernetes.default.svc` and those that cluster Secrets register, by which Applications call this cluster.
    """

    def __init__(
        self,
        store: Store,
        clock: SandboxClock,
        *,
        timing: Timing,
        repositories: Callable[[str], Path | None],
    ) -> None:
        self.clusters: dict[str, str] = {}
        self._store = store
        self._clock = clock
        self._timing = timing
        self._tracked = Tracked(store)
        self._comparer = Comparer(store=store, sources=Sources(repositories), tracked=self._tracked)
        self._operations = Operations(store=store, clock=clock, comparer=self._comparer, clusters=self.clusters)
        self._watches: dict[str, _Watch] = {}
        self._seen = 0
        install(store)

    def settle(self) -> bool:
        """Look at what changed; begin what is to be done. Returns whether that changed something."""
        before = self._store.revision
        if before == self._seen:
            return False
        changes, self._seen = self._store.changed_since(self._seen), before
        own = [name for kind, namespace, name in changes if (kind, namespace) == ("Application", NAMESPACE)]
        concerned = {name for place in changes for name in self._tracked.notice(place)}
        for name in own:
            self._look(name)
        for name in sorted(concerned):
            self._objects_changed(name)
        return self._store.revision != before

    # What happened

    def _look(self, name: str) -> None:
        """Look at an Application that was written."""
        application, watch = self._application(name), self._watches.get(name)
        uid = application["metadata"]["uid"] if application else ""
        if watch is not None and watch.uid != uid:
            watch.stop()
            del self._watches[name]
            self._tracked.watch(name, ())
        if application is None:
            return
        watch = self._watches.setdefault(name, _Watch(uid))
        if application["metadata"].get("deletionTimestamp"):
            self._remove(application)
            return
        if application.get("operation") and watch.running is None:
            watch.running = Running()
            self._operations.begin(application)
            self._step_after(name, self._timing.sync)
        elif _phase(application) == "Terminating" and watch.operating is None and watch.running is not None:
            self._step_after(name, timedelta())
        former, watch.automated = watch.automated, is_automatic(application["spec"])
        self._want(name, max(_wanted(application), LATEST if watch.automated and not former else 0))

    def _objects_changed(self, name: str) -> None:
        """Look at an Application because one of its objects changed."""
        application, watch = self._application(name), self._watches.get(name)
        if application is None or watch is None:
            return
        if application["metadata"].get("deletionTimestamp"):
            self._remove(application)
            return
        self._want(name, RECENT)
        if watch.running is not None and watch.operating is None:  # it waits for health, or for a deletion
            self._step_after(name, self._timing.sync)

    def _want(self, name: str, level: int) -> None:
        """Ask for a comparison; one that has begun already is followed by another."""
        watch = self._watches[name]
        watch.level = max(watch.level, level)
        if watch.level and watch.comparing is None:
            began = self._clock.now()
            level, watch.level = watch.level, 0
            watch.comparing = self._clock.call_after(self._timing.compare, partial(self._compare, name, level, began))

    def _step_after(self, name: str, wait: timedelta) -> None:
        self._watches[name].operating = self._clock.call_after(wait, partial(self._step, name))

    # Comparing

    def _compare(self, name: str, level: int, began: datetime) -> None:
        watch, application = self._watches[name], self._application(name)
        watch.comparing = None
        if application is not None and not application["metadata"].get("deletionTimestamp"):
            self._compare_now(application, watch, level, began)
            if level >= LATEST:
                self._poll_after(name, watch, began)
            self._want(name, 0)

    def _compare_now(self, application: Json, watch: _Watch, level: int, began: datetime) -> None:
        name, spec = application["metadata"]["name"], application["spec"]
        try:
            project = project_of(self._store, application)
            check(self._store, application, project, self.clusters)
            server = destination_server(self._store, spec.get("destination") or {}, self.clusters)
        except InvalidSpec as error:
            status.write_refusal(self._store, application, "InvalidSpecError", str(error))
            return
        sources = sources_of(spec)
        found = self._comparer.compare(application, project, server, sources, _revisions(application, sources, level))
        if self._is_passing(watch, found, asked=level == ASKED):
            return
        self._tracked.watch(name, self._comparer.places(found.rows))
        try:
            failure = self._automate(application, project, found)
        except ValueError as unreadable:
            status.write_refusal(self._store, application, "UnknownError", f"invalid sync windows: {unreadable}")
            return
        status.write_comparison(self._store, application, found, failure, began if level >= LATEST else None)
        if watch.running is not None and watch.operating is None:
            self._step_after(name, timedelta())  # a window, or whatever it waits for, may have passed

    def _is_passing(self, watch: _Watch, found: Comparison, *, asked: bool) -> bool:
        """Tell whether Git fails for so short a time that nobody hears of it."""
        if found.types or not found.failed:
            watch.failing_since = None
            return False
        if asked:
            return False
        watch.failing_since = watch.failing_since or self._clock.now()
        return self._clock.now() - watch.failing_since <= _GRACE

    def _automate(self, application: Json, project: Json, found: Comparison) -> str | None:
        """Begin a sync if the policy says so; return what a SyncError should say, None where none is judged."""
        now = self._clock.now()
        if windows.blocks(project, application, now, manual=False):
            return None
        decision = automation.decide(application, found, now)
        if decision.operation is not None:
            status.write_operation(self._store, application, decision.operation)
        if decision.again is not None:
            name = application["metadata"]["name"]
            self._clock.call_after(decision.again, partial(self._want_if_there, name))
        return decision.error

    def _want_if_there(self, name: str) -> None:
        if name in self._watches:
            self._want(name, LATEST)

    def _poll_after(self, name: str, watch: _Watch, began: datetime) -> None:
        if watch.poll is not None:
            watch.poll.cancelled = True
        at = max(began, self._clock.now() - self._timing.poll) + self._timing.poll
        watch.poll = self._clock.call_at(at, partial(self._want_if_there, name))

    # Operations

    def _step(self, name: str) -> None:
        watch, application = self._watches[name], self._application(name)
        watch.operating = None
        if application is None or watch.running is None or not application.get("operation"):
            watch.running = None
            return
        if _phase(application) == "Running" and _is_waiting_to_retry(application):
            watch.running = Running()
            self._operations.begin_again(application)
            self._step_after(name, self._timing.sync)
            return
        former = dict(watch.running.results)
        state = self._operations.step(application, watch.running)
        if state["phase"] in OVER:
            watch.running = None
            self._want(name, LATEST if is_automated(state["operation"]) else ASKED)
        elif state.get("finishedAt"):
            wait = retry_at(state) - self._clock.now()
            self._step_after(name, max(wait, timedelta()))
        elif watch.running.results != former:
            self._step_after(name, self._timing.sync)  # the next wave

    def _remove(self, application: Json) -> None:
        """Stop the work on an Application that is being deleted, and delete its objects."""
        watch = self._watches.get(application["metadata"]["name"])
        if watch is not None:
            watch.stop()
            watch.running = None
        removal.remove(self._store, self._tracked, application)

    def _application(self, name: str) -> Json | None:
        return self._store.get("Application", NAMESPACE, name)


def _wanted(application: Json) -> int:
    """Return how thorough a comparison an Application needs by what it says itself."""
    written = application.get("status") or {}
    if status.REFRESH in (application["metadata"].get("annotations") or {}):
        return ASKED
    sources, rest = status.speaks_of(written, application["spec"])
    if not sources:
        return ASKED
    return LATEST if not rest or "reconciledAt" not in written else 0


def _revisions(application: Json, sources: list[Json], level: int) -> list[str]:
    """Return the revisions to compare with: the source's own, or last time's."""
    sync = (application.get("status") or {}).get("sync") or {}
    known = sync.get("revisions") or ([sync["revision"]] if sync.get("revision") else [])
    if level == RECENT and len(known) == len(sources):
        return list(known)
    return [""] * len(sources)


def _is_waiting_to_retry(application: Json) -> bool:
    return "finishedAt" in application["status"]["operationState"]


def _phase(application: Json) -> str:
    return f"{((application.get('status') or {}).get('operationState') or {}).get('phase', '')}"
