"""The JSON transport: deadlines, retries of reads only, and errors that say what to do."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from reconciler.adapters.http import JsonClient
from reconciler.errors import Conflict, Refusal, SourceError, Unauthorized
from tests.adapters.wire import Answer, Wire

if TYPE_CHECKING:
    from reconciler.errors import ReconcilerError

TOKEN = "topsecret0123456789"  # noqa: S105 - a token of no server


def client(wire: Wire, *, seconds: float = 5.0) -> JsonClient:
    """A client of the scripted server."""
    return JsonClient(
        wire.url,
        headers={"Authorization": f"token {TOKEN}"},
        timeout=timedelta(seconds=seconds),
        source_name="thing",
    )


def test_a_read_returns_json_and_repeats_list_parameters() -> None:
    """Parameters are encoded, headers sent."""
    with Wire({"GET /a": Answer({"b": [1]})}) as wire:
        assert client(wire).get("/a", {"filter": ["x=1", "y&z"], "active": "true"}) == {"b": [1]}

    assert wire.requests[0].query == {"filter": "y&z", "active": "true"}
    assert wire.requests[0].headers["Authorization"] == f"token {TOKEN}"


def test_an_empty_answer_to_a_write_is_none() -> None:
    """204 has no body."""
    with Wire({"POST /a": Answer("", 204)}) as wire:
        assert client(wire).send("POST", "/a", {"x": 1}) is None

    assert wire.requests[0].body == {"x": 1}


def test_a_read_survives_a_moment_of_trouble() -> None:
    """A 503 and a 429 with a short Retry-After are tried again."""
    answers = [Answer("busy", 503), Answer("slow down", 429, {"Retry-After": "0"}), Answer([1])]
    with Wire({"GET /a": answers}) as wire:
        assert client(wire).get("/a") == [1]

    assert len(wire.asked("GET", "/a")) == 3


def test_a_read_gives_up_after_three_attempts() -> None:
    """Invariant 10: retries are bounded."""
    with Wire({"GET /a": Answer({"message": "out of order"}, 500)}) as wire, pytest.raises(SourceError) as caught:
        client(wire).get("/a")

    assert caught.value.code == "thing.http_500"
    assert "out of order" in caught.value.message
    assert len(wire.requests) == 3


def test_a_long_retry_after_is_reported_and_not_waited_for() -> None:
    """Invariant 2: a pass does not sleep on a server; the error says from when on it is worth asking."""
    start = time.monotonic()
    with (
        Wire({"GET /a": Answer("no", 429, {"Retry-After": "3600"})}) as wire,
        pytest.raises(SourceError) as caught,
    ):
        client(wire).get("/a")

    assert time.monotonic() - start < 1.0
    assert len(wire.requests) == 1
    assert "3600 s" in caught.value.remedy


@pytest.mark.parametrize("answer", [Answer("busy", 503), Answer({"a": 1}, cut=True)])
def test_a_write_is_sent_once(answer: Answer) -> None:
    """Invariant 1: whether a failed write happened is for the caller to look at, not for the transport to repeat."""
    with Wire({"POST /a": answer}) as wire, pytest.raises(SourceError):
        client(wire).send("POST", "/a", {})

    assert len(wire.requests) == 1


@pytest.mark.parametrize("answer", [Answer(silent=True), Answer("x" * 1000, trickle=True)])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_server_that_hangs_or_trickles_is_left_at_the_deadline(answer: Answer, method: str) -> None:
    """One deadline holds for the whole request, retries included."""
    start = time.monotonic()
    with Wire({f"{method} /a": answer}) as wire:
        asking = client(wire, seconds=0.4)
        with pytest.raises(SourceError):
            asking.get("/a") if method == "GET" else asking.send("POST", "/a", {})
        taken = time.monotonic() - start

    assert taken < 1.5


def test_an_unreachable_server_is_a_source_error() -> None:
    """The port is closed."""
    with Wire() as wire:
        asking = client(wire)
    with pytest.raises(SourceError) as caught:
        asking.get("/a")

    assert caught.value.code == "thing.unreachable"
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize(
    ("method", "status", "expected"),
    [
        ("GET", 401, Unauthorized),
        ("POST", 403, Unauthorized),
        ("GET", 404, SourceError),
        ("POST", 404, SourceError),
        ("POST", 409, Conflict),
        ("PATCH", 412, Conflict),
        ("POST", 422, Refusal),
        ("POST", 400, Refusal),
        ("GET", 422, SourceError),
        ("POST", 500, SourceError),
        ("GET", 301, SourceError),
    ],
)
def test_a_status_has_one_error_with_its_number_and_a_remedy(
    method: str, status: int, expected: type[ReconcilerError]
) -> None:
    """A read is never refused; a write that breaks a rule is."""
    with Wire({f"{method} /a": Answer({"message": f"token {TOKEN} is bad"}, status)}) as wire:
        asking = client(wire)
        with pytest.raises(expected) as caught:
            asking.get("/a") if method == "GET" else asking.send(method, "/a", {})

    assert isinstance(caught.value, Refusal) == (expected is Refusal)
    assert caught.value.code == f"thing.http_{status}"
    assert f"{method} /a" in caught.value.message
    assert TOKEN not in caught.value.message
    assert caught.value.remedy


def test_a_redirect_is_reported_and_the_token_goes_nowhere_else() -> None:
    """Invariant 11: another address is for a person to configure."""
    with Wire({"GET /stolen": Answer({})}) as other:
        moved = Answer("", 302, {"Location": f"{other.url}/stolen"})
        with Wire({"GET /a": moved}) as wire, pytest.raises(SourceError) as caught:
            client(wire).get("/a")

    assert other.requests == []
    assert other.url in caught.value.message


def test_a_login_page_is_not_an_answer() -> None:
    """HTML with status 200 comes from proxies."""
    with Wire({"GET /a": Answer("<html>Sign in</html>")}) as wire, pytest.raises(SourceError) as caught:
        client(wire).get("/a")

    assert caught.value.code == "thing.bad_answer"


@pytest.mark.parametrize("status", [200, 422])
def test_answer_that_nests_without_end_is_an_error_with_a_name(status: int) -> None:
    """No server means it; reading it to its depth would crash the reader."""
    deep = Answer("[" * 100_000, status)
    with Wire({"GET /a": deep, "POST /a": deep}) as wire, pytest.raises((SourceError, Refusal)) as caught:
        client(wire).send("POST", "/a", {})

    assert caught.value.code in {"thing.bad_answer", "thing.http_422"}
