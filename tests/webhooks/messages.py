"""Messages as forges send them: signed, named, with a body; and a receiver that notes who rang."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reconciler.settings import ForgeKind
from reconciler.webhooks.receiving import PATH, Receiver
from reconciler.webhooks.replays import Seen
from reconciler.webhooks.verifying import DIALECTS, signature
from reconciler.webhooks.wire import Head

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.webhooks.wire import Answer

SECRET, NEXT = "a secret of sixteen or more", "the one that follows it"
PUSH = {"repository": {"full_name": "shop/deploy"}}
LIMIT = 10_000


def message(
    payload: object = PUSH,
    *,
    event: str = "push",
    delivery: str = "d-1",
    secret: str = SECRET,
    body: bytes | None = None,
    **headers: str | None,
) -> tuple[dict[str, str], bytes]:
    """Return headers and body as GitHub sends them; a header given as None is left out, underscores are dashes."""
    body = json.dumps(payload).encode() if body is None else body
    named: dict[str, str | None] = {
        "content-type": "application/json",
        "content-length": str(len(body)),
        "x-github-event": event,
        "x-github-delivery": delivery,
        "x-hub-signature-256": f"sha256={signature(body, secret)}",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    return {name: value for name, value in named.items() if value is not None}, body


def raw(headers: Mapping[str, str], body: bytes, *, method: str = "POST", path: str = PATH) -> bytes:
    """Return the bytes of a request."""
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode() + body


@dataclass
class Door:
    """A receiver for shop/deploy, asked without a socket."""

    kind: ForgeKind = ForgeKind.GITHUB
    repository: str = "shop/deploy"
    secrets: tuple[str, ...] = (SECRET,)
    time: float = 0.0
    rings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        seen = Seen(60.0, now=lambda: self.time)
        self.receiver = Receiver(DIALECTS[self.kind], self.repository, self.secrets, seen, LIMIT, self.rings.append)

    def ask(self, headers: Mapping[str, str], body: bytes, *, method: str = "POST", path: str = PATH) -> Answer:
        """Ask as the listener does: the head first, then the whole."""
        head = Head(method, path, {name: (value,) for name, value in headers.items()})
        return self.receiver.admit(head) or self.receiver.answer(head, body)

    def status(self, payload: object = PUSH, **given: Any) -> int:  # noqa: ANN401 - what `message` takes
        """Send a message and return the answer's status."""
        return int(self.ask(*message(payload, **given)).status)
