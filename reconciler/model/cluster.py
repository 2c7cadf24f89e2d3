"""What runs: workloads, pods, namespaces, autoscalers, alerts, as read in one pass.

Only what a stage needs is kept. Environment values, Secret data and whole annotations never enter the model,
so they cannot leave it (invariant 11).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from reconciler.model.objects import ObjectRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """A container as its workload's template declares it; amounts are Kubernetes quantities."""

    name: str
    image: str
    memory_request: str | None = None
    memory_limit: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """An object that runs pods: Deployment, StatefulSet or DaemonSet."""

    ref: ObjectRef
    uid: str
    generation: int
    observed_generation: int
    desired: int
    updated: int
    ready: int
    available: int
    replicas: int  # status.replicas: how many pods exist, old ones included
    containers: tuple[Container, ...]
    paused: bool = False
    restarted_at: str | None = None  # the template's restartedAt annotation
    tracking_id: str | None = None  # argocd.argoproj.io/tracking-id
    flux_owners: frozenset[tuple[str, str, str]] = frozenset()  # (kind, namespace, name) that Flux's labels name
    flux_leaves: bool = False  # an annotation tells Flux to leave it, or what it became, alone
    flags: frozenset[str] = frozenset()  # our own annotations that are set: paused, escalate
    field_managers: Mapping[str, frozenset[str]] = field(default_factory=dict)  # field path text → managers

    @property
    def rolled_out(self) -> bool:
        """Every wanted pod runs the current template and is ready, and no old pod is left."""
        return (
            self.observed_generation >= self.generation
            and self.updated == self.ready == self.available == self.desired == self.replicas
        )

    @property
    def replaced(self) -> bool:
        """Every wanted pod runs the current template, ready or not, and no old pod is left."""
        return self.observed_generation >= self.generation and self.updated == self.desired == self.replicas

    def container(self, name: str) -> Container | None:
        """Return the container of that name, or None."""
        return next((c for c in self.containers if c.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Termination:
    """How a container last ended (`lastState.terminated`)."""

    reason: str
    exit_code: int
    finished_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerStatus:
    """One container of a pod, now and the time before."""

    name: str
    ready: bool
    restarts: int
    terminated: Termination | None = None  # state.terminated or lastState.terminated, the newer
    memory_limit: str | None = None  # of this pod's own spec


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """A pod and the workload at the top of its owner references."""

    ref: ObjectRef
    uid: str
    owner: ObjectRef | None
    phase: str
    node: str | None
    created_at: datetime
    deleting: bool
    containers: tuple[ContainerStatus, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Namespace:
    """A namespace with its environment as labelled; None when nobody said, which counts as production."""

    name: str
    environment: str | None
    flags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """An active alert of Alertmanager; only allow-listed labels are kept."""

    name: str
    fingerprint: str
    starts_at: datetime
    labels: Mapping[str, str]


class ContainerKey(NamedTuple):
    """Names one container of one pod in metrics."""

    namespace: str
    pod: str
    container: str
