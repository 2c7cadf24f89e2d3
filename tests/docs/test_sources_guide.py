"""Every row of the guide on sources names a test that there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "guides" / "sources.md"
ROWS = [row for row in GUIDE.read_text().splitlines() if row.startswith("| ") and not row.startswith("| Source ")]


@pytest.mark.parametrize("row", ROWS)
def test_row_names_its_test(row: str) -> None:
    """The last cell: a file below `tests`, and a function in it unless the whole file shows it."""
    named = re.fullmatch(r"`([a-z_/]+\.py)(?:::(test_\w+))?`", row.strip("| ").rpartition("| ")[2])

    assert named is not None
    assert f"def {named[2] or 'test_'}" in (ROOT / "tests" / named[1]).read_text()


def test_guide_has_rows() -> None:
    """So that none passes by being lost."""
    assert len(ROWS) > 30
