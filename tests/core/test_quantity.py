"""Kubernetes quantities: equal by value, written in the author's style, and nothing else is taken for one."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.quantity import format_bytes, format_like, parse_quantity, same_quantities, same_quantity

MEBI, MEGA = 2**20, 10**6
AMOUNTS = st.integers(min_value=0, max_value=2**62)
BINARY = st.sampled_from(["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"])
DECIMAL = st.sampled_from(["n", "u", "m", "", "k", "M", "G", "T", "P", "E"])
NUMBERS = st.from_regex(r"[0-9]{1,9}(\.[0-9]{0,6})?", fullmatch=True)
QUANTITIES = st.builds(lambda number, suffix: number + suffix, NUMBERS, BINARY | DECIMAL)


@given(amount=AMOUNTS)
def test_written_bytes_are_read_back_exactly(amount: int) -> None:
    """No unit loses a byte."""
    assert parse_quantity(format_bytes(amount)) == amount


@given(example=QUANTITIES, amount=AMOUNTS)
def test_amount_in_the_authors_style_is_never_less(example: str, amount: int) -> None:
    """Rounding goes up: less memory than was decided would be killed again; and by less than one unit."""
    written = parse_quantity(format_like(example, amount))

    assert amount <= written < amount + MEBI


@given(example=QUANTITIES, amount=AMOUNTS)
def test_authors_style_is_kept_once_it_is_reached(example: str, amount: int) -> None:
    """What we wrote is an example of itself."""
    once = format_like(example, amount)

    assert same_quantity(format_like(once, amount), once)


@given(quantity=QUANTITIES)
def test_quantity_is_the_same_as_itself_and_survives_spaces(quantity: str) -> None:
    """YAML may leave blanks around it."""
    assert same_quantity(quantity, f" {quantity}\n")


@given(left=QUANTITIES, right=QUANTITIES)
def test_sameness_is_symmetric_and_by_value(left: str, right: str) -> None:
    """Text does not matter where both are quantities."""
    assert same_quantity(left, right) == same_quantity(right, left) == (parse_quantity(left) == parse_quantity(right))


def test_what_is_unset_is_the_same_as_unset_only() -> None:
    """An absent value is no amount, not even an empty one."""
    assert same_quantities((None, "1Gi"), (None, "1024Mi"))
    assert not same_quantities((None,), ("",))
    assert not same_quantities(("0",), (None,))
    assert not same_quantities((), (None,))


@given(text=st.text(max_size=12))
def test_any_text_is_compared_without_an_error(text: str) -> None:
    """What is no quantity is compared as it stands; a value from Git can be anything."""
    assert same_quantity(text, text)


@given(text=st.text(alphabet="0123456789.eE+-KMGi", max_size=24))
def test_any_text_is_a_quantity_or_a_value_error(text: str) -> None:
    """Nothing else ever comes out of the reader."""
    with suppress(ValueError):
        assert parse_quantity(text).is_finite()


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("1Gi", "1024Mi"),
        ("0.5Gi", "512Mi"),
        ("1G", "1000M"),
        ("100m", "0.1"),
        ("1e3", "1k"),
        ("1E", "1e18"),
        (".5", "0.5"),
        ("5.", "5"),
        ("+1Gi", "1Gi"),
        ("128974848", "123Mi"),
    ],
)
def test_notations_of_one_amount_are_the_same(left: str, right: str) -> None:
    """Source: the API's own examples of `resource.Quantity`."""
    assert same_quantity(left, right)


@pytest.mark.parametrize(
    ("left", "right"),
    [("1Gi", "1G"), ("512Mi", "512M"), ("1", "1m"), ("-1Gi", "1Gi"), ("1Gi", "1GB"), ("", "0"), ("1e3", "1E3i")],
)
def test_different_amounts_are_not_the_same(left: str, right: str) -> None:
    """A suffix is a factor; what is no quantity equals none."""
    assert not same_quantity(left, right)


@pytest.mark.parametrize(
    "text", ["", "Gi", "1GB", "1 Gi", "1gi", "0x10", "1_000", "١", "NaN", "inf", "1e", "1e9999999999999999999", "1Gi;x"]
)
def test_what_is_no_quantity_is_a_value_error(text: str) -> None:
    """Digits are the ASCII ones, exponents have an end, and nothing follows."""
    with pytest.raises(ValueError, match="not a Kubernetes quantity"):
        parse_quantity(text)


def test_exponent_is_read_exactly() -> None:
    """No float is in between."""
    assert parse_quantity("1.1e-3") == Decimal("0.0011")


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0, "0"), (1, "1"), (1023, "1023"), (1024, "1Ki"), (2**30, "1Gi"), (1536 * MEBI, "1536Mi"), (2**60, "1Ei")],
)
def test_bytes_are_written_with_the_largest_suffix_that_divides_them(amount: int, text: str) -> None:
    """People read `1Gi`, not `1073741824`."""
    assert format_bytes(amount) == text


@pytest.mark.parametrize(
    ("example", "amount", "text"),
    [
        ("512Mi", MEBI + 1, "2Mi"),
        ("1Gi", 345 * MEBI, "345Mi"),
        ("0.5Gi", 2**30, "1Gi"),
        ("512M", MEGA + 1, "2M"),
        ("1G", 2 * 10**9, "2000M"),
        ("100k", 5 * MEGA, "5M"),
        ("536870912", 2**30, "1073741824"),
        ("5e8", 2**30, "1073741824"),
        ("500m", 7, "7"),
        ("512Mi", 5, "5"),
        ("plenty", 7, "7"),
    ],
)
def test_amount_is_written_in_the_authors_family_of_suffixes(example: str, amount: int, text: str) -> None:
    """Binary stays binary, decimal stays decimal, bare bytes stay bare; exponents and millis become bare."""
    assert format_like(example, amount) == text
