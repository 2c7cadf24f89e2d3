"""The Cluster port on a Kubernetes API server: one pass's LISTs, two writes, and what we may do.

Protects invariant 3 (unknown is not no): each LIST that fails makes only its own facts unknown, and a half-read or
misshapen list is a failed one. Protects memory: a page becomes model values as soon as it is there, then goes.
"""

from __future__ import annotations

import gc
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from reconciler.adapters import kubernetes_writes
from reconciler.adapters.kubernetes_connection import JSON, METADATA_ONLY, Resource, connect, grant
from reconciler.adapters.kubernetes_errors import Expired, Missing, malformed, too_deep
from reconciler.adapters.kubernetes_objects import (
    SHAPE_ERRORS,
    controller_of,
    namespace_of,
    pod_of,
    ref_of,
    scaled_by,
    values_of,
    workload_of,
)
from reconciler.errors import ReconcilerError, SourceError
from reconciler.model.facts import Unknown
from reconciler.model.snapshot import ClusterView
from reconciler.ports import Diagnosis

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from concurrent.futures import Future
    from datetime import datetime

    from reconciler.adapters.kubernetes_connection import Connection
    from reconciler.adapters.kubernetes_objects import Json
    from reconciler.model.action import FieldChange
    from reconciler.model.cluster import Namespace, Pod, Workload
    from reconciler.model.facts import Fact
    from reconciler.model.objects import FieldPath, ObjectRef
    from reconciler.model.snapshot import FieldValues
    from reconciler.ports import ApplyReport
    from reconciler.settings import ClusterSettings

    Wanted = Mapping[ObjectRef, frozenset[FieldPath]]
    Listed = tuple[dict[ObjectRef, Workload], dict[tuple[ObjectRef, FieldPath], str | None]]

T = TypeVar("T")

_THREADS = 4
_SOURCE = "kubernetes"

NAMESPACES = Resource("", "v1", "namespaces", "Namespace")
PODS = Resource("", "v1", "pods", "Pod")
REPLICASETS = Resource("apps", "v1", "replicasets", "ReplicaSet")
AUTOSCALERS = Resource("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler")
WORKLOADS = (
    Resource("apps", "v1", "deployments", "Deployment"),
    Resource("apps", "v1", "statefulsets", "StatefulSet"),
    Resource("apps", "v1", "daemonsets", "DaemonSet"),
)
_WORKLOAD_OF = {(r.group, r.kind): r for r in WORKLOADS}


def kubernetes_api(settings: ClusterSettings) -> KubernetesApi:
    """Build the adapter; nothing is sent yet.

    Raises ConfigurationError when there is no usable kubeconfig or service account.
    """
    return KubernetesApi(connect(settings), settings)


