"""The reference pages say what the code says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from reconciler.configuration import sections

DOCS = Path(__file__).parents[2] / "docs"


def test_the_reference_pages_are_fresh() -> None:
    """A change of a setting comes with its page: `python docs/generate.py` writes it."""
    command = [sys.executable, str(DOCS / "generate.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


def test_every_setting_has_a_description_on_its_page() -> None:
    """No key is left for the reader to guess."""
    page = (DOCS / "reference" / "configuration.md").read_text(encoding="utf-8")
    described = [(name, key, field) for name, model in sections().items() for key, field in model.model_fields.items()]

    assert [f"{name}.{key}" for name, key, field in described if not field.description] == []
    assert [f"{name}.{key}" for name, key, _ in described if f"\n| `{key}` |" not in page] == []
