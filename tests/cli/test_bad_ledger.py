"""Ledgers that cannot be believed or written: the exact line, its remedy and exit code 5, and nothing is done."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

from tests.cli.bad import error, told
from tests.cli.desk import awaiting_approval

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.desk import Desk
    from tests.cli.served import Served


def garbage(desk: Desk) -> None:
    """Put something else where the ledger ought to be."""
    (desk.folder / "ledger.db").write_bytes(b"garbage" * 1000)


def truncated(desk: Desk) -> None:
    """Cut the file off, as a full disk does."""
    desk.record(awaiting_approval())
    whole = (desk.folder / "ledger.db").read_bytes()
    (desk.folder / "ledger.db").write_bytes(whole[: len(whole) // 2])


def foreign(desk: Desk) -> None:
    """Put another program's database there."""
    execute(desk, "CREATE TABLE bookmarks (url TEXT)")


def newer(desk: Desk) -> None:
    """Let a later release have written it."""
    desk.record(awaiting_approval())
    execute(desk, "PRAGMA user_version = 99")


def altered(desk: Desk) -> None:
    """Change what an event says."""
    desk.record(awaiting_approval())
    execute(desk, "DROP TRIGGER events_are_never_changed", "UPDATE events SET data = '{}' WHERE sequence = 2")


def folder(desk: Desk) -> None:
    """Put a folder there."""
    (desk.folder / "ledger.db").mkdir()


def execute(desk: Desk, *statements: str) -> None:
    """Do to the ledger's file what only other programs do."""
    database = sqlite3.connect(desk.folder / "ledger.db")
    for statement in statements:
        database.execute(statement)
    database.commit()
    database.close()


_COPY = "put back a copy that verifies, or name another file in ledger.path"
_VERIFY = "run `reconciler audit verify` and find out who changed the file; then put back a sound copy"


@pytest.mark.parametrize("command", [("status",), ("plan",), ("run",), ("explain", "op-1"), ("approve", "op-1")])
@pytest.mark.parametrize(
    ("spoil", "message", "remedy"),
    [
        (garbage, "./ledger.db is damaged, or no SQLite file at all [ledger.corrupt]", _COPY),
        (truncated, "./ledger.db is damaged, or no SQLite file at all [ledger.corrupt]", _COPY),
        (altered, "./ledger.db: event 2 was altered [ledger.broken]", _VERIFY),
        (
            foreign,
            "./ledger.db is the database of another program [ledger.foreign]",
            "name another file in ledger.path",
        ),
        (
            newer,
            "./ledger.db was written by a newer release (format 99, this one knows 1) [ledger.newer]",
            "update reconciler, or name another file in ledger.path",
        ),
        (
            folder,
            "./ledger.db cannot be opened for writing: no permission, or not a file [ledger.unwritable]",
            "make the file and its folder writable for this user, or name another file in ledger.path",
        ),
    ],
)
def test_a_spoilt_ledger(
    served: Served, command: tuple[str, ...], spoil: Callable[[Desk], None], message: str, remedy: str
) -> None:
    """Nothing is shown, planned or done on a ledger that cannot be believed; exit code 5."""
    spoil(served.desk)

    result = served.run(*command)

    assert (result.exit_code, result.stdout) == (5, "")
    assert told(result, served.desk) == error(message, remedy)
    assert served.world.restarts == []


def test_a_ledger_that_cannot_be_written(served: Served) -> None:
    """A folder below a file can be made by nobody, not even by root; nothing was done without a ledger."""
    served.configure(ledger={"path": "/dev/null/there/ledger.db"})

    result = served.run("run")

    assert (result.exit_code, result.stdout) == (5, "")
    assert told(result, served.desk) == error(
        "/dev/null/there/ledger.db.lock cannot be opened for writing: Not a directory [ledger.unwritable]",
        "make the file and its folder writable for this user, or name another file in ledger.path",
    )
    assert served.world.restarts == []
