"""A Slack workspace: it answers as the real one does, refusals included, and keeps what it is sent.

People's clicks on buttons are made here too, signed as Slack signs them, for whoever receives them.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode

from reconciler.sandbox.wire import NotInSandbox, Request, Response, json_response

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.sandbox.clock import SandboxClock

Json = dict[str, Any]

KEPT = 1_000  # messages; the oldest are forgotten
_TEAM = "T0SANDBOX"
_ANSWERS = 5  # that one response_url takes,
_ANSWERABLE = timedelta(minutes=30)  # and for how long
_HIDDEN = frozenset({"channel", "token", "ts", "as_user", "replace_original", "response_type", "delete_original"})


@dataclass(slots=True)
class SlackMessage:
    """One message as the channel shows it now; `edits` are its earlier texts."""

    channel: str  # its id, empty for one that came by a webhook
    ts: str
    body: Json
    edits: list[Json] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Its plain text."""
        return str(self.body.get("text", ""))

    def buttons(self) -> Iterator[tuple[str, Json]]:
        """Yield each button with the id of its block."""
        for number, block in enumerate(self.body.get("blocks") or []):
            for element in [*(block.get("elements") or []), block.get("accessory") or {}]:
                if element.get("type") == "button":
                    yield block.get("block_id", f"block-{number}"), element


@dataclass(frozen=True, slots=True)
class Click:
    """A request that Slack sends when somebody clicks a button."""

    headers: Mapping[str, str]
    body: bytes
    payload: Json


