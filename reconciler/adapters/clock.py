"""The system's clock: the only place where the product asks what time it is."""

from __future__ import annotations

from datetime import UTC, datetime


class SystemClock:
    """The Clock port on the machine's own clock."""

    def now(self) -> datetime:
        """Return the current time, in UTC."""
        return datetime.now(UTC)
