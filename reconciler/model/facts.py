"""A fact is known, or its source did not answer; the third case, absent, is a known fact.

Protects invariant 3 (unknown is not no): a stage that forgets to look for `Unknown` does not type-check.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Unknown:
    """A source that did not answer, what it said instead, and how a person could mend that."""

    source: str
    reason: str
    remedy: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"{self.source}: {self.reason}"


Fact: TypeAlias = T | Unknown


def known(fact: T | Unknown, default: T) -> T:
    """Return the fact, or the default where not knowing may be treated so; say at the call why it may."""
    return default if isinstance(fact, Unknown) else fact
