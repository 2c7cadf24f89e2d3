"""The system's clock."""

from __future__ import annotations

from datetime import timedelta

from reconciler.adapters.clock import SystemClock


def test_time_is_in_utc() -> None:
    """Times compare and print the same on every machine."""
    assert SystemClock().now().utcoffset() == timedelta(0)
