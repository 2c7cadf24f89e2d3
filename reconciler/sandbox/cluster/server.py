"""The HTTP API: who asks, whether they may, and which part answers.

Protects: state is read and changed under the sandbox's one lock; streams are read outside it; whatever is not here is
refused by name, and nothing is answered before the caller's rights are known.
"""

from __future__ import annotations

import base64
import threading
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.sandbox.cluster import access, discovery, eviction, log, removals, reviews, writes
from reconciler.sandbox.cluster.access import AUTHENTICATED, MASTERS, Attributes, User
from reconciler.sandbox.cluster.asks import Ask, parsed
from reconciler.sandbox.cluster.errors import ApiError, PageNotFound, method_not_allowed, not_found, path_not_found
from reconciler.sandbox.cluster.lists import listed
from reconciler.sandbox.cluster.routes import route
from reconciler.sandbox.cluster.selectors import named
from reconciler.sandbox.cluster.store import Store
from reconciler.sandbox.cluster.values import copied
from reconciler.sandbox.cluster.watch import watched
from reconciler.sandbox.wire import NotInSandbox, Response, json_response

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from reconciler.sandbox.clock import SandboxClock
    from reconciler.sandbox.cluster.routes import Route
    from reconciler.sandbox.cluster.values import Json
    from reconciler.sandbox.wire import Request

_HERE = Path(__file__).parent
_USERS = {"admin": (MASTERS, AUTHENTICATED), "reconciler": (AUTHENTICATED,), "readonly": (AUTHENTICATED,)}
_WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})
# Parts of the real API that the sandbox knows by name only.
_NOT_HERE = frozenset(
    {"attach", "binding", "ephemeralcontainers", "exec", "portforward", "proxy", "resize", "token", "approval"}
)


_PROTOBUF = b"k8s\0"  # how the API machinery's own encoding begins


class Cluster:
    """A Kubernetes API server over a store, with three users.

    `on_write` is called after each request that changed something, with the lock held.
    """

    def __init__(self, clock: SandboxClock, *, ids: random.Random, on_write: Callable[[], None] = lambda: None) -> None:
        self.store = Store(clock, ids)
        self.tokens: dict[str, str] = {}  # by user
        self._users: dict[str, User] = {}  # by token
        self._clock = clock
        self._ids = ids
        self._on_write = on_write
        self._stopped = threading.Event()
        for manifest in _manifests():
            self.store.create(copied(manifest), manager="kube-apiserver")
        for name, groups in _USERS.items():
            self.add_user(name, groups)

    def add_user(self, name: str, groups: tuple[str, ...] = (AUTHENTICATED,)) -> str:
        """Let somebody else in, with the rights that bindings give them, and return their token."""
        token = f"{self._ids.getrandbits(128):032x}"
        self.tokens[name] = token
        self._users[token] = User(name, groups)
        return token

    def kubeconfig(self, user: str, server: str, authority: Path) -> Json:
        """Return a kubeconfig for a user, a server's address and the file of its authority."""
        authority_data = base64.b64encode(authority.read_bytes()).decode()
        cluster = {"server": server, "certificate-authority-data": authority_data}
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "sandbox", "cluster": cluster}],
            "users": [{"name": user, "user": {"token": self.tokens[user]}}],
            "contexts": [{"name": user, "context": {"cluster": "sandbox", "user": user}}],
            "current-context": user,
        }

    def stop(self) -> None:
        """End all watches."""
        self._stopped.set()
        with self.store.news:
            self.store.news.notify_all()

    def handle(self, request: Request) -> Response:
        """Answer one request. Raises NotInSandbox."""
        with self._clock.lock:
            before = self.store.revision
            try:
                response = self._answer(request)
            except ApiError as error:
                response = error.as_response()
            if self.store.revision != before:
                self._on_write()
            return response

    def _answer(self, request: Request) -> Response:
        user = access.authenticate(request.headers, self._users)
        if any(name.startswith("impersonate-") for name in request.headers):
            raise NotInSandbox("impersonation")
        asked = route(request)
        if asked is None:
            return self._page(user, request)
        if asked.plural == "watch":
            raise NotInSandbox("the deprecated /watch/ paths")
        kind = self.store.kinds.at(asked.group, asked.version, asked.plural)
        selected = named(kind, request.first("fieldSelector")) if kind and not asked.name else ""
        access.authorize(self.store, user, access.wanted(asked, selected))
        if asked.group == discovery.REVIEW_GROUP:
            if request.body.startswith(_PROTOBUF):
                raise NotInSandbox("bodies in protobuf (kubectl auth can-i sends them)")
            return reviews.review(self.store, asked, user, parsed(request.body or b"{}"))
        if kind is None:
            raise path_not_found() if self.store.kinds.serves(asked.group) else PageNotFound
        _check_scope(asked, namespaced=kind.namespaced)
        ask = Ask(store=self.store, kind=kind, route=asked, request=request)
        if asked.verb in _WRITES:
            ask.check_options()
        if asked.subresource:
            return _part(ask)
        return self._object(ask) if asked.name else self._collection(ask)

    def _page(self, user: User, request: Request) -> Response:
        verb = {"HEAD": "get"}.get(request.method, request.method.lower())
        access.authorize(self.store, user, Attributes(verb=verb, path=request.path))
        if verb != "get":
            raise method_not_allowed()
        return discovery.page(self.store.kinds, request)

    def _collection(self, ask: Ask) -> Response:
        match ask.route.verb:
            case "list":
                return listed(ask.store, ask.kind, ask.namespace, ask.request)
            case "watch":
                return watched(ask.store, ask.kind, ask.namespace, ask.request, self._stopped.is_set)
            case "create":
                return writes.create(ask)
            case "deletecollection" if ask.kind.name != "Namespace":
                return removals.delete_all(ask)
        raise method_not_allowed()

    def _object(self, ask: Ask) -> Response:
        match ask.route.verb:
            case "get":
                return _get(ask)
            case "update":
                return writes.replace(ask)
            case "patch":
                return writes.patch(ask)
            case "delete":
                return removals.delete(ask)
        raise method_not_allowed()


