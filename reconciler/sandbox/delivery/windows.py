"""Sync windows of a project: times in which Argo CD may, or may not, sync."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from reconciler.sandbox.delivery import globs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Json = dict[str, Any]

_UNITS = {"h": "hours", "m": "minutes", "s": "seconds"}
_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))  # minute, hour, day, month, day of week
_MINUTE = timedelta(minutes=1)


def blocks(project: Json, application: Json, now: datetime, *, manual: bool) -> bool:
    """Tell whether a window keeps an Application from syncing now.

    Raises ValueError for a schedule or a duration that cannot be read.
    """
    windows = [w for w in project["spec"].get("syncWindows") or () if _speaks_of(w, application)]
    active = [window for window in windows if _is_active(window, now)]
    denying = [window for window in active if window.get("kind") == "deny"]
    if denying:
        return not (manual and all(window.get("manualSync") for window in denying))
    allowing = [window for window in windows if window.get("kind") == "allow"]
    if not allowing or any(window in active for window in allowing):
        return False
    return not (manual and all(window.get("manualSync") for window in allowing))


def _speaks_of(window: Json, application: Json) -> bool:
    destination = application["spec"].get("destination") or {}
    servers = [destination[key] for key in ("name", "server") if destination.get(key)]
    tests = [
        (window.get("applications"), [application["metadata"]["name"]]),
        (window.get("clusters"), servers),
        (window.get("namespaces"), [destination.get("namespace") or ""]),
    ]
    said = [any(globs.permits(p, text) for p in patterns for text in texts) for patterns, texts in tests if patterns]
    return bool(said) and (all(said) if window.get("andOperator") else any(said))


def _is_active(window: Json, now: datetime) -> bool:
    """Tell whether a scheduled beginning lies less than the duration back."""
    local = now.astimezone(ZoneInfo(window.get("timeZone") or "UTC"))
    fields = _schedule(window["schedule"])
    begin = local - duration(window["duration"])
    minute = local.replace(second=0, microsecond=0)
    if minute == local:
        minute -= _MINUTE  # a beginning of this very moment is not before now
    while minute > begin:
        if _fits(minute, fields):
            return True
        minute -= _MINUTE
    return False


def _fits(minute: datetime, fields: Sequence[tuple[frozenset[int], bool]]) -> bool:
    (minutes, _), (hours, _), (days, any_day), (months, _), (weekdays, any_weekday) = fields
    if minute.minute not in minutes or minute.hour not in hours or minute.month not in months:
        return False
    day, weekday = minute.day in days, minute.isoweekday() % 7 in weekdays
    return (day and weekday) if any_day or any_weekday else (day or weekday)  # cron's oldest rule


def _schedule(text: str) -> list[tuple[frozenset[int], bool]]:
    parts = text.split()
    if len(parts) != len(_RANGES):
        raise ValueError(f"cannot parse schedule '{text}'")
    try:
        return [
            (frozenset(_values(part, *span)), part.startswith("*")) for part, span in zip(parts, _RANGES, strict=True)
        ]
    except ValueError:
        raise ValueError(f"cannot parse schedule '{text}'") from None


def _values(field: str, lowest: int, highest: int) -> Iterator[int]:
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, dash, last = span.partition("-")
        begin = lowest if first == "*" else int(first)
        end = highest if first == "*" or (step and not dash) else int(last or first)
        if not lowest <= begin <= end <= highest:
            raise ValueError(field)
        yield from range(begin, end + 1, int(step or 1))


def duration(text: str) -> timedelta:
    """Return a duration as Go writes it, such as 1h30m. Raises ValueError."""
    found = re.findall(r"(\d+(?:\.\d+)?)([hms])", text)
    if not found or "".join(number + unit for number, unit in found) != text:
        raise ValueError(f"cannot parse duration '{text}'")
    return timedelta(**{_UNITS[unit]: float(number) for number, unit in found})
