"""Fixtures of the command line's tests."""

from tests.cli.desk import desk

__all__ = ["desk"]
