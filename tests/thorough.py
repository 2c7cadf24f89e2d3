"""With how many examples a property is tried: few at a desk, all where CI is true or RECONCILER_TESTS=thorough.

Few find what is broken soon, and each run tries others; all of them take minutes more than anybody waits for at a desk.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

THOROUGH = os.environ.get("RECONCILER_TESTS") == "thorough" or os.environ.get("CI", "").lower() in ("1", "true")


def examples(all_of_them: int) -> int:
    """Return how many examples to try of as many as a property deserves."""
    return all_of_them if THOROUGH else max(10, all_of_them // 5)


def load_profile() -> None:
    """Let every property have this many examples; the machine may be busy, so one may take its time."""
    name = "thorough" if THOROUGH else "quick"
    settings.register_profile(
        name, max_examples=examples(100), deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    settings.load_profile(name)
