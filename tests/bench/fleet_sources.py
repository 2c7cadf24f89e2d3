"""What the other sources know of the fleet: Argo CD's Applications, Prometheus' series, alerts and pull requests.

Of the size and shape of real answers. Nothing is wrong anywhere: every Application is Synced and Healthy, no container
is near its limit, the alerts are those that every installation has, and the pull requests are people's.
"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

BORN = "2026-03-01T08:00:00Z"
COMMIT = "4f0e1d2c3b4a59687786a5b4c3d2e1f001234567"
FORGE_REPOSITORY = "platform/fleet"
_PULL_REQUESTS = 30
_HISTORY = 10  # what Argo CD keeps
_KINDS = (("", "ConfigMap"), ("", "Service"), ("", "ServiceAccount"), ("apps", "Deployment"))


def applications(workloads: int, repository: str) -> list[Json]:
    """Return one Application a workload, as Argo CD 3 writes them."""
    return [_application(number, repository) for number in range(workloads)]


def _application(number: int, repository: str) -> Json:
    source = {"repoURL": repository, "path": f"services/service-{number}", "targetRevision": "main"}
    destination = {"server": "https://kubernetes.default.svc", "namespace": f"team-{number % 40}"}
    objects = [
        {"group": group, "version": "v1", "kind": kind, "namespace": f"team-{number % 40}", "name": f"service-{number}"}
        for group, kind in _KINDS
    ]
    results = [
        {
            **o,
            "status": "Synced",
            "message": f"{o['kind'].lower()} unchanged",
            "hookPhase": "Running",
            "syncPhase": "Sync",
        }
        for o in objects
    ]
    history = [
        {"id": n, "revision": COMMIT, "source": source, "deployedAt": BORN, "deployStartedAt": BORN, "initiatedBy": {}}
        for n in range(_HISTORY)
    ]
    return {
        "metadata": {
            "name": f"app-{number}",
            "namespace": "argocd",
            "uid": f"{number:08x}-0000-4000-8000-000000000000",
            "resourceVersion": str(100_000 + number),
            "creationTimestamp": BORN,
            "labels": {"team": f"team-{number % 40}"},
        },
        "spec": {
            "project": "default",
            "source": source,
            "destination": destination,
            "syncPolicy": {"automated": {"prune": True, "selfHeal": True}},
        },
        "status": {
            "sourceType": "Directory",
            "reconciledAt": BORN,
            "health": {"status": "Healthy", "lastTransitionTime": BORN},
            "history": history,
            "operationState": {
                "phase": "Succeeded",
                "message": "successfully synced (all tasks run)",
                "startedAt": BORN,
                "finishedAt": BORN,
                "operation": {"sync": {"revision": COMMIT, "prune": True}, "initiatedBy": {"automated": True}},
                "syncResult": {"revision": COMMIT, "source": source, "resources": results},
            },
            "resources": [{**o, "status": "Synced", "health": {"status": "Healthy"}} for o in objects],
            "summary": {"images": [f"registry.example.com/team-{number % 40}/service-{number}:1.0.0"]},
            "sync": {
                "status": "Synced",
                "revision": COMMIT,
                "comparedTo": {"source": source, "destination": destination},
            },
        },
    }


def answers(pods: list[Json]) -> dict[str, Any]:
    """Return what Prometheus, Alertmanager and Gitea say, by path."""
    return {
        "/api/v1/query": _memory_peaks(pods),
        "/api/v2/alerts": [_alert("Watchdog"), _alert("InfoInhibitor"), _alert("NodeClockNotSynchronising")],
        "/api/v1/settings/api": {"max_response_items": 50, "default_paging_num": 30},
        f"/api/v1/repos/{FORGE_REPOSITORY}/pulls": [_pull_request(n) for n in range(_PULL_REQUESTS, 0, -1)],
    }


def _memory_peaks(pods: list[Json]) -> Json:
    """Return one series a container, as the grouped query does."""
    series = [
        {
            "metric": {
                "namespace": pod["metadata"]["namespace"],
                "pod": pod["metadata"]["name"],
                "container": c["name"],
            },
            "value": [1_772_352_000.0, str(150_000_000 + number)],
        }
        for number, pod in enumerate(pods)
        for c in pod["spec"]["containers"]
    ]
    return {"status": "success", "data": {"resultType": "vector", "result": series}}


def _alert(name: str) -> Json:
    return {
        "labels": {"alertname": name, "severity": "none", "prometheus": "monitoring/k8s"},
        "annotations": {"summary": f"{name} is meant to fire.", "description": "Nothing is wrong."},
        "fingerprint": f"{len(name):016x}",
        "startsAt": BORN,
        "updatedAt": BORN,
        "endsAt": "2026-03-01T09:00:00Z",
        "generatorURL": "http://prometheus/graph",
        "receivers": [{"name": "default"}],
        "status": {"state": "active", "inhibitedBy": [], "silencedBy": []},
    }


def _pull_request(number: int) -> Json:
    user = {"id": 7, "login": f"person-{number % 5}", "email": "", "avatar_url": "http://forge/avatars/7"}
    repository = {"id": 1, "full_name": FORGE_REPOSITORY, "owner": user, "description": "", "default_branch": "main"}
    return {
        "id": number,
        "number": number,
        "url": f"http://forge/{FORGE_REPOSITORY}/pulls/{number}",
        "html_url": f"http://forge/{FORGE_REPOSITORY}/pulls/{number}",
        "state": "closed",
        "title": f"Change number {number}",
        "body": "Why this change is made.\n" * 20,
        "user": user,
        "labels": [],
        "head": {
            "label": f"change-{number}",
            "ref": f"change-{number}",
            "sha": COMMIT,
            "repo_id": 1,
            "repo": repository,
        },
        "base": {"label": "main", "ref": "main", "sha": COMMIT, "repo_id": 1, "repo": repository},
        "merged": True,
        "merged_at": BORN,
        "merge_commit_sha": COMMIT,
        "created_at": BORN,
        "updated_at": BORN,
        "closed_at": BORN,
    }
