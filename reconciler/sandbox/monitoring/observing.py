"""Turns what changed in the cluster into changes of series."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.sandbox.monitoring import cadvisor, kube_state
from reconciler.sandbox.monitoring.history import NAME, History, Value
from reconciler.sandbox.monitoring.samples import Json, Labels, Sample, is_ready, statuses

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.sandbox.cluster.store import Store

STATE_JOB = {"job": "kube-state-metrics", "instance": "kube-state-metrics:8080"}
USAGE_JOB = {"job": "kubelet", "instance": "kubelet:10250"}

_CONTROLLERS = frozenset({"ReplicaSet", "Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob"})

Place = tuple[str, str, str]  # kind, namespace, name


@dataclass(slots=True)
class _Group:
    """The pods of one workload, which share its load."""

    ready: dict[Place, bool] = field(default_factory=dict)
    load: float | None = None
    sharing: int = 0


class Observer:
    """Keeps the series of one store's objects; looks only at objects that changed."""

    def __init__(self, store: Store, history: History) -> None:
        self._store = store
        self._history = history
        self._revision = -1
        self._groups: defaultdict[Place, _Group] = defaultdict(_Group)
        self._group_of: dict[Place, Place] = {}
        self._starts: dict[Place, dict[str, str]] = {}  # which start of each container was seen last

    def observe(self, at: int) -> bool:
        """Note what changed since the last look; whether anything did."""
        if self._store.revision == self._revision:
            return False
        changed = self._store.changed_since(self._revision)
        self._revision = self._store.revision
        pods: dict[Place, None] = {}
        groups: dict[Place, None] = {}
        for place in changed:
            tell = kube_state.KINDS.get(place[0])
            found = None if tell is None else self._store.get(*place)
            if tell is not None:
                samples = () if found is None else tell(found)
                self._history.put(("state", place), _values(samples, STATE_JOB), at)
            if place[0] == "Pod":
                pods[place] = None
                groups |= dict.fromkeys(self._regroup(place, found))
            elif place in self._groups:
                groups[place] = None
        for group in groups:
            pods |= dict.fromkeys(self._reshare(group))
        for place in pods:
            self._note_usage(place, at)
        return True

    def _regroup(self, place: Place, pod: Json | None) -> list[Place]:
        """Note a pod in its workload's group, and out of the one it was in; return the groups that this touches."""
        touched = []
        if (before := self._group_of.pop(place, None)) is not None:
            self._groups[before].ready.pop(place, None)
            touched.append(before)
        if pod is not None:
            group = self._group_of[place] = self._workload(place, pod)
            self._groups[group].ready[place] = is_ready(pod)
            touched.append(group)
        return touched

    def _reshare(self, place: Place) -> Iterable[Place]:
        """Judge a group's load anew; return the pods whose share changed by that."""
        group = self._groups[place]
        if not group.ready:
            del self._groups[place]
            return ()
        pod, workload = self._store.get(*next(reversed(group.ready))), self._store.get(*place)
        load = None if pod is None else cadvisor.cpu_load(pod, workload)
        before = (group.load, group.sharing)
        group.load, group.sharing = load, sum(group.ready.values())
        changed = before != (group.load, group.sharing) and not (before[0] is None and load is None)
        return list(group.ready) if changed else ()

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

    def _note_usage(self, place: Place, at: int) -> None:
        pod = self._store.get(*place)
        if pod is None:
            self._history.put(("memory", place), (), at)
            self._history.put(("processor", place), (), at)
            self._starts.pop(place, None)
            return
        group = self._groups[self._group_of[place]]
        rates = list(cadvisor.processor(pod, load=group.load, sharing=group.sharing))
        restarted = self._restarted(place, pod)
        self._history.put(("memory", place), _values(cadvisor.memory(pod), USAGE_JOB), at)
        self._history.put(("processor", place), self._counters(place, rates, restarted, at), at)

    def _counters(self, place: Place, rates: list[Sample], restarted: set[str], at: int) -> Iterator[Value]:
        """Yield counters that go on from where they are at their new rates; those of a new container from zero."""
        known = self._history.owned(("processor", place))
        for sample in rates:
            (bare,) = _values([sample], USAGE_JOB)
            series = known.get(frozenset(bare.labels.items()))
            reached = None if series is None or sample.labels["container"] in restarted else series.value(at)
            yield Value(bare.labels, reached or 0.0, slope=bare.value)

    def _restarted(self, place: Place, pod: Json) -> set[str]:
        """Return the containers that were started since the last look."""
        before = self._starts.get(place, {})
        self._starts[place] = now = {status["name"]: _start(status) for status in statuses(pod)}
        return {name for name, start in now.items() if before.get(name) != start}


def _start(status: Json) -> str:
    started = (status["state"].get("running") or {}).get("startedAt", "")
    return f"{started} {status.get('restartCount', 0)}"


def _values(samples: Iterable[Sample], target: Labels) -> Iterator[Value]:
    for sample in samples:
        labels = {NAME: sample.name, **{name: text for name, text in sample.labels.items() if text}, **target}
        yield Value(labels, float(sample.value))
