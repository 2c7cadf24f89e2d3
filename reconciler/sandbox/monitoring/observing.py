"""Turns what changed in the cluster into changes of series, once a scrape.

What changes several times between two scrapes is derived once, as an exporter that is scraped would.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.sandbox.controllers import faults
from reconciler.sandbox.monitoring import cadvisor, kube_state
from reconciler.sandbox.monitoring.samples import Json, Sample, is_ready, statuses

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.sandbox.cluster.store import Store
    from reconciler.sandbox.monitoring.history import History

STATE_JOB = {"job": "kube-state-metrics", "instance": "kube-state-metrics:8080"}
USAGE_JOB = {"job": "kubelet", "instance": "kubelet:10250"}
_CONTROLLERS = frozenset({"ReplicaSet", "Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob"})
_WATCHED = frozenset(kube_state.KINDS) | _CONTROLLERS

Place = tuple[str, str, str]  # kind, namespace, name


@dataclass(slots=True)
class _Group:
    """The pods of one workload, which share its load."""

    pods: dict[Place, Json] = field(default_factory=dict)
    load: int | None = None  # milli-CPU
    sharing: int = 0


class Observer:
    """Keeps the series of one store's objects; looks only at objects that changed."""

    def __init__(self, store: Store, history: History) -> None:
        self._store = store
        self._history = history
        self._revision = -1
        self._seen: dict[Place, Json | None] = {}  # what changed since the last scrape, and into what
        self._scrape = 0  # when what was seen is scraped
        self._groups: defaultdict[Place, _Group] = defaultdict(_Group)
        self._group_of: dict[Place, Place] = {}
        self._starts: dict[Place, dict[str, str]] = {}  # which start of each container was seen last

    def observe(self, at: int) -> bool:
        """Note what changed since the last look; whether anything did that has series."""
        if self._store.revision == self._revision:
            return False
        changed = [place for place in self._store.changed_since(self._revision) if place[0] in _WATCHED]
        self._revision = self._store.revision
        if not changed:
            return False
        self.scrape(at - 1)  # what was due before now is as it was before these changes
        if not self._seen:
            self._scrape = -(-at // self._history.step) * self._history.step
        for place in changed:
            self._seen[place] = self._store.get(*place)
        return True

    def scrape(self, at: int) -> None:
        """Derive the series of what was seen, if a scrape was due by now."""
        if not self._seen or self._scrape > at:
            return
        seen, self._seen = self._seen, {}
        pods: dict[Place, None] = {}
        groups: dict[Place, None] = {}
        for place, found in seen.items():
            if place[0] in kube_state.KINDS:
                samples = () if found is None else kube_state.KINDS[place[0]](found)
                self._history.put(("state", place), samples, self._scrape, STATE_JOB)
            if place[0] == "Pod":
                pods[place] = None
                groups |= dict.fromkeys(self._regroup(place, found))
            elif place in self._groups:
                groups[place] = None
        for group in groups:
            pods |= dict.fromkeys(self._reshare(group))
        for place in pods:
            self._use(place, self._scrape)

    def _regroup(self, place: Place, pod: Json | None) -> list[Place]:
        """Note a pod in its workload's group, and out of the one it was in; return the groups that this touches."""
        touched = []
        if (before := self._group_of.pop(place, None)) is not None:
            self._groups[before].pods.pop(place, None)
            touched.append(before)
        if pod is not None:
            group = self._group_of[place] = self._workload(place, pod)
            self._groups[group].pods[place] = pod
            touched.append(group)
        return touched

    def _reshare(self, place: Place) -> Iterable[Place]:
        """Judge a group's load anew; return its pods if their shares changed."""
        group = self._groups[place]
        if not group.pods:
            del self._groups[place]
            return ()
        newest = next(reversed(group.pods.values()))
        load = faults.cpu_load(newest, self._store.get(*place))
        sharing = 0 if load is None else sum(map(is_ready, group.pods.values()))
        before = (group.load, group.sharing)
        group.load, group.sharing = load, sharing
        return () if before == (load, sharing) else list(group.pods)

    def _workload(self, place: Place, pod: Json) -> Place:
        """Return the topmost controller of a pod, or the pod itself."""
        item, found = pod, place
        for _ in range(4):  # a CronJob's Job's pod is the deepest there is
            owner = next((o for o in item["metadata"].get("ownerReferences") or [] if o.get("controller")), None)
            if owner is None or owner["kind"] not in _CONTROLLERS:
                break
            found = (owner["kind"], place[1], owner["name"])
            above = self._store.get(*found)
            if above is None:
                break
            item = above
        return found

    def _use(self, place: Place, at: int) -> None:
        """Note what a pod's containers use."""
        if place not in self._group_of:
            self._history.put(("memory", place), (), at)
            self._history.put(("processor", place), (), at)
            self._starts.pop(place, None)
            return
        group = self._groups[self._group_of[place]]
        pod = group.pods[place]
        counters = cadvisor.processor(pod, load=group.load, sharing=group.sharing)
        self._history.put(("memory", place), cadvisor.memory(pod), at, USAGE_JOB)
        self._history.put(("processor", place), self._continued(place, counters, at), at, USAGE_JOB)

    def _continued(self, place: Place, counters: Iterable[Sample], at: int) -> Iterator[Sample]:
        """Yield counters that go on from where they are; those of a new container begin at zero."""
        known = self._history.owned(("processor", place))
        restarted = self._restarted(place, self._groups[self._group_of[place]].pods[place])
        for counter in counters:
            series = known.get((counter.name, *counter.labels.values()))
            if series is not None and counter.labels["container"] not in restarted:
                yield counter._replace(value=series.value(at) or 0.0)
            else:
                yield counter

    def _restarted(self, place: Place, pod: Json) -> set[str]:
        """Return the containers that were started since the last look."""
        before = self._starts.get(place, {})
        self._starts[place] = now = {status["name"]: _start(status) for status in statuses(pod)}
        return {name for name, start in now.items() if before.get(name) != start}


def _start(status: Json) -> str:
    started = (status["state"].get("running") or {}).get("startedAt", "")
    return f"{started} {status.get('restartCount', 0)}"
