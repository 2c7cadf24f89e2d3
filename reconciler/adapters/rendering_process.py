"""Run one tool on untrusted files: a clean environment, a time limit, bounded output, no trace of the machine.

Programs written in Go use no proxy for this machine's own addresses, where other servers may trust whoever asks. So a
tool runs in a network of its own with nothing in it, where the system lets us make one.
"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import threading
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, BinaryIO

from reconciler.errors import Refusal, SourceError, foreign_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta
    from pathlib import Path

_NOWHERE = "http://127.0.0.1:9"  # a proxy that nobody answers: what would go to the network fails at once
_SAID = 65_536  # bytes of a complaint that are read
_PATIENCE = 5.0  # seconds to find out whether there are networks of one's own
# Root may make one, and reads other users' charts as root alone; everybody else may as the root of other users.
_WAYS = (("--net",), ("--user", "--net"))
_NOT_STARTED = "unshare: "  # its own complaints
_OUT_OF_MEMORY = "out of memory"  # in place of a trace whose addresses differ each time


@cache
def alone() -> tuple[str, ...]:
    """Return what starts a program without any network, or nothing where this system does not let us."""
    unshare, nothing = shutil.which("unshare"), shutil.which("true")
    if unshare is None or nothing is None:
        return ()
    for way in _WAYS:
        start = (unshare, *way, "--")
        with suppress(OSError, subprocess.TimeoutExpired):
            if subprocess.run([*start, nothing], capture_output=True, check=False, timeout=_PATIENCE).returncode == 0:
                return start
    return ()


class Tool:
    """A program and what it may use."""

    def __init__(
        self, program: Path, *, root: Path, home: Path, timeout: timedelta, max_output: int, max_memory: int
    ) -> None:
        self._program = program
        self._root = root
        self._home = home
        self._timeout = timeout
        self._max_output = max_output
        self._max_memory = max_memory

    def run(self, arguments: Sequence[str], folder: Path) -> bytes:
        """Return what the program prints.

        Raises Refusal when it fails or prints too much, SourceError when it takes too long or cannot be started.
        """
        said = self._root / "stderr"
        with said.open("wb") as complaints:
            process = self._start(arguments, folder, complaints)
            _bound_memory(process.pid, self._max_memory)
            expired = threading.Event()
            timer = threading.Timer(self._timeout.total_seconds(), _expire, (process, expired))
            timer.start()
            try:
                output = self._read(process)
            finally:
                timer.cancel()
        if expired.is_set():
            raise SourceError(
                code="rendering.timeout",
                message=f"{self._program.name} was not done within {self._timeout.total_seconds():g} s",
                remedy="raise rendering.timeout, or render less in one source",
            )
        if len(output) > self._max_output:
            raise Refusal(
                code="rendering.too_large",
                message=f"{self._program.name} renders more than {self._max_output} bytes",
                remedy="raise rendering.max_bytes",
            )
        if process.returncode:
            complaint = self._complaint(said)
            if complaint.startswith(_NOT_STARTED):
                raise self._not_started(complaint)
            raise Refusal(
                code="rendering.failed",
                message=f"{self._program.name} cannot render it: {complaint}",
                remedy=self._way_out(complaint),
            )
        return output

    def _start(self, arguments: Sequence[str], folder: Path, complaints: BinaryIO) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                [*alone(), str(self._program), *arguments],
                cwd=folder,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=complaints,
                start_new_session=True,  # so that whatever it starts ends with it
            )
        except OSError as error:
            raise self._not_started(str(error)) from error

    def _not_started(self, why: str) -> SourceError:
        """Return what is no fault of the source: a program of another machine, or no room for a network of its own."""
        return SourceError(
            code="rendering.not_started",
            message=f"{self._program.name} cannot be started: {why}",
            remedy=f"see whether {self._program} runs on this machine, as this user",
        )

    def _way_out(self, complaint: str) -> str:
        """Say what a person can do; a few failures are ours alone, for delivery may be told what we are not."""
        if "is not in or below" in complaint:
            return "keep the file below the kustomization; kustomize.buildOptions of Argo CD are not repeated here"
        if complaint == _OUT_OF_MEMORY:
            return "render less in one source, or raise rendering.max_memory"
        if "kubeVersion" in complaint:
            return "set helm.kubeVersion in the Application, for Helm is not told the cluster's version here"
        return "mend the source in Git; delivery cannot render it either"

    def _read(self, process: subprocess.Popen[bytes]) -> bytes:
        """Read the output up to the limit, and make sure that nothing of the process is left."""
        if process.stdout is None:  # it was asked for
            return b""
        try:
            return process.stdout.read(self._max_output + 1)
        finally:
            process.stdout.close()
            with suppress(subprocess.TimeoutExpired):
                process.wait(1.0)  # the output has ended, so the process is about to
            _end(process)
            process.wait()

    def _environment(self) -> dict[str, str]:
        home = str(self._home)
        return {
            "HOME": home,
            "TMPDIR": home,
            "PATH": "",  # neither git nor a plugin can be started
            "KUBECONFIG": os.devnull,
            "HTTP_PROXY": _NOWHERE,
            "HTTPS_PROXY": _NOWHERE,
            "LC_ALL": "C",
        }

    def _complaint(self, said: Path) -> str:
        """Return the error without what differs each time, as our temporary folder's name does (invariant 6)."""
        with said.open("rb") as file:
            text = file.read(_SAID).decode(errors="replace")
        if f"runtime: {_OUT_OF_MEMORY}" in text:  # Go's own words
            return _OUT_OF_MEMORY
        lines = [line for line in text.splitlines() if line.strip() and not line.startswith("# Warning")]
        return foreign_text(" ".join(lines).replace(f"{self._root}/files/", "").replace(str(self._root), "."))


def _bound_memory(process: int, most: int) -> None:
    """Let a template that grows without end take down its tool, and not this process."""
    if hasattr(resource, "prlimit"):  # Linux
        with suppress(OSError):  # it has ended, or may have less already
            resource.prlimit(process, resource.RLIMIT_AS, (most, most))


def _expire(process: subprocess.Popen[bytes], expired: threading.Event) -> None:
    expired.set()
    _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process and what it started; its session is its own, so nobody else is met."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
