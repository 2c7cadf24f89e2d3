"""A place of a test's own in a world, the sandbox or the testbed: a namespace, a Git repository and an Application.

Names are random, so that tests do not meet, whatever their order. Waiting is always for a condition, with a deadline.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode

import urllib3

from tests.beds.bed import Bed
from tests.beds.pods import container, is_ready, waiting
from tests.beds.users import BOT, ORGANISATION, REVIEWER
from tests.testbed import argocd
from tests.testbed.kube import Json, Kube, prefixed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.beds.bed import People

T = TypeVar("T")

FOLDER = "deploy"  # where the Application looks in the repository
DEADLINE = 30.0
REFRESH = "argocd.argoproj.io/refresh"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What one test sees of its world, and what people do there."""

    bed: Bed
    kube: Kube  # as the administrator
    namespace: str
    repository: str  # platform/<name>
    application: str

    @property
    def repository_url(self) -> str:
        """The URL that Argo CD and Git clients clone from; anybody may read."""
        return self.bed.repository_url(self.repository)

    def forge(self, user: str = REVIEWER) -> People:
        """Return a connection to the forge as one of its users."""
        return self.bed.forge(user)

    # Git and pull requests, as people use them

    def commit(
        self,
        files: Mapping[str, str | None],
        message: str = "Change manifests",
        *,
        branch: str = "main",
        new_branch: str = "",
        by: str = REVIEWER,
    ) -> str:
        """Commit files (None deletes one) to a branch, or to a new one made from it, and return the commit."""
        return self.forge(by).commit(self.repository, files, message, branch=branch, new_branch=new_branch)

    def text(self, path: str, ref: str = "main") -> str:
        """Return a file's text at a branch or commit."""
        return self.forge().text(self.repository, path, ref)

    def open_pull_request(
        self, files: Mapping[str, str | None], title: str = "Change manifests", *, by: str = BOT
    ) -> int:
        """Commit files to a new branch, open a pull request for it, and return its number."""
        branch = f"change-{secrets.token_hex(3)}"
        self.commit(files, title, new_branch=branch, by=by)
        number: int = self.forge(by).open_pull_request(self.repository, branch, title)["number"]
        return number

    def pull_requests(self, state: str = "open") -> list[dict[str, Any]]:
        """Return the repository's pull requests: open, closed or all."""
        return self.forge().pull_requests(self.repository, state)

    def pull_request(self, number: int) -> dict[str, Any]:
        """Return one pull request as the forge tells it."""
        return self.forge().pull_request(self.repository, number)

    def approve(self, number: int, by: str = REVIEWER, *, commit: str | None = None) -> None:
        """Approve a pull request at its head (or at another commit)."""
        self.forge(by).approve(self.repository, number, commit=commit)

    def merge(self, number: int, method: str = "merge", by: str = REVIEWER) -> str:
        """Merge a pull request (merge, squash, rebase or rebase-merge) and return the merge commit."""
        return self.forge(by).merge(self.repository, number, method)

    def close(self, number: int, by: str = REVIEWER) -> None:
        """Close a pull request without merging it."""
        self.forge(by).close(self.repository, number)

    def comment(self, number: int, body: str, by: str = REVIEWER) -> None:
        """Comment on a pull request."""
        self.forge(by).comment(self.repository, number, body)

    # The cluster

    def live(self, kind: str, name: str) -> Json | None:
        """Return an object of this namespace (an Application: of Argo CD's), or None when there is none."""
        return self.kube.get(kind, name, argocd.NAMESPACE if kind == "Application" else self.namespace)

    def pods(self, app: str | None = None) -> list[Json]:
        """Return the pods of this namespace, or of one workload (by its `app` label), the oldest first."""
        selector = {"labelSelector": f"app={app}"} if app else {}
        return sorted(self.kube.objects("Pod", self.namespace, **selector), key=_age)

    def wait_until_ready(self, app: str = "web", deadline: float = DEADLINE) -> Json:
        """Wait until a workload has exactly one pod and that is ready, and return it."""

        def ready() -> Json | None:
            found = self.pods(app)
            return found[0] if len(found) == 1 and is_ready(found[0]) else None

        return self.wait_for(ready, deadline, f"{app} has one pod and it is ready")

    def wait_until_waiting(
        self, reason: str, *, app: str = "web", restarts: int = 0, deadline: float = DEADLINE
    ) -> Json:
        """Wait until a pod's container of the workload's name waits for a reason, restarted at least so often."""

        def waits() -> Json | None:
            for pod in self.pods(app):
                if waiting(pod, app) == reason and container(pod, app)["restartCount"] >= restarts:
                    return pod
            return None

        return self.wait_for(waits, deadline, f"{app} waits with {reason}")

    def events(self, **query: str) -> list[Json]:
        """Return the events of this namespace."""
        return self.kube.objects("Event", self.namespace, **query)

    def apply(self, manifest: Json) -> Json:
        """Create or change an object of this namespace that Git does not know."""
        manifest = manifest | {"metadata": manifest["metadata"] | {"namespace": self.namespace}}
        return self.kube.apply(manifest)

    def patch(self, kind: str, name: str, patch: Json) -> Json:
        """Patch an object of this namespace as `kubectl patch` does."""
        return self.kube.patch(kind, name, patch, argocd.NAMESPACE if kind == "Application" else self.namespace)

    def annotate(self, kind: str, name: str, **faults: str | None) -> Json:
        """Set fault annotations on an object (`needs_memory="1Gi"`); None removes one."""
        return self.kube.annotate(kind, name, None if kind == "Node" else self.namespace, **faults)

    def delete(self, kind: str, name: str, **query: str) -> None:
        """Delete an object of this namespace."""
        self.kube.delete(kind, name, self.namespace, **query)

    # Argo CD

    @property
    def application_manifest(self) -> Json:
        """The Application that this place was made with: a folder, synced automatically, drift undone."""
        return {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {"name": self.application, "namespace": argocd.NAMESPACE},
            "spec": {
                "project": argocd.PROJECT,
                "source": {
                    "repoURL": self.repository_url,
                    "path": FOLDER,
                    "targetRevision": "main",
                    "directory": {"recurse": True},
                },
                "destination": {"server": self.bed.server, "namespace": self.namespace},
                "syncPolicy": {"automated": {"prune": True, "selfHeal": True}},
            },
        }

    @property
    def application_status(self) -> Json:
        """What Argo CD says of the Application, possibly nothing yet."""
        found = self.live("Application", self.application) or {}
        status: Json = found.get("status") or {}
        return status

    def refresh(self) -> None:
        """Ask Argo CD to read the repository again."""
        self.patch("Application", self.application, {"metadata": {"annotations": {REFRESH: "normal"}}})

    def wait_for_sync(
        self, commit: str | None = None, *, health: str | None = "Healthy", deadline: float = DEADLINE
    ) -> Json:
        """Wait until the Application is Synced, at a commit and with a health if given, and return its status."""

        def arrived() -> Json | None:
            status = self.application_status
            sync = status.get("sync", {})
            right = sync.get("status") == "Synced" and commit in (None, sync.get("revision"))
            return status if right and health in (None, status.get("health", {}).get("status")) else None

        return self.wait_for(arrived, deadline, f"{self.application} is Synced at {commit or 'any commit'}")

    # Metrics and alerts

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """Return the labels and value of each series of an instant query."""
        answer = _get(f"{self.bed.prometheus}/api/v1/query", query=expression)
        return [(series["metric"], float(series["value"][1])) for series in answer["data"]["result"]]

    def alerts(self, name: str | None = None) -> list[dict[str, Any]]:
        """Return Alertmanager's active alerts for this namespace, all or those of one name."""
        filters = [f'namespace="{self.namespace}"', *([f'alertname="{name}"'] if name else [])]
        found: list[dict[str, Any]] = _get(f"{self.bed.alertmanager}/api/v2/alerts", active="true", filter=filters)
        return found

    def wait_for(self, condition: Callable[[], T | None], deadline: float = DEADLINE, what: str = "condition") -> T:
        """Wait until a condition gives something other than None or False, and return that."""
        return self.bed.until(condition, deadline, what)


