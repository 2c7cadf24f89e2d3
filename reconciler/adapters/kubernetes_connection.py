"""The wire to one Kubernetes API server: raw JSON in and out, every failure mapped to an error of ours.

The only file that names the `kubernetes` client. Answers stay raw (typed models are 15 times slower), every request has
a time limit that covers its whole body, and no text of the server gets into an error uncut.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from reconciler.adapters.kubernetes_errors import error_of, malformed, missing_kind, too_deep
from reconciler.adapters.reasons import in_short
from reconciler.adapters.retries import Transient, with_retries
from reconciler.errors import ConfigurationError, SourceError, foreign_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import timedelta

    from kubernetes.client import ApiClient
    from urllib3 import BaseHTTPResponse

    from reconciler.settings import ClusterSettings

Json = dict[str, Any]

JSON = "application/json"
METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"
FIELD_MANAGER = "reconciler"

_CHUNK = 1 << 18
_GOOD = frozenset({200, 201})
_SHAPE = (TypeError, KeyError, AttributeError)  # what the client raises where a kubeconfig holds something else


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of object as the API serves it."""

    group: str
    version: str
    plural: str
    kind: str

    def __str__(self) -> str:
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def api_version(self) -> str:
        """The `apiVersion` that its manifests carry."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str = "", name: str = "") -> str:
        """Return the path of a collection or of one object."""
        prefix = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        within = f"/namespaces/{quote(namespace, safe='')}" if namespace else ""
        return f"{prefix}{within}/{self.plural}" + (f"/{quote(name, safe='')}" if name else "")


class Connection:
    """Raw calls to one API server. Safe to share between threads."""

    def __init__(self, client: ApiClient, *, timeout: timedelta) -> None:
        self._client = client
        self._timeout = timeout

    @property
    def host(self) -> str:
        """The server's address."""
        return str(self._client.configuration.host)

    def read(self, path: str, doing: str, *, query: Mapping[str, str] | None = None, accept: str = JSON) -> Json:
        """GET a path; `doing` says in errors what was tried, such as `list pods`."""
        return self._call("GET", path, doing, query=query, accept=accept)

    def get(self, resource: Resource, namespace: str, name: str) -> Json:
        """Return one object. Raises Missing when there is none."""
        return self.read(resource.path(namespace, name), f"get {resource} {name}")

    def patch(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        body: Json,
        *,
        content_type: str,
        query: Mapping[str, str] | None = None,
    ) -> Json:
        """Patch one object; the patch must be harmless to repeat, because a lost answer is tried again."""
        return self._call(
            "PATCH",
            resource.path(namespace, name),
            f"patch {resource} {name}",
            query={"fieldManager": FIELD_MANAGER, **(query or {})},
            body=body,
            content_type=content_type,
        )

    def allowed(self, verb: str, resource: Resource, namespace: str) -> bool:
        """Ask the server whether it would let us do this; asking changes nothing."""
        attributes = {"verb": verb, "group": resource.group, "resource": resource.plural, "namespace": namespace}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        }
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        answer = self._call("POST", path, "review our own access", body=review)
        return answer.get("status", {}).get("allowed") is True

    def serves(self, resource: Resource) -> bool:
        """Ask the server whether it has a kind at all; only its own list of groups counts as a no."""
        groups = self.read("/apis", "list API groups")
        if groups.get("kind") != "APIGroupList":
            raise malformed("list API groups")
        if all(group.get("name") != resource.group for group in groups.get("groups") or ()):
            return False
        served = self.read(f"/apis/{resource.group}/{resource.version}", f"find {resource}")
        return any(entry.get("name") == resource.plural for entry in served.get("resources") or ())

    def discover(self, group: str, kind: str) -> Resource:
        """Ask the server under which version and plural it serves a kind. Raises Missing when it does not."""
        version = "v1"
        if group:
            versions = self.read(f"/apis/{quote(group, safe='')}", f"find {kind}")
            version = str((versions.get("preferredVersion") or {}).get("version"))
        served = self.read(Resource(group, version, "", kind).path().rstrip("/"), f"find {kind}")
        for entry in served.get("resources") or ():
            if entry.get("kind") == kind and "/" not in entry.get("name", "/"):
                return Resource(group, version, entry["name"], kind)
        raise missing_kind(group, kind)

    def pages(
        self, resource: Resource, namespace: str = "", *, limit: int = 500, accept: str = JSON
    ) -> Iterator[list[Json]]:
        """Yield a LIST page by page; only one page is ever held.

        Raises Expired when the server forgot the list halfway: what was yielded until then is no whole.
        """
        kind = "PartialObjectMetadataList" if accept == METADATA_ONLY else f"{resource.kind}List"
        query = {"limit": str(limit)}
        while True:
            doing = f"list {resource}" + (f" in {namespace}" if namespace else "")
            page = self.read(resource.path(namespace), doing, query=query, accept=accept)
            # Go writes an empty list as null in places; a body without the key is not a list at all.
            items = page.get("items", ...)
            if page.get("kind") != kind or not isinstance(items, list | None):
                raise malformed(doing)
            yield items or []
            following = (page.get("metadata") or {}).get("continue")
            if not following:
                return
            query["continue"] = following

    def _call(
        self,
        method: str,
        path: str,
        doing: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Json | None = None,
        accept: str = JSON,
        content_type: str = JSON,
    ) -> Json:
        deadline = time.monotonic() + self._timeout.total_seconds()

        def attempt() -> Json:
            headers = {"Accept": accept} | ({"Content-Type": content_type} if body is not None else {})
            request = self._client.param_serialize(
                method=method,
                resource_path=path,
                query_params=list((query or {}).items()),
                header_params=headers,
                body=body,
                auth_settings=["BearerToken"],
            )
            return self._send(request, doing, deadline)

        return with_retries(attempt, limit=self._timeout)

    def _send(self, request: tuple[Any, ...], doing: str, deadline: float) -> Json:
        import urllib3
        from kubernetes.client import ApiException

        try:
            seconds = max(0.05, deadline - time.monotonic())
            response = self._client.call_api(*request, _request_timeout=seconds).response  # type: ignore[misc]
            data = _body(response, deadline)
        except (urllib3.exceptions.TimeoutError, TimeoutError) as error:
            raise SourceError(
                code="kubernetes.timeout",
                message=f"{doing}: no whole answer within {self._timeout.total_seconds():g} s",
                remedy="raise cluster.timeout or look at the API server's load",
            ) from error
        except (urllib3.exceptions.HTTPError, ApiException, OSError) as error:
            # An ApiException's str() holds whole bodies.
            reason = foreign_text(error.reason) if isinstance(error, ApiException) else in_short(error)
            raise Transient(
                code="kubernetes.unreachable",
                message=f"{doing}: no answer from the Kubernetes API: {reason}",
                remedy="check the address in the kubeconfig, the network and that the API server runs",
            ) from error
        return _answer(request[0], doing, response, data)