def _get(ask: Ask) -> Response:
    stored = ask.store.shelf(ask.kind.name).get((ask.namespace, ask.name))
    if stored is None:
        raise not_found(ask.kind.resource, ask.name)
    return Response(200, ask.form.one(stored), {"Content-Type": "application/json"})


def _part(ask: Ask) -> Response:
    """Answer a request to a subresource."""
    part = ask.route.subresource
    if part.partition("/")[0] in _NOT_HERE:
        raise NotInSandbox(f"{ask.kind.plural}/{part}")
    if part not in ask.kind.subresources:
        raise path_not_found()
    match part, ask.route.verb:
        case "status", "get":
            return _get(ask)
        case ("status", "update") | ("finalize", "update"):
            return writes.replace(ask)
        case "status", "patch":
            return writes.patch(ask)
        case "scale", "get":
            return writes.read_scale(ask)
        case "scale", ("update" | "patch"):
            return writes.write_scale(ask)
        case "eviction", "create":
            body = parsed(ask.request.body)
            return json_response(eviction.evict(ask.store, ask.namespace, ask.name, body, dry_run=ask.dry_run), 201)
        case "log", "get":
            text = log.read(ask.store, ask.namespace, ask.name, ask.request.query)
            return Response(200, text, {"Content-Type": "text/plain"})
    raise method_not_allowed()


def _check_scope(asked: Route, *, namespaced: bool) -> None:
    """Refuse paths that the real server does not have: a node in a namespace, a pod in none."""
    if namespaced and not asked.namespace:
        if asked.name:
            raise path_not_found()
        if asked.verb in _WRITES:
            raise method_not_allowed()
    if not namespaced and asked.namespace and asked.plural != "namespaces":
        raise path_not_found()


@cache
def _manifests() -> tuple[Json, ...]:
    """Return the roles and bindings that a cluster has, and those of the reconciler's installation."""
    import yaml

    texts = [(_HERE / name).read_text() for name in ("bootstrap.yaml", "access.yaml")]
    return tuple(document for text in texts for document in yaml.safe_load_all(text))
