"""Moments and durations as Prometheus and Alertmanager read and write them; inside, milliseconds since 1970."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000, "y": 31_536_000_000}
_DURATION = re.compile("".join(rf"(?:(\d+){unit})?" for unit in ("y", "w", "d", "h", "m(?!s)", "s", "ms")))


def ms(moment: datetime) -> int:
    """Return a moment's milliseconds, rounded down."""
    return (moment - _EPOCH) // _MILLISECOND


def moment(at: int) -> datetime:
    """Return the moment of milliseconds."""
    return _EPOCH + at * _MILLISECOND


def span(duration: timedelta) -> int:
    """Return a duration's milliseconds, one at least."""
    return max(duration // _MILLISECOND, 1)


def read_moment(text: str) -> int:
    """Read a time of Prometheus' API: seconds, or RFC 3339. Raises ValueError."""
    try:
        value = float(text)
    except ValueError:
        found = datetime.fromisoformat(text)
        if found.tzinfo is None:
            raise ValueError(text) from None
        return ms(found)
    if not math.isfinite(value):
        raise ValueError(text)
    return round(value * 1000)


def read_duration(text: str) -> int:
    """Read a duration: seconds, or like `1h30m`. Raises ValueError."""
    try:
        value = float(text)
    except ValueError:
        match = _DURATION.fullmatch(text)
        if match is None or not text:
            raise ValueError(text) from None
        order = ("y", "w", "d", "h", "m", "s", "ms")
        return sum(int(amount) * _UNITS[unit] for unit, amount in zip(order, match.groups(), strict=True) if amount)
    if not math.isfinite(value):
        raise ValueError(text)
    return round(value * 1000)


def written(at: int) -> str:
    """Write a moment as Go does, in RFC 3339 with a fraction only where there is one."""
    found = moment(at)
    fraction = f".{found.microsecond:06d}".rstrip("0") if found.microsecond else ""
    return f"{found:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def written_ms(at: int) -> str:
    """Write a moment as Alertmanager does, always with milliseconds."""
    found = moment(at)
    return f"{found:%Y-%m-%dT%H:%M:%S}.{found.microsecond // 1000:03d}Z"
