"""How much we may still ask of GitHub: one budget for all requests of a process, read off every answer.

Protects: no pass sleeps until a limit is over (invariant 2); what may not be asked now fails at once and says from
when it may; a pass begins to read only where enough is left for its writes, too.
Source: docs.github.com, "Rate limits for the REST API" and "Best practices for using the REST API".
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from threading import Lock
from typing import TYPE_CHECKING

from reconciler.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.ports import Clock

RESERVE = 50  # requests that a pass with a few pull requests may need after its first one
_SHARE = 20  # and no more than a twentieth of a small budget
_UNSAID = timedelta(minutes=1)  # GitHub: wait at least this long where a secondary limit names no time
_LONGEST = timedelta(hours=1)  # the hour is over then, whatever an answer says
_DIGITS = 10  # of a time in seconds, until the year 2286; a longer number is nonsense
_LIMITED = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS})


class Budget:
    """What the newest answers say; may be used from several threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._left: int | None = None
        self._limit = 0
        self._reset: datetime | None = None
        self._rests_until: datetime | None = None  # by a secondary limit

    def note(self, status: int, headers: Mapping[str, object], body: str = "") -> None:
        """Read an answer; names of headers are in lower case."""
        with self._lock:
            if _text(headers, "x-ratelimit-resource") in ("", "core"):
                self._left = _number(headers, "x-ratelimit-remaining", self._left)
                self._limit = _number(headers, "x-ratelimit-limit", self._limit) or 0
                ends = reset_of(headers)
                self._reset = self._reset if ends is None else min(ends, self._clock.now() + _LONGEST)
            if status in _LIMITED:
                self._rest(_number(headers, "retry-after", None), "secondary rate limit" in body.lower())

    def check(self) -> None:
        """Raise SourceError, with the time, while GitHub would only say no."""
        self._require(1)

    def begin(self) -> None:
        """The same for a pass's first request: it is not begun where its writes could not follow."""
        self._require(max(1, min(RESERVE, self._limit // _SHARE)))

    def sentence(self) -> str:
        """Say what is left, for `doctor`."""
        with self._lock:
            if self._left is None:
                return "GitHub names no limit"
            ends = f" until {_shown(self._reset)}" if self._reset else " in this hour"
            return f"{self._left} of {self._limit} requests left{ends}; what is unchanged costs none"

    def _rest(self, seconds: int | None, unsaid: bool) -> None:  # noqa: FBT001 - a fact of the answer
        if seconds is None and not unsaid:
            return
        wait = _UNSAID if seconds is None else timedelta(seconds=min(seconds, _LONGEST.total_seconds()))
        self._rests_until = self._clock.now() + wait

    def _require(self, needed: int) -> None:
        with self._lock:
            now = self._clock.now()
            if self._rests_until is not None and now < self._rests_until:
                raise limited("GitHub asked us to slow down", self._rests_until)
            spent = self._left is not None and self._left < needed
            if spent and self._reset is not None and now < self._reset:
                raise limited(f"only {self._left} of {self._limit} requests are left in this hour", self._reset)


def limited(why: str, until: datetime | None) -> SourceError:
    """Return the error for a limit that is reached."""
    return SourceError(
        code="github.rate_limited",
        message=f"GitHub is not asked now: {why}",
        remedy=f"nothing to do: the first pass after {_shown(until)} asks again; if it happens often, use a GitHub App"
        if until
        else "nothing to do: a later pass asks again",
    )


def reset_of(headers: Mapping[str, object]) -> datetime | None:
    """Return when the hour of an answer's budget ends."""
    ends = _number(headers, "x-ratelimit-reset", None)
    return None if ends is None else datetime.fromtimestamp(ends, UTC)


def _shown(at: datetime | None) -> str:
    return "a while" if at is None else f"{at:%H:%M:%S} UTC"


def _text(headers: Mapping[str, object], name: str) -> str:
    return str(headers.get(name, "")).strip()


def _number(headers: Mapping[str, object], name: str, otherwise: int | None) -> int | None:
    text = _text(headers, name).partition(".")[0]
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else otherwise
