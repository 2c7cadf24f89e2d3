"""JSON over HTTP for servers without a client library of their own: Gitea, Alertmanager.

Protects: a pass never hangs on a server (every request has one deadline for connecting, waiting, reading and
retrying together), never writes twice (only reads are retried), and shows no token (a redirect is reported,
not followed, and server text is scrubbed).

    client = JsonClient("http://alerts:9093", timeout=timedelta(seconds=10), source_name="alertmanager")
    client.get("/api/v2/alerts", {"active": "true"})

Failures are errors of `errors.py`; the HTTP status is in their code, for example `gitea.http_404`.
"""

from __future__ import annotations

import json
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from reconciler.adapters.reasons import in_short
from reconciler.adapters.retries import Transient, is_transient, retry_after, with_retries
from reconciler.errors import Conflict, Refusal, SourceError, Unauthorized, foreign_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import timedelta

    from urllib3 import BaseHTTPResponse

    from reconciler.errors import ReconcilerError

_LARGEST_ANSWER = 64 * 2**20  # bytes; a server that never stops must not take all memory
_CHUNK = 2**16
_MOVED = "the thing has moved: write {name}'s new address or name into the settings"
_REMEDIES = {
    301: _MOVED,
    302: _MOVED,
    307: _MOVED,
    308: _MOVED,
    401: "the token for {name} is missing, wrong or expired: make a new one and put it where the settings say",
    403: "grant the permission to the user or token that {name} is asked with",
    404: "check {name}'s address and names in the settings; a private thing that we may not see is also 404",
}


class JsonClient:
    """One server, its identity headers and its deadline."""

    def __init__(
        self, base_url: str, *, headers: Mapping[str, str] | None = None, timeout: timedelta, source_name: str
    ) -> None:
        """`source_name` begins every error code; tokens belong into the headers, never into the address."""
        from urllib3 import PoolManager

        self._base = base_url.rstrip("/")
        self._timeout = timeout
        self._seconds = timeout.total_seconds()
        self._name = source_name
        self._pool = PoolManager(
            num_pools=2,
            maxsize=4,
            retries=False,
            headers={"Accept": "application/json", "User-Agent": "reconciler", **(headers or {})},
        )

    def get(self, path: str, params: Mapping[str, str | Sequence[str]] | None = None) -> Any:  # noqa: ANN401 - JSON has no narrower type
        """Read; a list as a parameter's value repeats the parameter.

        Raises SourceError, and Unauthorized where the server refuses our identity.
        """
        address = f"{path}?{urlencode(params, doseq=True)}" if params else path
        deadline = time.monotonic() + self._seconds
        return with_retries(lambda: self._exchange("GET", address, None, deadline), limit=self._timeout)

    def send(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON has no narrower type
        """Write, once; None when the answer is empty.

        Raises Unauthorized, Conflict (409, 412), Refusal (400, 405, 413, 422), and SourceError for everything else:
        after that one the write may have happened, so look before writing again.
        """
        return self._exchange(method, path, body, time.monotonic() + self._seconds)

    def _exchange(self, method: str, path: str, body: object, deadline: float) -> Any:  # noqa: ANN401 - as above
        from urllib3.exceptions import HTTPError

        where = f"{method} {path.partition('?')[0]}"
        try:
            response = self._pool.request(
                method,
                self._base + path,
                json=body,
                timeout=max(0.05, deadline - time.monotonic()),
                redirect=False,
                preload_content=False,
            )
            content = self._read(response, where, deadline)
        except (HTTPError, OSError, ValueError) as error:  # ValueError: an address that is none
            raise Transient(
                code=f"{self._name}.unreachable",
                message=f"{self._name} did not answer {where}: {in_short(error)}",
                remedy=f"check the address of {self._name}, that it runs, and that the network lets us reach it",
            ) from error
        if response.status >= HTTPStatus.MULTIPLE_CHOICES:
            raise self._failure(response, where, content)
        return self._parsed(content, where)

    def _read(self, response: BaseHTTPResponse, where: str, deadline: float) -> bytes:
        """Read piece by piece: urllib3's own limit is between two pieces, and a trickle would pass it for ever."""
        content = bytearray()
        try:
            while piece := response.read1(_CHUNK, decode_content=True):
                content += piece
                self._limit(len(content), where, deadline)
        except BaseException:
            response.close()  # half read, so not to be used again
            raise
        response.release_conn()
        return bytes(content)

    def _limit(self, size: int, where: str, deadline: float) -> None:
        if size > _LARGEST_ANSWER:
            raise self._broken(where, f"sent more than {_LARGEST_ANSWER >> 20} MiB")
        if time.monotonic() > deadline:
            raise self._broken(where, f"had not finished after {self._seconds:g} s")

    def _parsed(self, content: bytes, where: str) -> Any:  # noqa: ANN401 - JSON has no narrower type
        try:
            return json.loads(content) if content.strip() else None
        except (ValueError, RecursionError) as error:
            raise self._broken(where, f"answered something that is not JSON: {foreign_text(content[:80])}") from error

    def _broken(self, where: str, what: str) -> SourceError:
        return SourceError(
            code=f"{self._name}.bad_answer",
            message=f"{self._name} {what} ({where})",
            remedy=f"check that the address really is that of {self._name}, and not of a proxy or login page",
        )

    def _failure(self, response: BaseHTTPResponse, where: str, content: bytes) -> ReconcilerError:
        status = response.status
        after = retry_after(response.headers.get("Retry-After"))
        said = _said(content) or foreign_text(response.headers.get("Location") or response.reason)
        given: dict[str, str] = {
            "code": f"{self._name}.http_{status}",
            "message": f"{self._name} answered {status} to {where}: {said}",
            "remedy": _remedy(self._name, status, after),
        }
        if status in {401, 403}:
            return Unauthorized(**given)
        if is_transient(status):
            return Transient(**given, after=after)
        if status in {409, 412}:
            return Conflict(**given)
        if status in {400, 405, 413, 422} and not where.startswith("GET "):
            return Refusal(**given)
        return SourceError(**given)


def _said(content: bytes) -> str:
    """Return the server's own sentence: plain text, a JSON string, or the usual keys of a JSON object."""
    text: object = content[:4096].decode(errors="replace")
    try:
        said = json.loads(content)
    except (ValueError, RecursionError):
        return foreign_text(text)
    if isinstance(said, dict):
        said = said.get("message") or said.get("error") or said
    return foreign_text(said)


def _remedy(name: str, status: int, after: float | None) -> str:
    if is_transient(status):
        return f"nothing to do: the next pass asks again{'' if after is None else f', not before {after:g} s'}"
    if status in _REMEDIES:
        return _REMEDIES[status].format(name=name)
    return f"read what {name} said, and its own log"
