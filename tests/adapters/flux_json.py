"""Flux's objects in the shape that its controllers write, for the scripted wire."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.adapters import kubernetes_json as kubernetes

if TYPE_CHECKING:
    from tests.adapters.wire import Json

COMMIT, OLDER = "a" * 40, "b" * 40
URL = "https://git.example/platform/web.git"


def condition(kind: str, status: str, reason: str, message: str = "", *, generation: int = 2) -> Json:
    """Return a condition as Flux writes it."""
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "observedGeneration": generation,
        "lastTransitionTime": "2026-03-01T08:00:05Z",
    }


READY = condition("Ready", "True", "ReconciliationSucceeded", f"Applied revision: main@sha1:{COMMIT}")


def repository(*conditions: Json, **spec: object) -> Json:
    """Return a GitRepository that follows main."""
    return {
        "metadata": kubernetes.metadata("web", "flux-system", generation=1),
        "spec": {"url": URL, "ref": {"branch": "main"}, "interval": "1m0s", "timeout": "60s", **spec},
        "status": {"conditions": list(conditions), "artifact": {"revision": f"main@sha1:{COMMIT}"}},
    }


def kustomization(*conditions: Json, status: Json | None = None, **spec: object) -> Json:
    """Return a Kustomization that Flux has applied."""
    return {
        "metadata": kubernetes.metadata("web", "flux-system", generation=2),
        "spec": {
            "path": "./deploy",
            "sourceRef": {"kind": "GitRepository", "name": "web"},
            "interval": "10m0s",
            "force": False,
            "prune": True,
            **spec,
        },
        "status": {
            "conditions": list(conditions or (READY,)),
            "observedGeneration": 2,
            "lastAppliedRevision": f"main@sha1:{COMMIT}",
            "lastAttemptedRevision": f"main@sha1:{COMMIT}",
            "inventory": {
                "entries": [
                    {"id": "shop_cart_apps_Deployment", "v": "v1"},
                    {"id": "_shop__Namespace", "v": "v1"},
                    {"id": "_system__aggregate_rbac.authorization.k8s.io_ClusterRole", "v": "v1"},
                ]
            },
            **(status or {}),
        },
    }


def release(*conditions: Json, status: Json | None = None, **spec: object) -> Json:
    """Return a HelmRelease of a chart in a chart repository."""
    chart = {"chart": "web", "version": "1.x", "sourceRef": {"kind": "HelmRepository", "name": "charts"}}
    ready = condition("Ready", "True", "UpgradeSucceeded", "Helm upgrade succeeded")
    return {
        "metadata": kubernetes.metadata("web", "shop", generation=2),
        "spec": {"interval": "10m", "chart": {"spec": chart}, "values": {"replicas": 2}, **spec},
        "status": {
            "conditions": list(conditions or (ready,)),
            "observedGeneration": 2,
            "lastAttemptedRevision": "1.4.2",
            "inventory": {"entries": [{"id": "shop_web_apps_Deployment", "v": "v1"}]},
            **(status or {}),
        },
    }
