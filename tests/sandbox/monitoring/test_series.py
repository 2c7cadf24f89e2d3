"""The past of a series as change points gives the samples that scraping would have taken."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.sandbox.monitoring.history import RETENTION, History
from reconciler.sandbox.monitoring.samples import Sample
from reconciler.sandbox.monitoring.series import MOST_POINTS, Series
from tests.sandbox.monitoring.worlds import START

STEP = 1000

changes = st.lists(
    st.tuples(
        st.integers(0, 3_000),  # ms since the change before
        st.one_of(st.none(), st.integers(-3, 3)),
        st.sampled_from([0.0, 0.5, 2.0]),
    ),
    max_size=12,
)


def told(points: list[tuple[int, int | None, float]]) -> tuple[Series, dict[int, float]]:
    """Return a series that was told of changes, and what scrapes would have seen, worked out one by one."""
    series, at, state = Series({"__name__": "x"}), START, None
    seen: dict[int, float] = {}
    timeline: list[tuple[int, tuple[int, float, float] | None]] = []
    for wait, value, slope in points:
        at += wait
        if value is None:
            series.end(at)
            state = None
        else:
            series.set(at, value, slope)
            state = (at, float(value), slope)
        timeline.append((at, state))
    for scraped in range(START, at + 5 * STEP, STEP):
        last = [state for since, state in timeline if since <= scraped]
        if last and last[-1] is not None:
            since, start, slope = last[-1]
            seen[scraped] = start + slope * (scraped - since) / 1000
    return series, seen


@given(changes, st.integers(0, 20_000), st.integers(0, 20_000))
def test_a_window_holds_exactly_the_samples_that_scraping_would_have_taken(
    points: list[tuple[int, int | None, float]], begin: int, length: int
) -> None:
    """Whatever changed, went and came back, within a step or over many."""
    series, seen = told(points)
    end_of_world = max(seen, default=START)
    start, end = START + begin, min(START + begin + length, end_of_world)

    found = {at: value for run in series.window(start, end, STEP) for at, value in run.samples()}

    assert found == pytest.approx({at: value for at, value in seen.items() if start <= at <= end})


def test_telling_the_same_again_is_no_change() -> None:
    """Also for a counter that has gone along its line meanwhile."""
    series = Series({"__name__": "x"})

    assert series.set(START, 1, 0.5) is True
    assert series.set(START + 10_000, 6, 0.5) is False
    assert series.set(START + 10_000, 6, 0.25) is True
    assert series.end(START + 11_000) is True
    assert series.end(START + 12_000) is False


def test_the_points_of_one_series_are_bounded() -> None:
    """The oldest go; the newest stay exact."""
    series = Series({"__name__": "x"})
    for number in range(3 * MOST_POINTS):
        series.set(START + number * STEP, number)

    assert len(series._points) <= MOST_POINTS
    assert series.value(START + 3 * MOST_POINTS * STEP) == 3 * MOST_POINTS - 1


def test_what_an_owner_no_longer_has_is_stale_at_once() -> None:
    """And lives on under the same labels when it comes back."""
    history = History(STEP)
    one, other = Sample("x", {"reason": "A"}, 1), Sample("x", {"reason": "B"}, 1)
    history.put("pod", [one, other], START)
    history.put("pod", [other], START + 5000)
    history.put("pod", [one], START + 9000)

    assert {series.labels["reason"]: series.is_live for series in history.of("x")} == {"A": True, "B": False}
    assert history.count("x") == 2
    first = next(series for series in history.of("x") if series.labels["reason"] == "A")
    assert [(run.first, run.last) for run in first.window(START, START + 10_000, STEP)] == [
        (START, START + 4000),
        (START + 9000, START + 10_000),
    ]


def test_what_is_older_than_the_retention_is_forgotten() -> None:
    """Series of objects that are gone go whole, of the others the old changes."""
    history = History(STEP)
    history.put("gone", [Sample("x", {"pod": "gone"}, 1)], START)
    history.put("gone", [], START + 1000)
    for minute in range(10):
        history.put("stays", [Sample("x", {"pod": "stays"}, minute)], START + minute * 60_000)
    later = START + 2 * RETENTION
    history.put("new", [Sample("x", {"pod": "new"}, 1)], later)

    assert [series.labels["pod"] for series in history.of("x")] == ["stays", "new"]
    stays = next(history.of("x"))
    assert stays.value(later) == 9
    assert len(stays._points) == 1


def test_labels_without_a_value_are_left_out() -> None:
    """As Prometheus does, for which an empty label is none."""
    history = History(STEP)
    history.put("pod", [Sample("x", {"node": "", "pod": "web-1"}, 1)], START, {"job": "kubelet"})

    (series,) = history.of()
    assert series.labels == {"__name__": "x", "pod": "web-1", "job": "kubelet"}
    assert series.bare == {"pod": "web-1", "job": "kubelet"}
