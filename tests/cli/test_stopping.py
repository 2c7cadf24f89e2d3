"""Ctrl-C and SIGTERM: an end comes soon, at a safe point, in one line, and nothing is lost by it."""

from __future__ import annotations

import signal
import threading
import time
from typing import TYPE_CHECKING

import pytest

from reconciler.model.operation import EffectStatus, EventKind
from reconciler.reconcile import reconcile
from reconciler.watching import UNWATCHED, Unwatched, side_by_side
from tests.adapters.wire import Answer, Request

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator

    from tests.cli.served import Served

_PATIENCE = 20.0  # seconds for a process to get where a test wants it
_PODS, _RESTART = "/api/v1/pods", "/apis/apps/v1/namespaces/shop/deployments/cart"


@pytest.fixture
def start(served: Served) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start commands that do not outlive the test."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        started.append(served.start(*arguments))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


class SlowRestart:
    """A cluster that takes a restart and does not say so before it is let go."""

    def __init__(self, served: Served) -> None:
        self.done = threading.Event()
        self.asked = threading.Event()
        self._patched = served.wire.script[f"PATCH {_RESTART}"]
        served.wire.script[f"PATCH {_RESTART}"] = self._answer

    def _answer(self, request: Request) -> Answer:
        self.asked.set()
        self.done.wait(_PATIENCE)
        assert callable(self._patched)
        return self._patched(request)


def until_asked(served: Served, path: str) -> None:
    """Wait until the process has asked for this."""
    limit = time.monotonic() + _PATIENCE
    while not served.wire.asked("GET", path):
        assert time.monotonic() < limit
        threading.Event().wait(0.02)


@pytest.mark.parametrize(
    ("arguments", "number", "code", "said"),
    [
        (("plan",), signal.SIGINT, 130, "nothing was touched"),
        (("run", "--once"), signal.SIGINT, 130, "nothing was done; the next pass reads everything again"),
        (("run", "--once"), signal.SIGTERM, 143, "nothing was done; the next pass reads everything again"),
        (("doctor",), signal.SIGINT, 130, "nothing was changed"),
    ],
)
def test_what_only_reads_ends_at_once(
    served: Served,
    start: Callable[..., subprocess.Popen[str]],
    arguments: tuple[str, ...],
    number: signal.Signals,
    code: int,
    said: str,
) -> None:
    """A server that never answers does not keep anybody, although threads still wait for it."""
    path = "/api/v2/alerts"
    served.configure(alerts={"timeout": "60s"})
    served.wire.script[f"GET {path}"] = Answer(silent=True)
    process = start(*arguments)
    until_asked(served, path)

    process.send_signal(number)
    out, told = process.communicate(timeout=10)

    assert (process.returncode, out, told) == (code, "", f"interrupted: {said}\n")


def test_a_pass_that_acts_stops_when_what_was_begun_is_recorded(
    served: Served, start: Callable[..., subprocess.Popen[str]]
) -> None:
    """The restart under way is waited for and its result written; the report of the pass is printed."""
    slow = SlowRestart(served)
    process = start("run", "--once")
    assert slow.asked.wait(_PATIENCE)

    process.send_signal(signal.SIGINT)
    assert process.stderr
    first = process.stderr.readline()
    slow.done.set()
    out, told = process.communicate(timeout=_PATIENCE)

    assert first == "SIGINT: stopping as soon as what was begun is recorded; once more stops at once\n"
    assert process.returncode == 130
    assert told == (
        "interrupted: what was begun is done and recorded; the next pass goes on from there: `reconciler run --once`\n"
    )
    assert "done     ran restart-deployment on Deployment shop/cart\n" in out
    effects = [effect for o in served.world.operations for effect in o.effects.values()]
    assert {effect.status for effect in effects} == {EffectStatus.COMPLETED}


def test_a_second_signal_ends_at_once_and_the_next_pass_goes_on(
    served: Served, start: Callable[..., subprocess.Popen[str]]
) -> None:
    """The ledger holds the announcement without a result; the next pass completes it, once (invariant 1)."""
    slow = SlowRestart(served)
    process = start("run", "--once")
    assert slow.asked.wait(_PATIENCE)

    process.send_signal(signal.SIGINT)
    assert process.stderr
    process.stderr.readline()
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=10)
    left = served.desk.events()
    slow.done.set()
    after = served.run("run", "--once")

    assert process.returncode == 130
    assert told == (
        "interrupted: what was begun is announced in the ledger, and the next pass completes or adopts it\n"
    )
    keys = {e.data["key"] for e in left if e.kind is EventKind.EFFECT_INTENDED}
    done = {e.data["key"] for e in left if e.kind is EventKind.EFFECT_COMPLETED}
    assert keys - done != set()
    assert after.exit_code == 0
    assert "ran restart-deployment on Deployment shop/cart" in after.stdout
    assert len(served.world.operations) == 1


def test_a_second_signal_ends_the_loop_within_a_pass(
    served: Served, start: Callable[..., subprocess.Popen[str]]
) -> None:
    """The first one waits for the pass, which waits for a server; the second one does not."""
    served.configure(alerts={"timeout": "60s"})
    served.wire.script["GET /api/v2/alerts"] = Answer(silent=True)
    process = start("run", "--interval", "30s")
    until_asked(served, "/api/v2/alerts")

    process.send_signal(signal.SIGTERM)
    assert process.stderr
    first = process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=10)

    assert first == "SIGTERM: stopping after the pass under way; once more stops at once\n"
    assert process.returncode == 143
    assert told.startswith("interrupted: ")
    assert "Traceback" not in told


def test_nothing_new_is_announced_once_an_end_is_wanted(served: Served) -> None:
    """The pass ends between two effects: nothing is half done, and the report says what was."""

    class Impatient(Unwatched):
        def wants_an_end(self) -> bool:
            return True

    ports = served.world.ports()
    report = reconcile(ports, served.world.settings, Impatient())
    kinds = served.world.kinds()
    later = served.world.run()

    assert EventKind.EFFECT_INTENDED not in kinds
    assert report.lines[0].startswith("opened op-")
    assert len(later.lines) == 2
    assert served.world.restarts == ["cart"]


def test_an_interruption_leaves_slow_threads_behind() -> None:
    """Whoever ends a command does not wait for a server; otherwise every thread is waited for."""
    slow, finished = threading.Event(), []

    def work() -> None:
        slow.wait(_PATIENCE)
        finished.append(1)

    def interrupted() -> None:
        with side_by_side(1, "test") as pool:
            pool.submit(work)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert finished == []
    slow.set()
    with side_by_side(1, "test") as pool:
        pool.submit(work)
    assert finished[-1:] == [1]
    assert not UNWATCHED.wants_an_end()
