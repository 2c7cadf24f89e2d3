"""Webhooks: what is told, how it is signed, and what becomes of a delivery."""

from __future__ import annotations

import hashlib
import hmac
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from reconciler.sandbox.forge import ADMIN
from reconciler.sandbox.wire import Request, Response, Server
from tests.sandbox.forge import rest
from tests.sandbox.forge.rest import BRANCH, PULLS, REPO

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.sandbox.forge.rest import World

HOOKS = f"{REPO}/hooks"
SECRET = "not much of one"  # noqa: S105 - of a webhook on loopback


@contextmanager
def receiver(status: int = 200) -> Iterator[tuple[str, list[Request]]]:
    """Listen, and answer with a status; yields the address and what came."""
    came: list[Request] = []

    def handle(request: Request) -> Response:
        came.append(request)
        return Response(status, b"heard")

    server = Server(handle, name="receiver").start()
    try:
        yield f"{server.url}/hook", came
    finally:
        server.stop()


def registered(world: World, url: str, *events: str, **config: str) -> int:
    """Register a webhook, and forget its ping."""
    given = {"url": url, "content_type": "json", "secret": SECRET} | config
    number: int = world.do(ADMIN, "POST", HOOKS, config=given, events=list(events))["id"]
    world.forge.deliver()
    return number


def told(came: list[Request]) -> list[tuple[str, Any]]:
    """Return the events that came, each with its action."""
    return [(each.headers["x-github-event"], each.json().get("action")) for each in came]


def test_a_new_webhook_is_pinged(world: World) -> None:
    """At once, whatever events it wants; and again when asked."""
    with receiver() as (url, came):
        number = registered(world, url, "push")
        world.do(ADMIN, "POST", f"{HOOKS}/{number}/pings")
        world.forge.deliver()

    assert told(came) == [("ping", None), ("ping", None)]
    assert came[0].json()["hook_id"] == number
    assert came[0].json()["repository"]["full_name"] == "shop/manifests"


def test_a_payload_is_signed_with_the_secret(world: World) -> None:
    """Over the bytes that were sent, by SHA-256."""
    with receiver() as (url, came):
        registered(world, url, "push")

    expected = hmac.new(SECRET.encode(), came[0].body, hashlib.sha256).hexdigest()
    assert came[0].headers["x-hub-signature-256"] == f"sha256={expected}"
    assert len(came[0].headers["x-github-delivery"]) == 36


def test_a_form_carries_the_payload_and_the_signature_of_the_form(world: World) -> None:
    """The content type that GitHub uses unless told otherwise."""
    with receiver() as (url, came):
        registered(world, url, "push", content_type="form")

    expected = hmac.new(SECRET.encode(), came[0].body, hashlib.sha256).hexdigest()
    assert "zen" in json.loads(parse_qs(came[0].body.decode())["payload"][0])
    assert came[0].headers["x-hub-signature-256"] == f"sha256={expected}"


def test_the_life_of_a_pull_request_is_told_in_its_order(world: World) -> None:
    """Opened, pushed to, reviewed, merged; a webhook hears only what it asked for."""
    with receiver() as (url, came):
        registered(world, url, "pull_request", "pull_request_review")
        came.clear()
        world.opened()
        world.commit(BRANCH, "more.txt", "more")
        world.do("ana", "POST", f"{PULLS}/1/reviews", event="APPROVE")
        world.do("ana", "PUT", f"{PULLS}/1/merge")
        world.do("ana", "POST", f"{REPO}/issues/1/comments", body="thanks")
        assert came == []
        sent = world.forge.deliver()

    assert sent == 4
    assert told(came) == [
        ("pull_request", "opened"),
        ("pull_request", "synchronize"),
        ("pull_request_review", "submitted"),
        ("pull_request", "closed"),
    ]
    opened, _, reviewed, closed = (each.json() for each in came)
    assert (opened["number"], opened["pull_request"]["state"]) == (1, "open")
    assert (reviewed["review"]["state"], reviewed["sender"]["login"]) == ("APPROVED", "ana")
    assert (closed["pull_request"]["merged"], closed["pull_request"]["merged_by"]["login"]) == (True, "ana")


