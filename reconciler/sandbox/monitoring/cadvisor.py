"""What cAdvisor tells of containers: memory and processor time.

How much they use is told by the pods' annotations; the controllers' `faults` says what those mean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.sandbox.controllers import faults
from reconciler.sandbox.monitoring.samples import Json, Labels, Sample, quantity, statuses

if TYPE_CHECKING:
    from collections.abc import Iterator

PERIODS = 10.0  # scheduling periods in a second: the kernel's 100 ms


def memory(pod: Json) -> Iterator[Sample]:
    """Yield the working sets of a pod's containers: only those that run use anything."""
    for index, labels in running(pod):
        yield Sample("container_memory_working_set_bytes", labels, faults.memory_use(pod, index))


def processor(pod: Json, *, load: int | None, sharing: int) -> Iterator[Sample]:
    """Yield a pod's processor counters as they begin: at zero, with the rates at which they grow."""
    for index, labels in running(pod):
        use = faults.cpu_use(pod, index, load=load, sharing=sharing)
        yield Sample("container_cpu_usage_seconds_total", labels, 0.0, slope=use / 1000)
        limit = pod["spec"]["containers"][index].get("resources", {}).get("limits", {}).get("cpu")
        if limit is not None:
            unlimited = 0 if load is None or not sharing else load / sharing
            throttled = use >= quantity(limit) * 1000 and unlimited > use
            yield Sample("container_cpu_cfs_periods_total", labels, 0.0, slope=PERIODS)
            yield Sample("container_cpu_cfs_throttled_periods_total", labels, 0.0, slope=PERIODS if throttled else 0.0)


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
