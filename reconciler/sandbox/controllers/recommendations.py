"""How many pods a metric asks for, by the rules of the real autoscaler. Pure.

Source: `pkg/controller/podautoscaler/replica_calculator.go` of Kubernetes 1.36. Amounts are thousandths of a core, or
bytes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from reconciler.sandbox.controllers import faults
from reconciler.sandbox.controllers.objects import (
    Json,
    condition_of,
    is_deleting,
    is_ready,
    milli,
    moment,
    phase_of,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_STARTING = timedelta(minutes=5)  # of a pod's life in which its CPU says little
_FIRST_READY = timedelta(seconds=30)  # a pod unready for longer than that after its start was ready once


class NoMetric(Exception):
    """A metric cannot be had; the message says why, as the real autoscaler would."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a metric is to be kept at: a percentage of what pods request, or an average amount."""

    resource: str
    container: str = ""  # "": all containers
    utilization: int | None = None
    average: int | None = None


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far from its target a metric may be before anything is scaled."""

    up: float = 0.1
    down: float = 0.1

    def holds(self, ratio: float) -> bool:
        """Whether a ratio of use to target is near enough to one."""
        return 1 - self.down <= ratio <= 1 + self.up


@dataclass(frozen=True, slots=True)
class Reading:
    """What a metric says: the size it asks for, and the values shown in the status."""

    replicas: int
    average: int
    utilization: int | None


@dataclass(slots=True)
class _Pods:
    """Pods as the autoscaler groups them."""

    used: dict[str, int] = field(default_factory=dict)  # of pods whose sample counts
    unready: set[str] = field(default_factory=set)
    missing: set[str] = field(default_factory=set)


def read(
    pods: Sequence[Json],
    target: Target,
    current: int,
    *,
    tolerance: Tolerance,
    now: datetime,
    window: timedelta,
    workload: Json | None = None,
) -> Reading:
    """Return what one metric asks for. Raises NoMetric."""
    if not pods:
        raise NoMetric("no pods returned by selector while calculating replica count")
    groups = _grouped(pods, target, workload, now, window)
    if not groups.used:
        raise NoMetric("did not receive metrics for targeted pods (pods might be unready)")
    requests = {} if target.utilization is None else {p["metadata"]["name"]: _requested(p, target) for p in pods}
    ratio = _ratio(groups.used, requests, target)
    average = sum(groups.used.values()) // len(groups.used)
    utilization = None if target.utilization is None else _percent(groups.used, requests)
    return Reading(_size(groups, requests, target, current, tolerance, ratio), average, utilization)


def _size(
    groups: _Pods, requests: Mapping[str, int], target: Target, current: int, tolerance: Tolerance, ratio: float
) -> int:
    growing_unready = bool(groups.unready) and ratio > 1
    if not growing_unready and not groups.missing:
        return current if tolerance.holds(ratio) else math.ceil(ratio * len(groups.used))
    used = dict(groups.used)
    if ratio < 1:  # what is not known is taken to be at its target, or all of its request
        full = max(100, target.utilization or 0)
        used |= {name: _fallback(name, requests, target, full) for name in groups.missing}
    elif ratio > 1:
        used |= dict.fromkeys(groups.missing, 0)
    if growing_unready:
        used |= dict.fromkeys(groups.unready, 0)
    again = _ratio(used, requests, target)
    turned = (ratio < 1 < again) or (again < 1 < ratio)
    if tolerance.holds(again) or turned:
        return current
    size = math.ceil(again * len(used))
    against = (again < 1 and size > current) or (again > 1 and size < current)
    return current if against else size


def _fallback(name: str, requests: Mapping[str, int], target: Target, full: int) -> int:
    if target.utilization is None:
        return target.average or 0
    return requests[name] * full // 100


def _ratio(used: Mapping[str, int], requests: Mapping[str, int], target: Target) -> float:
    if target.utilization is not None:
        return _percent(used, requests) / target.utilization
    return (sum(used.values()) // len(used)) / (target.average or 1)


def _percent(used: Mapping[str, int], requests: Mapping[str, int]) -> int:
    total = sum(requests[name] for name in used)
    if not total:
        raise NoMetric("no metrics returned matched known pods")
    return sum(used.values()) * 100 // total


def _grouped(pods: Sequence[Json], target: Target, workload: Json | None, now: datetime, window: timedelta) -> _Pods:
    groups = _Pods()
    ready = sum(1 for pod in pods if is_ready(pod) and not is_deleting(pod))
    for pod in pods:
        name = pod["metadata"]["name"]
        if is_deleting(pod) or phase_of(pod) == "Failed":
            continue
        if phase_of(pod) == "Pending":
            groups.unready.add(name)
        elif not _runs(pod):
            groups.missing.add(name)
        elif target.resource == "cpu" and _says_little(pod, now, window):
            groups.unready.add(name)
        else:
            groups.used[name] = _used(pod, target, faults.cpu_load(pod, workload), ready)
    return groups


def _runs(pod: Json) -> bool:
    """Whether anybody could have measured the pod: all of its containers run."""
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    return bool(statuses) and all("running" in each["state"] for each in statuses)


def _says_little(pod: Json, now: datetime, window: timedelta) -> bool:
    condition, start = condition_of(pod, "Ready"), (pod.get("status") or {}).get("startTime")
    if condition is None or start is None:
        return True
    since, unready = moment(condition["lastTransitionTime"]), condition["status"] == "False"
    if moment(start) + _STARTING > now:
        return unready or now < since + window
    return unready and moment(start) + _FIRST_READY > since


def _used(pod: Json, target: Target, load: int | None, sharing: int) -> int:
    total = 0
    for index, container in enumerate(pod["spec"]["containers"]):
        if target.container not in ("", container["name"]):
            continue
        if target.resource == "cpu":
            total += faults.cpu_use(pod, index, load=load, sharing=sharing)
        else:
            total += faults.memory_use(pod, index)
    return total


def _requested(pod: Json, target: Target) -> int:
    total = 0
    for container in pod["spec"]["containers"]:
        if target.container not in ("", container["name"]):
            continue
        text = faults.request_of(container, target.resource)
        if text is None:
            where = f"container {container['name']} of Pod {pod['metadata']['name']}"
            raise NoMetric(f"missing request for {target.resource} in {where}")
        total += milli(text) if target.resource == "cpu" else whole(text)
    return total
