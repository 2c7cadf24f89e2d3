"""Fixtures of the sandbox's cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.sandbox.cluster.api import Api

if TYPE_CHECKING:
    from reconciler.sandbox.cluster import Store


@pytest.fixture
def api() -> Api:
    """A cluster, asked as its administrator."""
    return Api()


@pytest.fixture
def store(api: Api) -> Store:
    """The objects of that cluster."""
    return api.store
