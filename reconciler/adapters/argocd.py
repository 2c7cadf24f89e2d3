"""The Delivery port on Argo CD, through its Applications in the Kubernetes API; no Argo CD login is needed.

Protects invariant 3: a cluster without an Applications API has no Argo CD, which is known, but only the API server's
own list of groups can say so; every other failure is unknown. The only write is the refresh annotation: a sync would
bypass the owner's sync policy and windows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.adapters.kubernetes_api import collector_paused, list_whole
from reconciler.adapters.kubernetes_connection import MERGE, Resource
from reconciler.adapters.kubernetes_errors import Missing
from reconciler.adapters.kubernetes_objects import moment, ref_of
from reconciler.errors import Conflict, ReconcilerError, foreign_text
from reconciler.model.application_source import source_of, sources_in
from reconciler.model.delivery import Application
from reconciler.model.facts import Unknown
from reconciler.model.objects import ObjectRef
from reconciler.plain import counted
from reconciler.ports import Diagnosis

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.adapters.kubernetes_api import KubernetesApi
    from reconciler.adapters.kubernetes_objects import Json
    from reconciler.model.facts import Fact
    from reconciler.settings import DeliverySettings

APPLICATIONS = Resource("argoproj.io", "v1alpha1", "applications", "Application")
REFRESH = "argocd.argoproj.io/refresh"
_DESIRED = ("repoURL", "path", "targetRevision", "chart", "ref", "directory", "kustomize", "helm", "plugin")


def argocd(settings: DeliverySettings, api: KubernetesApi, cluster: str) -> ArgoCd:
    """Build the adapter on the connection that the cluster's adapter has already."""
    return ArgoCd(settings, api, cluster)


class ArgoCd:
    """Argo CD as its Applications show it."""

    def __init__(self, settings: DeliverySettings, api: KubernetesApi, cluster: str) -> None:
        self._api = api
        self._namespace = settings.namespace or ""
        self._cluster = cluster

    def applications(self) -> Fact[tuple[Application, ...]]:
        """Return every Application in one list."""
        try:
            with collector_paused():
                return tuple(self._list())
        except ReconcilerError as error:
            return Unknown("argocd", str(error), error.remedy)

    def refresh(self, application: ObjectRef) -> None:
        """Ask delivery to reread Git; never starts a sync.

        Raises Conflict when the Application is gone.
        """
        body = {"metadata": {"annotations": {REFRESH: "normal"}}}
        try:
            self._api.connection.patch(APPLICATIONS, application.namespace, application.name, body, content_type=MERGE)
        except Missing as error:
            raise Conflict(
                code="target.gone",
                message=f"{application} does not exist any more",
                remedy="nothing to do: the next pass looks at the Applications as they are now",
            ) from error

    def examine(self) -> Sequence[Diagnosis]:
        """Say whether there are Applications and whether we may read and refresh them; never raises."""
        found = self._api.access("list", APPLICATIONS, self._namespace)
        refresh = self._api.access("patch", APPLICATIONS, self._namespace, required=False)
        return (self._presence(), found, refresh)

    def _presence(self) -> Diagnosis:
        subject = "Argo CD" + (f" in {self._namespace}" if self._namespace else "")
        try:
            if self._api.connection.serves(APPLICATIONS):
                return Diagnosis(subject=subject, works=True, detail=counted(len(self._list()), "Application"))
        except ReconcilerError as error:
            return Diagnosis(subject=subject, works=False, detail=str(error), remedy=error.remedy)
        return Diagnosis(
            subject=subject,
            works=False,
            detail="this cluster has no Applications API, so no object counts as delivered by Argo CD",
            remedy="if Argo CD runs in another cluster, point cluster.kubeconfig there",
            required=False,
        )

    def _list(self) -> list[Application]:
        connection = self._api.connection
        try:
            return list_whole(connection, APPLICATIONS, lambda raw: application_of(raw, self._cluster), self._namespace)
        except Missing:
            if connection.serves(APPLICATIONS):
                raise
            return []


