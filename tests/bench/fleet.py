"""A fleet of 1,000 quiet workloads: every server that a pass asks, played by one process of its own.

The objects have the size and shape of real ones: managed fields, conditions, environment, probes, volumes. The pages
are made before the first request, so that a benchmark measures its client. Git is git's own server.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from tests.adapters.git_http import GitServer, git
from tests.bench import fleet_sources
from tests.bench.fleet_sources import BORN

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]

WORKLOADS = 1_000
PODS_EACH = 2
_BRANCHES = 30


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the fleet's servers are; `tests.adapters.git_http` knows who may read the repository."""

    url: str  # the API server, Prometheus, Alertmanager and Gitea, as their paths do not meet
    repository: str


@contextmanager
def served() -> Iterator[Addresses]:
    """Serve the fleet from another process."""
    process = subprocess.Popen([sys.executable, "-m", "tests.bench.fleet"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield Addresses(*json.loads(process.stdout.readline()))
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def _metadata(name: str, number: int, **more: object) -> Json:
    tree = {
        "f:metadata": {"f:labels": {".": {}, "f:app": {}, "f:pod-template-hash": {}}, "f:ownerReferences": {".": {}}},
        "f:spec": {
            "f:containers": {
                'k:{"name":"app"}': {".": {}, "f:image": {}, "f:env": {".": {}}, "f:resources": {"f:limits": {}}},
            },
            "f:dnsPolicy": {},
            "f:restartPolicy": {},
            "f:schedulerName": {},
        },
    }
    entry = {"apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": tree, "operation": "Update", "time": BORN}
    return {
        "name": name,
        "namespace": f"team-{number % 40}",
        "uid": f"{number:08x}-0000-4000-8000-{abs(hash(name)) % 16**12:012x}",
        "resourceVersion": str(100_000 + number),
        "generation": 3,
        "creationTimestamp": BORN,
        "labels": {"app": f"service-{number}", "pod-template-hash": "7d9c5f8b6d", "team": f"team-{number % 40}"},
        "annotations": {
            "argocd.argoproj.io/tracking-id": f"app-{number}:apps/Deployment:team-{number % 40}/service-{number}",
            "deployment.kubernetes.io/revision": "3",
        },
        "managedFields": [
            {**entry, "manager": "argocd-controller"},
            {**entry, "manager": "kube-controller-manager", "subresource": "status"},
        ],
        **more,
    }


def _pod_spec(number: int) -> Json:
    probe = {"httpGet": {"path": "/healthz", "port": 8080, "scheme": "HTTP"}, "periodSeconds": 10, "timeoutSeconds": 1}
    container = {
        "name": "app",
        "image": f"registry.example.com/team-{number % 40}/service-{number}:1.{number % 90}.0",
        "ports": [{"containerPort": 8080, "name": "http", "protocol": "TCP"}],
        "env": [{"name": f"SETTING_{i}", "value": f"value-{i}-of-{number}"} for i in range(8)],
        "resources": {"limits": {"memory": "512Mi"}, "requests": {"cpu": "100m", "memory": "256Mi"}},
        "livenessProbe": probe,
        "readinessProbe": probe,
        "volumeMounts": [{"name": "config", "mountPath": "/etc/service"}, {"name": "tmp", "mountPath": "/scratch"}],
        "imagePullPolicy": "IfNotPresent",
        "terminationMessagePath": "/dev/termination-log",
    }
    return {
        "containers": [container, {**container, "name": "proxy", "env": []}],
        "volumes": [{"name": "config", "configMap": {"name": f"service-{number}"}}, {"name": "tmp", "emptyDir": {}}],
        "serviceAccountName": "default",
        "restartPolicy": "Always",
        "schedulerName": "default-scheduler",
        "tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute"}],
    }


def _owner(kind: str, name: str) -> list[Json]:
    return [{"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": name, "controller": True}]


def _deployment(number: int) -> Json:
    counts = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), PODS_EACH)
    spec = {
        "replicas": PODS_EACH,
        "selector": {"matchLabels": {"app": f"service-{number}"}},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
        "template": {"metadata": {"labels": {"app": f"service-{number}"}}, "spec": _pod_spec(number)},
    }
    return {
        "metadata": _metadata(f"service-{number}", number),
        "spec": spec,
        "status": {"observedGeneration": 3, **counts},
    }


