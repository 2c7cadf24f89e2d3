"""Start, watch and end the testbed's processes.

Protects: nothing is ended that we did not start (a process is known by its id and its start time, so an id that
the system has given to somebody else is left alone), and nothing outlives a test run that was killed.
"""

from __future__ import annotations

import ctypes
import os
import secrets
import signal
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import urllib3

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")

LOOPBACK = "127.0.0.1"
START_DEADLINE = 60.0
GRACE = 2.0  # what a process may take to end by itself: its data are thrown away anyhow
POLL = 0.05

# Below the range that the kernel hands to outgoing connections: such a connection could take a port
# between our finding it free and the server's binding it.
PORTS = range(20000, 32000)

# Most of them are written in Go: its collector runs less often, which saves a tenth of their time and takes memory.
# Gitea's hooks, programs of their own at each push, save a third.
GO = {"GOGC": "300"}

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)
_given: set[int] = set()


class NotReady(RuntimeError):
    """A condition did not come true before its deadline."""


@dataclass(frozen=True, slots=True)
class Process:
    """A process that we started: its id alone would not tell it from a later owner of that id."""

    name: str
    pid: int
    born: int  # clock ticks since boot

    @property
    def is_alive(self) -> bool:
        """Whether this very process runs."""
        return born(self.pid) == self.born


class Processes:
    """The processes of one testbed, their logs in one folder."""

    def __init__(self, logs: Path, *, outlive: bool) -> None:
        """`outlive`: keep running after this process has ended (`up`), instead of dying with it (tests)."""
        self.started: list[Process] = []
        self._logs = logs
        self._outlive = outlive
        self._popen: list[subprocess.Popen[bytes]] = []
        # The kernel sends the parent-death signal when the *thread* that forked ends: all forks are made by this one.
        self._launcher = ThreadPoolExecutor(max_workers=1, thread_name_prefix="launcher")
        logs.mkdir(parents=True, exist_ok=True)

    def start(self, name: str, command: list[str | Path], *, environment: Mapping[str, str] | None = None) -> Process:
        """Start a process whose output goes to the log of its name."""
        return self._launcher.submit(self._fork, name, [str(word) for word in command], environment or {}).result()

    def log(self, name: str) -> Path:
        """Return the path of a process's log."""
        return self._logs / f"{name}.log"

    def tail(self, name: str, lines: int = 15) -> str:
        """Return the end of a log, to say why a process did not start."""
        return "\n".join(self.log(name).read_text(errors="replace").splitlines()[-lines:])

    def until(self, process: Process, condition: Callable[[], T | None], deadline: float = START_DEADLINE) -> T:
        """Wait until a process that starts fulfils a condition; its log is the reason when it does not."""

        def alive_and_ready() -> T | None:
            if not process.is_alive:
                raise NotReady(f"{process.name} ended:\n{self.tail(process.name)}")
            return condition()

        try:
            return until(alive_and_ready, deadline, process.name)
        except NotReady as late:
            raise NotReady(f"{late}\n{self.tail(process.name)}") from None

    def stop(self) -> None:
        """End all of them, the last started first."""
        stop(self.started)
        for popen in self._popen:
            popen.wait()
        self._launcher.shutdown()

    def _fork(self, name: str, command: list[str], environment: Mapping[str, str]) -> Process:
        with self.log(name).open("ab") as log:
            popen = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **GO, **environment},
                start_new_session=True,  # a Ctrl-C in the terminal is for pytest, which then stops us in order
                preexec_fn=None if self._outlive else _die_with_parent,  # noqa: PLW1509 - one prctl call, no locks
            )
        process = Process(name, popen.pid, born(popen.pid) or 0)
        self._popen.append(popen)
        self.started.append(process)
        return process


def _die_with_parent() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def born(pid: int) -> int | None:
    """Return when a process started, in clock ticks since boot; None when there is none (or only its zombie)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def stop(processes: list[Process]) -> None:
    """Ask each process to end, and end what has not within the grace; by id, and only if it is still the same one."""
    for process in reversed(processes):
        _signal(process, signal.SIGTERM)
    end = time.monotonic() + GRACE
    while any(process.is_alive for process in processes) and time.monotonic() < end:
        time.sleep(POLL)
    for process in processes:
        _signal(process, signal.SIGKILL)


def _signal(process: Process, number: signal.Signals) -> None:
    if process.is_alive:
        try:
            os.kill(process.pid, number)
        except ProcessLookupError:
            return


def free_port() -> int:
    """Return a port on loopback that nothing listens on and that this process has not given out before."""
    for _ in range(1000):
        port = PORTS[secrets.randbelow(len(PORTS))]
        with socket.socket() as probe:
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
        if port not in _given:
            _given.add(port)
            return port
    raise NotReady("no free port on loopback")


def until(condition: Callable[[], T | None], deadline: float, what: str) -> T:
    """Wait until a condition gives something other than None or False, and return that."""
    end = time.monotonic() + deadline
    pause = POLL
    while True:
        found = condition()
        if found is not None and found is not False:
            return found
        if time.monotonic() > end:
            raise NotReady(f"{what}: not so within {deadline:.0f} s")
        time.sleep(pause)
        pause = min(pause * 1.2, 0.25)


def answers(url: str, pool: urllib3.PoolManager | None = None) -> Callable[[], bool]:
    """Return a condition: the URL answers with success."""
    own = pool or urllib3.PoolManager(retries=False, timeout=2.0)

    def condition() -> bool:
        try:
            return own.request("GET", url).status == 200
        except urllib3.exceptions.HTTPError:
            return False

    return condition


def listens(address: str) -> Callable[[], bool]:
    """Return a condition: something accepts connections at the address."""
    host, _, port = address.rpartition(":")

    def condition() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((host, int(port))) == 0

    return condition