class Slack:
    """One workspace: its Web API, one incoming webhook and the answers to clicks.

    `limit(3)` lets the next request fail with 429 and `Retry-After: 3`.
    """

    url = "https://hooks.slack.com"  # where response_url and the webhook are; set it to the server's address

    def __init__(
        self,
        clock: SandboxClock,
        *,
        token: str = "xoxb-sandbox",  # noqa: S107 - the sandbox's own
        signing_secret: str = "sandbox-signing-secret",  # noqa: S107 - the same
        channels: Mapping[str, str] | None = None,
    ) -> None:
        self.token = token
        self.signing_secret = signing_secret
        self.channels = dict(channels or {"alerts": "C0ALERTS"})  # name: id
        self.messages: deque[SlackMessage] = deque(maxlen=KEPT)
        self._clock = clock
        self._limits: deque[int] = deque()
        self._counted = 0
        self._response_urls: dict[str, tuple[SlackMessage, datetime, int]] = {}

    @property
    def webhook_path(self) -> str:
        """The secret path of the incoming webhook."""
        return f"/services/{_TEAM}/B0SANDBOX/{hashlib.sha256(self.token.encode()).hexdigest()[:24]}"

    def limit(self, retry_after: int, times: int = 1) -> None:
        """Let the next requests be too many."""
        self._limits.extend([retry_after] * times)

    def handle(self, request: Request) -> Response:
        """Answer one request."""
        with self._clock.lock:
            if self._limits:
                wait = self._limits.popleft()
                refusal = {"ok": False, "error": "ratelimited"}
                return json_response(refusal, 429, Retry_After=str(wait))
            if request.path.startswith("/services/"):
                return self._webhook(request)
            if request.path.startswith("/actions/"):
                return self._answer_to_click(request)
            methods: dict[str, Callable[[Json], Json]] = {
                "/api/chat.postMessage": self._post,
                "/api/chat.update": self._update,
                "/api/auth.test": self._who,
            }
            if request.path not in methods:
                raise NotInSandbox(f"Slack's {request.path}")
            return json_response(self._authorized(request, methods[request.path]))

    def click(self, message: SlackMessage, action_id: str, *, user: str) -> Click:
        """Return what Slack sends when a user clicks a button. Raises LookupError when there is no such button."""
        with self._clock.lock:
            found = next(((block, b) for block, b in message.buttons() if b.get("action_id") == action_id), None)
            if found is None:
                raise LookupError(f"the message has no button {action_id!r}")
            payload = self._payload(message, *found, user=user)
            body = urlencode({"payload": json.dumps(payload)}).encode()
            return Click(self.signed(body), body, payload)

    def signed(self, body: bytes) -> dict[str, str]:
        """Return the headers with which Slack proves that a body is from it, now."""
        stamp = str(int(self._clock.now().timestamp()))
        digest = hmac.new(self.signing_secret.encode(), b"v0:%b:%b" % (stamp.encode(), body), hashlib.sha256)
        return {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": f"v0={digest.hexdigest()}",
        }

    def _authorized(self, request: Request, method: Callable[[Json], Json]) -> Json:
        try:
            body = _body(request)
        except ValueError:
            return {"ok": False, "error": "invalid_json"}
        given = request.headers.get("authorization", "").removeprefix("Bearer ") or str(body.get("token", ""))
        if not given:
            return {"ok": False, "error": "not_authed"}
        if not hmac.compare_digest(given.encode(), self.token.encode()):
            return {"ok": False, "error": "invalid_auth"}
        return method(body)

    def _who(self, _: Json) -> Json:
        names = {"url": "https://sandbox.slack.com/", "team": "Sandbox", "user": "reconciler"}
        return {"ok": True, **names, "team_id": _TEAM, "user_id": "U0SANDBOX", "bot_id": "B0SANDBOX"}

    def _post(self, body: Json) -> Json:
        channel = self._channel(str(body.get("channel", "")))
        if channel is None:
            return {"ok": False, "error": "channel_not_found"}
        if not _has_content(body):
            return {"ok": False, "error": "no_text"}
        message = self._keep(channel, body)
        return {"ok": True, "channel": channel, "ts": message.ts, "message": _shown(message)}

    def _update(self, body: Json) -> Json:
        channel = self._channel(str(body.get("channel", "")))
        if channel is None:
            return {"ok": False, "error": "channel_not_found"}
        message = next((m for m in self.messages if (m.channel, m.ts) == (channel, str(body.get("ts")))), None)
        if message is None:
            return {"ok": False, "error": "message_not_found"}
        if not _has_content(body):
            return {"ok": False, "error": "no_text"}
        _edit(message, body)
        return {"ok": True, "channel": channel, "ts": message.ts, "text": message.text, "message": _shown(message)}

    def _webhook(self, request: Request) -> Response:
        if not hmac.compare_digest(request.path.encode(), self.webhook_path.encode()):
            return _plain("invalid_token", 403)
        try:
            body = _body(request)
        except ValueError:
            return _plain("invalid_payload", 400)
        if not _has_content(body):
            return _plain("no_text", 400)
        self._keep("", body)
        return _plain("ok")

    def _answer_to_click(self, request: Request) -> Response:
        message, since, used = self._response_urls.get(request.path, (None, self._clock.now(), 0))
        if message is None or self._clock.now() - since > _ANSWERABLE:
            return json_response({"ok": False, "error": "expired_url"}, 404)
        if used >= _ANSWERS:
            return json_response({"ok": False, "error": "used_url"}, 404)
        try:
            body = _body(request)
        except ValueError:
            return json_response({"ok": False, "error": "invalid_payload"}, 400)
        self._response_urls[request.path] = (message, since, used + 1)
        if body.get("delete_original"):
            self.messages = deque((kept for kept in self.messages if kept is not message), maxlen=KEPT)
        elif body.get("replace_original"):
            _edit(message, body)
        else:
            self._keep(message.channel, body)
        return json_response({"ok": True})

    def _payload(self, message: SlackMessage, block: str, button: Json, *, user: str) -> Json:
        person = {"id": f"U0{user.upper()}", "username": user, "name": user, "team_id": _TEAM}
        path = self._response_path(message)
        name = next((name for name, channel in self.channels.items() if channel == message.channel), "webhook")
        action = {key: button[key] for key in ("action_id", "text", "value", "style", "type") if key in button}
        return {
            "type": "block_actions",
            "user": person,
            "api_app_id": "A0SANDBOX",
            "team": {"id": _TEAM, "domain": "sandbox"},
            "container": {"type": "message", "message_ts": message.ts, "channel_id": message.channel},
            "trigger_id": f"{self._counted}.sandbox",
            "channel": {"id": message.channel, "name": name},
            "message": _shown(message),
            "response_url": self.url + path,
            "actions": [action | {"block_id": block, "action_ts": f"{self._clock.now().timestamp():.6f}"}],
        }

    def _response_path(self, message: SlackMessage) -> str:
        """Return the path of a new response_url; of as many as there can be messages."""
        self._counted += 1
        path = f"/actions/{_TEAM}/{self._counted}/{message.ts.replace('.', '')}"
        self._response_urls[path] = (message, self._clock.now(), 0)
        if len(self._response_urls) > KEPT:
            del self._response_urls[next(iter(self._response_urls))]
        return path

    def _keep(self, channel: str, body: Json) -> SlackMessage:
        self._counted += 1
        seconds = int(self._clock.now().timestamp())
        message = SlackMessage(channel, f"{seconds}.{self._counted:06d}", _content(body))
        self.messages.append(message)
        return message

    def _channel(self, text: str) -> str | None:
        name = text.removeprefix("#")
        return self.channels.get(name) or (name if name in self.channels.values() else None)


def _body(request: Request) -> Json:
    """Read JSON, a form, or JSON in a form's `payload`. Raises ValueError."""
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        if "payload" not in form:
            return {k: json.loads(v) if k in ("blocks", "attachments") else v for k, v in form.items()}
        found = json.loads(form["payload"])
    else:
        found = request.json()
    if not isinstance(found, dict):
        raise ValueError("not an object")  # noqa: TRY004 - told to the client as any other malformed body
    return found


def _content(body: Json) -> Json:
    return {key: value for key, value in body.items() if key not in _HIDDEN}


def _has_content(body: Json) -> bool:
    return any(body.get(key) for key in ("text", "blocks", "attachments"))


def _edit(message: SlackMessage, body: Json) -> None:
    message.edits.append(message.body)
    message.body = _content(body)


def _shown(message: SlackMessage) -> Json:
    fixed = {"type": "message", "bot_id": "B0SANDBOX", "user": "U0SANDBOX", "team": _TEAM, "ts": message.ts}
    return {**message.body, "text": message.text, **fixed}


def _plain(text: str, status: int = 200) -> Response:
    return Response(status, text.encode(), {"Content-Type": "text/html"})
