"""Containers that the kernel killed at their memory limit.

A kill counts while the pod still runs under the limit that its workload declares: once the template says another
limit, old pods testify about the past. A container without a limit was killed for the node's sake, which no limit
of its own can cure; that is another finding.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from reconciler.model.cluster import Alert, Container, ContainerKey, ContainerStatus, Pod, Workload
from reconciler.model.facts import Fact, Unknown, known
from reconciler.model.finding import Evidence, Finding, FindingKind, Severity
from reconciler.model.quantity import format_bytes, same_quantity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.model.objects import ObjectRef
    from reconciler.model.snapshot import Snapshot
    from reconciler.settings import Settings

_MOST_ALERTS = 20  # the first to fire; anybody in the cluster can write more, and each would be kept for ever


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kill:
    """One container of one pod that was killed for memory."""

    pod: Pod
    status: ContainerStatus
    at: datetime
    exit_code: int


def oom_kills(snapshot: Snapshot, settings: Settings) -> Fact[list[Finding]]:
    """Return one finding for each container of a workload that was OOMKilled at its present limit."""
    if isinstance(snapshot.pods, Unknown):
        return snapshot.pods
    if isinstance(snapshot.workloads, Unknown):
        return snapshot.workloads
    since = snapshot.taken_at - settings.memory.window
    kills: dict[tuple[ObjectRef, str], list[_Kill]] = defaultdict(list)
    for pod in snapshot.pods:
        workload = snapshot.workloads.get(pod.owner) if pod.owner else None
        if workload is not None and not pod.deleting:
            for kill in _kills(pod, workload, since):
                kills[workload.ref, kill.status.name].append(kill)
    return [_finding(snapshot, snapshot.workloads[ref], name, found) for (ref, name), found in kills.items()]


def _kills(pod: Pod, workload: Workload, since: datetime) -> Iterator[_Kill]:
    for status in pod.containers:
        ended = status.terminated
        declared = workload.container(status.name)
        if ended is None or ended.reason != "OOMKilled" or not _same_limit(declared, status):
            continue
        at = ended.finished_at or pod.created_at
        if at >= since:
            yield _Kill(pod=pod, status=status, at=at, exit_code=ended.exit_code)


def _same_limit(declared: Container | None, status: ContainerStatus) -> bool:
    if declared is None or status.memory_limit is None:
        return False
    # One that the workload does not declare comes from a LimitRange or a webhook: not a past one, and still a limit.
    return declared.memory_limit is None or same_quantity(declared.memory_limit, status.memory_limit)


def _finding(snapshot: Snapshot, workload: Workload, name: str, kills: list[_Kill]) -> Finding:
    kills.sort(key=lambda k: (k.at, k.pod.ref))
    container = workload.container(name)
    limit = (container.memory_limit if container else None) or kills[-1].status.memory_limit
    request = container.memory_request if container else None
    restarts = sum(k.status.restarts for k in kills)
    proof = Evidence(
        source="kubernetes",
        at=kills[-1].at,
        text=(
            f"container {name} of {len(kills)} of {workload.replicas} pods was OOMKilled at its limit {limit}, "
            f"exit code {kills[-1].exit_code}, restarts: {restarts}"
        ),
        values={
            "container": name,
            "limit": limit,
            "request": request,
            "exit_code": kills[-1].exit_code,
            "restarts": restarts,
            "pods": len(kills),
            "first_pod": kills[0].pod.ref.name,
        },
    )
    evidence = [proof, *_peak(snapshot, kills), *_alerts(snapshot, kills)]
    return Finding(
        kind=FindingKind.OOM_KILLED,
        target=workload.ref,
        container=name,
        severity=Severity.CRITICAL if workload.available == 0 else Severity.HIGH,
        summary=f"{workload.ref.name}: container {name} is OOMKilled at its memory limit {limit}",
        evidence=tuple(sorted(evidence, key=lambda e: (e.at, e.source, e.text))),
    )


def _peak(snapshot: Snapshot, kills: list[_Kill]) -> Iterator[Evidence]:
    """Yield the highest use seen; a missing series says nothing and is not zero."""
    peaks = known(snapshot.memory_peaks, {})  # a finding stands without its peak
    keys = (ContainerKey(k.pod.ref.namespace, k.pod.ref.name, k.status.name) for k in kills)
    seen = [peaks[key] for key in keys if key in peaks]
    if seen:
        peak = int(max(seen))
        yield Evidence(
            source="prometheus",
            at=snapshot.taken_at,
            text=f"peak memory use {format_bytes(peak)}",
            values={"peak_bytes": peak},
        )


def _alerts(snapshot: Snapshot, kills: list[_Kill]) -> Iterator[Evidence]:
    pods = {(k.pod.ref.namespace, k.pod.ref.name) for k in kills}
    ours = [  # alerts add evidence, they never make a finding
        alert
        for alert in known(snapshot.alerts, ())
        if (alert.labels.get("namespace"), alert.labels.get("pod")) in pods
    ]
    for alert in sorted(ours, key=lambda a: (a.starts_at, a.fingerprint))[:_MOST_ALERTS]:
        yield _alert_evidence(alert)


def _alert_evidence(alert: Alert) -> Evidence:
    return Evidence(
        source="alertmanager",
        at=alert.starts_at,
        text=f"alert {alert.name} is firing for pod {alert.labels.get('pod')}",
        values={"alert": alert.name, "fingerprint": alert.fingerprint},
    )
