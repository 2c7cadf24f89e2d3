"""The HTTP side of every sandbox server: one small threaded server, a request, an answer.

Protects: servers bind to loopback only, an unknown feature is answered by 501 with its name, and a defect of the
sandbox is a 500 that says so, never an answer that could pass for a real one.
"""

from __future__ import annotations

import json
import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

if TYPE_CHECKING:
    import ssl
    from socketserver import BaseRequestHandler

LOOPBACK = "127.0.0.1"
_PARTING = 5.0  # seconds for a request under way, where the server stops


class NotInSandbox(Exception):
    """A feature of the real server that the sandbox does not have; the message names it."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request, read whole."""

    method: str
    path: str  # decoded, without the query
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]  # names in lower case
    body: bytes = b""
    raw_path: str = ""  # as it was sent, query included

    def first(self, name: str, default: str = "") -> str:
        """Return a query parameter's first value."""
        found = self.query.get(name)
        return found[0] if found else default

    def json(self) -> Any:  # noqa: ANN401 - JSON of any shape
        """Return the body as JSON; raises ValueError."""
        return json.loads(self.body) if self.body else None


@dataclass(frozen=True, slots=True)
class Response:
    """One answer: whole, or a stream of chunks that ends when the iterator does."""

    status: int = 200
    body: bytes | Iterator[bytes] = b""
    headers: Mapping[str, str] = field(default_factory=dict)


Handle = Callable[[Request], Response]


def json_response(value: object, status: int = 200, **headers: str) -> Response:
    """Return an answer that holds JSON; underscores in header names stand for dashes."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    body = json.dumps(value, separators=(",", ":")).encode()
    return Response(status, body, {"Content-Type": "application/json", **named})


class Server:
    """Serves one handler on loopback, on a free port or on the one asked for.

    `fault` may answer in the handler's place (return a Response), lose the answer (raise ConnectionAbortedError after
    or before calling the handler), or let the request pass (call it and return what it answers).
    With `secure` it speaks TLS. Raises OSError when the port is taken.
    """

    def __init__(
        self, handle: Handle, *, port: int = 0, name: str = "sandbox", secure: ssl.SSLContext | None = None
    ) -> None:
        self.handle = handle
        self.fault: Callable[[Request, Handle], Response] | None = None
        self.name = name
        self.busy = 0.0  # seconds spent on answers, those of threads side by side added up
        self._scheme = "https" if secure else "http"
        self._http = _Http((LOOPBACK, port), _bound(self))
        if secure:  # hands are shaken in the connection's own thread, at the first read
            self._http.socket = secure.wrap_socket(self._http.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, name=name, daemon=True
        )

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._http.server_address[1])

    @property
    def url(self) -> str:
        """Its address."""
        return f"{self._scheme}://{LOOPBACK}:{self.port}"

    def start(self) -> Self:
        """Serve from now on."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop serving: whoever is still connected is cut off, and no thread outlives a request under way."""
        if self._thread.is_alive():
            self._http.shutdown()
            self._thread.join()
        self._http.server_close()
        self._http.hang_up()

    def answer(self, request: Request) -> Response:
        """Answer one request, with a fault in the way where one is set."""
        began = time.perf_counter()
        try:
            return self.fault(request, self.handle) if self.fault else self.handle(request)
        except ConnectionAbortedError:
            raise
        except NotInSandbox as missing:
            return json_response({"message": f"the sandbox does not implement {missing}", "code": 501}, 501)
        except Exception:  # noqa: BLE001 - a defect must be seen by whoever asked
            trace = traceback.format_exc(limit=-6)
            return json_response({"message": f"a defect of the sandbox's {self.name}: {trace}", "code": 500}, 500)
        finally:
            self.busy += time.perf_counter() - began


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, *given: Any) -> None:  # noqa: ANN401 - the library's signature
        super().__init__(*given)
        self._connected: dict[socket.socket, threading.Thread] = {}
        self._guard = threading.Lock()

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - the library's signature
        """Remember who is connected, so that stopping leaves nobody with a server that is gone."""
        thread = threading.Thread(target=self.process_request_thread, args=(request, client_address), daemon=True)
        with self._guard:
            self._connected[request] = thread
        thread.start()

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401 - the library's signature
        """Forget a connection that ends."""
        with self._guard:
            self._connected.pop(request, None)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """Cut every connection, and wait a moment for its thread."""
        with self._guard:
            connected = dict(self._connected)
        for connection in connected:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in connected.values():
            if thread is not threading.current_thread():
                thread.join(_PARTING)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - the library's signature
        """Say nothing: a client that hangs up is its own affair."""


class _Handler(BaseHTTPRequestHandler):
    server_side: Server
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet; else each answer waits for an acknowledgement
    disable_nagle_algorithm = True

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        request = Request(
            method=self.command,
            path=unquote(parts.path),
            query=parse_qs(parts.query, keep_blank_values=True),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self._read_body(),
            raw_path=self.path,
        )
        try:
            response = self.server_side.answer(request)
        except ConnectionAbortedError:
            self.close_connection = True
            return
        self._send(response)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _serve  # noqa: N815 - the library's names

    def _read_body(self) -> bytes:
        if hasattr(socket, "TCP_QUICKACK"):  # else a client that sends the body after the head waits 40 ms in between
            self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0].strip() or b"0", 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _send(self, response: Response) -> None:
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        if isinstance(response.body, bytes):
            self.send_header("Content-Length", str(len(response.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(response.body)
            self.wfile.flush()
            return
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self._stream(response.body)

    def _stream(self, chunks: Iterator[bytes]) -> None:
        try:
            self.wfile.flush()  # the reader learns at once that the stream began
            for chunk in chunks:
                if chunk:
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
                    self.wfile.flush()
            self.wfile.write(b"0\r\n\r\n")
            self.wfile.flush()
        except OSError:
            self.close_connection = True  # the reader went away

    def log_message(self, *_: object) -> None:
        """Keep the terminal clean."""


def _bound(server: Server) -> Callable[..., BaseRequestHandler]:
    return type("BoundHandler", (_Handler,), {"server_side": server})
