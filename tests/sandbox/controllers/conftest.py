"""Fixtures of the sandbox's controllers."""

from __future__ import annotations

import pytest

from tests.sandbox.controllers.world import World


@pytest.fixture
def world() -> World:
    """Return an empty cluster."""
    return World()
