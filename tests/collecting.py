"""Collect without Python's garbage collector: it would walk over thousands of tests again and again, and find nothing.

What collection made lives until the end; frozen, it is not walked over while tests run either. This saves a third of
the time that each worker takes before its first test.
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Let the collector rest while tests are collected, and then look only at what tests make."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()
