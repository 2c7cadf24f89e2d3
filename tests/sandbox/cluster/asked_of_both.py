"""Requests that the sandbox and a real API server must answer alike; `{ns}` is the test's own namespace.

In that namespace are the ConfigMap `settings` and the Deployment `web` of no replicas, made by `tests`.
"""

from __future__ import annotations

from typing import Any

from tests.sandbox.cluster.api import APPLY, JSON_PATCH, MERGE, STRATEGIC, Json, deployment

Asked = tuple[str, str, object, dict[str, Any]]  # method, path, body, content type, user and query

UID = "00000000-0000-0000-0000-000000000000"
CORE = "/api/v1/namespaces/{ns}"
APPS = "/apis/apps/v1/namespaces/{ns}"
MAPS, PODS, DEPLOYMENTS = f"{CORE}/configmaps", f"{CORE}/pods", f"{APPS}/deployments"
SETTINGS, WEB = f"{MAPS}/settings", f"{DEPLOYMENTS}/web"
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"

_WORKLOAD: Json = deployment()["spec"]
_JOB: Json = {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "a", "image": "a:1"}]}}}
_TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
_CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
_PROBES: Json = {
    "livenessProbe": {"httpGet": {"port": 80}},
    "readinessProbe": {"exec": {"command": ["true"]}},
    "startupProbe": {"grpc": {"port": 9}},
}
_POD: Json = {
    "containers": [
        {
            "name": "a",
            "image": "a",
            "ports": [{"containerPort": 80}],
            "env": [{"name": "X", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
            "resources": {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m"}},
            **_PROBES,
        }
    ],
    "volumes": [
        {"name": "c", "configMap": {"name": "x"}},
        {"name": "e", "emptyDir": {}},
        {"name": "h", "hostPath": {"path": "/x"}},
        {"name": "p", "projected": {"sources": [{"configMap": {"name": "q"}}]}},
    ],
}

# Created by a dry run: path of the collection, and the spec.
CREATED: dict[str, tuple[str, Json]] = {
    "Pod": (PODS, _POD),
    "Deployment": (DEPLOYMENTS, _WORKLOAD),
    "Recreate": (DEPLOYMENTS, _WORKLOAD | {"strategy": {"type": "Recreate"}}),
    "ReplicaSet": (f"{APPS}/replicasets", _WORKLOAD),
    "StatefulSet": (f"{APPS}/statefulsets", _WORKLOAD | {"serviceName": "x", "updateStrategy": {"type": "OnDelete"}}),
    "Claims": (
        f"{APPS}/statefulsets",
        _WORKLOAD | {"volumeClaimTemplates": [{"metadata": {"name": "d"}, "spec": _CLAIM}]},
    ),
    "Job": ("/apis/batch/v1/namespaces/{ns}/jobs", _JOB),
    "CronJob": ("/apis/batch/v1/namespaces/{ns}/cronjobs", {"schedule": "* * * * *", "jobTemplate": {"spec": _JOB}}),
    "Service": (f"{CORE}/services", {"ports": [{"port": 80}], "selector": {"a": "b"}}),
    "Headless": (f"{CORE}/services", {"clusterIP": "None", "ports": [{"port": 80, "targetPort": "http"}]}),
    "Autoscaler": (
        "/apis/autoscaling/v2/namespaces/{ns}/horizontalpodautoscalers",
        {"scaleTargetRef": _TARGET, "maxReplicas": 3, "behavior": {"scaleDown": {"stabilizationWindowSeconds": 0}}},
    ),
    "Budget": (
        "/apis/policy/v1/namespaces/{ns}/poddisruptionbudgets",
        {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}},
    ),
    "Lease": ("/apis/coordination.k8s.io/v1/namespaces/{ns}/leases", {"holderIdentity": "x"}),
    "Namespace": ("/api/v1/namespaces", {}),
    "ConfigMap": (MAPS, {}),
}


def _web(**metadata: object) -> Json:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", **metadata}}


def _map(**metadata: object) -> Json:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}


ASKED: dict[str, Asked] = {
    "absent": ("GET", f"{DEPLOYMENTS}/absent", None, {}),
    "taken": ("POST", MAPS, _map(name="settings"), {}),
    "other kind": ("POST", DEPLOYMENTS, {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}, {}),
    "other namespace": ("POST", DEPLOYMENTS, deployment("x"), {}),
    "no namespace": ("POST", "/api/v1/namespaces/nowhere/configmaps", _map(name="x"), {}),
    "no name": ("POST", MAPS, _map(), {}),
    "bad name": ("POST", MAPS, _map(name="A_b"), {}),
    "bad namespace": ("POST", "/api/v1/namespaces", {"metadata": {"name": "A.b"}}, {}),
    "version given": ("POST", MAPS, _map(name="rv", resourceVersion="5"), {}),
    "bad media": ("POST", MAPS, b"x", {"content": "text/csv"}),
    "no such field": ("GET", PODS, None, {"fieldSelector": "spec.foo=1"}),
    "no field": ("GET", MAPS, None, {"fieldSelector": "data.x=1"}),
    "half a selector": ("GET", MAPS, None, {"fieldSelector": "metadata.name"}),
    "stale": ("PUT", SETTINGS, _map(name="settings", resourceVersion="1"), {}),
    "replaced": ("PUT", SETTINGS, _map(name="settings", uid=UID), {}),
    "renamed": ("PUT", SETTINGS, _map(name="other"), {}),
    "unnamed": ("PUT", SETTINGS, _map(), {}),
    "put absent": ("PUT", f"{MAPS}/absent", _map(name="absent"), {}),
    "merge uid": ("PATCH", WEB, {"metadata": {"uid": UID}}, {"content": MERGE}),
    "strategic uid": ("PATCH", WEB, {"metadata": {"uid": UID}}, {"content": STRATEGIC}),
    "apply uid": ("PATCH", WEB, _web(uid=UID), {"content": APPLY, "fieldManager": "m"}),
    "merge version": (
        "PATCH",
        WEB,
        {"metadata": {"resourceVersion": "1"}, "spec": {"replicas": 2}},
        {"content": MERGE},
    ),
    "merge name": ("PATCH", WEB, {"metadata": {"name": "other"}}, {"content": MERGE}),
    "patch absent": ("PATCH", f"{DEPLOYMENTS}/absent", {"spec": {"replicas": 2}}, {"content": MERGE}),
    "negative": ("PATCH", WEB, {"spec": {"replicas": -3}}, {"content": MERGE}),
    "test fails": ("PATCH", SETTINGS, [{"op": "test", "path": "/data/a", "value": "x"}], {"content": JSON_PATCH}),
    "no patch": ("PATCH", WEB, {"a": 1}, {"content": "application/json"}),
    "force": ("PATCH", WEB, {"spec": {"replicas": 3}}, {"content": MERGE, "force": "true"}),
    "dry some": ("PATCH", WEB, {"spec": {"replicas": 3}}, {"content": MERGE, "dryRun": "Some"}),
    "long manager": ("PATCH", WEB, {"spec": {"replicas": 3}}, {"content": MERGE, "fieldManager": "x" * 129}),
    "apply unmanaged": ("PATCH", WEB, _web() | {"spec": {"replicas": 5}}, {"content": APPLY}),
    "apply conflict": (
        "PATCH",
        WEB,
        _web() | {"spec": {"replicas": 5}},
        {"content": APPLY, "fieldManager": "m", "dryRun": "All"},
    ),
    "apply unnamed": (
        "PATCH",
        SETTINGS,
        {"apiVersion": "v1", "kind": "ConfigMap"},
        {"content": APPLY, "fieldManager": "m"},
    ),
    "apply vanished": (
        "PATCH",
        f"{MAPS}/absent",
        _map(name="absent", uid=UID),
        {"content": APPLY, "fieldManager": "m"},
    ),
    "apply data": (
        "PATCH",
        SETTINGS,
        _map(name="settings") | {"data": {"a": "2", "b": "3"}},
        {"content": APPLY, "fieldManager": "m", "dryRun": "All", "force": "true"},
    ),
    "delete other": ("DELETE", SETTINGS, {"preconditions": {"uid": "x"}}, {}),
    "delete stale": ("DELETE", WEB, {"preconditions": {"resourceVersion": "1"}}, {}),
    "delete how": ("DELETE", WEB, {"propagationPolicy": "x"}, {}),
    "delete default": ("DELETE", "/api/v1/namespaces/default", None, {}),
    "delete namespaces": ("DELETE", "/api/v1/namespaces", None, {}),
    "too new": ("GET", MAPS, None, {"resourceVersion": "99999999"}),
    "no version": ("GET", MAPS, None, {"resourceVersion": "new"}),
    "match": ("GET", MAPS, None, {"resourceVersionMatch": "Exact"}),
    "match zero": ("GET", MAPS, None, {"resourceVersionMatch": "Exact", "resourceVersion": "0"}),
    "no limit": ("GET", MAPS, None, {"limit": "few"}),
    "no resource": ("GET", "/apis/apps/v1/things", None, {}),
    "no group": ("GET", "/apis/no.such/v1/things", None, {}),
    "node in a namespace": ("GET", f"{CORE}/nodes", None, {}),
    "post to all": ("POST", "/api/v1/pods", {}, {}),
    "evict absent": ("POST", f"{PODS}/absent/eviction", {"metadata": {"name": "absent"}}, {}),
    "scale": ("GET", f"{WEB}/scale", None, {}),
    "wrong token": ("GET", MAPS, None, {"user": "nobody"}),
    "no token": ("GET", MAPS, None, {"user": ""}),
    "list secrets": ("GET", f"{CORE}/secrets", None, {"user": "readonly"}),
    "all secrets": ("GET", "/api/v1/secrets", None, {"user": "readonly"}),
    "may not patch": ("PATCH", WEB, {}, {"content": MERGE, "user": "readonly"}),
    "may not log": ("GET", f"{PODS}/x/log", None, {"user": "readonly"}),
    "may not guess": ("GET", "/apis/no.such/v1/things", None, {"user": "readonly"}),
    "metrics": ("GET", "/metrics", None, {"user": "readonly"}),
    "may list": (
        "POST",
        REVIEWS,
        {"spec": {"resourceAttributes": {"verb": "list", "resource": "pods"}}},
        {"user": "readonly"},
    ),
    "asks nothing": ("POST", REVIEWS, {"spec": {}}, {"user": "readonly"}),
    "policy": ("GET", "/apis/policy", None, {}),
}
