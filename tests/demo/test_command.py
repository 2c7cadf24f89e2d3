"""`reconciler demo` as a command: its list, its mistakes, and a whole performance in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from reconciler.cli.app import cli
from reconciler.demo.troubles import TROUBLES
from tests.report.screen import on_a_terminal

COMMAND = [sys.executable, "-m", "reconciler", "demo"]


def test_list_names_every_scenario() -> None:
    """One line each, with what happens in it."""
    done = CliRunner().invoke(cli, ["demo", "--list"])

    assert done.exit_code == 0
    assert all(f"{trouble.name} " in done.output and trouble.title in done.output for trouble in TROUBLES)


def test_unknown_scenario_is_a_line_with_the_known_ones() -> None:
    """Exit code 7, and what to choose from."""
    done = CliRunner().invoke(cli, ["demo", "--scenario", "memroy"])

    assert done.exit_code == 7
    assert "error: there is no scenario 'memroy' [demo.unknown_scenario]" in done.output
    assert "choose one of memory, revert" in done.output
    assert "Traceback" not in done.output


def test_taken_port_is_a_line_with_the_remedy() -> None:
    """Exit code 2, and how to go on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = CliRunner().invoke(cli, ["demo", "--port", str(min(port, 65532))])

    assert done.exit_code == 2
    assert "[demo.port_taken]" in done.output
    assert "remedy: name another one with --port" in done.output
    assert "Traceback" not in done.output


def test_missing_library_is_a_line_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plain `pip install` leaves out what only the demonstration needs."""
    monkeypatch.setattr("reconciler.demo.show._LIBRARIES", ("json", "no_such_parser"))
    done = CliRunner().invoke(cli, ["demo"])

    assert done.exit_code == 2
    assert "the demonstration needs the libraries no_such_parser [demo.library_missing]" in done.output
    assert "remedy: in a clone of reconciler, run `make install`, or `pip install '.[demo]'`" in done.output
    assert "Traceback" not in done.output


def test_whole_performance_in_the_terminal() -> None:
    """What a newcomer sees: the finding, the diff, the pull request, the outcome, the sound ledger, the times."""
    done = subprocess.run(COMMAND, capture_output=True, text=True, timeout=60, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    wanted = (
        "OOMKilled at its memory limit 512Mi",
        "-              memory: 512Mi  # raised in spring",
        "+              memory: 1Gi  # raised in spring",
        "ran restart-deployment on Deployment shop/web",
        "opened pull request 1",
        "ana reads pull request 1",
        "ended verified",
        "sound: ",
        "of our own time",
    )
    assert [text for text in wanted if text not in done.stdout] == []


def test_kept_world_can_be_looked_at_and_ends_with_ctrl_c() -> None:
    """Its addresses answer after the performance; Ctrl-C ends it cleanly, and leaves nothing behind."""
    with subprocess.Popen([*COMMAND, "--keep"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        lines: list[str] = []
        for line in running.stdout:
            lines.append(line)
            if line.startswith("Ctrl-C ends it"):
                break
        kubeconfig = next(line for line in lines if "KUBECONFIG=" in line).partition("KUBECONFIG=")[2].partition(";")[0]
        clone = next(line for line in lines if "git clone" in line).split()[-1]
        assert Path(kubeconfig).exists()
        _assert_cloned(clone)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=20)

    assert running.returncode == 0, err
    assert "stopped" in out
    assert not Path(kubeconfig).exists()


def _assert_cloned(url: str) -> None:
    """Fetch the repository as another Git client, and find the merged value in it."""
    import tempfile

    import pygit2

    with tempfile.TemporaryDirectory() as folder:
        clone = pygit2.clone_repository(url, folder, bare=True)
        text = clone.revparse_single("refs/remotes/origin/main:deploy/web.yaml").peel(pygit2.Blob).data
    assert b"memory: 1Gi  # raised in spring" in text


@pytest.mark.parametrize("option", ["--interactive", "--keep", "--port", "--scenario", "--list", "--seed"])
def test_help_teaches_every_option(option: str) -> None:
    """Each option is explained, and most are shown in an example."""
    done = CliRunner().invoke(cli, ["demo", "--help"])

    assert option in done.output


@pytest.mark.parametrize(
    ("number", "options", "heard"),
    [(signal.SIGTERM, (), "world "), (signal.SIGINT, ("--interactive",), "done ")],
    ids=["virtual", "live"],
)
def test_signal_ends_a_performance_and_its_world(
    number: int, options: tuple[str, ...], heard: str, tmp_path: Path
) -> None:
    """One signal is enough, whenever it comes; it is said that nothing is left behind, and nothing is."""
    environ = {**os.environ, "TMPDIR": str(tmp_path)}
    command = [*COMMAND, *options]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ, bufsize=1
    ) as running:
        assert running.stdout is not None
        assert any(line.startswith(heard) for line in running.stdout)
        assert list(tmp_path.iterdir()) != []
        running.send_signal(number)
        err = running.communicate(timeout=20)[1]

    assert running.returncode == 128 + number
    assert err == "interrupted: the demonstration; nothing is left behind\n"
    assert list(tmp_path.iterdir()) == []


def test_list_is_for_programs_too() -> None:
    """As every listing; a performance is not one."""
    listed = CliRunner().invoke(cli, ["demo", "--list", "--output", "json"])
    played = CliRunner().invoke(cli, ["demo", "--output", "json"])

    assert [each["name"] for each in json.loads(listed.output)] == [trouble.name for trouble in TROUBLES]
    assert played.exit_code == 2
    assert "--output goes with --list" in played.output


def test_waiting_viewer_sees_that_something_goes_on() -> None:
    """On a terminal a line says so until there is something to tell; it is not part of the story."""
    screen = on_a_terminal(["-m", "reconciler", "demo", "--scenario", "denied"])

    assert "the world turns" in screen
