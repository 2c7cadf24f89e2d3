"""A small client of the Kubernetes API for the testbed's own use.

Not the product's adapter, on purpose: tests look at the cluster with other eyes than the code under test.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import urllib3

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator
    from pathlib import Path

Json = dict[str, Any]

MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"

# kind: (prefix of its API, plural, whether it lives in a namespace)
KINDS = {
    "Namespace": ("/api/v1", "namespaces", False),
    "Node": ("/api/v1", "nodes", False),
    "Pod": ("/api/v1", "pods", True),
    "Service": ("/api/v1", "services", True),
    "ConfigMap": ("/api/v1", "configmaps", True),
    "Secret": ("/api/v1", "secrets", True),
    "Event": ("/api/v1", "events", True),
    "ServiceAccount": ("/api/v1", "serviceaccounts", True),
    "Deployment": ("/apis/apps/v1", "deployments", True),
    "StatefulSet": ("/apis/apps/v1", "statefulsets", True),
    "DaemonSet": ("/apis/apps/v1", "daemonsets", True),
    "ReplicaSet": ("/apis/apps/v1", "replicasets", True),
    "Job": ("/apis/batch/v1", "jobs", True),
    "HorizontalPodAutoscaler": ("/apis/autoscaling/v2", "horizontalpodautoscalers", True),
    "PodDisruptionBudget": ("/apis/policy/v1", "poddisruptionbudgets", True),
    "Lease": ("/apis/coordination.k8s.io/v1", "leases", True),
    "ClusterRole": ("/apis/rbac.authorization.k8s.io/v1", "clusterroles", False),
    "ClusterRoleBinding": ("/apis/rbac.authorization.k8s.io/v1", "clusterrolebindings", False),
    "CustomResourceDefinition": ("/apis/apiextensions.k8s.io/v1", "customresourcedefinitions", False),
    "Application": ("/apis/argoproj.io/v1alpha1", "applications", True),
    "ApplicationSet": ("/apis/argoproj.io/v1alpha1", "applicationsets", True),
    "AppProject": ("/apis/argoproj.io/v1alpha1", "appprojects", True),
    "GitRepository": ("/apis/source.toolkit.fluxcd.io/v1", "gitrepositories", True),
    "HelmChart": ("/apis/source.toolkit.fluxcd.io/v1", "helmcharts", True),
    "Kustomization": ("/apis/kustomize.toolkit.fluxcd.io/v1", "kustomizations", True),
}

CUSTOM = frozenset({"Application", "AppProject", "GitRepository", "HelmChart", "Kustomization"})


class KubeError(RuntimeError):
    """The API server said no, or (status 0) did not answer."""

    def __init__(self, method: str, path: str, status: int, body: str) -> None:
        super().__init__(f"{method} {path}: {status} {body[:512]}")
        self.status = status


class Kube:
    """One user's connection. Safe to share between threads."""

    def __init__(self, server: str, token: str, authority: Path) -> None:
        self.server = server
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        self._pool = urllib3.PoolManager(
            ca_certs=str(authority),
            retries=False,
            timeout=urllib3.Timeout(connect=5, read=30),
            maxsize=8,
        )

    def call(self, method: str, path: str, body: Json | None = None, content: str = "application/json") -> Json:
        """Make one request and return the object answered."""
        headers = self._headers | {"Content-Type": content}
        data = None if body is None else json.dumps(body).encode()
        try:
            response = self._pool.request(method, self.server + path, body=data, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            raise KubeError(method, path, 0, str(error)) from error
        if response.status >= 300:
            raise KubeError(method, path, response.status, response.data.decode(errors="replace"))
        answer: Json = json.loads(response.data)
        return answer

    def get(self, kind: str, name: str, namespace: str | None = None) -> Json | None:
        """Return an object, or None when there is none."""
        try:
            return self.call("GET", path_of(kind, namespace, name))
        except KubeError as error:
            if error.status == 404:
                return None
            raise

    def objects(self, kind: str, namespace: str | None = None, **query: str) -> list[Json]:
        """Return the objects of a kind, in one namespace or in all."""
        items: list[Json] = self.call("GET", path_of(kind, namespace) + _query(query))["items"]
        return items

    def create(self, manifest: Json) -> Json:
        """Create an object from its manifest."""
        return self.call("POST", path_of(manifest["kind"], manifest["metadata"].get("namespace")), manifest)

    def apply(self, manifest: Json, *, manager: str = "testbed") -> Json:
        """Create or change an object by server-side apply."""
        metadata = manifest["metadata"]
        path = path_of(manifest["kind"], metadata.get("namespace"), metadata["name"])
        return self.call("PATCH", path + _query({"fieldManager": manager, "force": "true"}), manifest, APPLY)

    def patch(
        self,
        kind: str,
        name: str,
        patch: Json,
        namespace: str | None = None,
        *,
        merge: bool = False,
        subresource: str = "",
    ) -> Json:
        """Patch an object as `kubectl patch` does: strategically, but custom objects only know merge patches."""
        content = MERGE if merge or kind in CUSTOM else STRATEGIC
        path = path_of(kind, namespace, name) + (f"/{subresource}" if subresource else "")
        return self.call("PATCH", path, patch, content)

    def annotate(self, kind: str, name: str, namespace: str | None = None, **annotations: str | None) -> Json:
        """Set fault annotations, given without their prefix and with _ for -; None removes one."""
        values = {prefixed(key): value for key, value in annotations.items()}
        return self.patch(kind, name, {"metadata": {"annotations": values}}, namespace, merge=True)

    def delete(self, kind: str, name: str, namespace: str | None = None, **query: str) -> None:
        """Delete an object; it may be gone already."""
        try:
            self.call("DELETE", path_of(kind, namespace, name) + _query(query))
        except KubeError as error:
            if error.status != 404:
                raise

    def watch(self, kind: str, version: str, stopped: threading.Event) -> Iterator[Json]:
        """Yield the changes of a kind from a version on, until the server ends the stream."""
        query = {"watch": "true", "resourceVersion": version, "timeoutSeconds": "240", "allowWatchBookmarks": "true"}
        response = self._pool.request(
            "GET",
            self.server + path_of(kind) + _query(query),
            headers=self._headers,
            preload_content=False,
            timeout=urllib3.Timeout(connect=5, read=300),
        )
        rest = b""
        try:
            for chunk in response.read_chunked(decode_content=True):
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    yield json.loads(line)
                if stopped.is_set():
                    return
        finally:
            response.close()

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()


def prefixed(key: str) -> str:
    """Return the annotation that a fault goes by."""
    return f"testbed.reconciler.dev/{key.replace('_', '-')}"


def path_of(kind: str, namespace: str | None = None, name: str | None = None) -> str:
    """Return the path of a collection or of one object."""
    prefix, plural, namespaced = KINDS[kind]
    within = f"/namespaces/{namespace}" if namespaced and namespace else ""
    return f"{prefix}{within}/{plural}" + (f"/{name}" if name else "")


def _query(query: dict[str, str]) -> str:
    return f"?{urlencode(query)}" if query else ""
