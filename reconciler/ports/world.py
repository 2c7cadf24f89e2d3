"""The seams to what is watched: cluster, metrics, alerts, delivery."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from reconciler.ports.examined import Examined

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

    from reconciler.model.action import FieldChange
    from reconciler.model.cluster import Alert, ContainerKey
    from reconciler.model.delivery import Application
    from reconciler.model.facts import Fact
    from reconciler.model.objects import FieldPath, ObjectRef
    from reconciler.model.snapshot import ClusterView, FieldValues


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyReport:
    """What a server-side apply would do or did; `conflicts` names other managers of the fields."""

    changed: bool
    conflicts: tuple[str, ...] = ()


class Cluster(Examined, Protocol):
    """A Kubernetes API server."""

    def observe(self, wanted: Mapping[ObjectRef, frozenset[FieldPath]]) -> ClusterView:
        """List what diagnosis needs, and pick out the wanted fields from the same lists."""
        ...

    def fields(self, wanted: Mapping[ObjectRef, frozenset[FieldPath]]) -> Fact[FieldValues]:
        """Get the wanted fields of single objects; one that is not there has none of them."""
        ...

    def restart(self, target: ObjectRef, *, uid: str, at: datetime) -> None:
        """Set the template's restartedAt annotation to `at`; setting the same again changes nothing.

        Raises Conflict when the object is another one by now, Refusal when a restart cannot work.
        """
        ...

    def apply(self, target: ObjectRef, *, uid: str, changes: Sequence[FieldChange], dry_run: bool) -> ApplyReport:
        """Set the fields by server-side apply with our field manager.

        Raises Conflict when the object is another one by now or a field no longer holds its `before`.
        """
        ...


class Metrics(Examined, Protocol):
    """A Prometheus-compatible server."""

    def memory_peaks(self, *, window: timedelta, at: datetime) -> Fact[Mapping[ContainerKey, float]]:
        """Return the highest working set of each container over the window, in bytes, by one grouped query."""
        ...


class Alerts(Examined, Protocol):
    """An Alertmanager-compatible server."""

    def active(self) -> Fact[tuple[Alert, ...]]:
        """Return the alerts that are firing and not silenced."""
        ...


class Delivery(Examined, Protocol):
    """Argo CD, Flux, or both, read through their custom resources."""

    def applications(self) -> Fact[tuple[Application, ...]]:
        """Return every Application, or what is one in Flux."""
        ...

    def refresh(self, application: ObjectRef) -> None:
        """Ask delivery to reread Git; never starts a sync."""
        ...
