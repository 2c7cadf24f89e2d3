"""The rest between passes: by time, by a ring, never too soon after a woken pass."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from reconciler.webhooks.waking import Bell, Rest


@dataclass
class Hours:
    """A bell whose waiting is virtual: what rings when is written down before."""

    at: list[tuple[float, str]] = field(default_factory=list)  # ascending
    time: float = 0.0

    def wait(self, seconds: float) -> str | None:
        """Let time pass until the next ring, or until the end of the wait."""
        end = self.time + seconds
        if self.at and self.at[0][0] <= end:
            when, why = self.at.pop(0)
            self.time = max(self.time, when)
            return why
        self.time = end
        return None

    def rests(self, *, interval: float = 60.0, gap: float = 5.0) -> Rest:
        """Return a rest by this clock."""
        return Rest(self, threading.Event(), interval=interval, gap=gap, now=lambda: self.time)  # type: ignore[arg-type]


def test_without_a_ring_the_interval_passes() -> None:
    """Webhooks may be lost: the next pass comes all the same."""
    hours = Hours()

    assert hours.rests().rest() == ()
    assert hours.time == 60.0


def test_a_ring_ends_the_rest_at_once() -> None:
    """After a pass by time nothing has to be waited for."""
    hours = Hours([(3.0, "push")])

    assert hours.rests().rest() == ("push",)
    assert hours.time == 3.0


def test_after_a_woken_pass_the_gap_is_kept() -> None:
    """What rings meanwhile is one woken pass at the end of the gap."""
    hours = Hours([(1.0, "push"), (2.0, "status"), (3.0, "status"), (4.0, "push"), (40.0, "status")])
    rest = hours.rests()

    assert rest.rest() == ("push",)
    assert (rest.rest(), hours.time) == (("status", "push"), 6.0)
    assert (rest.rest(), hours.time) == (("status",), 40.0)


def test_a_gap_longer_than_the_interval_does_not_hold_up_the_pass() -> None:
    """The interval is the longest rest there is."""
    hours = Hours([(1.0, "push"), (2.0, "push")])
    rest = hours.rests(interval=10.0, gap=100.0)
    rest.rest()

    assert (rest.rest(), hours.time) == (("push",), 11.0)


def test_a_flood_is_one_woken_pass() -> None:
    """However many ring while a pass is under way; and the bell does not grow by it."""
    bell = Bell()
    for number in range(10_000):
        bell.ring("push" if number % 2 else "status")

    assert bell._rings.qsize() < 10
    rest = Rest(bell, threading.Event(), interval=0.2, gap=0.0)
    assert rest.rest() == ("status", "push")
    assert rest.rest() == ()


def test_a_ring_from_another_thread_ends_a_long_rest() -> None:
    """The loop's thread waits, the listener's rings."""
    bell = Bell()
    threading.Timer(0.05, bell.ring, ["push"]).start()

    assert Rest(bell, threading.Event(), interval=600.0, gap=0.0).rest() == ("push",)


def test_an_end_that_is_wanted_ends_the_rest() -> None:
    """The signal's handler sets the event and rings."""
    bell, stop = Bell(), threading.Event()
    stop.set()
    bell.ring("stop")

    assert Rest(bell, stop, interval=600.0, gap=600.0).rest() == ()
