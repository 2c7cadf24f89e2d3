"""A scripted HTTP server on loopback: a test says what each path answers, and sees what was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

Json = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """What a client sent."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True)
class Answer:
    """What the server says; `silent` says nothing until the test is over, `cut` claims more bytes than it sends."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    silent: bool = False
    cut: bool = False
    trickle: bool = False  # a byte now and then


Script = Answer | Callable[[Request], Answer]


class Wire:
    """The server; `script` maps `METHOD /path` to an answer, a list of answers (the last one stays), or a function."""

    def __init__(self, script: dict[str, Script | list[Answer]] | None = None) -> None:
        self.script = dict(script or {})
        self.requests: list[Request] = []
        self._lock = threading.Lock()
        self.over = threading.Event()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        """The server's address."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def asked(self, method: str, path: str = "") -> list[Request]:
        """Return the requests of a method, to one path if given, in order."""
        return [r for r in self.requests if r.method == method and path in ("", r.path)]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, request: Request) -> Answer:
        """Record a request and look up its answer; what is not scripted is 404."""
        with self._lock:
            self.requests.append(request)
            scripted = self.script.get(f"{request.method} {request.path}", Answer("404 page not found", 404))
            if isinstance(scripted, list):
                return scripted.pop(0) if len(scripted) > 1 else scripted[0]
        return scripted if isinstance(scripted, Answer) else scripted(request)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, wire: Wire) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.wire = wire


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def handle_one_request(self) -> None:
        """Serve one request; a client that has gone is no error of the test."""
        try:
            super().handle_one_request()
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        sent = self.rfile.read(length)
        parts = urlsplit(self.path)
        query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        body = json.loads(sent) if sent else None
        answer = self.server.wire.answer(Request(self.command, parts.path, query, dict(self.headers), body))
        if answer.silent:
            self.server.wire.over.wait(30)
            self.close_connection = True
            return
        self._send(answer)

    do_GET = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815 - the base class calls them so

    def _send(self, answer: Answer) -> None:
        data = answer.body.encode() if isinstance(answer.body, str) else json.dumps(answer.body).encode()
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data) + (100 if answer.cut else 0)))
        self.end_headers()
        for piece in (bytes([byte]) for byte in data) if answer.trickle else (data,):
            self.wfile.write(piece)
            self.wfile.flush()
            if answer.trickle and self.server.wire.over.wait(0.05):
                break
        self.close_connection = self.close_connection or answer.cut

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        """Say nothing."""