class KubernetesApi:
    """One Kubernetes cluster."""

    def __init__(self, connection: Connection, settings: ClusterSettings) -> None:
        self.connection = connection
        self._settings = settings
        self._name = settings.name

    def observe(self, wanted: Wanted) -> ClusterView:
        """List what diagnosis needs, and pick out the wanted fields from the same lists."""
        with collector_paused(), ThreadPoolExecutor(_THREADS) as pool:
            owners = pool.submit(self._owners)
            pods = pool.submit(_fact, lambda: self._pods(owners))
            lists = {r.kind: pool.submit(_fact, self._workloads, r, wanted) for r in WORKLOADS}
            namespaces = pool.submit(_fact, self._namespaces)
            autoscaled = pool.submit(_fact, self._autoscaled)
            others = [pool.submit(_fact, self._one, r, paths) for r, paths in wanted.items() if not self._is_listed(r)]
        listed = {kind: future.result() for kind, future in lists.items()}
        return ClusterView(
            namespaces=namespaces.result(),
            workloads=_workloads_fact(list(listed.values())),
            pods=pods.result(),
            autoscaled=autoscaled.result(),
            fields=self._fields(wanted, listed, [future.result() for future in others]),
        )

    def fields(self, wanted: Wanted) -> Fact[FieldValues]:
        """Get the wanted fields of single objects; one that is not there has none of them."""
        return _together([_fact(self._one, ref, paths) for ref, paths in wanted.items()])

    def restart(self, target: ObjectRef, *, uid: str, at: datetime) -> None:
        """Set the template's restartedAt annotation to `at`; setting the same again changes nothing.

        Raises Conflict when the object is another one by now, Refusal when a restart cannot work.
        """
        kubernetes_writes.restart(self.connection, self._resource(target), target, uid=uid, at=at)

    def apply(self, target: ObjectRef, *, uid: str, changes: Sequence[FieldChange], dry_run: bool) -> ApplyReport:
        """Set the fields by server-side apply with our field manager.

        Raises Conflict when the object is another one by now or a field no longer holds its `before`, Refusal when
        another controller manages a field or the cluster's rules reject the change.
        """
        resource = self._resource(target)
        return kubernetes_writes.apply(self.connection, resource, target, uid=uid, changes=changes, dry_run=dry_run)

    def examine(self) -> Sequence[Diagnosis]:
        """Ask for the version and for every permission that we need; never raises."""
        subject = f"Kubernetes API {self.connection.host}"
        try:
            version = self.connection.read("/version", "get version").get("gitVersion", "of unknown version")
        except ReconcilerError as error:
            return (Diagnosis(subject=subject, works=False, detail=str(error), remedy=error.remedy),)
        spaces = self._settings.namespaces or ("",)
        reads = [("list", r) for r in (PODS, *WORKLOADS, REPLICASETS, AUTOSCALERS)]
        reads += [("get", r) for r in WORKLOADS]  # before each write, and where a changed field is read by itself
        reads.append(("get" if self._settings.namespaces else "list", NAMESPACES))
        return (
            Diagnosis(subject=subject, works=True, detail=f"Kubernetes {version}"),
            *(self.access(verb, r, space) for space in spaces for verb, r in reads),
            *(self.access("patch", r, space, required=False) for space in spaces for r in WORKLOADS),
        )

    def access(self, verb: str, resource: Resource, namespace: str = "", *, required: bool = True) -> Diagnosis:
        """Say whether the server lets us do this, and otherwise which rule would."""
        subject = f"{verb} {resource}" + (f" in {namespace}" if namespace else "")
        try:
            works = self.connection.allowed(verb, resource, namespace)
        except ReconcilerError as error:
            detail, remedy = str(error), error.remedy
            return Diagnosis(subject=subject, works=False, detail=detail, remedy=remedy, required=required)
        detail, remedy = ("allowed", "") if works else ("not allowed", grant(verb, resource))
        return Diagnosis(subject=subject, works=works, detail=detail, remedy=remedy, required=required)

    def _namespaces(self) -> dict[str, Namespace]:
        """List the namespaces; where only some are watched, get each, which needs no right to list all."""
        label = self._settings.environment_label
        if self._settings.namespaces:
            raws = [self._get_or_none(NAMESPACES, name) for name in self._settings.namespaces]
            found = _converted([raw for raw in raws if raw], lambda raw: namespace_of(raw, label), "get namespaces")
        else:
            found = self._list(NAMESPACES, lambda raw: namespace_of(raw, label))
        return {namespace.name: namespace for namespace in found}

    def _workloads(self, resource: Resource, wanted: Wanted) -> Listed:
        values: dict[tuple[ObjectRef, FieldPath], str | None] = {}

        def convert(raw: Json) -> Workload:
            ref = ref_of(raw, self._name, resource.group, resource.kind)
            paths = wanted.get(ref)
            if paths is None:
                return workload_of(raw, ref)
            values.update(values_of(raw, ref, paths))
            return workload_of(raw, ref, managers=True)

        return {w.ref: w for w in self._list(resource, convert)}, values

    def _owners(self) -> dict[ObjectRef, ObjectRef]:
        """Map every ReplicaSet to what controls it; their metadata is all that we need of them."""

        def convert(raw: Json) -> tuple[ObjectRef, ObjectRef | None]:
            return ref_of(raw, self._name, "apps", "ReplicaSet"), controller_of(raw, self._name)

        return {ref: owner for ref, owner in self._list(REPLICASETS, convert, METADATA_ONLY) if owner is not None}

    def _pods(self, owners: Future[dict[ObjectRef, ObjectRef]]) -> tuple[Pod, ...]:
        """List the pods; the first page travels while the owners are still being listed."""
        return tuple(self._list(PODS, lambda raw: pod_of(raw, self._name, owners.result())))

    def _autoscaled(self) -> frozenset[ObjectRef]:
        return frozenset(self._list(AUTOSCALERS, lambda raw: scaled_by(raw, self._name)))

    def _one(self, ref: ObjectRef, paths: frozenset[FieldPath]) -> dict[tuple[ObjectRef, FieldPath], str | None]:
        """Get the wanted fields of an object that is in no list."""
        try:
            raw = self.connection.get(self._resource(ref), ref.namespace, ref.name)
        except Missing:
            return dict.fromkeys((ref, path) for path in paths)
        return values_of(raw, ref, paths)

    def _fields(
        self, wanted: Wanted, listed: dict[str, Fact[Listed]], others: Sequence[Fact[FieldValues]]
    ) -> Fact[FieldValues]:
        """Put the wanted values together; they are known only when every one of them is."""
        got = _together(others)
        if isinstance(got, Unknown):
            return got
        values = dict(got)
        for ref in filter(self._is_listed, wanted):
            fact = listed[ref.kind]
            if isinstance(fact, Unknown):
                return fact
            values.update({(ref, path): fact[1].get((ref, path)) for path in wanted[ref]})
        return values

    def _is_listed(self, ref: ObjectRef) -> bool:
        """Tell whether our lists would hold the object if it existed."""
        watched = not self._settings.namespaces or ref.namespace in self._settings.namespaces
        return watched and ref.cluster == self._name and (ref.group, ref.kind) in _WORKLOAD_OF

    def _resource(self, ref: ObjectRef) -> Resource:
        if ref.cluster != self._name:
            raise SourceError(
                code="kubernetes.other_cluster",
                message=f"{ref} is in cluster {ref.cluster}, and this is {self._name}",
                remedy="set cluster.name to the name that it had when the operation was opened",
            )
        return _WORKLOAD_OF.get((ref.group, ref.kind)) or self.connection.discover(ref.group, ref.kind)

    def _get_or_none(self, resource: Resource, name: str) -> Json | None:
        try:
            return self.connection.get(resource, "", name)
        except Missing:
            return None

    def _list(self, resource: Resource, convert: Callable[[Json], T], accept: str = JSON) -> list[T]:
        """Return all objects of a kind, in every watched namespace."""
        spaces = ("",) if resource is NAMESPACES else self._settings.namespaces or ("",)
        return [found for space in spaces for found in list_whole(self.connection, resource, convert, space, accept)]


