"""From a request to an answer: who asks, is it known, may they, what came of it, and what it cost.

Protects: an address that the sandbox lacks is 501 with its name, and a private repository is 404 to strangers.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from reconciler.sandbox.forge import etags
from reconciler.sandbox.forge.model import Permission, Repository, User
from reconciler.sandbox.forge.refusals import ARCHIVED, Refused, forbidden, not_found
from reconciler.sandbox.forge.rest import (
    apps,
    branches,
    checks,
    collaborators,
    comments,
    commits,
    contents,
    dispatches,
    fields,
    git_data,
    graphql,
    hooks,
    issues,
    labels,
    merges,
    people,
    protection,
    pulls,
    remarks,
    repositories,
    reviews,
    routes,
    rulesets,
    statuses,
)
from reconciler.sandbox.forge.rest.call import Call, Reply
from reconciler.sandbox.wire import NotInSandbox, Response

if TYPE_CHECKING:
    from reconciler.sandbox.forge.limits import Limits
    from reconciler.sandbox.forge.rest.routes import Route
    from reconciler.sandbox.forge.state import State
    from reconciler.sandbox.forge.urls import Urls
    from reconciler.sandbox.wire import Request

ROUTES: tuple[Route, ...] = (
    *people.ROUTES,
    *apps.ROUTES,
    *repositories.ROUTES,
    *collaborators.ROUTES,
    *protection.ROUTES,
    *branches.ROUTES,
    *branches.ONE,
    *git_data.ROUTES,
    *contents.ROUTES,
    *statuses.ROUTES,
    *checks.ROUTES,
    *commits.ROUTES,
    *commits.ONE,
    *merges.ROUTES,
    *reviews.ROUTES,
    *remarks.ROUTES,
    *pulls.ROUTES,
    *comments.ROUTES,
    *labels.ROUTES,
    *issues.ROUTES,
    *rulesets.ROUTES,
    *hooks.ROUTES,
    *dispatches.ROUTES,
)
_BY_ID = re.compile(r"/repositories/(\d+)(/.*)?")
_OPERATION = re.compile(r"(?:query|mutation|subscription)\s+(\w+)")
_ALWAYS = {
    "Content-Type": "application/json; charset=utf-8",
    "X-GitHub-Media-Type": "github.v3; format=json",
    "Cache-Control": "private, max-age=60, s-maxage=60",
    "Vary": "Accept, Authorization",
}


class Rest:
    """Answers the API; its caller holds the lock."""

    def __init__(self, state: State, limits: Limits) -> None:
        self._state = state
        self._limits = limits

    def answer(self, request: Request, path: str, urls: Urls) -> Response:
        """Answer one request; raises NotInSandbox."""
        if path == "/graphql":
            return self._graphql(request)
        route, parts = self._routed(request, self._by_name(path))
        try:
            user = self._authenticated(request, route)
        except Refused as refused:
            return self._refused(refused, None)
        now, costs = self._state.now(), not route.free
        try:
            if costs:
                self._limits.check(user, now, writes=route.writes)
            call = self._called(request, route, parts, user, urls)
            reply = route.handler(call)
        except Refused as refused:
            if costs and refused.headers.get("X-RateLimit-Remaining") != "0" and "Retry-After" not in refused.headers:
                self._limits.count(user, now, writes=False)
            return self._refused(refused, user)
        shown = reply if isinstance(reply, Reply) else Reply(reply, route.status)
        if isinstance(reply, Reply) and reply.status == HTTPStatus.OK:
            shown = replace(reply, status=route.status)
        return self._answered(request, route, shown, user)

    def _graphql(self, request: Request) -> Response:
        """Answer one of the few queries; GraphQL has a limit of its own, which the sandbox does not count."""
        try:
            user = self._authenticated(request)
        except Refused as refused:
            return self._refused(refused, None)
        found = graphql.answer(self._state, user, request.body)
        if found is None:
            raise NotInSandbox(f"GraphQL: {_operation(request)}")
        return Response(200, json.dumps(found, separators=(",", ":")).encode(), dict(_ALWAYS))

    def _authenticated(self, request: Request, route: Route | None = None) -> User | None:
        token = _token(request.headers.get("authorization", ""))
        if route is not None and route.proof:
            if token is None or not apps.is_proof(token):
                raise Refused(401, "A JSON web token could not be decoded")
            return apps.proven(self._state, token)
        if token is None:
            return None
        found, lease = self._state.user_of(token), self._state.leased(token)
        if found is None:
            raise Refused(401, "Bad credentials")
        if lease is not None and route is not None:
            apps.check_scope(lease, route)
        return found

    def _by_name(self, path: str) -> str:
        """Return a path by a repository's id as one by its name."""
        found = _BY_ID.fullmatch(path)
        if found is None:
            return path
        repository = self._state.repositories.get(int(found[1]))
        return f"/repos/{repository.full_name if repository else '-/-'}{found[2] or ''}"

    def _routed(self, request: Request, path: str) -> tuple[Route, dict[str, str]]:
        method = "GET" if request.method == "HEAD" else request.method
        found = routes.find(ROUTES, method, path)
        if found is None:
            raise NotInSandbox(f"{request.method} {path}")
        for name in request.query:
            if name not in found[0].query:
                raise NotInSandbox(f"the parameter {name} of {found[0].name}")
        return found

    def _called(self, request: Request, route: Route, parts: dict[str, str], user: User | None, urls: Urls) -> Call:
        repository = self._repository(request, parts, user, urls) if "repo" in parts else None
        if user is None and (route.writes or (repository is None and not route.open)):
            raise Refused(401, "Requires authentication")
        if repository is not None:
            self._check_rights(route, repository, user)
        given = fields.read(request.body, route.fields, route.name)
        return Call(self._state, self._limits, request, urls, user, parts, given, repository)

    def _repository(self, request: Request, parts: dict[str, str], user: User | None, urls: Urls) -> Repository:
        name = f"{parts['owner']}/{parts['repo']}"
        found, former = self._state.repository(name), self._state.formerly(name)
        lease = self._state.leased(_token(request.headers.get("authorization", "")) or "")
        if lease is not None and found is not None and found.id not in lease.repositories:
            user = None
        if found is not None and self._state.permission(user, found) >= Permission.READ:
            return found
        if found is None and former is not None and self._state.permission(user, former) >= Permission.READ:
            rest = request.raw_path.partition(f"/repos/{name}")[2]
            place = {"Location": urls.api(f"/repositories/{former.id}{rest}")}
            moved = request.method in ("GET", "HEAD")
            raise (
                Refused(301, "Moved Permanently", headers=place)
                if moved
                else Refused(307, "Temporary Redirect", headers=place)
            )
        raise not_found()

    def _check_rights(self, route: Route, repository: Repository, user: User | None) -> None:
        if self._state.permission(user, repository) < route.needs:
            raise forbidden(route.lacking) if route.lacking else not_found()
        if repository.archived and route.writes and not route.archived:
            raise forbidden(ARCHIVED)

    def _answered(self, request: Request, route: Route, reply: Reply, user: User | None) -> Response:
        body, now = _body(reply), self._state.now()
        headers = _ALWAYS | dict(reply.headers)
        if isinstance(reply.value, bytes):
            headers["Content-Type"] = "application/vnd.github.raw; charset=utf-8"
        fresh = True
        if not route.writes and not route.free and reply.status == HTTPStatus.OK:
            headers["ETag"] = etags.etag_of(body, _token(request.headers.get("authorization", "")) or "")
            fresh = not etags.matches(request.headers.get("if-none-match", ""), headers["ETag"])
        if fresh and not route.free:
            self._limits.count(user, now, writes=route.writes)
        headers |= self._limits.headers(user, now)
        return Response(reply.status, body, headers) if fresh else Response(304, b"", headers)

    def _refused(self, refused: Refused, user: User | None) -> Response:
        body = dict(refused.body)
        if "Location" in refused.headers:
            body["url"] = refused.headers["Location"]
        headers = _ALWAYS | self._limits.headers(user, self._state.now()) | refused.headers
        return Response(refused.status, json.dumps(body, separators=(",", ":")).encode(), headers)


def _token(header: str) -> str | None:
    """Return the token of an Authorization header; None where there is none, "" where it makes no sense."""
    kind, _, given = header.partition(" ")
    if not kind:
        return None
    if kind.lower() in ("token", "bearer"):
        return given.strip()
    if kind.lower() != "basic":
        return ""
    try:
        name, _, word = base64.b64decode(given, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return word or name


def _body(reply: Reply) -> bytes:
    if reply.status == HTTPStatus.NO_CONTENT:
        return b""
    if isinstance(reply.value, bytes):
        return reply.value
    return json.dumps(reply.value, separators=(",", ":")).encode()


def _operation(request: Request) -> str:
    """Return the name of a GraphQL operation."""
    try:
        given: Any = request.json()
    except ValueError:
        return "a query that is no JSON"
    asked = given if isinstance(given, dict) else {}
    named = _OPERATION.search(str(asked.get("query", "")))
    return str(asked.get("operationName") or (named[1] if named else "a query without a name"))
