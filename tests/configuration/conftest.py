"""Fixtures of the configuration's tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.configuration.files import MINIMAL

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a file with the required keys and nothing else."""
    path = tmp_path / "reconciler.yaml"
    path.write_text(MINIMAL)
    return path
