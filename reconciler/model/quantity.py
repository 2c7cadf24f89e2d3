"""Kubernetes quantities: compare by value, write in the author's style.

Source: the `resource.Quantity` grammar of the Kubernetes API (suffixes Ki…Ei, m k…E, exponents).
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_BINARY = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50, "Ei": 2**60}
_DECIMAL = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "": Decimal(1),
    "k": Decimal(10**3),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "T": Decimal(10**12),
    "P": Decimal(10**15),
    "E": Decimal(10**18),
}
_QUANTITY = re.compile(r"^([+-]?(?:\d+\.?\d*|\.\d+))(?:([eE][+-]?\d+)|([KMGTPE]i)|([numkMGTPE]?))$", re.ASCII)


def parse_quantity(text: str) -> Decimal:
    """Return the value in base units (bytes, cores).

    Raises ValueError when the text is not a quantity.
    """
    match = _QUANTITY.match(text.strip())
    if match is None:
        msg = f"not a Kubernetes quantity: {text!r}"
        raise ValueError(msg)
    number, exponent, binary, decimal = match.groups()
    if exponent:
        try:
            return Decimal(number + exponent)
        except InvalidOperation:  # an exponent beyond any number
            msg = f"not a Kubernetes quantity: {text!r}"
            raise ValueError(msg) from None
    if binary:
        return Decimal(number) * _BINARY[binary]
    return Decimal(number) * _DECIMAL[decimal]


def same_quantity(left: str, right: str) -> bool:
    """Tell whether two texts mean the same amount; `1Gi` and `1024Mi` do."""
    try:
        return parse_quantity(left) == parse_quantity(right)
    except ValueError:
        return left == right


def same_quantities(values: Sequence[str | None], expected: Sequence[str | None]) -> bool:
    """Tell whether every value means the expected amount, or is absent where that is expected."""
    return len(values) == len(expected) and all(
        value is wanted if value is None or wanted is None else same_quantity(value, wanted)
        for value, wanted in zip(values, expected, strict=True)
    )


def format_bytes(amount: int) -> str:
    """Write bytes with the largest binary suffix that divides them: 1073741824 is `1Gi`."""
    for suffix, factor in reversed(_BINARY.items()):
        if amount >= factor and amount % factor == 0:
            return f"{amount // factor}{suffix}"
    return str(amount)


def format_like(example: str, amount: int) -> str:
    """Write at least this many bytes in the example's family of suffixes, in whole mebi- or megabytes."""
    match = _QUANTITY.match(example.strip())
    if match is None or match[2] or match[4] in {"n", "u", "m"}:
        return str(amount)
    if match[3]:
        mebi = _BINARY["Mi"]
        return format_bytes(-(-amount // mebi) * mebi) if amount >= mebi else str(amount)
    if not match[4]:
        return str(amount)
    mega = 10**6
    return f"{-(-amount // mega)}M"
