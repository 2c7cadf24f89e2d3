"""The sandbox's API server and a real one answer alike: status, words, causes, and what a creation adds."""

from __future__ import annotations

import json
import random
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
import urllib3

from reconciler.sandbox.clock import SandboxClock
from reconciler.sandbox.cluster import Cluster
from reconciler.sandbox.wire import Server
from tests.sandbox.cluster.api import Json, config_map, deployment
from tests.sandbox.cluster.asked_of_both import ASKED, CREATED, DEPLOYMENTS, MAPS, REVIEWS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.testbed.testbed import Testbed

pytestmark = pytest.mark.real

_STAMPS = frozenset({"uid", "resourceVersion", "creationTimestamp", "time", "clusterIP", "lastTransitionTime"})
_UID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_UNSAID = frozenset({"storageVersionHash"})


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two servers."""

    url: str
    tokens: Mapping[str, str]
    pool: urllib3.PoolManager

    def ask(
        self,
        method: str,
        path: str,
        body: object,
        *,
        content: str = "application/json",
        user: str = "admin",
        **query: str,
    ) -> tuple[int, Any]:
        """Make a request and return its status and what it says, without what differs from run to run."""
        headers = {"User-Agent": "tests/1.0", "Content-Type": content}
        if user:
            headers["Authorization"] = f"Bearer {self.tokens.get(user, 'wrong')}"
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        where = f"{self.url}{path}?{urlencode(query)}"
        response = self.pool.request(method, where, body=data, headers=headers)
        try:
            return response.status, plain(json.loads(response.data))
        except ValueError:
            return response.status, response.data.decode()


@dataclass(frozen=True, slots=True)
class Twins:
    """Both, with the same objects in the same namespace."""

    real: Side
    ours: Side
    namespace: str

    def ask(self, method: str, path: str, body: object, **more: Any) -> tuple[tuple[int, Any], tuple[int, Any]]:  # noqa: ANN401 - of `Side.ask`
        """Ask both, the real one first."""
        path = path.replace("{ns}", self.namespace)
        return self.real.ask(method, path, body, **more), self.ours.ask(method, path, body, **more)


@pytest.fixture(scope="module")
def twins(testbed: Testbed) -> Iterator[Twins]:
    """A namespace in the testbed, and one of the same name in a cluster of the sandbox."""
    cluster = Cluster(SandboxClock(), ids=random.Random(1))
    server = Server(cluster.handle, name="Kubernetes API").start()
    plane, namespace = testbed.cluster, f"twins-{secrets.token_hex(3)}"
    authority = urllib3.PoolManager(ca_certs=str(plane.authority), retries=False, timeout=20)
    pool = urllib3.PoolManager(retries=False, timeout=20)
    both = Twins(Side(plane.server, plane.tokens, authority), Side(server.url, cluster.tokens, pool), namespace)
    for path, manifest in (
        ("/api/v1/namespaces", {"metadata": {"name": namespace}}),
        (MAPS, config_map("settings", namespace=namespace, a="1")),
        (DEPLOYMENTS, owned_by(deployment(replicas=0), namespace)),
    ):
        assert [status for status, _ in both.ask("POST", path, manifest)] == [201, 201]
    yield both
    both.real.ask("DELETE", f"/api/v1/namespaces/{namespace}", None)
    authority.clear()
    pool.clear()
    server.stop()


def owned_by(manifest: Json, namespace: str) -> Json:
    """Return a manifest moved to a namespace."""
    return manifest | {"metadata": manifest["metadata"] | {"namespace": namespace}}


def plain(value: Any, key: str = "") -> Any:  # noqa: ANN401 - JSON of any shape
    """Return a value without stamps, the token's volume, and the order in which managers came."""
    if key in _STAMPS and value:
        return "*"
    if isinstance(value, dict):
        return {name: plain(below, name) for name, below in value.items() if name not in _UNSAID}
    if isinstance(value, list):
        kept = [each for each in value if not (isinstance(each, dict) and _is_token(each))]
        if key == "managedFields":
            kept.sort(key=lambda entry: (entry["manager"], entry["operation"], entry.get("subresource", "")))
        return ["*" for _ in kept] if key == "clusterIPs" else [plain(each) for each in kept]
    if isinstance(value, str):
        return re.sub(r"(?<=version: )\d+|(?<=current: )\d+|(?<=record \()\d+", "N", _UID.sub("UID", value))
    return value


def _is_token(value: Json) -> bool:
    return str(value.get("name", "")).startswith("kube-api-access-")


def without_empty_mounts(pod: Json) -> Json:
    """Return a pod whose containers do not say that they mount nothing."""
    for container in pod["spec"]["containers"]:
        if container.get("volumeMounts") == []:
            del container["volumeMounts"]
    return pod


@pytest.mark.parametrize("case", ASKED)
def test_both_answer_alike(twins: Twins, case: str) -> None:
    """Refusals to the letter, and what a look shows."""
    method, path, body, more = ASKED[case]

    real, ours = twins.ask(method, path, body, **more)

    if path == REVIEWS:
        real[1]["metadata"].pop("managedFields", None)  # nobody reads them of an answer that is not kept
    assert ours == real


@pytest.mark.parametrize("case", CREATED)
def test_both_complete_a_manifest_alike(twins: Twins, case: str) -> None:
    """Defaults, first status and managed fields, told by a dry run."""
    path, spec = CREATED[case]
    manifest = {"metadata": {"name": "made"}} | ({"spec": spec} if spec else {})

    real, ours = twins.ask("POST", path, manifest, dryRun="All")

    assert real[0] == 201
    for _, made in (real, ours):
        if case == "Pod":
            without_empty_mounts(made)
    assert ours == real
