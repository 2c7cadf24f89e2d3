"""Kubernetes objects in the shape that an API server sends, for the scripted wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from reconciler.adapters.kubernetes_api import KubernetesApi, kubernetes_api
from reconciler.model.objects import ObjectRef
from reconciler.settings import ClusterSettings
from tests.adapters.wire import Answer, Json, Wire

if TYPE_CHECKING:
    from pathlib import Path

BORN = "2026-03-01T08:00:00Z"


def listing(kind: str, *items: Json, following: str = "", api_version: str = "v1") -> Json:
    """Return one page of a LIST; items do not say their kind, as on the real wire."""
    return {
        "kind": f"{kind}List",
        "apiVersion": api_version,
        "metadata": {"resourceVersion": "1000", **({"continue": following} if following else {})},
        "items": list(items),
    }


def metadata_listing(*items: Json) -> Json:
    """Return a LIST of metadata only."""
    return listing("PartialObjectMetadata", *items, api_version="meta.k8s.io/v1")


def metadata(name: str, namespace: str = "shop", **more: Any) -> Json:  # noqa: ANN401 - any field of metadata
    """Return an object's metadata."""
    return {
        "name": name,
        "namespace": namespace,
        "uid": f"uid-of-{name}",
        "resourceVersion": "41",
        "creationTimestamp": BORN,
        **more,
    }


def owned_by(kind: str, name: str, api_version: str = "apps/v1") -> list[Json]:
    """Return the owner references of an object that one other object controls."""
    return [{"apiVersion": api_version, "kind": kind, "name": name, "uid": f"uid-of-{name}", "controller": True}]


def deployment(name: str = "cart", *, memory: str = "512Mi", **more: Any) -> Json:  # noqa: ANN401 - fields of metadata
    """Return a Deployment that is rolled out."""
    return {
        "metadata": metadata(name, generation=3, **more),
        "spec": {
            "replicas": 2,
            "strategy": {"type": "RollingUpdate"},
            "template": {
                "metadata": {"labels": {"app": name}, "annotations": {"kubectl.kubernetes.io/restartedAt": BORN}},
                "spec": {
                    "containers": [
                        {
                            "name": "app",
                            "image": "cart:1.4",
                            "env": [{"name": "PASSWORD", "value": "correct horse"}],
                            "resources": {"limits": {"memory": memory}, "requests": {"memory": "256Mi"}},
                        }
                    ]
                },
            },
        },
        "status": {
            "observedGeneration": 3,
            "replicas": 2,
            "updatedReplicas": 2,
            "readyReplicas": 2,
            "availableReplicas": 2,
        },
    }


def pod(name: str = "cart-7d9-x2x", owner: list[Json] | None = None, **more: Any) -> Json:  # noqa: ANN401 - as above
    """Return a running pod whose container was killed for memory once."""
    return {
        "metadata": metadata(
            name, ownerReferences=owned_by("ReplicaSet", "cart-7d9") if owner is None else owner, **more
        ),
        "spec": {"nodeName": "node-1", "containers": [{"name": "app", "resources": {"limits": {"memory": "512Mi"}}}]},
        "status": {
            "phase": "Running",
            "containerStatuses": [
                {
                    "name": "app",
                    "ready": True,
                    "restartCount": 1,
                    "state": {"running": {"startedAt": "2026-03-01T09:00:00Z"}},
                    "lastState": {
                        "terminated": {
                            "reason": "OOMKilled",
                            "exitCode": 137,
                            "finishedAt": "2026-03-01T08:59:58Z",
                        }
                    },
                }
            ],
        },
    }


def status(code: int, reason: str, message: str, **details: Any) -> Answer:  # noqa: ANN401 - any detail
    """Return a failure as the API server words it."""
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "message": message}
    return Answer({**body, "code": code, "details": details}, code)


def quiet_cluster() -> dict[str, Answer]:
    """Return the script of a cluster with one Deployment of one pod in namespace shop."""
    replica_set = {"metadata": metadata("cart-7d9", ownerReferences=owned_by("Deployment", "cart"))}
    scaler = {
        "metadata": metadata("cart"),
        "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "cart"}},
    }
    namespace = {"metadata": {"name": "shop", "labels": {"environment": "production"}}}
    return {
        "GET /api/v1/namespaces": Answer(listing("Namespace", namespace)),
        "GET /api/v1/pods": Answer(listing("Pod", pod())),
        "GET /apis/apps/v1/deployments": Answer(listing("Deployment", deployment())),
        "GET /apis/apps/v1/statefulsets": Answer(listing("StatefulSet")),
        "GET /apis/apps/v1/daemonsets": Answer(listing("DaemonSet")),
        "GET /apis/apps/v1/replicasets": Answer(metadata_listing(replica_set)),
        "GET /apis/autoscaling/v2/horizontalpodautoscalers": Answer(listing("HorizontalPodAutoscaler", scaler)),
    }


def api_on(wire: Wire, folder: Path, **settings: Any) -> KubernetesApi:  # noqa: ANN401 - any setting
    """Return the adapter on a scripted wire, through a kubeconfig as a person has one."""
    kubeconfig = folder / "kubeconfig"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "clusters": [{"name": "test", "cluster": {"server": wire.url}}],
        "users": [{"name": "test", "user": {"token": "a-secret-token"}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
    }
    kubeconfig.write_text(yaml.safe_dump(config))
    return kubernetes_api(ClusterSettings(name="test", kubeconfig=str(kubeconfig), **settings))


def ref(name: str = "cart", kind: str = "Deployment", group: str = "apps", namespace: str = "shop") -> ObjectRef:
    """Name an object of the scripted cluster."""
    return ObjectRef(cluster="test", group=group, kind=kind, namespace=namespace, name=name)
