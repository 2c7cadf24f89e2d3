"""Fixtures of the command line's tests."""

from tests.cli.desk import desk
from tests.cli.served import served

__all__ = ["desk", "served"]
