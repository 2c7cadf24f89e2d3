"""Completion: a shell is told the commands, options and ids that fit, quickly, and never an error."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from reconciler.cli.completing import DEFAULT_LEDGER
from reconciler.model.operation import EventKind
from reconciler.settings import LedgerSettings
from tests.cli.desk import awaiting_approval
from tests.cli.test_startup import VENDORS
from tests.needs import need_program
from tests.worlds import Story

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.desk import Desk

_SCRIPT = """
import json, sys
from reconciler.cli import main
try:
    main()
except SystemExit as ended:
    json.dump([ended.code, sorted({m.partition(".")[0] for m in sys.modules})], sys.stderr)
"""


def completed(desk: Desk, *words: str, shell: str = "zsh", **environ: str) -> tuple[list[str], list[str]]:
    """Complete the last word as the shell's script does; return what it is told, and which libraries were loaded."""
    line = ["reconciler", "--config", str(desk.folder / "reconciler.yaml"), *words]
    asked = {
        "COMP_WORDS": " ".join(line),
        "COMP_CWORD": str(len(line) - 1),
        "_RECONCILER_COMPLETE": f"{shell}_complete",
    }
    environment = {**os.environ, **asked, **environ}
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT], env=environment, capture_output=True, text=True, check=True, cwd=desk.folder
    )
    code, modules = json.loads(done.stderr)
    assert code == 0
    return done.stdout.strip().splitlines(), modules


def ids(told: list[str]) -> list[str]:
    """Return the ids of what zsh is told: kind, value and help take a line each."""
    return told[1::3]


@pytest.fixture
def busy(desk: Desk) -> Desk:
    """Return a desk with an ended operation between two open ones."""
    desk.record(awaiting_approval(), "op-20260301-1")
    desk.record(Story().add(EventKind.OPERATION_CLOSED, outcome="resolved", reason="it recovered"), "op-20260301-2")
    desk.record(awaiting_approval(), "op-20260302-3")
    return desk


def test_explain_is_offered_every_operation_newest_first(busy: Desk) -> None:
    """With what each is about."""
    told, _ = completed(busy, "explain", "op-")

    assert ids(told) == ["op-20260302-3", "op-20260301-2", "op-20260301-1"]
    assert told[2] == "webapp: container web is OOMKilled at its memory limit 512Mi"
    assert ids(completed(busy, "audit", "show", "--operation", "op-20260301")[0]) == ["op-20260301-2", "op-20260301-1"]


@pytest.mark.parametrize("command", ["approve", "reject"])
def test_answers_are_offered_open_operations_alone(busy: Desk, command: str) -> None:
    """An ended one takes no answer any more."""
    assert ids(completed(busy, command, "op")[0]) == ["op-20260302-3", "op-20260301-1"]


def test_no_heavy_library_is_loaded_and_nothing_is_written(busy: Desk) -> None:
    """Somebody is typing: only the YAML of the configuration is read, and the ledger is left as it is."""
    before = sorted(busy.folder.iterdir())

    _, modules = completed(busy, "explain", "")

    assert set(modules) & VENDORS <= {"yaml"}
    assert sorted(busy.folder.iterdir()) == before


@pytest.mark.parametrize("file", [b"garbage", None])
def test_a_ledger_that_cannot_be_read_offers_nothing(desk: Desk, file: bytes | None) -> None:
    """The command itself says what is wrong."""
    if file is not None:
        (desk.folder / "ledger.db").write_bytes(file)

    assert completed(desk, "explain", "op")[0] == []
    assert (desk.folder / "ledger.db").exists() is (file is not None)


def test_the_ledger_is_found_as_the_command_finds_it(busy: Desk, tmp_path: Path) -> None:
    """By the environment, by the configuration, or at its usual place; a broken configuration offers nothing."""
    moved = tmp_path / DEFAULT_LEDGER
    moved.parent.mkdir()
    shutil.move(busy.folder / "ledger.db", moved)

    assert completed(busy, "explain", "op")[0] == []
    assert len(ids(completed(busy, "explain", "op", RECONCILER_LEDGER__PATH=str(moved))[0])) == 3
    (busy.folder / "reconciler.yaml").write_text("metrics: {}\n")
    assert len(ids(completed(busy, "explain", "op")[0])) == 3
    (busy.folder / "reconciler.yaml").write_text("ledger: [")
    assert completed(busy, "explain", "op")[0] == []


def test_the_usual_place_is_that_of_the_settings() -> None:
    """The one is written twice because the other takes too long to import."""
    assert LedgerSettings().path == DEFAULT_LEDGER


def test_foreign_text_cannot_break_out_of_a_completion(desk: Desk) -> None:
    """A summary is one harmless line."""
    story = awaiting_approval()
    story.events[0].data["remedy"]["finding"]["summary"] = "evil\nplain\nrm\x1b[2J"
    desk.record(story, "op-1")

    told, _ = completed(desk, "explain", "op")

    assert told == ["plain", "op-1", "evil plain rm�[2J"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_script(desk: Desk, shell: str) -> None:
    """It calls back with the variable that the program listens to."""
    result = desk.run("completion", shell)

    assert result.exit_code == 0
    assert f"_RECONCILER_COMPLETE={shell}_complete" in result.stdout
    assert desk.run("completion", "csh").exit_code == 2


def test_bash_takes_its_script(busy: Desk) -> None:
    """A real bash reads it and completes a command and an id."""
    need_program("bash")
    config, program = busy.folder / "reconciler.yaml", busy.folder / "reconciler"
    script = f"""
{busy.run("completion", "bash").stdout}
complete_words() {{
    COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
    _reconciler_completion "{program}"
    echo "${{COMPREPLY[@]}}"
}}
complete_words reconciler --config "{config}" expl
complete_words reconciler --config "{config}" approve op-2026030
"""
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m reconciler "$@"\n')
    program.chmod(0o755)

    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)

    assert (done.stderr, done.stdout) == ("", "explain\nop-20260302-3 op-20260301-1\n")


@pytest.mark.parametrize("where", ["the file", "the environment"])
def test_a_ledger_on_a_server_is_not_waited_for(busy: Desk, where: str) -> None:
    """Somebody is typing, and an older file would offer what is no longer so."""
    environ = {}
    if where == "the file":
        (busy.folder / "reconciler.yaml").write_text("ledger: {kind: git_ref, path: ledger.db}\n")
    else:
        environ["RECONCILER_LEDGER__KIND"] = "git_ref"

    assert completed(busy, "explain", "op", **environ)[0] == []
