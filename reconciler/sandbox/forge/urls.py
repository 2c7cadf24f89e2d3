"""The forge's addresses, as a client sees them: answers are full of links, and clients follow them."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Urls:
    """Links below one root; `prefix` is `/api/v3` for clients that speak as to GitHub Enterprise."""

    root: str
    prefix: str = ""

    def api(self, path: str) -> str:
        """Return a link into the API."""
        return f"{self.root}{self.prefix}{path}"

    def web(self, path: str) -> str:
        """Return a link for people."""
        return f"{self.root}{path}"


def node_id(kind: str, number: int | str) -> str:
    """Return the name that GraphQL would use."""
    return base64.b64encode(f"0{len(kind)}:{kind}{number}".encode()).decode()


def escaped(text: str) -> str:
    """Return a text as a part of a path, slashes kept."""
    return quote(text, safe="/@:")
