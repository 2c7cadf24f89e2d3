"""Times and spans as people say them. The present moment is always given, never asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime, timedelta

_UNITS = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))


def span(length: timedelta) -> str:
    """Write a length of time in its two largest units: `2h 5m`, `43s`; below a second, `0.4s`."""
    seconds = max(0.0, length.total_seconds())
    if 0 < seconds < 1:
        return f"{seconds:.1f}s"
    rest, parts = int(seconds), []
    for unit, size in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
        elif parts:
            break  # `1d 3s` would say less than `1d`
    return " ".join(parts[:2]) or "0s"


def moment(at: datetime) -> str:
    """Write a moment to the second, in UTC."""
    return f"{at:%Y-%m-%d %H:%M:%S}"
