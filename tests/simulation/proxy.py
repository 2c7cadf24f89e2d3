"""A loopback proxy between the reconciler and one real server, that fails, is slow, or lies when told to.

Requests reach the real server unless a fault says otherwise, so an answer that is lost after the write took effect
is just that: the write happened. `Fault.times` bounds each fault.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import urllib3

if TYPE_CHECKING:
    from pathlib import Path

_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "host", "content-encoding"})


@dataclass
class Fault:
    """What goes wrong, and for which requests."""

    method: str
    path: str  # regular expression, searched in path and query
    status: int | None = None  # answer this instead
    body: Any = None  # JSON to answer with (text as it is)
    headers: dict[str, str] = field(default_factory=dict)
    after: bool = False  # the real server takes the request first; only its answer is lost
    delay: float = 0.0  # seconds before anything happens
    lie: Callable[[Any], Any] | None = None  # rewrites the real server's JSON
    times: int = 1_000_000
    hits: int = 0

    def takes(self, method: str, path: str) -> bool:
        """Tell whether this fault strikes a request."""
        return self.hits < self.times and method == self.method and re.search(self.path, path) is not None


class FaultyProxy:
    """One server's evil twin; use as a context manager."""

    def __init__(self, upstream: str, *, authority: Path) -> None:
        self.faults: list[Fault] = []
        self._upstream = upstream.rstrip("/")
        self._pool = urllib3.PoolManager(retries=False, timeout=30.0, maxsize=16, ca_certs=str(authority))
        self._lock = threading.Lock()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self) -> None:
                proxy.handle(self)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - the base class's names

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        """The proxy's own address."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> FaultyProxy:  # noqa: PYI034 - Self comes with 3.11 typing, the class is final in practice
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)
        self._pool.clear()

    def break_with(self, fault: Fault) -> Fault:
        """Let a fault strike from now on."""
        self.faults.append(fault)
        return fault

    def heal(self) -> None:
        """Take all faults away."""
        self.faults.clear()

    def handle(self, request: BaseHTTPRequestHandler) -> None:
        """Answer one request, faultily where a fault strikes."""
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        fault = self._struck(request.command, request.path)
        if fault is not None and fault.delay:
            time.sleep(fault.delay)
        if fault is not None and fault.status is not None and not fault.after:
            self._answer(request, fault.status, _bytes(fault.body), fault.headers)
            return
        answer = self._forward(request, body)
        if fault is not None and fault.status is not None:
            self._answer(request, fault.status, _bytes(fault.body), fault.headers)
        elif fault is not None and fault.lie is not None:
            told = _bytes(fault.lie(json.loads(answer.data)))
            self._answer(request, answer.status, told, {"Content-Type": "application/json"})
        else:
            kept = {k: v for k, v in answer.headers.items() if k.lower() not in _HOP}
            self._answer(request, answer.status, answer.data, kept)

    def _struck(self, method: str, path: str) -> Fault | None:
        with self._lock:
            for fault in self.faults:
                if fault.takes(method, path):
                    fault.hits += 1
                    return fault
        return None

    def _forward(self, request: BaseHTTPRequestHandler, body: bytes) -> urllib3.BaseHTTPResponse:
        headers = {k: v for k, v in request.headers.items() if k.lower() not in _HOP}
        return self._pool.request(
            request.command, f"{self._upstream}{request.path}", body=body or None, headers=headers, redirect=False
        )

    def _answer(self, request: BaseHTTPRequestHandler, status: int, body: bytes, headers: dict[str, str]) -> None:
        try:
            request.send_response(status)
            for name, value in headers.items():
                request.send_header(name, value)
            request.send_header("Content-Length", str(len(body)))
            request.end_headers()
            request.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            request.close_connection = True  # the client gave up waiting, which is what a delay is for


def _bytes(body: Any) -> bytes:  # noqa: ANN401 - JSON of any shape
    if body is None:
        return b""
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()
