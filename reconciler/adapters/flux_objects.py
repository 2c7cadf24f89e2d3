"""Flux's Kustomizations and HelmReleases as Applications; pure.

Protects invariant 3: what a status does not say yet becomes empty or Unknown. `status.observedGeneration` moves only
when Flux succeeds, so the Ready condition's own generation tells which spec a status is about.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.adapters.kubernetes_objects import moment, ref_of
from reconciler.errors import foreign_text
from reconciler.model.delivery import Application
from reconciler.model.flux_source import (
    HELM_RELEASE,
    KUSTOMIZATION,
    source_of_kustomization,
    source_of_release,
    source_reference,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from reconciler.adapters.kubernetes_objects import Json
    from reconciler.model.delivery import Source

REQUESTED_AT = "reconcile.fluxcd.io/requestedAt"
KUSTOMIZE_GROUP, HELM_GROUP = "kustomize.toolkit.fluxcd.io", "helm.toolkit.fluxcd.io"
Repositories = dict[tuple[str, str], "Json"]  # GitRepositories, by namespace and name


def application_of(kind: str, raw: Json, repositories: Repositories, cluster: str) -> Application:
    """Map a Kustomization or a HelmRelease, with what is known of the GitRepository that it builds from."""
    spec, status = raw.get("spec") or {}, raw.get("status") or {}
    of_kind, namespace, name = source_reference(kind, raw)
    named = f"{of_kind or 'no source'} {namespace}/{name}"
    repository = repositories.get((namespace, name)) if of_kind == "GitRepository" else None
    ready = _condition(raw, "Ready")
    revisions = _revisions(status) if kind == KUSTOMIZATION else ()  # a release's is the version of its chart
    return Application(
        ref=ref_of(raw, cluster, KUSTOMIZE_GROUP if kind == KUSTOMIZATION else HELM_GROUP, kind),
        sources=(_source(kind, raw, repository, named),),
        sources_current=ready.get("observedGeneration") == raw["metadata"].get("generation"),
        destination_namespace=_destination(kind, raw),
        destination_server="",
        sync_status=_sync_status(ready, status),
        revisions=revisions,
        health={"True": "Healthy", "False": "Degraded"}.get(ready.get("status", ""), "Unknown"),
        automated=spec.get("suspend") is not True,
        operation_phase=_phase(raw, ready),
        operation_message=foreign_text(ready.get("message") or ""),
        operation_finished_at=None,  # an apply and its status are one, so there is no older status to doubt
        operation_revisions=revisions,
        reconciled_at=moment(ready.get("lastTransitionTime")),
        conditions=(),
        objects=frozenset() if spec.get("kubeConfig") else frozenset(_inventory(status)),  # those live elsewhere
        ignored_fields=frozenset(_ignored(spec)),
        refresh_pending=repository is not None and _is_asked(repository),
        hold=_hold(spec, ready, repository, named),
    )


def _source(kind: str, raw: Json, repository: Json | None, named: str) -> Source:
    spec = raw.get("spec") or {}
    if kind == KUSTOMIZATION:
        return source_of_kustomization(spec, repository, named)
    status = raw.get("status") or {}
    built = str(status.get("lastAttemptedRevision") or "")
    installed = next((str(release.get("chartName") or "") for release in status.get("history") or ()), "")
    return source_of_release(raw["metadata"], spec, repository, named, built=built, installed=installed)


def _destination(kind: str, raw: Json) -> str:
    """Return where objects go that name no namespace; a Kustomization without a target leaves them nowhere."""
    target = (raw.get("spec") or {}).get("targetNamespace") or ""
    return target or (raw["metadata"].get("namespace") or "" if kind == HELM_RELEASE else "")


def _condition(raw: Json, kind: str) -> Mapping[str, Any]:
    conditions = (raw.get("status") or {}).get("conditions") or ()
    return next((c for c in conditions if c.get("type") == kind), {})


def _sync_status(ready: Mapping[str, Any], status: Json) -> str:
    """Say Synced where the newest revision that was tried is the one that is applied."""
    if not ready:
        return "Unknown"
    tried, applied = status.get("lastAttemptedRevision"), status.get("lastAppliedRevision")
    whole = tried == applied or applied is None  # helm-controller names no applied one
    return "Synced" if ready.get("status") == "True" and whole else "OutOfSync"


def _phase(raw: Json, ready: Mapping[str, Any]) -> str | None:
    if not ready:
        return None
    if ready.get("status") == "False":
        return "Failed"
    going = ready.get("status") == "Unknown" or _condition(raw, "Reconciling").get("status") == "True"
    return "Running" if going else "Succeeded"


def _revisions(status: Json) -> tuple[str, ...]:
    """Return the commit that was tried last, of `branch@sha1:commit` or `sha1:commit`."""
    said = str(status.get("lastAttemptedRevision") or status.get("lastAppliedRevision") or "")
    before, colon, commit = said.rpartition("sha1:")
    if not said:
        return ()
    return (commit,) if colon and before[-1:] in ("", "@") else (foreign_text(said),)


def _inventory(status: Json) -> Iterator[tuple[str, str, str, str]]:
    """Yield (group, kind, namespace, name) of `namespace_name_group_kind`; a name's colons are double underscores."""
    for entry in (status.get("inventory") or {}).get("entries") or ():
        namespace, _, rest = str(entry["id"]).partition("_")
        rest, _, kind = rest.rpartition("_")
        name, _, group = rest.rpartition("_")
        yield group, kind, namespace, name.replace("__", ":")


def _ignored(spec: Json) -> Iterator[str]:
    """Yield fields that Flux leaves to others; a rule for some objects only may be about any."""
    for rule in spec.get("ignore") or ():
        yield from (f"{'some objects: ' if rule.get('target') else ''}{path}" for path in rule.get("paths") or ())


def _is_asked(repository: Json) -> bool:
    """Tell whether a request to fetch is not handled yet."""
    asked = (repository["metadata"].get("annotations") or {}).get(REQUESTED_AT)
    return asked is not None and asked != (repository.get("status") or {}).get("lastHandledReconcileAt")


def _hold(spec: Json, ready: Mapping[str, Any], repository: Json | None, named: str) -> str:
    """Say why nothing new arrives, where that is for people or other systems to change."""
    if spec.get("suspend") is True:
        return "is suspended"
    if ready.get("status") == "False" and ready.get("reason") == "DependencyNotReady":
        return f"waits for what it depends on: {foreign_text(ready.get('message') or '')}"
    if repository is None:
        return ""
    if (repository.get("spec") or {}).get("suspend") is True:
        return f"waits, for {named} is suspended"
    fetched = _condition(repository, "Ready")
    if fetched.get("status") == "False":
        return f"waits, for {named} is not fetched: {foreign_text(fetched.get('message') or '')}"
    return ""
