"""Simulations run in the same worlds as the scenarios."""

from tests.scenarios.conftest import worlds

__all__ = ["worlds"]