def _replica_set(number: int) -> Json:
    owner = _owner("Deployment", f"service-{number}")
    return {"metadata": _metadata(f"service-{number}-7d9c5f8b6d", number, ownerReferences=owner)}


def _pod(number: int, index: int) -> Json:
    status = {
        "image": "registry.example.com/service",
        "imageID": "registry.example.com/service@sha256:" + "0" * 64,
        "containerID": "containerd://" + "0" * 64,
        "ready": True,
        "started": True,
        "restartCount": 0,
        "state": {"running": {"startedAt": BORN}},
        "lastState": {},
    }
    owner = _owner("ReplicaSet", f"service-{number}-7d9c5f8b6d")
    conditions = ("Initialized", "Ready", "ContainersReady", "PodScheduled")
    return {
        "metadata": _metadata(f"service-{number}-7d9c5f8b6d-{index:05d}", number, ownerReferences=owner),
        "spec": {**_pod_spec(number), "nodeName": f"node-{number % 50}"},
        "status": {
            "phase": "Running",
            "podIP": "10.0.0.1",
            "conditions": [{"type": c, "status": "True", "lastTransitionTime": BORN} for c in conditions],
            "containerStatuses": [{**status, "name": "app"}, {**status, "name": "proxy"}],
        },
    }


def _lists(pods: list[Json], repository: str) -> dict[str, tuple[str, list[Json]]]:
    numbers = range(WORKLOADS)
    namespaces = [{"metadata": {"name": f"team-{n}", "labels": {"environment": "production"}}} for n in range(40)]
    return {
        "/api/v1/namespaces": ("NamespaceList", namespaces),
        "/api/v1/pods": ("PodList", pods),
        "/apis/apps/v1/deployments": ("DeploymentList", [_deployment(n) for n in numbers]),
        "/apis/apps/v1/statefulsets": ("StatefulSetList", []),
        "/apis/apps/v1/daemonsets": ("DaemonSetList", []),
        "/apis/apps/v1/replicasets": ("PartialObjectMetadataList", [_replica_set(n) for n in numbers]),
        "/apis/autoscaling/v2/horizontalpodautoscalers": ("HorizontalPodAutoscalerList", []),
        "/apis/argoproj.io/v1alpha1/applications": (
            "ApplicationList",
            fleet_sources.applications(WORKLOADS, repository),
        ),
    }


def _pages(repository: str, limit: int = 500) -> dict[tuple[str, str], bytes]:
    """Return each answer's bytes by path and continue token."""
    pods = [_pod(number, index) for number in range(WORKLOADS) for index in range(PODS_EACH)]
    pages = {(path, ""): _answer(content) for path, content in fleet_sources.answers(pods).items()}
    for path, (kind, items) in _lists(pods, repository).items():
        for start in range(0, max(len(items), 1), limit):
            end = start + limit
            metadata = {"resourceVersion": "200000"} | ({"continue": str(end)} if end < len(items) else {})
            page = {"kind": kind, "apiVersion": "v1", "metadata": metadata, "items": items[start:end]}
            pages[path, str(start or "")] = _answer(page)
    return pages


def _answer(content: object) -> bytes:
    body = json.dumps(content, separators=(",", ":")).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _populate(repository: Path) -> None:
    """Put one commit on many branches."""
    commit = git(repository, "commit-tree", git(repository, "mktree"), "-m", "nothing yet")
    for name in ("main", *(f"change-{number}" for number in range(_BRANCHES))):
        git(repository, "update-ref", f"refs/heads/{name}", commit)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    pages: dict[tuple[str, str], bytes]

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        token = parse_qs(parts.query).get("continue", [""])[0]
        self.wfile.write(self.pages[parts.path, token])

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        """Say nothing."""


def main() -> None:
    """Serve until terminated; the first line of output is the addresses."""
    with tempfile.TemporaryDirectory() as root, GitServer(Path(root)) as repositories:
        _populate(repositories.create("fleet.git", default="main"))
        repository = repositories.url("fleet.git")
        _Handler.pages = _pages(repository)
        server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        server.daemon_threads = True
        print(json.dumps([f"http://127.0.0.1:{server.server_address[1]}", repository]), flush=True)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit())
        server.serve_forever()


if __name__ == "__main__":
    main()
