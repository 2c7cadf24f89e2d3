"""The shipped rules in the embedded engine."""

from __future__ import annotations

import pytest

from reconciler.adapters.rego_embedded import EmbeddedRego
from reconciler.resources import shipped


@pytest.fixture(scope="session")
def rules() -> EmbeddedRego:
    """The rules as they ship; an engine holds no memory of what it was asked."""
    return EmbeddedRego([shipped("policies")])
