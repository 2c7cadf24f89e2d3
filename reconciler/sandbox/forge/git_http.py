"""Git's smart HTTP on the forge: who comes in, what the branches are, fetches and pushes.

Answers the protocol's first version to every client; newer ones are asked for by a header that a server may ignore.
Protects: a stranger is told 401, a reader who pushes 403, and a private repository's existence is not given away.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.sandbox.forge import git_receive, git_upload, pkt_lines
from reconciler.sandbox.forge.repository import BareRepository
from reconciler.sandbox.wire import NotInSandbox, Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.sandbox.wire import Request

_ADDRESS = re.compile(
    r"/(?P<owner>[\w.-]+)/(?P<name>[\w.-]+?)(\.git)?/(info/refs|(?P<service>git-upload-pack|git-receive-pack))"
)
_SERVICES = ("git-upload-pack", "git-receive-pack")

MayPush = git_receive.MayPush
Pushed = git_receive.Pushed


@dataclass(frozen=True, slots=True)
class Address:
    """What a request wants of Git: a repository, a service of it, and its listing or its work."""

    repository: str  # owner/name
    service: str
    listing: bool

    @property
    def writes(self) -> bool:
        """Whether it is about a push."""
        return self.service == "git-receive-pack"


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What somebody may do with a repository; `may_push` gives the reason against moving a reference."""

    repository: BareRepository
    reads: bool
    writes: bool
    may_push: MayPush
    pushed: Pushed
    refusal: str = ""  # why nothing may be pushed, else the usual sentence


def address_of(request: Request) -> Address | None:
    """Read a request's address, None when it is not Git's; raises NotInSandbox for the protocol without a service."""
    found = _ADDRESS.fullmatch(request.path)
    if found is None:
        return None
    service = found["service"] or request.first("service")
    if service not in _SERVICES:
        raise NotInSandbox(f"Git over HTTP without a service, or the service {service!r}")
    return Address(f"{found['owner']}/{found['name']}", service, found["service"] is None)


def token_of(request: Request) -> str | None:
    """Return the password of a request's Basic credentials, which is a token; any user name goes with it."""
    kind, _, given = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return given
    if kind.lower() != "basic":
        return None
    try:
        return base64.b64decode(given, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def answer(
    request: Request,
    *,
    authenticate: Callable[[str], str | None],
    find: Callable[[str, str | None], Access | None],
) -> Response | None:
    """Serve Git's addresses, and None for any other.

    `authenticate` tells whose token it is, `find` what that user (None: a stranger) may do with a repository.
    """
    wanted = address_of(request)
    if wanted is None:
        return None
    token = token_of(request)
    user = None if token is None else authenticate(token)
    if token is not None and user is None:
        return _unauthorized("Invalid username or token. Password authentication is not supported for Git operations.")
    access = find(wanted.repository, user)
    if user is None and (access is None or not access.reads or wanted.writes):
        return _unauthorized("No anonymous write access." if wanted.writes else "Repository not found.")
    if access is None or not access.reads:
        return _plain(404, "Repository not found.")
    if wanted.writes and not access.writes:
        return _plain(403, access.refusal or f"Permission to {wanted.repository}.git denied to {user}.")
    return serve(request, access.repository, may_push=access.may_push, pushed=access.pushed)


def serve(request: Request, repository: BareRepository, *, may_push: MayPush, pushed: Pushed) -> Response:
    """Serve one request to a repository, for somebody who may do what the address says."""
    wanted = address_of(request)
    if wanted is None:
        raise NotInSandbox(f"{request.path} of Git over HTTP")
    if wanted.listing:
        listed = git_receive.listing(repository) if wanted.writes else git_upload.listing(repository)
        return _git(
            f"{wanted.service}-advertisement", pkt_lines.line(f"# service={wanted.service}\n") + pkt_lines.END + listed
        )
    if request.method != "POST" or request.headers.get("content-type") != f"application/x-{wanted.service}-request":
        return _plain(415, "Unsupported Media Type")
    try:
        body = _body(request)
    except (OSError, EOFError, zlib.error):
        return _plain(400, "the body is not what its Content-Encoding says")
    if wanted.writes:
        answered = git_receive.receive(repository, body, may_push=may_push, pushed=pushed)
    else:
        answered = git_upload.upload(repository, body)
    return _git(f"{wanted.service}-result", answered)


def _body(request: Request) -> bytes:
    encoding = request.headers.get("content-encoding", "identity")
    if encoding in ("gzip", "x-gzip"):
        return gzip.decompress(request.body)
    if encoding != "identity":
        raise NotInSandbox(f"Git requests in the encoding {encoding}")
    return request.body


def _git(kind: str, body: bytes) -> Response:
    return Response(200, body, {"Content-Type": f"application/x-{kind}", "Cache-Control": "no-cache"})


def _unauthorized(text: str) -> Response:
    return _plain(401, text, {"WWW-Authenticate": 'Basic realm="GitHub"'})


def _plain(status: int, text: str, headers: dict[str, str] | None = None) -> Response:
    return Response(status, f"{text}\n".encode(), {"Content-Type": "text/plain; charset=utf-8", **(headers or {})})
