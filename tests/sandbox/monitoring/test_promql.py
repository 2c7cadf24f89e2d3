"""PromQL, checked against values worked out by hand; `test_against_prometheus.py` asks a real one."""

from __future__ import annotations

import math
from contextlib import suppress
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.sandbox.monitoring.history import History
from reconciler.sandbox.monitoring.promql import understand
from reconciler.sandbox.monitoring.samples import Sample
from reconciler.sandbox.monitoring.values import Matrix, QueryError, exponent, number
from reconciler.sandbox.wire import NotInSandbox
from tests.sandbox.monitoring.queries import INSTANT, OVER_RANGE

if TYPE_CHECKING:
    from reconciler.sandbox.monitoring.values import Value

STEP = 15_000
T0 = 1_767_603_600_000  # on the grid of scrapes


def counters(*values: float, name: str = "x_total") -> History:
    """Return a history of one counter that had these values at the scrapes since T0."""
    history = History(STEP)
    for index, value in enumerate(values):
        history.put(name, [Sample(name, {"job": "api"}, value)], T0 + index * STEP)
    return history


def ask(history: History, query: str, seconds: float) -> Value:
    """Answer a query some seconds after T0."""
    return understand(query, history, STEP).instant(T0 + round(seconds * 1000))


def one(history: History, query: str, seconds: float) -> float:
    """Return the value of the one series of an answer."""
    found = ask(history, query, seconds)
    assert isinstance(found, list)
    (element,) = found
    return element.value


def test_increase_extrapolates_to_both_edges_of_the_range() -> None:
    """Samples at 15 … 60 s in a range of 0 … 62 s: 30 in 45 s become 30 · 62 / 45."""
    history = counters(100, 110, 120, 130, 140)

    assert one(history, "increase(x_total[62s])", 63) == pytest.approx(30 * (45 + 14 + 3) / 45)
    assert one(history, "rate(x_total[62s])", 63) == pytest.approx(30 * 62 / 45 / 62)


def test_increase_does_not_extrapolate_a_counter_below_zero() -> None:
    """It grew from 1 by 30 in 45 s, so it was zero 1.5 s before the first sample, not 14 s."""
    history = counters(0, 1, 11, 21, 31)

    assert one(history, "increase(x_total[62s])", 63) == pytest.approx(30 * (45 + 1.5 + 3) / 45)


def test_increase_goes_half_a_gap_beyond_samples_far_from_the_edge() -> None:
    """The series begins late in the range: half of the average gap of 15 s is added before it."""
    history = counters(500, 510, 520)

    assert one(history, "increase(x_total[5m])", 30) == pytest.approx(20 * (30 + 7.5 + 0) / 30)


def test_a_reset_counts_what_was_reached_before() -> None:
    """5 → 9, reset, 2 → 4: it grew by 4 + 2 + 2."""
    history = counters(5, 9, 2, 4)

    assert one(history, "increase(x_total[45s])", 45) == pytest.approx(8)
    assert one(history, "resets(x_total[45s])", 45) == 1
    assert one(history, "changes(x_total[45s])", 45) == 3


def test_delta_of_a_gauge_knows_no_resets() -> None:
    """It may fall."""
    assert one(counters(5, 9, 2, 4), "delta(x_total[45s])", 45) == pytest.approx(-1)


def test_one_sample_tells_no_growth() -> None:
    """The answer is empty, not zero: a client must not take it for a measurement."""
    assert ask(counters(5, 9), "increase(x_total[10s])", 15) == []
    assert ask(counters(5, 9), "irate(x_total[10s])", 15) == []


