"""The sandbox as a whole: what it leaves behind, and whom it tells of what happened on its forge."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest
import urllib3

from reconciler.sandbox.forge import ADMIN
from reconciler.sandbox.sandbox import Sandbox
from reconciler.sandbox.wire import Request, Response, Server
from tests.testbed.processes import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REPOSITORY = "platform/shop"
HOOKS = f"/repos/{REPOSITORY}/hooks"


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """A world with one repository."""
    with Sandbox(tmp_path / "world") as made:
        made.create_repository(REPOSITORY, {"README.md": "shop\n"})
        yield made


def told(sandbox: Sandbox, number: int) -> list[tuple[str, str]]:
    """Return what became of a webhook's deliveries, the oldest first, once none is on its way any more."""

    def settled() -> list[tuple[str, str]] | None:
        found = sandbox.forge.call(ADMIN, "GET", f"{HOOKS}/{number}/deliveries")
        return (
            [(each["event"], each["status"]) for each in reversed(found)]
            if all(each["status"] != "pending" for each in found)
            else None
        )

    made = until(settled, 20, "every delivery has an end")
    assert made is not None
    return made


def hooked(sandbox: Sandbox, url: str) -> int:
    """Register a webhook for pushes."""
    config = {"url": url, "content_type": "json"}
    number: int = sandbox.forge.call(ADMIN, "POST", HOOKS, config=config, events=["push"])["id"]
    return number


def pushed(sandbox: Sandbox, path: str) -> None:
    """Commit a file."""
    given = {"message": path, "content": "eA==", "branch": "main"}
    sandbox.forge.call(ADMIN, "PUT", f"/repos/{REPOSITORY}/contents/{path}", **given)


def test_webhooks_are_told_by_themselves(sandbox: Sandbox) -> None:
    """What a request changed is told after it, without the lock: the receiver may ask the forge before it answers."""
    came: list[str] = []

    def hear(request: Request) -> Response:
        head = urllib3.request("GET", f"{sandbox.github.url}/repos/{REPOSITORY}/commits/main", timeout=10.0).json()
        came.append(f"{request.headers['x-github-event']} {head['commit']['message']}")
        return Response(200)

    receiver = Server(hear, name="receiver").start()
    number = hooked(sandbox, receiver.url)
    pushed(sandbox, "a")
    seen = until(lambda: came if len(came) > 1 else None, 20, "both were told")
    outcomes = told(sandbox, number)
    receiver.stop()

    assert seen is not None
    assert seen[-1] == "push a"
    assert outcomes == [("ping", "OK"), ("push", "OK")]


def test_webhook_that_fails_is_noted_and_holds_up_no_other(sandbox: Sandbox) -> None:
    """A receiver that says no, one that is not there and an address that is none end one delivery each."""
    refusing = Server(lambda _: Response(500, b"no"), name="refusing").start()
    gone = Server(lambda _: Response(), name="gone")
    gone.stop()
    hooks = [hooked(sandbox, url) for url in (gone.url, "http://[", refusing.url)]
    pushed(sandbox, "a")
    outcomes = [told(sandbox, number) for number in hooks]
    refusing.stop()

    assert {status for _, status in outcomes[0] + outcomes[1]} == {"failed to connect to host"}
    assert outcomes[2] == [(event, "Invalid HTTP Response: 500") for event in ("ping", "push")]


def test_nothing_of_a_sandbox_outlives_it(tmp_path: Path) -> None:
    """Clients that keep their connections, and watches, are cut off: no thread, no port, no answer remains."""
    before = set(threading.enumerate())
    sandbox = Sandbox(tmp_path)
    with urllib3.PoolManager(retries=False, timeout=5.0, ca_certs=str(sandbox.authority)) as pool:
        with sandbox:
            pods = f"{sandbox.kubernetes.url}/api/v1/pods"
            headers = {"Authorization": f"Bearer {sandbox.cluster.tokens['admin']}"}
            kept = socket.create_connection(("127.0.0.1", sandbox.prometheus.port), timeout=5.0)
            kept.sendall(b"GET /-/ready HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert kept.recv(64).startswith(b"HTTP/1.1 200")
            watch = pool.request("GET", f"{pods}?watch=1", headers=headers, preload_content=False)
            assert watch.status == 200
        with pytest.raises(urllib3.exceptions.NewConnectionError):
            pool.request("GET", pods, headers=headers)
        kept.settimeout(5.0)
        while kept.recv(4096):  # what was on its way; then the end
            pass
        kept.close()
        watch.close()

    assert [thread.name for thread in set(threading.enumerate()) - before] == []
