"""Projects: what an Application may use, and where it may go."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from reconciler.sandbox.delivery import globs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.sandbox.cluster.store import Store

Json = dict[str, Any]

NAMESPACE = "argocd"
PROJECT = "default"  # of Applications that name none
IN_CLUSTER = "https://kubernetes.default.svc"
_CLUSTER_SECRET = ("argocd.argoproj.io/secret-type", "cluster")


class InvalidSpec(Exception):
    """An Application that cannot be looked at as it is; the text is the condition's."""


def install(store: Store) -> None:
    """Make the namespace of Argo CD, and the project that permits everything, where they are missing."""
    if store.get("Namespace", "", NAMESPACE) is None:
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
        store.create(namespace, manager="kubectl-client-side-apply")
    if store.get("AppProject", NAMESPACE, PROJECT) is None:
        spec = {
            "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
            "destinations": [{"namespace": "*", "server": "*"}],
            "sourceRepos": ["*"],
        }
        metadata = {"name": PROJECT, "namespace": NAMESPACE}
        project = {"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": metadata, "spec": spec}
        store.create(project, manager="argocd-server")


def project_of(store: Store, application: Json) -> Json:
    """Return an Application's project. Raises InvalidSpec when there is none of that name."""
    name = application["spec"].get("project") or PROJECT
    found = store.get("AppProject", NAMESPACE, name)
    if found is None:
        raise InvalidSpec(f"Application referencing project {name} which does not exist")
    return found


def sources_of(spec: Json) -> list[Json]:
    """Return the sources: several win over a single one, as in Argo CD."""
    return list(spec.get("sources") or ([spec["source"]] if spec.get("source") else []))


def destination_server(store: Store, destination: Json, clusters: Mapping[str, str]) -> str:
    """Return the address of an Application's cluster, which has to be this one. Raises InvalidSpec."""
    server, name = destination.get("server"), destination.get("name")
    known = {"in-cluster": IN_CLUSTER, **clusters, **_registered(store)}
    if server and name:
        raise InvalidSpec(f"application destination can't have both name and server defined: {name} {server}")
    if server:
        if server.rstrip("/") not in known.values():
            absent = f'rpc error: code = NotFound desc = cluster "{server}" not found'
            raise InvalidSpec(f'error getting cluster by server "{server}": {absent}')
        return str(server)
    if not name:
        raise InvalidSpec("Destination server missing from app spec")
    if name not in known:
        raise InvalidSpec(f"there are no clusters with this name: {name}")
    return known[name]


def check(store: Store, application: Json, project: Json, clusters: Mapping[str, str]) -> None:
    """Check that the project permits the Application's sources and destination. Raises InvalidSpec."""
    spec, name = application["spec"], project["metadata"]["name"]
    if spec.get("sourceHydrator"):
        raise InvalidSpec("the sandbox does not hydrate sources (spec.sourceHydrator)")
    _check_sources(spec, project, name)
    destination = spec.get("destination") or {}
    server = destination_server(store, destination, clusters)
    namespace = destination.get("namespace") or ""
    if not permits_destination(project, server, destination.get("name") or "", namespace):
        shown = destination.get("name") or server
        raise InvalidSpec(
            f"application destination server '{shown}' and namespace '{namespace}' do not match any of the allowed "
            f"destinations in project '{name}'"
        )


def _check_sources(spec: Json, project: Json, name: str) -> None:
    sources, several = sources_of(spec), bool(spec.get("sources"))
    if not sources:
        raise InvalidSpec("spec.source.repoURL and either spec.source.path or spec.source.chart are required")
    for source in sources:
        places = ("path", "chart", "ref") if several else ("path", "chart")
        if not source.get("repoURL") or not any(source.get(place) for place in places):
            raise InvalidSpec(
                "spec.source.repoURL and either source.path, source.chart, or source.ref are required for source "
                f"{source}"
                if several
                else "spec.source.repoURL and either spec.source.path or spec.source.chart are required"
            )
        if not _permits_source(project, source["repoURL"]):
            raise InvalidSpec(f"application repo {source['repoURL']} is not permitted in project '{name}'")


def _permits_source(project: Json, url: str) -> bool:
    found = False
    for pattern in project["spec"].get("sourceRepos") or ():
        denies = pattern.startswith("!")
        normal = f"!{_normal(pattern[1:])}" if denies else _normal(pattern)
        if globs.permits(normal, _normal(url), separator="/"):
            found = True
        elif denies:
            return False
    return found


def _normal(url: str) -> str:
    return url.strip().lower().removesuffix(".git")


def permits_destination(project: Json, server: str, name: str, namespace: str) -> bool:
    """Tell whether a project's Applications may go to a cluster and a namespace."""
    found = False
    for item in project["spec"].get("destinations") or ():
        at_name, at_server = f"{item.get('name') or ''}", f"{item.get('server') or ''}"
        in_namespace = f"{item.get('namespace') or ''}"
        here = (server != "" and globs.permits(at_server, server)) or (name != "" and globs.permits(at_name, name))
        inside = globs.permits(in_namespace, namespace)
        if here and inside:
            found = True
        elif any(text.startswith("!") for text in (at_name, at_server, in_namespace)) and (here or inside):
            return False
    return found


def permits_kind(project: Json, group: str, kind: str, *, namespaced: bool) -> bool:
    """Tell whether a project's Applications may hold objects of a kind."""
    scope = "namespace" if namespaced else "cluster"
    allowed, denied = (project["spec"].get(f"{scope}Resource{color}") for color in ("Whitelist", "Blacklist"))
    listed = (namespaced and allowed is None) or _in_list(allowed or (), group, kind)
    return listed and not _in_list(denied or (), group, kind)


def _in_list(entries: Any, group: str, kind: str) -> bool:  # noqa: ANN401 - JSON
    return any(globs.matches(e.get("kind", ""), kind) and globs.matches(e.get("group", ""), group) for e in entries)


def _registered(store: Store) -> dict[str, str]:
    """Return the clusters that Secrets register, as `argocd cluster add` leaves them."""
    label, value = _CLUSTER_SECRET
    found = {}
    for secret in store.list("Secret", NAMESPACE):
        if (secret["metadata"].get("labels") or {}).get(label) == value:
            data = {key: base64.b64decode(text).decode() for key, text in (secret.get("data") or {}).items()}
            if "server" in data:
                found[data.get("name", data["server"])] = data["server"].rstrip("/")
    return found
