"""The listener on a real socket: quick answers, and limits for whoever is slow, many or large."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING

import pytest

from reconciler.errors import ConfigurationError
from reconciler.webhooks.examining import Doorbell
from reconciler.webhooks.listening import Limits, Listener, bound, split
from reconciler.webhooks.wire import Answer, Head, parse_head
from tests.adapters.wire import Wire
from tests.webhooks.messages import LIMIT, SECRET, Door, message, raw

if TYPE_CHECKING:
    from collections.abc import Iterator

ANY = "127.0.0.1:0"
SHORT = Limits(exchange=0.2, lingering=0.2, connections=4, head_bytes=4096)
_PATIENCE = 10.0


@pytest.fixture
def door() -> Door:
    """Return what the listener answers with."""
    return Door()


@pytest.fixture
def listener(door: Door) -> Iterator[Listener]:
    """Listen, with short limits."""
    with Listener(door.receiver, ANY, SHORT) as listening:
        yield listening


def connect(listener: Listener) -> socket.socket:
    """Return a connection to it."""
    return socket.create_connection(split(listener.url.removeprefix("http://")), _PATIENCE)


def heard(connection: socket.socket) -> str:
    """Return everything that is answered until the connection ends."""
    text = b""
    while more := connection.recv(65_536):
        text += more
    return text.decode()


def say(listener: Listener, what: bytes) -> str:
    """Send bytes on a connection of their own, and return what is answered."""
    with closing(connect(listener)) as connection:
        connection.sendall(what)
        return heard(connection)


def test_a_message_is_answered_at_once_and_rings(listener: Listener, door: Door) -> None:
    """One exchange, then the connection is closed."""
    answer = say(listener, raw(*message()))

    assert answer.startswith("HTTP/1.1 202 Accepted\r\nServer: reconciler\r\n")
    assert "\r\nConnection: close\r\n" in answer
    assert answer.endswith("\r\n\r\na pass will look\n")
    assert door.rings == ["push"]


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "404"),
        (b"GET /webhooks?x=1 HTTP/1.1\r\n\r\n", "405"),
        (b"\x16\x03\x01\x02\r\n\r\n", "400"),
        (b"\r\n\r\n", "400"),
        (b"GET /webhooks HTTP/9.9\r\n\r\n", "505"),
        (b"GET //[ HTTP/1.1\r\n\r\n", "404"),
        (b"GET http://[ HTTP/1.1\r\n\r\n", "400"),
        (b"POST /webhooks HTTP/1.1\r\n" + b"X-Long: " + b"x" * 8000 + b"\r\n\r\n", "431"),
        (b"POST /webhooks HTTP/1.1\r\n" + b"a: b\r\n" * 500 + b"\r\n", "431"),
        (b"POST /webhooks HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "411"),
        (b"POST /webhooks HTTP/1.1\r\nContent-Length: 7\r\nExpect: 100-continue\r\n\r\n{}", "415"),
    ],
)
def test_what_is_no_message_is_answered_and_the_listener_lives_on(
    listener: Listener, request_bytes: bytes, status: str
) -> None:
    """Strangers, scanners and TLS on the wrong port."""
    assert say(listener, request_bytes).split()[1] == status
    assert " 202 " in say(listener, raw(*message()))


def test_head_is_answered_without_a_body(listener: Listener) -> None:
    """As HTTP has it."""
    assert say(listener, b"HEAD /webhooks HTTP/1.1\r\n\r\n").endswith("\r\n\r\n")


def test_a_large_message_is_refused_before_it_is_read(listener: Listener) -> None:
    """And the answer arrives, although the client is still sending."""
    headers, _ = message()
    large = b"x" * (LIMIT * 20)

    assert " 413 " in say(listener, raw(headers | {"content-length": str(len(large))}, large))


@pytest.mark.parametrize("sent", [b"", b"POST /webh", b"POST /webhooks HTTP/1.1\r\n", raw(*message())[:-1]])
def test_a_slow_client_is_cut_off(listener: Listener, sent: bytes) -> None:
    """Before the head, within it, or within the body: the whole exchange has one deadline."""
    began = time.monotonic()

    assert say(listener, sent).startswith("HTTP/1.1 408 ")
    assert time.monotonic() - began < 2.0


def test_a_client_that_trickles_is_cut_off_all_the_same(listener: Listener) -> None:
    """A byte now and then does not buy more time."""
    with closing(connect(listener)) as connection:
        began = time.monotonic()
        with suppress(BrokenPipeError, ConnectionResetError):
            while time.monotonic() - began < _PATIENCE:
                connection.sendall(b"x")
                time.sleep(0.02)

    assert time.monotonic() - began < 2.0


def test_a_client_that_goes_away_harms_nobody(listener: Listener) -> None:
    """In the middle of a head, or of a body."""
    for part in (b"POST /web", raw(*message())[:-5]):
        connection = connect(listener)
        connection.sendall(part)
        connection.close()

    assert " 202 " in say(listener, raw(*message()))


def test_more_clients_than_allowed_are_told_to_come_back(listener: Listener) -> None:
    """And places become free when the slow ones are cut off."""
    slow = [connect(listener) for _ in range(SHORT.connections)]

    assert say(listener, b"").startswith("HTTP/1.1 503 ")
    for connection in slow:
        assert heard(connection).startswith("HTTP/1.1 408 ")
        connection.close()
    assert " 202 " in say(listener, raw(*message()))


def test_a_defect_is_an_answer_and_not_the_end() -> None:
    """The loop does not die of a webhook."""

    class Broken:
        def admit(self, head: Head) -> Answer | None:
            raise RuntimeError(head.path)

        def answer(self, head: Head, body: bytes) -> Answer:
            raise NotImplementedError

    with Listener(Broken(), ANY, SHORT) as listening:
        assert say(listening, b"GET / HTTP/1.1\r\n\r\n").startswith("HTTP/1.1 500 ")
        assert say(listening, b"GET / HTTP/1.1\r\n\r\n").startswith("HTTP/1.1 500 ")


def test_stopping_cuts_off_who_is_connected_and_frees_the_address(door: Door) -> None:
    """At once, without waiting for anybody, and no thread stays behind."""
    with Listener(door.receiver, ANY) as listening:
        address = listening.url.removeprefix("http://")
        connection = connect(listening)
        connection.sendall(b"POST ")
        began = time.monotonic()

    with suppress(ConnectionResetError):
        assert heard(connection) == ""
    assert time.monotonic() - began < 2.0
    assert [thread for thread in threading.enumerate() if thread.name == "webhooks"] == []
    bound(address).close()
    connection.close()


def test_a_taken_address_is_one_error_with_a_remedy() -> None:
    """Before anything else is done."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ConfigurationError, match=f"cannot listen on {address}: address already in use") as raised:
            bound(address)

    assert "ss -ltnp" in raised.value.remedy


