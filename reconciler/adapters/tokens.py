"""Where the token of the next request comes from: a fixed one, or one that is renewed now and then."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


class Secret(Protocol):
    """Gives a token when one is needed; may be asked from several threads."""

    def token(self) -> str:
        """Return a token that is good now; raises SourceError where there is none."""
        ...

    def refused(self) -> None:
        """Be told that a server did not take the last one."""
        ...


@dataclass(frozen=True, slots=True)
class Fixed:
    """One token for the whole process."""

    text: str = field(repr=False)

    def token(self) -> str:
        """Return it."""
        return self.text

    def refused(self) -> None:
        """Change nothing: there is no other."""


def secret(given: str | Secret) -> Secret:
    """Return what gives the token, for one that is written out or comes from somewhere."""
    return Fixed(given) if isinstance(given, str) else given
