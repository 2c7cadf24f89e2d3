"""What a request's query says, read as the API server reads it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reconciler.sandbox.cluster.errors import bad_request

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_NUMBER = re.compile(r"[+-]?\d+")
_SECONDS = re.compile(r"[+-]?\d+(\.\d+)?")  # fractions are the sandbox's own, for tests that cannot wait a second


def is_set(query: Mapping[str, Sequence[str]], name: str) -> bool:
    """Tell whether an option is on: whatever it says but `false` and `0`, and also when it says nothing."""
    found = query.get(name)
    return found is not None and found[0].lower() not in ("false", "0")


def number(text: str) -> int:
    """Read a whole number; raises ApiError (400)."""
    if not _NUMBER.fullmatch(text):
        raise _not_read(text)
    return int(text)


def seconds(text: str) -> float:
    """Read a time limit; raises ApiError (400)."""
    if not _SECONDS.fullmatch(text):
        raise _not_read(text)
    return float(text)


def _not_read(text: str) -> Exception:
    return bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax')
