"""Is a message signed with a secret of ours: HMAC-SHA256 over the bytes as they came.

Protects: time tells nothing. Every secret is tried, and each comparison takes equally long however much is right.
Sources: GitHub, "Validating webhook deliveries" (`X-Hub-Signature-256: sha256=<hex>`); Gitea, "Webhooks"
(`X-Gitea-Signature: <hex>`).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.settings import ForgeKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.webhooks.wire import Head

_HEX = re.compile(r"[0-9a-f]{64}")
_DELIVERY = re.compile(r"[A-Za-z0-9._-]{1,128}")
_EVENT = re.compile(r"[a-z0-9_]{1,64}")


@dataclass(frozen=True, slots=True)
class Dialect:
    """Where a forge puts what; headers in lower case."""

    signature: str
    prefix: str  # before the hexadecimal digits
    event: str
    delivery: str

    def name_of(self, head: Head) -> str | None:
        """Return the event's name, or None where it has none."""
        found = head.one(self.event)
        return found if found and _EVENT.fullmatch(found) else None

    def id_of(self, head: Head) -> str | None:
        """Return the delivery's id, or None where it has none."""
        found = head.one(self.delivery)
        return found if found and _DELIVERY.fullmatch(found) else None


DIALECTS: Mapping[ForgeKind, Dialect] = {
    ForgeKind.GITHUB: Dialect("x-hub-signature-256", "sha256=", "x-github-event", "x-github-delivery"),
    ForgeKind.GITEA: Dialect("x-gitea-signature", "", "x-gitea-event", "x-gitea-delivery"),
}


def is_signed(given: str | None, body: bytes, secrets: Sequence[str], dialect: Dialect) -> bool:
    """Tell whether one of the secrets signed this body; no header, or a strange one, is a no."""
    if given is None or not given.startswith(dialect.prefix):
        return False
    digits = given.removeprefix(dialect.prefix)
    if not _HEX.fullmatch(digits):
        return False
    matches = [hmac.compare_digest(digits, signature(body, secret)) for secret in secrets]
    return any(matches)


def signature(body: bytes, secret: str) -> str:
    """Return the signature of a body, in hexadecimal digits."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
