"""Doctor, plan and run where no server answers: everything is said, nothing is written, nothing breaks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cli.desk import Desk

TOKENS = {"RECONCILER_GIT_TOKEN": "t" * 12, "RECONCILER_FORGE_TOKEN": "t" * 12}
KUBECONFIG = """\
apiVersion: v1
kind: Config
clusters: [{name: dead, cluster: {server: "http://127.0.0.1:9"}}]
users: [{name: nobody, user: {token: t}}]
contexts: [{name: dead, context: {cluster: dead, user: nobody}}]
current-context: dead
"""


@pytest.fixture
def silent(desk: Desk) -> Desk:
    """Return a desk whose cluster is configured, and down like everything else."""
    (desk.folder / "missing.kubeconfig").write_text(KUBECONFIG)
    return desk


def test_doctor_has_a_line_for_everything_and_a_remedy_for_what_is_missing(desk: Desk) -> None:
    """What cannot even be built (no kubeconfig, no token) is a line too; exit code 3."""
    result = desk.run("doctor", "--output", "json")

    rows = json.loads(result.stdout)
    assert result.exit_code == 3
    assert {"cluster", "delivery", "repository", "forge"} <= {r["subject"] for r in rows if not r["works"]}
    assert all(row["remedy"] for row in rows if not row["works"])
    assert any(row["works"] and "ledger" in row["subject"] for row in rows)
    assert not (desk.folder / "ledger.db").exists()


def test_doctor_draws_a_table(desk: Desk) -> None:
    """States are words, so that they read without colours."""
    lines = desk.run("doctor").stdout.splitlines()

    assert lines[0].split()[:3] == ["SUBJECT", "STATE", "DETAIL"]
    assert any(line.startswith("cluster ") and " missing " in line for line in lines)


def test_plan_touches_nothing(silent: Desk) -> None:
    """No ledger comes into being, and what did not answer is said."""
    result = silent.run("plan", **TOKENS)

    assert result.exit_code == 0, result.stderr
    assert "unknown  kubernetes: " in result.stdout
    assert result.stdout.splitlines()[-1].endswith("nothing was touched")
    assert not (silent.folder / "ledger.db").exists()


def test_a_pass_over_silent_servers_says_what_is_unknown(silent: Desk) -> None:
    """The pass completes with exit code 0 and one sentence (invariant 3: nothing was done on it)."""
    result = silent.run("run", **TOKENS)

    assert result.exit_code == 0, result.stderr
    assert "unknown  prometheus: " in result.stdout
    assert result.stdout.splitlines()[-1].startswith("nothing to do")


def test_a_pass_as_json_is_one_document(silent: Desk) -> None:
    """The same report for programs."""
    report = json.loads(silent.run("run", "--once", "--output", "json", **TOKENS).stdout)

    assert report["sentence"]
    assert {u["source"] for u in report["unknown"]} >= {"kubernetes", "prometheus", "alertmanager"}


def test_once_and_interval_exclude_each_other(desk: Desk) -> None:
    """Wrong usage, and an interval must not hammer servers."""
    assert desk.run("run", "--once", "--interval", "30s").exit_code == 2
    assert desk.run("run", "--interval", "200ms").exit_code == 2


def test_two_passes_never_share_a_ledger(silent: Desk) -> None:
    """While one pass holds the ledger another one ends with exit code 6."""
    with silent.ledger.exclusive():
        result = silent.run("run", **TOKENS)

    assert result.exit_code == 6


@pytest.fixture
def loop(silent: Desk) -> Iterator[subprocess.Popen[str]]:
    """Start `reconciler run --interval 1s` as a process of its own."""
    command = [sys.executable, "-m", "reconciler", "--config", str(silent.folder / "reconciler.yaml")]
    process = subprocess.Popen(
        [*command, "run", "--interval", "1s", "--output", "json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "FORCE_COLOR": "", **TOKENS},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_loop_stops_after_the_pass_under_way(loop: subprocess.Popen[str], number: signal.Signals) -> None:
    """Passes follow each other until a signal asks for an end, which comes clean and is said."""
    assert loop.stdout
    passes = [json.loads(loop.stdout.readline()) for _ in range(2)]

    loop.send_signal(number)
    _, told = loop.communicate(timeout=30)

    assert passes[0]["started_at"] < passes[1]["started_at"]
    assert loop.returncode == 0
    assert told.splitlines()[-2:] == [
        f"{number.name}: stopping after the pass under way; once more stops at once",
        "stopped",
    ]


def test_the_loop_lives_on_after_a_pass_that_failed(silent: Desk, loop: subprocess.Popen[str]) -> None:
    """A held ledger fails a pass; the next one, after it was let go, is made."""
    assert loop.stdout
    assert loop.stderr
    loop.stdout.readline()
    with silent.ledger.exclusive():
        told = loop.stderr.readline()

    assert told.startswith("the pass failed: ")
    assert "another pass holds" in told
    assert "[ledger.busy]" in told
    assert json.loads(loop.stdout.readline())["sentence"]