def connect(settings: ClusterSettings) -> Connection:
    """Build the connection from a kubeconfig, or from the pod's service account; nothing is sent yet."""
    import yaml
    from kubernetes import client, config

    configuration = client.Configuration()
    configuration.retries = False  # ours are in one place, retries.py
    configuration.client_side_validation = False
    path = settings.kubeconfig or os.environ.get("KUBECONFIG")
    try:
        if path:
            config.load_kube_config(  # type: ignore[no-untyped-call]
                config_file=str(Path(path).expanduser()),
                context=settings.context,
                client_configuration=configuration,
                persist_config=False,  # the file is the user's
            )
        else:
            config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
    except (config.ConfigException, yaml.YAMLError, OSError, ValueError, *_SHAPE) as error:
        raise ConfigurationError(
            code="kubernetes.kubeconfig",
            message=f"no way to the cluster in {path or 'the environment'}: {_why(path, error)}",
            remedy="set cluster.kubeconfig or $KUBECONFIG to a readable kubeconfig, or run inside a pod",
        ) from error
    return Connection(client.ApiClient(configuration), timeout=settings.timeout)


def _why(path: str | None, error: Exception) -> str:
    if path and not Path(path).expanduser().exists():
        return "there is no such file"
    return "it has not the shape of a kubeconfig" if isinstance(error, _SHAPE) else foreign_text(error)


def grant(verb: str, resource: Resource) -> str:
    """Return the RBAC rule that allows this, ready for a Role."""
    rule = f'{{apiGroups: ["{resource.group}"], resources: ["{resource.plural}"], verbs: ["{verb}"]}}'
    return f"add to the rules of the role that reconciler is bound to: - {rule}"


def _still_before(deadline: float) -> None:
    if time.monotonic() > deadline:
        raise TimeoutError


def _body(response: BaseHTTPResponse, deadline: float) -> bytes:
    """Read the whole body before the deadline; the client's own limit is between two packets only."""
    parts = []
    try:
        while chunk := response.read1(_CHUNK):
            parts.append(chunk)
            _still_before(deadline)
    except BaseException:
        response.close()  # half read, so not to be used again
        raise
    response.release_conn()
    return b"".join(parts)


def _answer(method: str, doing: str, response: BaseHTTPResponse, data: bytes) -> Json:
    """Return the object in an answer, or raise the error that its status means."""
    try:
        answer = json.loads(data)
    except RecursionError:
        raise too_deep(doing) from None
    except ValueError:
        answer = data.decode(errors="replace")  # of a proxy, or cut off
    if response.status not in _GOOD:
        status = answer if isinstance(answer, dict) else {"message": answer or response.reason}
        raise error_of(method, doing, response.status, status, response.headers.get("Retry-After"))
    if not isinstance(answer, dict):
        raise malformed(doing)
    return answer
