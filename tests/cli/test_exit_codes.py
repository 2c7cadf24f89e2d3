"""Exit codes: each one that the page documents is met by a command that a person may type."""

from __future__ import annotations

import re
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.report import terminal
from tests.adapters.wire import Answer
from tests.cli.desk import awaiting_approval
from tests.cli.test_stopping import until_asked

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.served import Served

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "exit-codes.md"


def as_is(_: Served) -> None:
    """Change nothing."""


def recorded(served: Served) -> None:
    """Let an operation wait for a person."""
    served.desk.record(awaiting_approval())


def damaged(served: Served) -> None:
    """Spoil the ledger."""
    (served.desk.folder / "ledger.db").write_bytes(b"garbage")


def run(served: Served, *arguments: str) -> int:
    """Run a command and return its exit code."""
    return served.run(*arguments).exit_code


def held(served: Served, *arguments: str) -> int:
    """Run it while another pass holds the ledger."""
    ledger = served.desk.ledger
    with ledger.exclusive():
        return run(served, *arguments)


def failing(error: BaseException) -> Callable[..., int]:
    """Return a way to run a command that meets this where it prints."""

    def run_it(served: Served, *arguments: str) -> int:
        def fail(*_: Any, **__: Any) -> None:  # noqa: ANN401 - whatever it is called with
            raise error

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(terminal, "print_rows", fail)
            return run(served, *arguments)

    return run_it


def signalled(number: signal.Signals) -> Callable[..., int]:
    """Return a way to run a command that is interrupted while it waits for a server."""

    def run_it(served: Served, *arguments: str) -> int:
        served.wire.script["GET /api/v2/alerts"] = Answer(silent=True)
        process = served.start(*arguments)
        try:
            until_asked(served, "/api/v2/alerts")
            process.send_signal(number)
            process.communicate(timeout=10)
            return process.returncode
        finally:
            process.kill()
            process.communicate()

    return run_it


TABLE = [
    (0, as_is, run, ("run", "--once")),
    (0, as_is, run, ("status",)),
    (1, as_is, failing(BrokenPipeError(32, "Broken pipe")), ("status",)),
    (2, as_is, run, ("status", "--nope")),
    (2, as_is, run, ("--config", "/nowhere/reconciler.yaml", "status")),
    (3, as_is, run, ("doctor",)),
    (4, as_is, run, ("init",)),
    (4, recorded, run, ("approve", "op-1", "--action", "1")),
    (5, damaged, run, ("status",)),
    (5, as_is, run, ("audit", "verify")),
    (6, as_is, held, ("run", "--once")),
    (7, recorded, run, ("explain", "nope")),
    (70, as_is, failing(ZeroDivisionError("oh")), ("status",)),
    (130, as_is, signalled(signal.SIGINT), ("run", "--once")),
    (143, as_is, signalled(signal.SIGTERM), ("plan",)),
]


@pytest.mark.parametrize(("code", "prepare", "way", "arguments"), TABLE)
def test_each_exit_code_is_met(
    served: Served,
    code: int,
    prepare: Callable[[Served], None],
    way: Callable[..., int],
    arguments: tuple[str, ...],
) -> None:
    """Scripts may rely on them."""
    prepare(served)

    assert way(served, *arguments) == code


def test_the_page_and_this_table_know_the_same_codes() -> None:
    """No code is promised without a case here, and none is met that the page does not explain."""
    promised = {int(code) for code in re.findall(r"^\| (\d+) \|", PAGE.read_text(), re.MULTILINE)}

    assert promised == {code for code, *_ in TABLE}