def test_a_line_grows_between_its_change_points() -> None:
    """A counter that rises by 0.25 a second, scraped every 15 s."""
    history = History(STEP)
    history.put("cpu", [Sample("cpu_seconds_total", {}, 10.0, slope=0.25)], T0)

    assert one(history, "cpu_seconds_total", 100) == pytest.approx(10 + 0.25 * 90)
    assert one(history, "rate(cpu_seconds_total[1m])", 120) == pytest.approx(0.25)
    assert one(history, "irate(cpu_seconds_total[1m])", 120) == pytest.approx(0.25)
    assert one(history, "deriv(cpu_seconds_total[1m])", 120) == pytest.approx(0.25)
    assert one(history, "avg_over_time(cpu_seconds_total[1m])", 120) == pytest.approx(10 + 0.25 * 90)


def test_a_peak_between_two_scrapes_is_not_seen() -> None:
    """A metric is as blind as its scrapes, here as in the real one."""
    history = counters(1)
    history.put("x_total", [Sample("x_total", {"job": "api"}, 99)], T0 + STEP + 1)
    history.put("x_total", [Sample("x_total", {"job": "api"}, 2)], T0 + 2 * STEP)

    assert one(history, "max_over_time(x_total[1m])", 60) == 2


def test_what_was_not_scraped_yet_is_not_there() -> None:
    """In the future there is the last sample for five minutes, and then none."""
    history = History(STEP, now=lambda: T0 + 60_000)
    history.put("x", [Sample("x", {}, 1)], T0)

    assert one(history, "count_over_time(x[10m])", 300) == 5
    assert one(history, "timestamp(x)", 300) == (T0 + 60_000) / 1000
    assert one(history, "x", 360) == 1
    assert ask(history, "x", 361) == []
    assert ask(history, "x[1m]", 361) == Matrix([], T0 + 301_000, T0 + 361_000)


def test_vectors_match_by_all_labels_or_by_those_named() -> None:
    """A ratio of use and limit, as dashboards have it."""
    history = History(STEP)
    for pod, use in (("a", 30.0), ("b", 80.0)):
        history.put(("use", pod), [Sample("use", {"pod": pod, "container": "web"}, use)], T0)
        history.put(("limit", pod), [Sample("limit", {"pod": pod, "resource": "memory"}, 100.0)], T0)

    assert ask(history, "use / limit", 0) == []
    found = ask(history, "use / on (pod) limit > 0.5", 0)
    assert isinstance(found, list)
    assert [(element.labels, element.value) for element in found] == [({"pod": "b"}, 0.8)]
    with pytest.raises(QueryError, match="many-to-many matching not allowed"):
        ask(history, "use / on () limit", 0)
    with pytest.raises(QueryError, match="many-to-one matching must be explicit"):
        ask(history, "use / on () sum(limit)", 0)


@pytest.mark.parametrize(
    ("query", "values"),
    [
        ("sum(use)", [12.0]),
        ("avg(use)", [3.0]),
        ("min(use)", [1.0]),
        ("max(use)", [6.0]),
        ("count(use)", [4.0]),
        ("group(use)", [1.0]),
        ("stdvar(use)", [3.5]),
        ("stddev(use)", [math.sqrt(3.5)]),
        ("quantile(0.5, use)", [2.5]),
        ("topk(2, use)", [6.0, 3.0]),
        ("topk(1, use)", [6.0]),
        ("bottomk(2, use)", [1.0, 2.0]),
        ("topk(0, use)", []),
        ("topk(9, use)", [6.0, 3.0, 2.0, 1.0]),
        ("sum by (team) (use)", [3.0, 9.0]),
        ("sum without (pod) (use)", [3.0, 9.0]),
        ('count_values("v", use)', [1.0, 1.0, 1.0, 1.0]),
    ],
)
def test_a_group_of_series_becomes_one_value_or_its_best(query: str, values: list[float]) -> None:
    """Of 1, 2, 3 and 6, the first two of one team and the others of another."""
    history = History(STEP)
    for pod, (team, use) in enumerate((("a", 1.0), ("a", 2.0), ("b", 3.0), ("b", 6.0))):
        history.put(("use", pod), [Sample("use", {"pod": f"{pod}", "team": team}, use)], T0)

    found = ask(history, query, 0)

    assert isinstance(found, list)
    assert [element.value for element in found] == pytest.approx(values)


