"""Several processes, and processes that die."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reconciler.errors import Busy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.ledger.store import Store
    from tests.ledger.stores import Shelf

ROOT = Path(__file__).parents[2]


@pytest.fixture
def ledger(shelf: Shelf) -> Iterator[Store]:
    """The ledger as this process has it."""
    with closing(shelf.open()) as made:
        yield made


@contextmanager
def appender(shelf: Shelf, manner: str) -> Iterator[subprocess.Popen[str]]:
    """Start an appender that is ready to go; end it with SIGKILL."""
    command = [sys.executable, "-m", "tests.ledger.appender", shelf.written(), manner]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert line(process) == "ready"
            yield process
        finally:
            process.kill()


def line(process: subprocess.Popen[str]) -> str:
    """Return the next line that the process printed."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def go(process: subprocess.Popen[str]) -> None:
    """Let the process begin."""
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


@pytest.mark.parametrize(
    "acknowledged", [1, 13, pytest.param(2, marks=pytest.mark.long), pytest.param(40, marks=pytest.mark.long)]
)
def test_acknowledged_events_survive_sigkill(shelf: Shelf, ledger: Store, acknowledged: int) -> None:
    """Invariant 1: an append that returned is there after a crash at any point, and the chain still holds."""
    with appender(shelf, "forever") as process:
        go(process)
        for _ in range(acknowledged):
            line(process)
        process.kill()
        assert process.stdout is not None
        rest = process.stdout.read().split()  # what it could still acknowledge
    last = max([acknowledged * 3, *map(int, rest)])
    events = ledger.events()

    assert ledger.verify() == ()
    assert len(events) in {last, last + 3}  # the last append may have been written but not yet told
    assert [event.data["n"] for event in events] == list(range(len(events)))


def test_of_two_processes_one_appends_and_one_is_told(shelf: Shelf, ledger: Store) -> None:
    """Both saw an empty ledger; one wins the place, none is lost, and the other hears of it."""
    with ExitStack() as stack:
        processes = [stack.enter_context(appender(shelf, "once")) for _ in range(2)]
        for process in processes:
            go(process)
        said = sorted(line(process) for process in processes)

    assert said == ["3", "ledger.moved"]
    assert len(ledger.events()) == 3


def test_many_processes_may_make_the_ledger_at_once(shelf: Shelf, ledger: Store) -> None:
    """The first opening is safe too: nobody meets a half-made ledger or a locked one."""
    with ExitStack() as stack:
        processes = [stack.enter_context(appender(shelf, "once")) for _ in range(5)]
        for process in processes:
            go(process)
        said = sorted(line(process) for process in processes)

    assert said == ["3", *["ledger.moved"] * 4]
    assert ledger.verify() == ()


def test_a_held_ledger_names_the_process_that_holds_it(shelf: Shelf, ledger: Store) -> None:
    """A second pass learns whom it waits for."""
    with appender(shelf, "hold") as process:
        go(process)
        assert line(process) == "held"
        with pytest.raises(Busy, match=rf"another pass holds .* \(process {process.pid}\)"), ledger.exclusive():
            pass


def test_a_dead_process_holds_nothing(shelf: Shelf, ledger: Store) -> None:
    """The lock goes with the process, without anybody cleaning up."""
    with appender(shelf, "hold") as process:
        go(process)
        assert line(process) == "held"
        process.kill()
        process.wait()
        with ledger.exclusive():
            assert ledger.events() == ()
