"""Amounts as the API server writes them in its messages: the shortest form in the author's family of suffixes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reconciler.model.quantity import parse_quantity

if TYPE_CHECKING:
    from decimal import Decimal

_BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_DECIMAL = {-9: "n", -6: "u", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T", 15: "P", 18: "E"}
_STEP = 1024
_EXPONENT = re.compile(r"[eE][+-]?\d+$")


def amount(value: object) -> Decimal:
    """Return a quantity's value; JSON may hold it as a number. Raises ValueError."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"not a quantity: {value!r}")  # noqa: TRY004 - one kind of error for every misfit
    return parse_quantity(str(value))


def canonical(value: object) -> str:
    """Write a quantity as the server does: 1024Mi is 1Gi, 0.5 is 500m. Raises ValueError."""
    number, text = amount(value), str(value)
    if "i" in text and abs(number) >= _STEP and number == number.to_integral_value():
        return _in_binary(int(number))
    return _in_decimal(number, exponents=_EXPONENT.search(text) is not None)


def _in_binary(number: int) -> str:
    power = 0
    while number % _STEP == 0 and power < len(_BINARY) - 1:
        number //= _STEP
        power += 1
    return f"{number}{_BINARY[power]}"


def _in_decimal(number: Decimal, *, exponents: bool) -> str:
    if not number:
        return "0"
    power = -9
    units = int(number.scaleb(9).to_integral_value(rounding="ROUND_UP"))  # finer than nano is rounded away from zero
    while units % 1000 == 0 and power < max(_DECIMAL):
        units //= 1000
        power += 3
    if exponents:
        return f"{units}e{power}" if power else str(units)
    return f"{units}{_DECIMAL[power]}"
