"""The OPA adapter against a server that plays OPA, well and badly."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.adapters.opa_server import OpaServer, opa_server
from reconciler.adapters.rego_source import hash_of, sources_of
from reconciler.errors import ConfigurationError, SourceError
from reconciler.model.verdict import PolicyWord
from reconciler.resources import shipped
from tests.policies.samples import RESTART, changed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

YES = {"verdict": "auto", "code": "mine", "message": "Mine.", "remedy": "", "approvers": [], "min_approvers": 0}
RULES = "package reconciler.policy\n"
LISTED = {
    "/v1/policies/": {
        "result": [
            {"id": "reconciler.rego", "ast": {"package": {"path": _}, "rules": []}}
            for _ in ([{"value": "data"}, {"value": "reconciler"}, {"value": "policy"}],)
        ]
        + [{"id": "other.rego", "ast": {"package": {"path": [{"value": "data"}, {"value": "other"}]}, "rules": []}}]
    },
    "/v1/policies/reconciler.rego": {"result": {"raw": RULES}},
}
Reply = tuple[int, bytes]


class Wire:
    """What the server was asked, and what it answers to a decision."""

    def __init__(self, reply: Callable[[], Reply]) -> None:
        self.reply = reply
        self.asked: list[tuple[str, str, bytes]] = []
        self.url = ""


@contextmanager
def playing(reply: Callable[[], Reply]) -> Iterator[Wire]:
    """Serve on loopback until the test ends."""
    wire = Wire(reply)

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            wire.asked.append((self.command, self.path, body))
            listed = LISTED.get(self.path) if self.command == "GET" else None
            status, answer = (200, json.dumps(listed).encode()) if listed else wire.reply()
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = do_PUT = handle_any  # noqa: N815 - the names that http.server calls

        def log_message(self, *_: object) -> None:
            """Keep the test's output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    wire.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield wire
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def saying(body: object, status: int = 200) -> Callable[[], Reply]:
    """Answer every decision with this JSON."""
    return lambda: (status, json.dumps(body).encode())


def test_a_decision_is_asked_strictly_and_read() -> None:
    """A builtin's error must be an error here, too; the facts arrive as they are."""
    with playing(saying({"result": YES})) as wire:
        answer = opa_server(wire.url).decide({**RESTART, "number": 2**70})

    method, path, body = wire.asked[0]
    assert (answer.word, answer.code, answer.degraded) == (PolicyWord.AUTO, "mine", False)
    assert (method, path) == ("POST", "/v1/data/reconciler/policy/decision?strict-builtin-errors=true")
    assert json.loads(body) == {"input": {**RESTART, "number": 2**70}}


def test_a_follow_up_is_asked_of_its_own_rule() -> None:
    """The second rule of the package."""
    with playing(saying({"result": {"follow_up": "revert", "code": "why", "message": "M."}})) as wire:
        answer = OpaServer(wire.url).after_failure(RESTART)

    assert answer.code == "revert"
    assert wire.asked[0][1].startswith("/v1/data/reconciler/policy/after_failure?")


def test_the_hash_is_of_the_rules_that_judge() -> None:
    """Other people's rules on the same server do not matter, and it is the hash that the embedded engine gives."""
    with playing(saying({"result": YES})) as wire:
        answer = OpaServer(wire.url).decide(RESTART)

    assert answer.policy_hash == hash_of({"reconciler.rego": RULES})


def test_a_server_that_hides_its_rules_is_named_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    """The decision still says where it came from."""
    monkeypatch.setitem(LISTED, "/v1/policies/", {})
    with playing(saying({"result": YES})) as wire:
        assert OpaServer(wire.url).decide(RESTART).policy_hash == "server"


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (saying({}), "undefined"),
        (saying({"decision_id": "x"}), "undefined"),
        (saying([]), "undefined"),
        (saying({"result": None}), "not an object"),
        (saying({"result": {**YES, "verdict": "allow"}}), "allow"),
        (saying({"code": "internal_error", "message": "eval_conflict_error"}, 500), "500"),
        (saying({"code": "unauthorized"}, 401), "401"),
        (saying({"code": "undefined_document"}, 404), "404"),
        (lambda: (200, b"<html>"), "JSON"),
        (lambda: (204, b""), ""),
    ],
)
def test_whatever_is_not_an_answer_is_a_no(reply: Callable[[], Reply], words: str) -> None:
    """Invariant 8: undefined comes with status 200, conflicts as HTTP errors, proxies as web pages."""
    with playing(reply) as wire:
        engine = OpaServer(wire.url)
        answer = engine.decide(RESTART)
        follow_up = engine.after_failure(RESTART)

    assert (answer.word, answer.code, answer.degraded) == (PolicyWord.DENY, "policy_error", True)
    assert words in answer.message
    assert (follow_up.code, follow_up.degraded) == ("escalate", True)


def test_a_slow_server_is_a_no_in_time() -> None:
    """The pass does not hang, and nothing is asked twice."""
    answered = threading.Event()

    def slowly() -> Reply:
        answered.wait(10)
        return 200, b"{}"

    with playing(slowly) as wire:
        answer = OpaServer(wire.url, timeout=0.2).decide(RESTART)
        answered.set()

    assert (answer.code, answer.degraded) == ("policy_error", True)
    assert "timed out" in answer.message.lower()
    assert len(wire.asked) == 1


def test_a_server_that_is_not_there_is_a_no() -> None:
    """Nothing listens on the port any more."""
    with playing(saying({})) as wire:
        pass

    assert OpaServer(wire.url).decide(RESTART).degraded


def test_facts_are_checked_before_they_are_sent() -> None:
    """Both engines refuse the same facts."""
    with playing(saying({"result": YES})) as wire:
        answers = [OpaServer(wire.url).decide(changed("environment", value)) for value in ("a\0b", float("nan"))]

    assert all(answer.degraded for answer in answers)
    assert wire.asked == []


def test_rules_are_uploaded_as_they_are_or_not_at_all() -> None:
    """The client's default rewrites a rejected rule and uploads that; what runs must be what was reviewed."""
    rejection: dict[str, Any] = {
        "code": "invalid_parameter",
        "message": "error(s) occurred while compiling module(s)",
        "errors": [{"code": "rego_parse_error", "message": "`if` keyword is required before rule body"}],
    }
    with playing(saying(rejection, 400)) as wire, pytest.raises(SourceError) as error:
        OpaServer(wire.url).load(shipped("policies"))

    assert [(method, path) for method, path, _ in wire.asked] == [("PUT", "/v1/policies/operator.rego")]
    assert wire.asked[0][2].decode() == sources_of(shipped("policies"))["operator.rego"]
    assert error.value.code == "policy.upload"


@pytest.mark.parametrize("url", ["", "opa:8181", "ftp://opa", "http://", "http://opa/v1", "http://ana:pw@opa:8181"])
def test_an_address_that_is_none_is_said_early(url: str) -> None:
    """The client knows host and port, no path and no credentials in the address."""
    with pytest.raises(ConfigurationError) as error:
        opa_server(url)

    assert error.value.code == "policy.opa_url"
    assert "pw" not in str(error.value)


def test_doctor_is_told_that_the_server_works_or_why_not() -> None:
    """One line, with a remedy when it does not."""
    with playing(saying({})) as wire:
        (diagnosis,) = OpaServer(wire.url).examine()

    assert (diagnosis.works, bool(diagnosis.remedy)) == (False, True)
    assert "undefined" in diagnosis.detail
