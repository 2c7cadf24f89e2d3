"""What the values of the configuration are made of: durations, quantities, references, addresses, and a section."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, PlainSerializer, StringConstraints

from reconciler.model.quantity import parse_quantity

_LONGEST = timedelta(days=3650)  # more would reach beyond the calendar when it is taken from a date
_REFERENCE = re.compile(r"refs(/[A-Za-z0-9_-][A-Za-z0-9._-]*){2,}")
_KEPT = ("changes", "for", "merge-requests", "notes", "pull", "remotes", "replace", "stash", "tags")
_ADDRESS = re.compile(r"(?P<host>[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):(?P<port>[0-9]{1,5})")
_LAST_PORT = 65_535
_WEB = re.compile(r"https?://[^/?#\s]+\S*")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def _duration(value: Any) -> Any:  # noqa: ANN401 - a validator sees what the file holds
    """Read `90s`, `5m`, `1h`, `7d`; a bare number is refused because its unit is a guess."""
    if isinstance(value, timedelta):
        return value
    if isinstance(value, str):
        for unit, seconds in _UNITS.items():
            number = value.removesuffix(unit)
            if number != value and number.replace(".", "", 1).isdigit():
                if float(number) * seconds > _LONGEST.total_seconds():
                    msg = f"longer than {_LONGEST.days}d"
                    raise ValueError(msg)
                return timedelta(seconds=float(number) * seconds)
    msg = "not a duration: write a number and a unit, such as 500ms, 30s, 5m, 1h or 7d"
    raise ValueError(msg)


def _quantity(value: str) -> str:
    """Refuse an amount that cannot be read, or that nothing could stay below."""
    if parse_quantity(value) <= 0:
        msg = "not an amount above zero, such as 16Gi"
        raise ValueError(msg)
    return value


def format_duration(value: timedelta) -> str:
    """Write a duration in the largest unit that divides it."""
    milliseconds = round(value.total_seconds() * 1000)
    for unit in ("d", "h", "m", "s"):
        size = round(_UNITS[unit] * 1000)
        if milliseconds and milliseconds % size == 0:
            return f"{milliseconds // size}{unit}"
    return f"{milliseconds}ms" if milliseconds else "0s"


def _reference(value: str) -> str:
    """Refuse what is no full name of a reference, and what belongs to the forge or to other uses of Git."""
    parts = value.split("/")
    if not _REFERENCE.fullmatch(value) or any(part.endswith((".", ".lock")) or ".." in part for part in parts):
        msg = "not a full name such as refs/reconciler/ledger"
        raise ValueError(msg)
    if parts[1] in _KEPT:
        msg = f"not a name of ours: what is below refs/{parts[1]} belongs to Git or to the forge"
        raise ValueError(msg)
    return value


def _as_text(value: Any) -> Any:  # noqa: ANN401 - a validator sees what the file holds
    """Take a number for the text that it is written as: YAML reads an id without letters as one."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _web_address(value: str) -> str:
    """Refuse what names no server: without a scheme, a host is read as one."""
    if not _WEB.fullmatch(value):
        msg = "not an address such as http://prometheus:9090: it begins with http:// or https://"
        raise ValueError(msg)
    return value


def _address(value: str) -> str:
    """Refuse what is no host and port; 0 stands for any port that is free."""
    found = _ADDRESS.fullmatch(value)
    if not found or int(found["port"]) > _LAST_PORT:
        msg = "not host:port, such as 127.0.0.1:8093 or [::1]:8093"
        raise ValueError(msg)
    return value


AppId = Annotated[str, BeforeValidator(_as_text), StringConstraints(pattern=r"^[A-Za-z0-9._-]+$")]
Address = Annotated[str, AfterValidator(_address)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
Reference = Annotated[str, AfterValidator(_reference)]
Quantity = Annotated[str, AfterValidator(_quantity)]
Duration = Annotated[timedelta, BeforeValidator(_duration), PlainSerializer(format_duration)]


class Section(BaseModel):
    """A part of the file: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)