def make(
    bed: Bed, kube: Kube, files: Mapping[str, str], *, environment: str = "production", application: bool = True
) -> Place:
    """Make a place whose repository's first commit holds the given files (paths from the repository's root)."""
    name = f"{environment}-{secrets.token_hex(4)}"
    place = Place(bed=bed, kube=kube, namespace=name, repository=f"{ORGANISATION}/{name}", application=name)
    labels = {"environment": environment}
    kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
    bed.forge().create_repository(ORGANISATION, name, {"README.md": f"# {name}\n"} | dict(files))
    if application:
        kube.apply(place.application_manifest)
    return place


def remove(place: Place) -> None:
    """Take the place away; the namespace's objects go in the background, nobody waits for them."""
    place.kube.delete("Application", place.application, argocd.NAMESPACE)
    place.kube.delete("Namespace", place.namespace)
    for pod in place.pods():  # a stuck termination would keep the namespace for ever
        if prefixed("stuck-termination") in (pod["metadata"].get("annotations") or {}):
            place.delete("Pod", pod["metadata"]["name"], gracePeriodSeconds="0")
    place.bed.forge().delete_repository(place.repository)


def _age(pod: Json) -> tuple[str, str]:
    return pod["metadata"]["creationTimestamp"], pod["metadata"]["name"]


def _get(url: str, **query: str | list[str]) -> Any:  # noqa: ANN401 - JSON of any shape
    with urllib3.PoolManager(retries=False, timeout=10.0) as pool:
        return pool.request("GET", f"{url}?{urlencode(query, doseq=True)}").json()