def application_of(raw: Json, cluster: str) -> Application:
    """Map an Application; what its status does not say yet becomes empty, `Unknown` or None."""
    spec, status = raw["spec"], raw.get("status") or {}
    sync = status.get("sync") or {}
    operation = status.get("operationState") or {}
    wanted, compared = sources_in(spec), sources_in(sync.get("comparedTo") or {})
    raw_sources = compared or wanted  # before the first comparison only the spec says it
    destination = spec.get("destination") or {}
    return Application(
        ref=ref_of(raw, cluster, "argoproj.io", "Application"),
        sources=tuple(source_of(s, kind) for s, kind in zip(raw_sources, _kinds(status, raw_sources), strict=True)),
        sources_current=compared == wanted or [_desired(s) for s in compared] == [_desired(s) for s in wanted],
        destination_namespace=destination.get("namespace") or "",
        destination_server=destination.get("server") or destination.get("name") or "",
        sync_status=sync.get("status") or "Unknown",
        revisions=_revisions(sync),
        health=(status.get("health") or {}).get("status") or "Unknown",
        automated=_is_automated(spec),
        # `operation` is one that was asked for and has not begun: operationState still tells of the one before.
        operation_phase="Running" if raw.get("operation") else operation.get("phase"),
        operation_message=foreign_text(operation.get("message") or ""),
        operation_finished_at=moment(operation.get("finishedAt")),
        operation_revisions=_revisions(operation.get("syncResult") or {}),
        reconciled_at=moment(status.get("reconciledAt")),
        conditions=tuple(
            (c.get("type") or "", foreign_text(c.get("message") or "")) for c in status.get("conditions") or ()
        ),
        objects=frozenset(
            (r.get("group") or "", r["kind"], r.get("namespace") or "", r["name"])
            for r in status.get("resources") or ()
        ),
        only_leftovers=_differs_in_leftovers(status.get("resources") or ()),
        ignored_fields=frozenset(_ignored(spec)),
        refresh_pending=REFRESH in (raw["metadata"].get("annotations") or {}),
        generated_by=_generator(raw["metadata"], cluster),
    )


def _differs_in_leftovers(resources: Sequence[Json]) -> bool:
    """Tell whether all that is OutOfSync is objects that Git has no more: they stay where pruning is not automated."""
    differing = [r for r in resources if r.get("status") == "OutOfSync"]
    return bool(differing) and all(r.get("requiresPruning") is True for r in differing)


def _generator(metadata: Json, cluster: str) -> ObjectRef | None:
    """Return the ApplicationSet that an Application belongs to; it lives in the same namespace."""
    for owner in metadata.get("ownerReferences") or ():
        group = str(owner.get("apiVersion") or "").partition("/")[0]
        if owner.get("controller") is True and (group, owner.get("kind")) == ("argoproj.io", "ApplicationSet"):
            namespace, name = metadata.get("namespace") or "", owner.get("name") or ""
            return ObjectRef(cluster=cluster, group=group, kind="ApplicationSet", namespace=namespace, name=name)
    return None


def _kinds(status: Json, sources: Sequence[Json]) -> list[str]:
    """Return the type of each source as Argo CD found it; a guess from the spec would be no fact."""
    several = status.get("sourceTypes") or [status.get("sourceType")]
    return [*(kind or "" for kind in several), *("" for _ in sources)][: len(sources)]


def _desired(source: Json) -> Any:  # noqa: ANN401 - JSON has no narrower type
    """Return the parts of a source that make its content.

    Argo CD adds empty ones (`jsonnet: {}`) and leaves out false ones when it writes what people wrote.
    """
    return _without_empty({key: source.get(key) for key in _DESIRED})


def _without_empty(value: Any) -> Any:  # noqa: ANN401 - as above
    if not isinstance(value, dict):
        return value
    kept = ((key, _without_empty(below)) for key, below in value.items())
    return {key: below for key, below in kept if below}


def _revisions(holder: Json) -> tuple[str, ...]:
    several = holder.get("revisions")
    if several:
        return tuple(several)
    return (holder["revision"],) if holder.get("revision") else ()


def _is_automated(spec: Json) -> bool:
    """Tell whether Argo CD syncs by itself; since 3.0 the block may be there and switched off."""
    automated = (spec.get("syncPolicy") or {}).get("automated")
    return automated is not None and automated.get("enabled") is not False


def _ignored(spec: dict[str, Any]) -> Iterator[str]:
    for rule in spec.get("ignoreDifferences") or ():
        yield from rule.get("jsonPointers") or ()
        yield from (f"jq:{expression}" for expression in rule.get("jqPathExpressions") or ())
