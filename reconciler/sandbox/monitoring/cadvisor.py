"""What cAdvisor tells of containers: memory and processor time, by the pod and by who shares its work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.sandbox.monitoring.samples import Json, Labels, Sample, is_ready, note, quantity, statuses

if TYPE_CHECKING:
    from collections.abc import Iterator

UNASKED_USE = 64 * 1024**2  # memory of a container that asks for nothing
IDLE = 0.01  # cores of a container that nobody loads
PERIODS = 10.0  # scheduling periods in a second: the kernel's 100 ms
CPU_LOAD = "cpu-load"  # the annotation: cores that all pods of a workload need together


def memory(pod: Json) -> Iterator[Sample]:
    """Yield the working sets of a pod's containers: only those that run use anything."""
    for index, labels in running(pod):
        yield Sample("container_memory_working_set_bytes", labels, memory_use(pod, index))


def memory_use(pod: Json, index: int) -> float:
    """Return what a container uses: what it needs (else what it requests), and never more than its limit."""
    container = pod["spec"]["containers"][index]
    resources = container.get("resources", {})
    need = note(pod, "needs-memory", container["name"], first=index == 0)
    if need is None:
        need = resources.get("requests", {}).get("memory", str(UNASKED_USE))
    limit = resources.get("limits", {}).get("memory")
    return quantity(need) if limit is None else min(quantity(need), quantity(limit))


def processor(pod: Json, *, load: float | None, sharing: int) -> Iterator[Sample]:
    """Yield a pod's processor counters as they begin: at zero, with the rates at which they grow."""
    for index, labels in running(pod):
        use = cpu_use(pod, index, load=load, sharing=sharing)
        yield Sample("container_cpu_usage_seconds_total", labels, 0.0, slope=use)
        limit = _limit(pod, index)
        if limit is not None:
            throttled = cpu_need(pod, index, load=load, sharing=sharing) > limit
            yield Sample("container_cpu_cfs_periods_total", labels, 0.0, slope=PERIODS)
            yield Sample("container_cpu_cfs_throttled_periods_total", labels, 0.0, slope=PERIODS if throttled else 0.0)


def cpu_load(pod: Json, workload: Json | None = None) -> float | None:
    """Return how many cores a workload's pods need together: the pod's annotation, else its workload's."""
    text = note(pod, CPU_LOAD)
    if text is None and workload is not None:
        text = note(workload, CPU_LOAD)
    return None if text is None else quantity(text)


def cpu_use(pod: Json, index: int, *, load: float | None, sharing: int) -> float:
    """Return the cores that a container uses: its share of the load, never more than its limit."""
    need, limit = cpu_need(pod, index, load=load, sharing=sharing), _limit(pod, index)
    return need if limit is None else min(need, limit)


def cpu_need(pod: Json, index: int, *, load: float | None, sharing: int) -> float:
    """Return the cores that a container would use without a limit.

    The first container of a ready pod bears an equal share of the load; all others are idle.
    """
    if load is None or index or not sharing or not is_ready(pod):
        return IDLE
    return max(load / sharing, IDLE)


def running(pod: Json) -> Iterator[tuple[int, Labels]]:
    """Yield place and labels of each container that runs."""
    names = {status["name"] for status in statuses(pod) if status["state"].get("running")}
    for index, container in enumerate(pod["spec"]["containers"]):
        if container["name"] in names:
            yield (
                index,
                {
                    "namespace": pod["metadata"]["namespace"],
                    "pod": pod["metadata"]["name"],
                    "container": container["name"],
                    "image": container["image"],
                    "node": pod["spec"].get("nodeName", ""),
                },
            )


def _limit(pod: Json, index: int) -> float | None:
    text = pod["spec"]["containers"][index].get("resources", {}).get("limits", {}).get("cpu")
    return None if text is None else quantity(text)
