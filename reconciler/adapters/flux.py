"""The Delivery port on Flux, through its custom resources in the Kubernetes API; no Flux program is needed.

Protects invariant 3: only the API server's own list of groups can say that a cluster has no Flux; every other failure
is unknown. The only write asks source-controller to fetch a GitRepository now: the owner's intervals, suspensions and
dependencies stay in force.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.adapters.flux_objects import HELM_GROUP, KUSTOMIZE_GROUP, REQUESTED_AT, application_of
from reconciler.adapters.kubernetes_api import collector_paused, list_whole
from reconciler.adapters.kubernetes_connection import MERGE, Resource
from reconciler.adapters.kubernetes_errors import Missing
from reconciler.errors import Conflict, ReconcilerError
from reconciler.model.facts import Unknown
from reconciler.model.flux_source import GIT_REPOSITORY, HELM_RELEASE, KUSTOMIZATION, source_reference
from reconciler.ports import Diagnosis

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeVar

    from reconciler.adapters.kubernetes_api import KubernetesApi
    from reconciler.adapters.kubernetes_objects import Json
    from reconciler.model.delivery import Application
    from reconciler.model.facts import Fact
    from reconciler.model.objects import ObjectRef
    from reconciler.ports import Clock

    T = TypeVar("T")

REPOSITORIES = Resource("source.toolkit.fluxcd.io", "v1", "gitrepositories", GIT_REPOSITORY)
KUSTOMIZATIONS = Resource(KUSTOMIZE_GROUP, "v1", "kustomizations", KUSTOMIZATION)
RELEASES = Resource(HELM_GROUP, "v2", "helmreleases", HELM_RELEASE)
_BUILDERS = (KUSTOMIZATIONS, RELEASES)  # in this order: a release is not older than what its parent applied


def flux(api: KubernetesApi, cluster: str, clock: Clock) -> Flux:
    """Build the adapter on the connection that the cluster's adapter has already."""
    return Flux(api, cluster, clock)


class Flux:
    """Flux as its Kustomizations, HelmReleases and GitRepositories show it, in all namespaces."""

    def __init__(self, api: KubernetesApi, cluster: str, clock: Clock) -> None:
        self._api = api
        self._cluster = cluster
        self._clock = clock

    def applications(self) -> Fact[tuple[Application, ...]]:
        """Return every Kustomization and HelmRelease, in three lists."""
        try:
            with collector_paused():
                return tuple(self._applications())
        except ReconcilerError as error:
            return Unknown("flux", str(error), error.remedy)

    def refresh(self, application: ObjectRef) -> None:
        """Ask for the GitRepository behind it to be fetched now; a source of another kind is left alone.

        Raises Conflict when one of the two is gone.
        """
        resource = next(r for r in _BUILDERS if r.kind == application.kind)
        body = {"metadata": {"annotations": {REQUESTED_AT: self._clock.now().isoformat()}}}
        try:
            raw = self._api.connection.get(resource, application.namespace, application.name)
            kind, namespace, name = source_reference(application.kind, raw)
            if kind == GIT_REPOSITORY:
                self._api.connection.patch(REPOSITORIES, namespace, name, body, content_type=MERGE)
        except Missing as error:
            raise Conflict(
                code="target.gone",
                message=f"{application}, or its GitRepository, does not exist any more",
                remedy="nothing to do: the next pass looks at Flux's objects as they are now",
            ) from error

    def examine(self) -> Sequence[Diagnosis]:
        """Say whether there is a Flux and whether we may read it and ask it to fetch; never raises."""
        resources = (REPOSITORIES, *_BUILDERS)
        found = [self._api.access("list", resource) for resource in resources]
        nudge = [("get", resource) for resource in _BUILDERS] + [("patch", REPOSITORIES)]
        return (self._presence(), *found, *(self._api.access(v, r, required=False) for v, r in nudge))

    def _presence(self) -> Diagnosis:
        try:
            if self._api.connection.serves(KUSTOMIZATIONS):
                count = len(self._applications())
                return Diagnosis(subject="Flux", works=True, detail=f"{count} Kustomizations and HelmReleases")
        except ReconcilerError as error:
            return Diagnosis(subject="Flux", works=False, detail=str(error), remedy=error.remedy)
        return Diagnosis(
            subject="Flux",
            works=False,
            detail="this cluster has no Kustomizations API, so no object counts as delivered by Flux",
            remedy="take `flux` out of delivery.kinds, or install Flux",
            required=False,
        )

    def _applications(self) -> list[Application]:
        listed = self._list(REPOSITORIES, lambda raw: raw)
        repositories = {(raw["metadata"]["namespace"], raw["metadata"]["name"]): raw for raw in listed}
        return [
            application
            for resource in _BUILDERS
            for application in self._list(resource, self._mapped(resource.kind, repositories))
        ]

    def _mapped(self, kind: str, repositories: dict[tuple[str, str], Json]) -> Callable[[Json], Application]:
        return lambda raw: application_of(kind, raw, repositories, self._cluster)

    def _list(self, resource: Resource, convert: Callable[[Json], T]) -> list[T]:
        """List a kind; one that the API server does not serve has no objects: each controller may be left out."""
        connection = self._api.connection
        try:
            return list_whole(connection, resource, convert)
        except Missing:
            if connection.serves(resource):
                raise
            return []
