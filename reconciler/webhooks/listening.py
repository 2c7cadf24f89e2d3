"""The listener: a socket, one thread, one exchange a connection, and limits for whoever is slow, many or large.

Protects: a client can cost us a connection's memory for a few seconds, never a thread and never the loop.
It knows nothing of webhooks: what is answered is a `Service`'s to say.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import threading
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol, Self

from reconciler.errors import ConfigurationError
from reconciler.webhooks.wire import Answer, Head, parse_head

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter

_LOG = logging.getLogger(__name__)
_END = b"\r\n\r\n"
_CHUNK = 65_536
_CROWDED = Answer(HTTPStatus.SERVICE_UNAVAILABLE, "too many at once", {"Retry-After": "5"})


class Service(Protocol):
    """What answers; called in the listener's thread, and quick."""

    def admit(self, head: Head) -> Answer | None:
        """Answer before the body is read, or return None: then Content-Length is a number that may be read."""
        ...

    def answer(self, head: Head, body: bytes) -> Answer:
        """Answer a whole request."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a client may cost."""

    connections: int = 64  # at once; the next one is told to come back
    head_bytes: int = 16_384
    exchange: float = 5.0  # seconds from connecting to the answer; GitHub gives us ten
    lingering: float = 1.0  # seconds for what a client still sends after it was refused


class Listener:
    """Serves from `start` to `stop`; use as a context manager.

    Raises ConfigurationError, when it is made, where the address cannot be listened on.
    """

    def __init__(self, service: Service, address: str, limits: Limits | None = None) -> None:
        self._service = service
        self._limits = limits or Limits()
        self._socket = bound(address)
        self._socket.settimeout(0)
        self._exchanges: set[asyncio.Task[None]] = set()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        host, port = self._socket.getsockname()[:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        """Listen no more; an exchange under way is cut off, and its sender will tell us again."""
        with contextlib.suppress(RuntimeError):  # the loop has ended by itself
            self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()
        self._socket.close()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        self._open()
        self._ready.set()
        await self._stopping.wait()
        self._loop.remove_reader(self._socket)
        await asyncio.sleep(0)  # every exchange has begun after this turn of the loop, and so closes its connection
        for task in self._exchanges:
            task.cancel()
        await asyncio.gather(*self._exchanges, return_exceptions=True)

    def _open(self) -> None:
        self._loop.add_reader(self._socket, self._let_in)

    def _let_in(self) -> None:
        """Begin an exchange with whoever knocks, or say that there are too many."""
        try:
            connection, _ = self._socket.accept()
        except (BlockingIOError, ConnectionError):  # gone again
            return
        except OSError:  # this process holds too many files: look again when some may be closed
            self._loop.remove_reader(self._socket)
            self._loop.call_later(self._limits.lingering, self._open)
            return
        connection.settimeout(0)
        if len(self._exchanges) >= self._limits.connections:
            with contextlib.closing(connection), contextlib.suppress(OSError):
                connection.send(_CROWDED.encoded())
            return
        task = self._loop.create_task(self._serve_one(connection))
        self._exchanges.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._exchanges.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, (OSError, EOFError)):  # those say that the client went away
            _LOG.error("a connection failed; this is a defect of reconciler", exc_info=error)

    async def _serve_one(self, connection: socket.socket) -> None:
        """Serve one connection and close it, whatever happens."""
        writer: StreamWriter | None = None
        try:
            reader, writer = await asyncio.open_connection(sock=connection, limit=self._limits.head_bytes)
            await self._exchange(reader, writer)
        finally:
            (connection if writer is None else writer).close()

    async def _exchange(self, reader: StreamReader, writer: StreamWriter) -> None:
        method = ""
        try:
            async with asyncio.timeout(self._limits.exchange):
                answer, method, is_read = await self._answered(reader)
        except TimeoutError:
            answer, is_read = Answer(HTTPStatus.REQUEST_TIMEOUT, "too slow"), True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._limits.lingering):
                await _say(writer, answer, body=method != "HEAD")
                if not is_read:  # closing over unread bytes would take the answer away from whoever still sends
                    await _drop(reader)

    async def _answered(self, reader: StreamReader) -> tuple[Answer, str, bool]:
        """Read one request; return the answer, the method, and whether everything was read."""
        try:
            raw = await reader.readuntil(_END)
        except asyncio.LimitOverrunError:
            return Answer(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "too much before the body"), "", False
        head = parse_head(raw)
        if isinstance(head, Answer):
            return head, "", False
        try:
            refusal = self._service.admit(head)
            if refusal is not None:
                return refusal, head.method, False
            body = await reader.readexactly(int(head.one("content-length") or 0))
            return self._service.answer(head, body), head.method, True
        except (OSError, EOFError):
            raise
        except Exception:  # noqa: BLE001 - the listener lives on whatever an answer meets
            _LOG.exception("a request was not answered; this is a defect of reconciler")
            return Answer(HTTPStatus.INTERNAL_SERVER_ERROR, "this is a defect of reconciler"), head.method, False


def split(address: str) -> tuple[str, int]:
    """Return host and port of `host:port`, an IPv6 host in brackets."""
    host, _, port = address.rpartition(":")
    return host.removeprefix("[").removesuffix("]"), int(port)


def bound(address: str) -> socket.socket:
    """Return a socket that holds the address; raises ConfigurationError where it cannot."""
    host, port = split(address)
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise ConfigurationError(
            code="webhooks.listen",
            message=f"cannot listen on {address}: {_why(error)}",
            remedy=f"stop what listens there (`ss -ltnp 'sport = :{port}'` names it), or set another webhooks.listen",
        ) from error


def _why(error: OSError) -> str:
    """Return the system's own words: Python's repeat the address."""
    if error.errno is None or isinstance(error, socket.gaierror):  # a name that nobody knows has numbers of its own
        return str(error.strerror).lower()
    return os.strerror(error.errno).lower()


async def _say(writer: StreamWriter, answer: Answer, *, body: bool = True) -> None:
    with contextlib.suppress(OSError):
        writer.write(answer.encoded(body=body))
        await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()


async def _drop(reader: StreamReader) -> None:
    while await reader.read(_CHUNK):
        pass
