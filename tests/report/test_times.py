"""Times and spans as people say them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from reconciler.report.times import span


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (timedelta(0), "0s"),
        (timedelta(milliseconds=400), "0.4s"),
        (timedelta(seconds=43.9), "43s"),
        (timedelta(minutes=5), "5m"),
        (timedelta(hours=2, minutes=5, seconds=7), "2h 5m"),
        (timedelta(days=1, seconds=3), "1d"),
        (timedelta(seconds=-5), "0s"),
    ],
)
def test_a_span_is_said_in_its_two_largest_units(length: timedelta, words: str) -> None:
    """Enough to judge by, short enough for a column; a clock that ran back counts as no time."""
    assert span(length) == words