@contextmanager
def collector_paused() -> Iterator[None]:
    """Pause Python's search for reference cycles while big lists are parsed.

    JSON has no cycles, so its memory is freed without that search, which otherwise takes half of a pass's time.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def list_whole(
    connection: Connection, resource: Resource, convert: Callable[[Json], T], namespace: str = "", accept: str = JSON
) -> list[T]:
    """List to the end, converting page by page; begin again once when the server forgot the list halfway."""
    try:
        return _list_once(connection, resource, convert, namespace, accept)
    except Expired:
        return _list_once(connection, resource, convert, namespace, accept)


def _list_once(
    connection: Connection, resource: Resource, convert: Callable[[Json], T], namespace: str, accept: str
) -> list[T]:
    found: list[T] = []
    for page in connection.pages(resource, namespace, accept=accept):
        found += _converted(page, convert, f"list {resource}")
    return found


def _converted(raws: list[Json], convert: Callable[[Json], T], doing: str) -> list[T]:
    try:
        return [convert(raw) for raw in raws]
    except RecursionError:
        raise too_deep(doing) from None
    except SHAPE_ERRORS as error:
        raise malformed(doing) from error


def _together(facts: Sequence[Fact[FieldValues]]) -> Fact[FieldValues]:
    """Put values together; they are known only when every one of them is."""
    values: dict[tuple[ObjectRef, FieldPath], str | None] = {}
    for fact in facts:
        if isinstance(fact, Unknown):
            return fact
        values.update(fact)
    return values


def _fact(read: Callable[..., T], *arguments: object) -> Fact[T]:
    """Return what was read, or unknown with the reason."""
    try:
        return read(*arguments)
    except ReconcilerError as error:
        return Unknown(_SOURCE, str(error), error.remedy)


def _workloads_fact(lists: Sequence[Fact[Listed]]) -> Fact[Mapping[ObjectRef, Workload]]:
    """Put the lists together; one that failed makes the whole unknown, because nobody knows what is missing."""
    workloads: dict[ObjectRef, Workload] = {}
    for fact in lists:
        if isinstance(fact, Unknown):
            return fact
        workloads.update(fact[0])
    return workloads
