"""Metrics derived from the objects in the API server, under the names of kube-state-metrics and cAdvisor.

Honest: every sample is computed from live objects at the time of the scrape. Memory use is what the pod's annotation
says that it needs, cut at the limit: a container that is OOM-killed peaks at its limit. The testbed's exporter serves
the same functions to a real Prometheus, so that both worlds measure alike.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.sandbox.monitoring import cadvisor, kube_state
from reconciler.sandbox.monitoring.samples import Json, Sample

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Objects:
    """The live objects that samples are derived from."""

    pods: list[Json] = field(default_factory=list)
    deployments: list[Json] = field(default_factory=list)
    replica_sets: list[Json] = field(default_factory=list)
    nodes: list[Json] = field(default_factory=list)
    autoscalers: list[Json] = field(default_factory=list)


def state(objects: Objects) -> Iterator[Sample]:
    """Yield what kube-state-metrics would."""
    for pod in objects.pods:
        yield from kube_state.pod(pod)
    for deployment in objects.deployments:
        yield from kube_state.deployment(deployment)
    for replica_set in objects.replica_sets:
        yield from kube_state.replica_set(replica_set)
    for node in objects.nodes:
        yield from kube_state.node(node)
    for autoscaler in objects.autoscalers:
        yield from kube_state.autoscaler(autoscaler)


def usage(objects: Objects) -> Iterator[Sample]:
    """Yield what cAdvisor would of memory: only containers that run use anything."""
    for pod in objects.pods:
        yield from cadvisor.memory(pod)
