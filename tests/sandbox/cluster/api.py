"""A cluster to talk to without sockets: requests as the wire would deliver them, answers as objects."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from reconciler.sandbox.clock import SandboxClock
from reconciler.sandbox.cluster import Cluster, Store
from reconciler.sandbox.wire import Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Json = dict[str, Any]

MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY = "application/apply-patch+yaml"

DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
PODS = "/api/v1/namespaces/default/pods"
CONFIGMAPS = "/api/v1/namespaces/default/configmaps"


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, read whole."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """The names of a list's objects."""
        return [item["metadata"]["name"] for item in self.body["items"]]

    @property
    def message(self) -> str:
        """The message of a Status."""
        return str(self.body["message"])


class Api:
    """A cluster, asked as one of its users."""

    def __init__(self, cluster: Cluster | None = None, user: str = "admin") -> None:
        self.clock = SandboxClock()
        self.written = 0
        self.cluster = cluster or Cluster(self.clock, ids=random.Random(7), on_write=self._count)
        self.user = user

    @property
    def store(self) -> Store:
        """The objects behind the API."""
        return self.cluster.store

    def as_user(self, user: str) -> Api:
        """Return the same cluster as another user sees it."""
        return Api(self.cluster, user)

    def raw(
        self, method: str, path: str, body: object = None, *, content: str = "", accept: str = "", **query: object
    ) -> Response:
        """Make one request and return the answer unread."""
        parts = urlsplit(path)
        given = {name: [str(each) for each in _several(value)] for name, value in query.items()}
        headers = {"authorization": f"Bearer {self.cluster.tokens[self.user]}", "user-agent": "tests/1.0"}
        headers |= {"content-type": content or "application/json"} if body is not None else {}
        headers |= {"accept": accept} if accept else {}
        data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = f"{parts.path}?{urlencode(given, doseq=True)}"
        return self.cluster.handle(Request(method, parts.path, given, headers, data, sent))

    def call(self, method: str, path: str, body: object = None, **more: Any) -> Answer:  # noqa: ANN401 - of `raw`
        """Make one request and read the answer."""
        response = self.raw(method, path, body, **more)
        assert isinstance(response.body, bytes)
        is_json = response.headers.get("Content-Type", "").startswith("application/json")
        return Answer(
            response.status, json.loads(response.body) if is_json else response.body.decode(), dict(response.headers)
        )

    def get(self, path: str, **more: Any) -> Answer:  # noqa: ANN401 - of `raw`
        """GET."""
        return self.call("GET", path, **more)

    def post(self, path: str, body: object, **more: Any) -> Answer:  # noqa: ANN401 - of `raw`
        """POST."""
        return self.call("POST", path, body, **more)

    def patch(self, path: str, body: object, content: str = MERGE, **more: Any) -> Answer:  # noqa: ANN401 - of `raw`
        """PATCH."""
        return self.call("PATCH", path, body, content=content, **more)

    def watch(self, path: str, **query: Any) -> Iterator[Json]:  # noqa: ANN401 - of `raw`
        """Yield the events of a watch; whoever reads past the last one waits as long as the watch lasts."""
        response = self.raw("GET", path, watch="true", **query)
        assert response.status == 200
        assert not isinstance(response.body, bytes)
        return (json.loads(line) for chunk in response.body for line in chunk.splitlines())

    def _count(self) -> None:
        self.written += 1


def _several(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else [value]


def deployment(name: str = "web", **spec: object) -> Json:
    """Return a small Deployment's manifest."""
    labels = {"app": name}
    container = {"name": "web", "image": "registry.invalid/web:1.0", "resources": {"limits": {"memory": "512Mi"}}}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "default", "labels": labels},
        "spec": {"selector": {"matchLabels": labels}, "template": template, **spec},
    }


def pod(name: str = "web", *, node: str = "", namespace: str = "default", **metadata: object) -> Json:
    """Return a small pod's manifest, on a node where one is named."""
    container = {"name": "web", "image": "registry.invalid/web"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, **metadata},
        "spec": {"containers": [container], **({"nodeName": node} if node else {})},
    }


def config_map(name: str, *, namespace: str = "default", labels: Json | None = None, **data: str) -> Json:
    """Return a ConfigMap's manifest."""
    metadata = {"name": name, "namespace": namespace, **({"labels": labels} if labels else {})}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def setting(*path: str | int, value: object) -> Callable[[Json], None]:
    """Return a change of one field; what is missing above it is made."""

    def mutate(obj: Json) -> None:
        *above, last = path
        here: Any = obj
        for step in above:
            here = here[step] if isinstance(step, int) else here.setdefault(step, {})
        here[last] = value

    return mutate
