"""What every adapter of a server can say about itself, and time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


class Clock(Protocol):
    """Where time comes from; nothing else may ask the system."""

    def now(self) -> datetime:
        """Return the current time, in UTC."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """One line of `doctor`: does a connection or permission work, and if not, how to grant it."""

    subject: str
    works: bool
    detail: str
    remedy: str = ""
    required: bool = True  # false: the product works without it, with less


class Examined(Protocol):
    """What every adapter of a server can say about itself."""

    def examine(self) -> Sequence[Diagnosis]:
        """Try every connection and permission that we need, harmlessly; never raises."""
        ...
