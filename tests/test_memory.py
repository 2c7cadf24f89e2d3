"""Short-lived files go where they can live."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

from tests.memory import MEMORY, folder

if TYPE_CHECKING:
    from pathlib import Path


def test_what_is_no_memory_is_not_used(tmp_path: Path) -> None:
    """A folder that only stands where memory would be mounted, or is missing, is as slow as any other."""
    assert folder(tmp_path) == folder(tmp_path / "missing") == tempfile.gettempdir()


def test_the_answer_is_a_folder_that_exists() -> None:
    """Whatever this machine has."""
    assert folder() in (str(MEMORY), tempfile.gettempdir())
