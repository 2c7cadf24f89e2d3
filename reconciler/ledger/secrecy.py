"""The last net against secrets in the ledger (invariant 11).

Protects: an append-only chain cannot forget, so a token that got in would stay. The first nets are elsewhere: the
model never holds Secret data or environment values, and foreign text is scrubbed. This one catches what looks like
a well-known credential, nothing more; a password without a shape passes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from reconciler.errors import LedgerError

if TYPE_CHECKING:
    from reconciler.model.operation import Draft

_SHAPES = {
    "a GitHub token": r"\b(?:gh[pousr]_[A-Za-z0-9]{16,}|github_pat_\w{16,})",
    "a JSON web token": r"\beyJ[\w-]{8,}\.eyJ[\w-]{2,}\.[\w-]*",
    "a private key": r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY",
    "a password in an address": r"://[^/\s:@]*:[^/\s@]+@",
}
_PATTERNS = tuple((name, re.compile(shape)) for name, shape in _SHAPES.items())


def refuse_secret_drafts(drafts: Iterable[Draft]) -> None:
    """Raise LedgerError when any of these events, not written yet, holds what looks like a credential."""
    for draft in drafts:
        refuse_secrets(draft.operation)
        refuse_secrets(draft.data)


def refuse_secrets(data: object) -> None:
    """Raise LedgerError when a text anywhere in the data looks like a credential; the text itself is not shown."""
    for place, text in _texts(data, ""):
        for name, pattern in _PATTERNS:
            if pattern.search(text):
                raise LedgerError(
                    code="ledger.secret",
                    message=f"event data at {place or 'the top'} looks like {name}; it was not written",
                    remedy="find out how it got there and revoke it; then report this as a fault of reconciler",
                )


def redacted(data: Any) -> Any:  # noqa: ANN401 - JSON has no narrower type
    """Return the data with what looks like a credential replaced by `***`, the very same where nothing does.

    Names that others may choose (an alert's, an annotation's) end up in events. A poisoned one costs its own text,
    and never the pass in which all other operations wait.
    """
    if isinstance(data, str):
        for pattern in (shape for _, shape in _PATTERNS):
            while pattern.search(data):  # what stays may look like one again: `://a:b@c:d@host`
                data = pattern.sub("***", data)
        return data
    if isinstance(data, Mapping):
        return {redacted(key): redacted(item) for key, item in data.items()}
    if isinstance(data, list | tuple):
        return [redacted(item) for item in data]
    return data


def _texts(value: object, place: str) -> Iterator[tuple[str, str]]:
    """Yield every text with its place; keys too, under the place of their mapping."""
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield place, str(key)
            yield from _texts(item, f"{place}.{key}".lstrip("."))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _texts(item, f"{place}[{index}]")
