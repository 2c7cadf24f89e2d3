"""A job that somebody cancels: GitHub sends SIGINT to the step's own process, SIGTERM 7.5 s later, and then kills."""

from __future__ import annotations

import signal
import socket
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.actions.conftest import Project

_PATIENCE = 7.0  # seconds; SIGTERM comes after 7.5


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_cancelled_run_ends_by_itself_and_leaves_nothing(project: Project, number: signal.Signals) -> None:
    """The signal arrives although a shell started us; the server that we wait for is not waited for any more."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        project.sections["alerts"] = {"url": f"http://127.0.0.1:{silent.getsockname()[1]}", "timeout": "50s"}
        machine = project.runner()
        project.catch_up()
        process = machine.start("schedule", {}, token=project.token, kubeconfig=project.kubeconfig)
        connection, _ = silent.accept()

        sent = time.monotonic()
        process.send_signal(number)
        ran = machine.finish(process)

        connection.close()
    assert time.monotonic() - sent < _PATIENCE
    assert ran.code == 128 + number
    assert "interrupted: nothing was done" in ran.annotations("error")[0]
    assert "interrupted: nothing was done" in ran.summary
    assert (project.ledger(), project.restarts()) == (None, set())
    assert not list((machine.folder / "temp").glob("kubeconfig-*"))
