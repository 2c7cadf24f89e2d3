"""What stands in front of a GitHub server: it records every exchange, and mends two mistakes of the one by others.

That server accepts a second pull request for the same head, where GitHub answers 422; and it denies that a pull request
is an issue too, which on GitHub is how one learns who closed it.
"""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Self
from urllib.parse import urlencode, urlsplit

import urllib3

from tests.testbed.processes import LOOPBACK

if TYPE_CHECKING:
    from tests.testbed.github_queries import Queries

PERSON = "X-Person"  # a request with this header is made by the test itself: not checked, not recorded

_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "host", "accept-encoding"})


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request, its answer's status, and where either breaks GitHub's description."""

    method: str
    path: str
    status: int
    request_violations: tuple[str, ...]
    response_violations: tuple[str, ...]


class Front:
    """A relay on loopback; without `mending`, a faithful one that records what people do too."""

    def __init__(self, *, mending: bool = True) -> None:
        self._mending = mending
        self.exchanges: list[Exchange] = []
        self.server = self.checker = ""  # where to relay to
        self.operations: list[tuple[str, str]] = []  # method and path template, as described
        self.queries: Queries | None = None
        self.users: dict[str, str] = {}  # by token
        self._closers: dict[str, str] = {}  # by path of the pull request
        self._pool = urllib3.PoolManager(retries=False, timeout=30.0, maxsize=8)
        self._opening = threading.Lock()  # so that of two openings at once, one is first
        self._server = ThreadingHTTPServer((LOOPBACK, 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{LOOPBACK}:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._pool.clear()

    def relay(self, method: str, target: str, headers: dict[str, str], body: bytes) -> urllib3.BaseHTTPResponse:
        """Pass a request on, and the answer back."""
        if not self._mending:
            return self._checked(method, target, headers, body)
        path = urlsplit(target).path
        if method == "PATCH" and json.loads(body).get("state") == "closed":
            self._closers[path] = self.users[headers["Authorization"].split()[-1]]
        if PERSON in headers:
            return self._pool.request(method, self.server + target, body=body or None, headers=headers)
        if method == "GET" and re.fullmatch(r"/repos/[^/]+/[^/]+/issues/\d+", path):
            return self._issue(path, headers)
        if method == "POST" and re.fullmatch(r"/repos/[^/]+/[^/]+/pulls", path):
            with self._opening:
                return self._duplicate(path, headers, body) or self._checked(method, target, headers, body)
        return self._checked(method, target, headers, body)

    def _checked(self, method: str, target: str, headers: dict[str, str], body: bytes) -> urllib3.BaseHTTPResponse:
        # The checker breaks on the empty body of a 304, so it sees the whole answer, and we tell whether it is news.
        known = next((value for name, value in headers.items() if name.lower() == "if-none-match"), None)
        asked = {name: value for name, value in headers.items() if name.lower() != "if-none-match"}
        response = self._pool.request(method, self.checker + target, body=body or None, headers=asked)
        path = urlsplit(target).path
        if path == "/graphql" and self.queries is not None:  # which the description of the rest knows nothing of
            self.exchanges.append(
                Exchange(method, path, response.status, *self.queries.violations(body, response.data))
            )
            return response
        found = json.loads(response.headers.get("sl-violations", "[]"))
        texts = [(violation["location"][0], f"{violation['location']} {violation['message']}") for violation in found]
        # What the description does not know, the checker lets pass in silence.
        unknown = () if self._is_described(method, path) else (f"{method} {path} is not in the description",)
        self.exchanges.append(
            Exchange(
                method,
                path,
                response.status,
                tuple(text for where, text in texts if where == "request") + unknown,
                tuple(text for where, text in texts if where != "request"),
            )
        )
        if known is not None and response.headers.get("etag") == known:
            return urllib3.HTTPResponse(b"", response.headers, 304, preload_content=True)
        return response

    def _is_described(self, method: str, path: str) -> bool:
        return any(
            verb == method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path)
            for verb, template in self.operations
        )

    def _issue(self, path: str, headers: dict[str, str]) -> urllib3.BaseHTTPResponse:
        """Answer with the pull request as an issue, and who closed it."""
        self.exchanges.append(Exchange("GET", path, 200, (), ()))
        pull_path = path.replace("/issues/", "/pulls/")
        issue = self._pool.request("GET", self.server + pull_path, headers=headers).json()
        closer = self._closers.get(pull_path)
        return _answer(200, issue | {"closed_by": {"login": closer} if closer else None})

    def _duplicate(self, path: str, headers: dict[str, str], body: bytes) -> urllib3.BaseHTTPResponse | None:
        """Answer as GitHub does if there is an open pull request for the same head and base."""
        asked = json.loads(body)
        head = asked["head"] if ":" in asked["head"] else f"{path.split('/')[2]}:{asked['head']}"
        query = urlencode({"state": "open", "head": head, "base": asked["base"]})
        if not self._pool.request("GET", f"{self.server}{path}?{query}", headers=headers).json():
            return None
        message = f"A pull request already exists for {head}."
        error = {"resource": "PullRequest", "code": "custom", "message": message}
        return _answer(422, {"message": "Validation Failed", "errors": [error], "status": "422"})


def _answer(status: int, body: object) -> urllib3.BaseHTTPResponse:
    headers = {"Content-Type": "application/json; charset=utf-8"}
    return urllib3.HTTPResponse(json.dumps(body).encode(), headers, status, preload_content=True)


def _handler(front: Front) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP}
            response = front.relay(self.command, self.path, headers, body)
            self.send_response(response.status)
            for name, value in response.headers.items():
                if name.lower() not in _HOP_BY_HOP:
                    self.send_header(name, value)
            content = response.data or b""  # a 304 has none
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
            del format, args

    for method in ("GET", "POST", "PATCH", "PUT", "DELETE"):
        setattr(Handler, f"do_{method}", Handler.do_any)
    return Handler
