"""The rulers themselves: what is printed, what counts as waiting, and that every measurement is found."""

from __future__ import annotations

import importlib

import pytest

from tests import bench
from tests.bench.__main__ import line, measurements
from tests.bench.figure import Figure
from tests.bench.waits import Waits


def test_overlapping_waits_count_once() -> None:
    """Waits of several threads at the same time are one wait."""
    waits = Waits([(1.0, 3.0), (2.0, 4.0), (2.5, 3.5), (6.0, 7.0)])

    assert waits.seconds() == pytest.approx(4.0)


def test_figure_is_printed_with_its_ratio_and_whether_it_is_in_reach() -> None:
    """One line a figure: name, ours, floor, ratio, reach, ok or SHORT."""
    figure = Figure(name="a pass", ours=30.0, floor=10.0, unit="ms", reach="≤ 2 × floor", ok=False)

    assert line(figure).split() == ["a", "pass", "30", "ms", "10", "ms", "3", "≤", "2", "×", "floor", "SHORT"]


@pytest.mark.parametrize("name", measurements())
def test_every_measurement_can_be_asked(name: str) -> None:
    """A module `bench_*.py` has `measure`, and loads without a testbed."""
    assert callable(importlib.import_module(f"{bench.__name__}.bench_{name}").measure)
