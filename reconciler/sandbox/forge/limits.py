"""GitHub's rate limits: so many requests an hour for each user, and for bursts of writes a second, unannounced one.

The secondary limits are off unless a test sets them: in virtual time many writes fall into one minute.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from reconciler.sandbox.forge.refusals import Refused

if TYPE_CHECKING:
    from reconciler.sandbox.forge.model import Json, User

_HOUR, _MINUTE = timedelta(hours=1), timedelta(minutes=1)
_UNKNOWN = 60  # requests an hour without a token
_SECONDARY = (
    "You have exceeded a secondary rate limit. Please wait a few minutes before you try again. "
    "If you reach out to GitHub Support for help, please include the request ID."
)


@dataclass(slots=True)
class Window:
    """One user's hour: how much was used, and when the next begins."""

    ends: datetime
    used: int = 0


@dataclass(slots=True)
class Limits:
    """How much a user may ask; change a number to make it scarce, `use` to let somebody else spend it."""

    hourly: int = 5000
    writes_a_minute: int | None = None  # GitHub: 80 that create content
    writes_an_hour: int | None = None  # GitHub: 500
    status: int = 403  # of the secondary limit; GitHub answers 403 or 429
    _windows: dict[str, Window] = field(default_factory=dict)
    _writes: dict[str, deque[datetime]] = field(default_factory=dict)

    def use(self, login: str, count: int, now: datetime) -> None:
        """Spend requests, as another program with the same user would."""
        self._window(login, now).used += count

    def check(self, user: User | None, now: datetime, *, writes: bool) -> None:
        """Let a request pass, or raise what GitHub answers."""
        login = user.login if user else ""
        window = self._window(login, now)
        if window.used >= self.limit(user):
            whom = f"user ID {user.id}." if user else "127.0.0.1."
            raise Refused(403, f"API rate limit exceeded for {whom}", headers=self.headers(user, now))
        if writes:
            self._check_writes(login, now)

    def count(self, user: User | None, now: datetime, *, writes: bool) -> None:
        """Count a request that was answered."""
        login = user.login if user else ""
        self._window(login, now).used += 1
        if writes:
            self._writes.setdefault(login, deque()).append(now)

    def limit(self, user: User | None) -> int:
        """Return the hourly limit."""
        return min(self.hourly, _UNKNOWN) if user is None else self.hourly

    def headers(self, user: User | None, now: datetime) -> dict[str, str]:
        """Return the headers that every answer carries."""
        figures = self.figures(user, now)
        shown = {f"X-RateLimit-{name.capitalize()}": str(value) for name, value in figures.items()}
        return shown | {"X-RateLimit-Resource": "core"}

    def figures(self, user: User | None, now: datetime) -> dict[str, int]:
        """Return the numbers as /rate_limit tells them."""
        window, limit = self._window(user.login if user else "", now), self.limit(user)
        used = min(window.used, limit)
        return {"limit": limit, "remaining": limit - used, "reset": int(window.ends.timestamp()), "used": used}

    def overview(self, user: User | None, now: datetime) -> Json:
        """Return what /rate_limit answers."""
        core, reset = self.figures(user, now), int((now + _MINUTE).timestamp())
        search = {"limit": 30, "remaining": 30, "reset": reset, "used": 0}
        graphql = {"limit": 0, "remaining": 0, "reset": reset, "used": 0}  # not counted here
        return {"resources": {"core": core, "search": search, "graphql": graphql}, "rate": core}

    def _window(self, login: str, now: datetime) -> Window:
        found = self._windows.get(login)
        if found is None or found.ends <= now:
            found = self._windows[login] = Window(now + _HOUR)
        return found

    def _check_writes(self, login: str, now: datetime) -> None:
        writes = self._writes.setdefault(login, deque())
        while writes and writes[0] <= now - _HOUR:
            writes.popleft()
        recent = [at for at in writes if at > now - _MINUTE]
        if self.writes_a_minute is not None and len(recent) >= self.writes_a_minute:
            raise self._too_fast(recent[0] + _MINUTE - now)
        if self.writes_an_hour is not None and len(writes) >= self.writes_an_hour:
            raise self._too_fast(writes[0] + _HOUR - now)

    def _too_fast(self, wait: timedelta) -> Refused:
        return Refused(self.status, _SECONDARY, headers={"Retry-After": str(max(1, round(wait.total_seconds())))})
