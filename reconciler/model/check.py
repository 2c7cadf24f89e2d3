"""One expected-against-actual comparison; all of them together are the verification."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class CheckStatus(StrEnum):
    """What a comparison says; pending may still come true, unknown says nothing at all."""

    PASSED = "passed"
    FAILED = "failed"
    PENDING = "pending"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One comparison, as a person reads it."""

    name: str
    expected: str
    actual: str
    status: CheckStatus