def test_an_address_of_somebody_else_is_an_error_too() -> None:
    """It is not ours to listen on."""
    with pytest.raises(ConfigurationError, match=r"cannot listen on 192\.0\.2\.1:8093: "):
        bound("192.0.2.1:8093")


def test_doctor_tells_a_free_address_from_ours_and_from_a_strangers(listener: Listener) -> None:
    """Where the loop runs already, its listener holding the address is what is wanted."""
    own = listener.url.removeprefix("http://")
    (ours,) = Doorbell(own, (SECRET, SECRET)).examine()
    (free,) = Doorbell(ANY, (SECRET,)).examine()
    with Wire() as stranger:
        (theirs,) = Doorbell(stranger.url.removeprefix("http://"), (SECRET,)).examine()

    assert (ours.works, ours.detail) == (True, f"a running reconciler listens on {own}; 2 secrets")
    assert (free.works, free.detail) == (True, f"{ANY} is free for `reconciler run --interval`; 1 secret")
    assert not theirs.works
    assert theirs.remedy.endswith("or set another webhooks.listen")


def test_a_head_keeps_what_was_sent_twice() -> None:
    """A header that must be one is none when it comes twice: which of them would count is a riddle."""
    head = parse_head(b"POST /webhooks?a=b HTTP/1.1\r\nX-A: 1\r\nx-a: 2\r\nX-B:  3 \r\n\r\n")

    assert isinstance(head, Head)
    assert (head.method, head.path) == ("POST", "/webhooks")
    assert (head.one("x-a"), head.one("x-b"), head.one("x-c")) == (None, "3", None)
