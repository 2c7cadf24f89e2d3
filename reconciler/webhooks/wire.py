"""HTTP as values: the head of a request, and an answer; no sockets here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from io import BytesIO
from urllib.parse import urlsplit

MARK = "reconciler"  # our name in the header `Server`


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said to a client: a status and one line for people."""

    status: HTTPStatus
    text: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def encoded(self, *, body: bool = True) -> bytes:
        """Return the bytes to send; a connection carries one exchange. Without `body` for HEAD."""
        content = f"{self.text}\n".encode()
        headers = {
            "Server": MARK,
            "Content-Type": "text/plain; charset=utf-8",
            "Content-Length": str(len(content)),
            "Connection": "close",
            **self.headers,
        }
        lines = [f"HTTP/1.1 {self.status.value} {self.status.phrase}", *(f"{k}: {v}" for k, v in headers.items())]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + (content if body else b"")


@dataclass(frozen=True, slots=True)
class Head:
    """Request line and headers; names of headers in lower case."""

    method: str
    path: str  # without the query
    headers: Mapping[str, tuple[str, ...]] = field(repr=False)  # a client may send what is secret

    def one(self, name: str) -> str | None:
        """Return a header that was sent exactly once, without surrounding blanks; else None: two are a riddle."""
        found = self.headers.get(name, ())
        return found[0].strip() if len(found) == 1 else None


def parse_head(raw: bytes) -> Head | Answer:
    """Read everything up to the empty line, or return the answer to what cannot be read."""
    parser = _Parser(raw)
    if not parser.understood:
        return Answer(parser.error, "this is no HTTP request that can be read")
    headers: dict[str, tuple[str, ...]] = {}
    for name, value in parser.headers.items():
        headers[name.lower()] = (*headers.get(name.lower(), ()), value)
    try:
        path = urlsplit(parser.path).path
    except ValueError:  # such as //[
        return Answer(HTTPStatus.BAD_REQUEST, "this is no path")
    return Head(parser.command, path, headers)


class _Parser(BaseHTTPRequestHandler):
    """The standard library's parser of heads, over bytes that are here already."""

    def __init__(self, raw: bytes) -> None:  # the library's own would want a socket
        self.rfile = BytesIO(raw)
        self.raw_requestline = self.rfile.readline()
        self.error = HTTPStatus.BAD_REQUEST
        self.understood = self.parse_request()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """Keep the status that the library chose."""
        self.error = HTTPStatus(code)

    def handle_expect_100(self) -> bool:
        """Let the client send its body when it is tired of waiting: nothing is said in between."""
        return True
