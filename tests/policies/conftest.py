"""Rules in the embedded engine: the shipped ones, and ones that a test writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest

from reconciler.adapters.rego_embedded import EmbeddedRego
from reconciler.resources import shipped

if TYPE_CHECKING:
    from pathlib import Path


class Writes(Protocol):
    """Makes an engine over rules of a test's own."""

    def __call__(self, *statements: str) -> EmbeddedRego:
        """Write these statements into package reconciler.policy."""


@pytest.fixture(scope="session")
def rules() -> EmbeddedRego:
    """The rules as they ship."""
    return EmbeddedRego([shipped("policies")])


@pytest.fixture
def write(tmp_path: Path) -> Writes:
    """Make engines over rules of the test's own, each in place of the one before."""

    def new(*statements: str) -> EmbeddedRego:
        (tmp_path / "mine.rego").write_text("\n".join(("package reconciler.policy", *statements)))
        return EmbeddedRego([tmp_path])

    return new
