"""Who looks, from where: what an answer depends on besides the thing that it shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.sandbox.forge.model import Permission, Repository, User
from reconciler.sandbox.forge.state import State
from reconciler.sandbox.forge.urls import Urls

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class View:
    """One reader's sight of the forge; `viewer` is None for somebody without a token, and for webhooks."""

    state: State
    urls: Urls
    viewer: User | None = None

    def api(self, path: str) -> str:
        """Return a link into the API."""
        return self.urls.api(path)

    def web(self, path: str) -> str:
        """Return a link for people."""
        return self.urls.web(path)

    def permission(self, repository: Repository) -> Permission:
        """Return what the viewer may do."""
        return self.state.permission(self.viewer, repository)


def stamp(at: datetime) -> str:
    """Return a time as GitHub writes it."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def stamp_or_none(at: datetime | None) -> str | None:
    """Return a time as GitHub writes it, or null."""
    return None if at is None else stamp(at)
