"""One message, one answer: refused with the reason, taken and of no concern, or taken and the bell rung."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from reconciler.webhooks.concerns import is_ours, wakes
from reconciler.webhooks.replays import Seen
from reconciler.webhooks.verifying import DIALECTS, Dialect, is_signed
from reconciler.webhooks.wire import Answer

if TYPE_CHECKING:
    from reconciler.settings import Settings
    from reconciler.webhooks.wire import Head

_LOG = logging.getLogger(__name__)

PATH = "/webhooks"
_JSON, _FORM = "application/json", "application/x-www-form-urlencoded"
_FIELDS = 4  # of a form; the forge sends one
_UNSIGNED = Answer(
    HTTPStatus.UNAUTHORIZED,
    "the signature is missing or not made with a secret that is known here; see webhooks.secret_file",
)


@dataclass(slots=True)
class Receiver:
    """Answers webhooks of one repository; `ring` is told the event's name. For one thread."""

    dialect: Dialect
    repository: str  # owner/name
    secrets: tuple[str, ...] = field(repr=False)
    seen: Seen
    max_bytes: int
    ring: Callable[[str], None]
    told: set[HTTPStatus] = field(default_factory=set)  # refusals that the log has once, so that nobody can fill it

    def admit(self, head: Head) -> Answer | None:
        """Answer before the body is read; None: it is to be read."""
        answer = self._at_the_door(head)
        if answer is not None:
            self._tell(answer)
        return answer

    def answer(self, head: Head, body: bytes) -> Answer:
        """Answer a whole message."""
        answer = self._answer(head, body)
        self._tell(answer)
        return answer

    def _at_the_door(self, head: Head) -> Answer | None:
        if head.path != PATH:
            return Answer(HTTPStatus.NOT_FOUND, f"there is nothing here; webhooks go to {PATH}")
        if head.method != "POST":
            return Answer(HTTPStatus.METHOD_NOT_ALLOWED, "webhooks are posted", {"Allow": "POST"})
        length = head.one("content-length")
        if length is None or "transfer-encoding" in head.headers:
            return Answer(HTTPStatus.LENGTH_REQUIRED, "say how long the body is, once, and send it in one piece")
        if not (length.isascii() and length.isdigit()):
            return Answer(HTTPStatus.BAD_REQUEST, "Content-Length is no number")
        if len(length) > len(str(self.max_bytes)) or int(length) > self.max_bytes:
            return Answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"more than {self.max_bytes} bytes; webhooks.max_bytes")
        if _content_type(head) not in (_JSON, _FORM):
            return Answer(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"send {_JSON}", {"Accept": f"{_JSON}, {_FORM}"})
        return None if head.one(self.dialect.signature) else _UNSIGNED

    def _answer(self, head: Head, body: bytes) -> Answer:
        if not is_signed(head.one(self.dialect.signature), body, self.secrets, self.dialect):
            return _UNSIGNED
        event, delivery = self.dialect.name_of(head), self.dialect.id_of(head)
        if event is None or delivery is None:
            return Answer(HTTPStatus.BAD_REQUEST, "the event or the delivery has no name")
        payload = _payload(_content_type(head), body)
        if payload is None:
            return Answer(HTTPStatus.BAD_REQUEST, "the body is not a JSON object")
        if not self.seen.is_new(delivery, body):
            return Answer(HTTPStatus.CONFLICT, "this was taken before; nothing is done twice")
        if not is_ours(payload, self.repository):
            return Answer(HTTPStatus.ACCEPTED, "ignored: about another repository, or none")
        if not wakes(event, payload):
            return Answer(HTTPStatus.ACCEPTED, "ignored: nothing that a pass would look at")
        self.ring(event)
        return Answer(HTTPStatus.ACCEPTED, "a pass will look")

    def _tell(self, answer: Answer) -> None:
        if answer.status == HTTPStatus.ACCEPTED or answer.status in self.told:
            return
        self.told.add(answer.status)
        _LOG.warning("refused a webhook (further ones are not told): %d, %s", answer.status, answer.text)


def receiver(settings: Settings, secrets: tuple[str, ...], ring: Callable[[str], None]) -> Receiver:
    """Return the receiver that a configuration asks for."""
    return Receiver(
        dialect=DIALECTS[settings.forge.kind],
        repository=settings.forge.repository,
        secrets=secrets,
        seen=Seen(settings.webhooks.replay_window.total_seconds()),
        max_bytes=settings.webhooks.max_bytes,
        ring=ring,
    )


def _content_type(head: Head) -> str:
    return (head.one("content-type") or "").partition(";")[0].strip().lower()


def _payload(content_type: str, body: bytes) -> dict[str, Any] | None:
    """Read a signed body; None: it is no JSON object."""
    try:
        text = body.decode()
        if content_type == _FORM:
            (text,) = parse_qs(text, strict_parsing=True, max_num_fields=_FIELDS)["payload"]
        found = json.loads(text)
    except (ValueError, KeyError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