def test_a_push_tells_from_where_to_where(world: World) -> None:
    """A new branch comes from nowhere."""
    with receiver() as (url, came):
        registered(world, url, "push", "create", "delete")
        came.clear()
        sha = world.branch()
        world.do("ana", "DELETE", f"{REPO}/git/refs/heads%2Freconciler%2Fweb-0123")
        world.forge.deliver()

    assert told(came) == [("push", None), ("create", None), ("push", None), ("push", None), ("delete", None)]
    first, _, second, third, _ = (each.json() for each in came)
    assert (first["ref"], first["before"], first["created"]) == (f"refs/heads/{BRANCH}", "0" * 40, True)
    assert (second["before"], second["after"], second["forced"]) == (first["after"], sha, False)
    assert (third["after"], third["deleted"], third["pusher"]["name"]) == ("0" * 40, True, "ana")


def test_a_delivery_remembers_what_the_receiver_said(world: World) -> None:
    """And can be repeated, with the same name."""
    with receiver(500) as (url, came):
        number = registered(world, url, "push")
        [failed] = world.do(ADMIN, "GET", f"{HOOKS}/{number}/deliveries")
        path = f"{HOOKS}/{number}/deliveries/{failed['id']}"
        detail = world.do(ADMIN, "GET", path)
        world.do(ADMIN, "POST", f"{path}/attempts")
        world.forge.deliver()

    assert (failed["event"], failed["status_code"], failed["redelivery"]) == ("ping", 500, False)
    assert (detail["response"]["payload"], detail["request"]["payload"]["hook_id"]) == ("heard", number)
    assert world.do(ADMIN, "GET", f"{HOOKS}/{number}")["last_response"]["code"] == 500
    assert [each["redelivery"] for each in world.do(ADMIN, "GET", f"{HOOKS}/{number}/deliveries")] == [True, False]
    assert len({each.headers["x-github-delivery"] for each in came}) == 1


def test_a_receiver_that_is_not_there_is_noted(world: World) -> None:
    """The forge lives on."""
    with receiver() as (url, _):
        pass
    number = registered(world, url, "push")

    [delivery] = world.do(ADMIN, "GET", f"{HOOKS}/{number}/deliveries")

    assert (delivery["status"], delivery["status_code"]) == ("failed to connect to host", 0)


def test_a_paused_webhook_hears_nothing(world: World) -> None:
    """And what it wants can be changed."""
    with receiver() as (url, came):
        number = registered(world, url, "push")
        world.do(ADMIN, "PATCH", f"{HOOKS}/{number}", active=False)
        came.clear()
        world.branch()
        world.do(ADMIN, "PATCH", f"{HOOKS}/{number}", active=True, add_events=["issues"], remove_events=["push"])
        world.branch("other")
        world.do("ana", "POST", f"{REPO}/issues", title="T")
        world.forge.deliver()

    assert told(came) == [("issues", "opened")]


def test_a_dispatch_reaches_webhooks_and_is_remembered(world: World) -> None:
    """The sandbox runs no workflow."""
    with receiver() as (url, came):
        registered(world, url, "repository_dispatch")
        came.clear()
        world.do("ana", "POST", f"{REPO}/dispatches", event_type="reconcile", client_payload={"why": "alert"})
        world.forge.deliver()

    payload = {"action": "reconcile", "branch": "main", "client_payload": {"why": "alert"}}
    assert world.forge.state.dispatched == [("shop/manifests", "repository_dispatch", payload)]
    assert {key: came[0].json()[key] for key in payload} == payload


def test_the_same_deeds_are_told_under_the_same_names(world: World, tmp_path: Path) -> None:
    """Ids come from the sandbox's seed, so two worlds of one seed are alike."""
    with receiver() as (url, came), rest.world(tmp_path / "twin") as twin:
        registered(world, url, "push")
        registered(twin, url, "push")

    first, second = (each.headers["x-github-delivery"] for each in came)
    assert first == second
