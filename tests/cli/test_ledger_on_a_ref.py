"""The commands with the ledger on a Git ref: the same as with the file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.adapters.git_http import git
from tests.cli.served import Served, served

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["served"]


@pytest.fixture
def remote(served: Served) -> Served:
    """A desk whose configuration keeps the ledger on the repository."""
    served.configure(ledger={"kind": "git_ref"})
    return served


def test_what_a_run_recorded_is_read_by_every_command(remote: Served, tmp_path: Path) -> None:
    """Run, status, explain and audit; no file is made."""
    assert remote.run("run", "--once").exit_code == 0

    (row,) = json.loads(remote.run("status", "--output", "json").stdout)
    explained = remote.run("explain", row["id"])
    verified = remote.run("audit", "verify")
    exported = remote.run("audit", "export").stdout.splitlines()

    assert row["id"] in explained.stdout
    assert verified.stdout.startswith(f"sound: {len(exported)} events")
    assert len(remote.run("audit", "show", "--output", "json").stdout) > 100
    assert not (tmp_path / "ledger.db").exists()
    assert git(remote.world.shop.bare, "for-each-ref", "refs/reconciler/ledger")


def test_a_persons_word_is_recorded_there(remote: Served) -> None:
    """`reject` appends to the same reference, and the next pass hears it."""
    remote.run("run", "--once")
    (row,) = json.loads(remote.run("status", "--output", "json").stdout)

    assert remote.run("reject", row["id"], "--as", "ana").exit_code == 0
    assert remote.run("run", "--once").exit_code == 0
    assert "rejected by ana" in remote.run("explain", row["id"]).stdout


def test_doctor_tries_the_reference(remote: Served) -> None:
    """It reads, and begins a push that sends nothing."""
    rows = json.loads(remote.run("doctor", "--output", "json").stdout)
    found = {row["subject"]: row["works"] for row in rows}

    assert found[f"ledger refs/reconciler/ledger of {remote.world.shop.url}"]
    assert found["push to refs/reconciler/ledger"]
    assert not git(remote.world.shop.bare, "for-each-ref", "refs/reconciler/ledger")


def test_an_absent_ledger_is_told_like_an_absent_file(remote: Served) -> None:
    """Nothing yet is no error for those who look, and one for those who verify."""
    assert remote.run("status").exit_code == 0
    missing = remote.run("audit", "verify")

    assert missing.exit_code == 5
    assert "there is no ledger at refs/reconciler/ledger" in missing.stderr
