"""An Application in the shape that Argo CD writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.adapters import kubernetes_json as kubernetes
from tests.adapters.kubernetes_json import ref

if TYPE_CHECKING:
    from tests.adapters.wire import Json

REVISION = "a" * 40
WEB = ref("web", "Application", "argoproj.io", "argocd")
DIRECTORY = {
    "repoURL": "https://git.example/platform/web.git",
    "path": "deploy",
    "targetRevision": "main",
    "directory": {"recurse": True, "exclude": "{draft/*}", "jsonnet": {}},
}


def application(source: Json | None = None, **status: object) -> Json:
    """Return an Application that Argo CD has synced."""
    source = source or {"source": DIRECTORY}
    destination = {"server": "https://kubernetes.default.svc", "namespace": "shop"}
    return {
        "metadata": kubernetes.metadata("web", "argocd", annotations={}),
        "spec": {
            **source,
            "destination": destination,
            "project": "default",
            "syncPolicy": {"automated": {"prune": True}},
            "ignoreDifferences": [
                {"group": "apps", "kind": "Deployment", "jsonPointers": ["/spec/replicas"]},
                {"group": "", "kind": "Secret", "jqPathExpressions": [".data.token"]},
            ],
        },
        "status": {
            "sync": {
                "status": "Synced",
                "revision": REVISION,
                "comparedTo": {**source, "destination": destination},
            },
            "sourceType": "Directory",
            "health": {"status": "Healthy"},
            "reconciledAt": "2026-03-01T08:00:05Z",
            "operationState": {
                "phase": "Succeeded",
                "message": "successfully synced (all tasks run)",
                "finishedAt": "2026-03-01T08:00:04Z",
                "syncResult": {"revision": REVISION},
            },
            "conditions": [{"type": "SharedResourceWarning", "message": "shared with other"}],
            "resources": [
                {"group": "apps", "kind": "Deployment", "namespace": "shop", "name": "cart", "status": "Synced"},
                {"kind": "Namespace", "name": "shop", "version": "v1"},
            ],
            **status,
        },
    }
