"""A smart-HTTP Git server on loopback: git's own `git http-backend` behind a small CGI wrapper, with scripted faults.

Hooks, locks and messages are git's own; this file only adds what a forge adds: users, and trouble on request.
"""

from __future__ import annotations

import base64
import os
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

from tests.needs import need_program

# Like Gitea's: nothing in their form gives them away as tokens.
USER, TOKEN = "reconciler", "5f8d0b6a2c4e9137f5a1d3c7b9e0426813579bdf"
READER, READER_TOKEN = "reader", "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"

# No configuration of the machine or of its user may reach the tests.
GIT_ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_AUTHOR_NAME": "ana",
    "GIT_AUTHOR_EMAIL": "ana@example.com",
    "GIT_COMMITTER_NAME": "ana",
    "GIT_COMMITTER_EMAIL": "ana@example.com",
}


def git(folder: Path, *arguments: str, stdin: bytes = b"", **environment: str) -> str:
    """Run git in a folder and return what it printed; a failure fails the test with git's own words.

    Every test with git begins here, so one for which there is no git is skipped here.
    """
    need_program("git")
    done = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        input=stdin,
        env=GIT_ENVIRONMENT | environment,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().strip()


@dataclass
class GitServer:
    """Serves the bare repositories below `root`; `faults` maps the end of a request's address to a misdeed."""

    root: Path
    faults: dict[str, Callable[[Handler], None]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    anonymous_read: bool = False
    stopping: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), type("BoundHandler", (Handler,), {"git": self}))
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def url(self, name: str) -> str:
        """Return the address of one repository, without credentials."""
        return f"http://127.0.0.1:{self._http.server_address[1]}/{name}"

    def create(self, name: str, *, default: str = "trunk") -> Path:
        """Make an empty repository and return its folder."""
        git(self.root, "init", "-q", "--bare", "-b", default, name)
        return self.root / name


class Handler(BaseHTTPRequestHandler):
    """One request: who asks, is a fault due, else what git answers."""

    git: GitServer
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet; else each answer waits 40 ms for an acknowledgement

    def do_GET(self) -> None:
        """Serve a listing of references."""
        self._serve()

    def do_POST(self) -> None:
        """Serve a fetch or a push."""
        self._serve()

    def _serve(self) -> None:
        self.body = self._read_body()
        self.git.requests.append(f"{self.command} {self.path.rpartition('/')[2]}")
        for suffix, misdeed in list(self.git.faults.items()):
            if self.path.endswith(suffix):
                misdeed(self)
                return
        serve_normally(self)

    def denied(self) -> int | None:
        """Return 401 for a stranger, 403 for a reader who wants to push."""
        writes = "git-receive-pack" in self.path
        given = self.headers.get("Authorization", "").removeprefix("Basic ")
        if self.git.anonymous_read and not writes and not given:
            return None
        who = base64.b64decode(given).decode()
        if who == f"{READER}:{READER_TOKEN}":
            return 403 if writes else None
        return None if who == f"{USER}:{TOKEN}" else 401

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline().strip() or b"0", 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def from_git(self) -> tuple[int, bytes, dict[str, str]]:
        """Ask git http-backend; return status, body and headers."""
        path, _, query = self.path.partition("?")
        done = subprocess.run(
            ["git", "http-backend"],
            input=self.body,
            capture_output=True,
            check=True,
            env=GIT_ENVIRONMENT
            | {
                "GIT_PROJECT_ROOT": str(self.git.root),
                "GIT_HTTP_EXPORT_ALL": "1",
                "REMOTE_USER": USER,
                "REQUEST_METHOD": self.command,
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "CONTENT_LENGTH": str(len(self.body)),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            },
        )
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        return int(headers.pop("Status", "200").split()[0]), body, headers

    def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        """Send a whole answer."""
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(body))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *_: object) -> None:
        """Keep the test output clean."""


def serve_normally(handler: Handler) -> None:
    """Answer as a forge does: those who may, get git's answer."""
    status = handler.denied()
    if status:
        handler.answer(status, b"no\n", {"WWW-Authenticate": 'Basic realm="git"'} if status == 401 else {})
    else:
        handler.answer(*handler.from_git())


def hang(handler: Handler) -> None:
    """Take the request and never answer."""
    handler.git.stopping.wait()
    handler.close_connection = True


def die_midway(handler: Handler) -> None:
    """Promise the whole answer, send half of it, and hang up."""
    status, body, headers = handler.from_git()
    handler.send_response(status)
    for name, value in (headers | {"Content-Length": str(len(body))}).items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body[: len(body) // 2])
    handler.close_connection = True


def trickle(handler: Handler) -> None:
    """Answer one byte at a time, faster than any limit for a single read."""
    status, body, headers = handler.from_git()
    handler.send_response(status)
    for name, value in (headers | {"Content-Length": str(len(body))}).items():
        handler.send_header(name, value)
    handler.end_headers()
    for byte in body:
        handler.wfile.write(bytes([byte]))
        handler.wfile.flush()
        if handler.git.stopping.wait(0.02):
            break
    handler.close_connection = True


def answers(status: int, body: bytes = b"", **headers: str) -> Callable[[Handler], None]:
    """Answer every such request with this status."""
    return lambda handler: handler.answer(status, body, headers)
