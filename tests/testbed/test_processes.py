"""Processes are started, waited for and ended one by one, and never anybody else's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.testbed import processes as subject
from tests.testbed.processes import NotReady, Process, Processes

if TYPE_CHECKING:
    from collections.abc import Iterator

SLEEP: list[str | Path] = ["sleep", "60"]


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    """Processes that end with the test."""
    own = Processes(tmp_path, outlive=False)
    yield own
    own.stop()


def test_a_process_runs_until_it_is_stopped(processes: Processes) -> None:
    """Stopping also reaps it."""
    process = processes.start("sleeper", SLEEP)
    assert process.is_alive

    processes.stop()

    assert not process.is_alive


def test_a_later_owner_of_a_process_id_is_left_alone(processes: Processes) -> None:
    """The same id with another start time is another process."""
    process = processes.start("sleeper", SLEEP)
    predecessor = Process("predecessor", process.pid, process.born - 1)

    subject.stop([predecessor])

    assert not predecessor.is_alive
    assert process.is_alive


def test_a_process_that_ends_at_once_is_told_with_its_log(processes: Processes) -> None:
    """Nobody should wait out a deadline for it, or search for its log."""
    process = processes.start("broken", ["sh", "-c", "echo no such flag; exit 1"])

    with pytest.raises(NotReady, match="no such flag"):
        processes.until(process, lambda: None, deadline=20)


def test_a_condition_has_a_deadline() -> None:
    """What did not come true is named."""
    with pytest.raises(NotReady, match="the moon is cheese"):
        subject.until(lambda: False, 0.1, "the moon is cheese")


def test_processes_die_with_a_killed_test_run(tmp_path: Path) -> None:
    """A run that is killed cannot clean up; the kernel does."""
    script = (
        "import sys, os, signal; from pathlib import Path; from tests.testbed.processes import Processes\n"
        "process = Processes(Path(sys.argv[1]), outlive=False).start('sleeper', ['sleep', '60'])\n"
        "print(process.pid, process.born, flush=True); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    run = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], env=environment, check=False, capture_output=True, text=True
    )
    pid, born = map(int, run.stdout.split())

    assert subject.until(lambda: not Process("sleeper", pid, born).is_alive, 10, "the child is dead")


def test_free_ports_differ() -> None:
    """A port is given out once, although nothing listens on it yet."""
    ports = [subject.free_port() for _ in range(50)]

    assert len(set(ports)) == 50
