"""Webhooks: what happened is written down for each receiver at once, and told later, outside the lock.

Protects: a payload shows the moment of its event, also when it is told after the next one.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
import uuid
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from reconciler.sandbox.forge.model import Delivery, Hook, Issue, Json, Repository, User
from reconciler.sandbox.forge.rest import answers, answers_issues, answers_pulls
from reconciler.sandbox.forge.rest.view import View

if TYPE_CHECKING:
    from collections.abc import Callable

    from urllib3 import BaseHTTPResponse

    from reconciler.sandbox.forge.state import State

DEADLINE = 10.0  # seconds that GitHub waits for a receiver
_KEPT = 65_536  # bytes of what a receiver answers
_FINE = range(200, 300)


def announce(
    state: State, repository: Repository, event: str, sender: User, tell: Callable[[View], Json], *, action: str = ""
) -> None:
    """Write an event down for every webhook that wants it; `tell` makes the payload's own part."""
    hooks = [hook for hook in repository.hooks.values() if hook.active and wants(hook, event)]
    if not hooks:
        return
    view = View(state, state.urls)
    payload: Json = ({"action": action} if action else {}) | tell(view)
    payload |= {"repository": answers.repository(view, repository), "sender": answers.user(view, sender)}
    for hook in hooks:
        plan(state, hook, event, payload, action=action)


def announce_pull(
    state: State, repository: Repository, issue: Issue, sender: User, action: str, **more: object
) -> None:
    """Write an event of a pull request down."""
    pull = issue.pull
    if pull is None:
        return

    def tell(view: View) -> Json:
        return {
            "number": issue.number,
            "pull_request": answers_pulls.full(view, repository, issue, pull),
            **{key: answers.user(view, value) if isinstance(value, User) else value for key, value in more.items()},
        }

    announce(state, repository, "pull_request", sender, tell, action=action)


def announce_issue(
    state: State, repository: Repository, issue: Issue, sender: User, event: str, action: str, **more: Json
) -> None:
    """Write an event of an issue or of its comments down."""

    def tell(view: View) -> Json:
        return {"issue": answers_issues.issue(view, repository, issue), **more}

    announce(state, repository, event, sender, tell, action=action)


def plan(
    state: State, hook: Hook, event: str, payload: Json, *, action: str = "", redelivers: Delivery | None = None
) -> Delivery:
    """Write one delivery down."""
    guid = redelivers.guid if redelivers else str(uuid.UUID(int=state.ids.getrandbits(128), version=4))
    made = Delivery(
        id=state.next_id(),
        hook=hook,
        guid=guid,
        event=event,
        action=action or None,
        payload=payload,
        at=state.now(),
        redelivery=redelivers is not None,
    )
    hook.deliveries.append(made)
    state.outbox.append(made)
    state.on_news()
    return made


def wants(hook: Hook, event: str) -> bool:
    """Tell whether a webhook asked for an event; a ping goes to all."""
    return event == "ping" or event in hook.events or "*" in hook.events


def headers_and_body(delivery: Delivery) -> tuple[dict[str, str], bytes]:
    """Return what is sent: JSON or a form, signed with the webhook's secret."""
    hook, text = delivery.hook, json.dumps(delivery.payload, separators=(",", ":"))
    form = hook.content_type == "form"
    body = (urlencode({"payload": text}) if form else text).encode()
    headers = {
        "Content-Type": "application/x-www-form-urlencoded" if form else "application/json",
        "User-Agent": "GitHub-Hookshot/sandbox",
        "X-GitHub-Event": delivery.event,
        "X-GitHub-Delivery": delivery.guid,
        "X-GitHub-Hook-ID": str(hook.id),
        "X-GitHub-Hook-Installation-Target-Type": "repository",
    }
    if hook.secret:
        headers["X-Hub-Signature"] = f"sha1={_signed(hook.secret, body, 'sha1')}"
        headers["X-Hub-Signature-256"] = f"sha256={_signed(hook.secret, body, 'sha256')}"
    return headers, body


def send(delivery: Delivery) -> tuple[int, dict[str, str], str]:
    """Tell a receiver, and return its status (0: nobody answered), headers and body."""
    import urllib3

    headers, body = headers_and_body(delivery)
    end = time.monotonic() + DEADLINE
    try:
        with urllib3.PoolManager(retries=False, timeout=DEADLINE) as pool:
            answer = pool.request(
                "POST", delivery.hook.url, body=body, headers=headers, redirect=False, preload_content=False
            )
            heard = _heard(answer, end)
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:  # the last one: an address that is none
        return 0, {}, str(error)
    return answer.status, dict(answer.headers), heard.decode(errors="replace")


def _heard(answer: BaseHTTPResponse, end: float) -> bytes:
    """Return the beginning of what a receiver answers, as far as it comes in time."""
    heard = b""
    while len(heard) < _KEPT and time.monotonic() < end and (more := answer.read1(_KEPT)):
        heard += more
    answer.close()
    return heard[:_KEPT]


def note(delivery: Delivery, status: int, headers: dict[str, str], body: str) -> None:
    """Keep what became of a delivery."""
    delivery.request_headers = headers_and_body(delivery)[0]
    delivery.status_code, delivery.response_headers, delivery.response_body = status, headers, body
    if status == 0:
        delivery.status = "failed to connect to host"
    else:
        delivery.status = "OK" if status in _FINE else f"Invalid HTTP Response: {status}"


def _signed(secret: str, body: bytes, algorithm: str) -> str:
    return hmac.new(secret.encode(), body, getattr(hashlib, algorithm)).hexdigest()