def test_a_comparison_filters_unless_it_says_bool() -> None:
    """Filters keep the series as they are."""
    history = counters(5)

    found = ask(history, "x_total > 3", 0)
    assert isinstance(found, list)
    assert [(element.labels, element.value) for element in found] == [({"__name__": "x_total", "job": "api"}, 5)]
    assert ask(history, "x_total > 7", 0) == []
    assert one(history, "x_total > bool 7", 0) == 0


def test_absence_is_told_with_the_labels_that_are_sure() -> None:
    """An equality is sure, a pattern is not."""
    found = ask(counters(1), 'absent(nosuch{job="api",pod=~"web.*"})', 0)

    assert isinstance(found, list)
    assert [(element.labels, element.value) for element in found] == [({"job": "api"}, 1.0)]
    assert ask(counters(1), "absent(x_total)", 0) == []


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("histogram_quantile(0.9, x_total)", "histogram_quantile"),
        ("holt_winters(x_total[5m], 0.5, 0.5)", "holt_winters"),
        ("mad_over_time(x_total[5m])", "mad_over_time"),
        ("limitk(1, x_total)", "limitk"),
        ("x_total atan2 x_total", "atan2"),
        ("x_total + on (job) fill (0) x_total", "fill"),
        ('x_total{job="a" or job="b"}', "or"),
        ('x_total{job=~"[[:alpha:]]+"}', "regular expression"),
        ('x_total{job=~"\\\\pL+"}', "regular expression"),
    ],
)
def test_what_is_not_here_is_refused_by_name_before_anything_is_computed(query: str, named: str) -> None:
    """Never by an empty or wrong answer."""
    with pytest.raises(NotInSandbox, match=named):
        understand(query, History(STEP), STEP)


@pytest.mark.parametrize("query", ["x_total[", "rate(x_total)", "sum(", "nosuch(x_total)", "{}", "", "1 and 2"])
def test_what_is_no_query_is_bad_data(query: str) -> None:
    """As the real server calls it."""
    with pytest.raises(QueryError, match="parse error") as refused:
        understand(query, History(STEP), STEP)
    assert refused.value.kind == "bad_data"


@pytest.mark.parametrize("query", [query for query in INSTANT + OVER_RANGE if "nosuch_" not in query])
def test_a_query_over_nothing_raises_nothing_unforeseen(query: str) -> None:
    """The queries that a real Prometheus is asked too; here there are no series at all."""
    with suppress(QueryError):
        assert isinstance(ask(History(STEP), query, 3600), float | str | list | Matrix)


@given(st.lists(st.integers(0, 50), min_size=3, max_size=40), st.integers(0, 14))
def test_increase_is_never_negative_and_zero_only_when_nothing_grew(values: list[int], late: int) -> None:
    """Whatever the counter does, resets included."""
    history = counters(*values)
    end = (len(values) - 1) * 15 + late

    found = one(history, f"increase(x_total[{end + 1}s])", end)

    assert found >= 0
    assert (found == 0) is (sum(a != b and b > 0 for a, b in pairwise(values)) == 0)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_written_without_exponent_and_read_back_the_same(value: float) -> None:
    """As clients expect of Prometheus."""
    assert "e" not in number(value).lower()
    assert float(number(value)) == value
    assert float(exponent(value)) == value


def test_numbers_that_are_none_are_written_as_go_does() -> None:
    """Not as Python does."""
    assert [number(value) for value in (math.nan, math.inf, -math.inf, -0.0)] == ["NaN", "+Inf", "-Inf", "-0"]
    assert [exponent(value) for value in (1.0, 0.0, 1234.5, 0.00012)] == ["1e+00", "0e+00", "1.2345e+03", "1.2e-04"]
