"""One line of an environment file changes, or the file is refused."""

from __future__ import annotations

import pytest

from reconciler.errors import Refusal
from reconciler.manifests.editing.env_files import with_line


def changed(before: str, after: str = "info") -> str:
    """Return the file with LEVEL changed from `debug`."""
    return with_line(before.encode(), "LEVEL", "debug", after, max_bytes=1000).decode()


@pytest.mark.parametrize(
    "before", ["LEVEL=debug", "# LEVEL=debug\nOTHER=debug\nLEVEL=debug\n", "A=1\r\nLEVEL=debug\r\n"]
)
def test_only_the_keys_line_changes(before: str) -> None:
    """Comments, other keys and line ends stay."""
    assert changed(before) == "info".join(before.rsplit("debug", 1))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("LEVEL=trace\n", "info"),
        ("LEVEL=debug\nLEVEL=debug\n", "info"),
        (" LEVEL=debug\n", "info"),
        ("LEVEL= debug\n", "info"),
        ("", "info"),
        ("LEVEL=debug\n", "a\nEVIL=1"),
        ("LEVEL=debug\n", " info"),
        ("LEVEL=debug\n", "a\u2028b"),
    ],
)
def test_doubtful_line_or_value_is_refused(before: str, after: str) -> None:
    """Exactly one line says it, exactly so, and the new value is one visible line."""
    with pytest.raises(Refusal):
        changed(before, after)
