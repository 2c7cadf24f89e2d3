"""Errors: one line and a remedy, a stable exit code, and the trace only for those who ask."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from reconciler import errors
from reconciler.cli.app import EXIT_DEFECT, Guarded
from tests.cli.desk import Desk, awaiting_approval

NOT_FOUND = errors.NotFound(code="c", message="m", remedy="r")
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "exit-codes.md"


def all_errors(root: type[errors.ReconcilerError] = errors.ReconcilerError) -> set[type[errors.ReconcilerError]]:
    """Return every error of `errors.py`."""
    below = {e for sub in root.__subclasses__() if sub.__module__ == errors.__name__ for e in all_errors(sub)}
    return {root} | below


def failing(error: Exception, *arguments: str) -> Result:
    """Run a command below the real error handler that does nothing but fail."""

    @click.group(cls=Guarded)
    @click.option("--debug", is_flag=True)
    def root(debug: bool) -> None:  # noqa: FBT001 - click passes options by name
        _ = debug

    @root.command()
    def fail() -> None:
        raise error

    return CliRunner().invoke(root, [*arguments, "fail"])


@pytest.mark.parametrize("kind", sorted(all_errors(), key=str))
def test_every_error_is_one_line_a_remedy_and_its_exit_code(kind: type[errors.ReconcilerError]) -> None:
    """The same shape for all of them, on standard error, and nothing on standard output."""
    result = failing(kind(code="test.code", message="it is broken", remedy="mend it"))

    assert result.stderr == "error: it is broken [test.code]\nremedy: mend it\n"
    assert (result.stdout, result.exit_code) == ("", kind.exit_code)


@pytest.mark.parametrize("kind", sorted(all_errors(), key=str))
def test_every_exit_code_is_documented(kind: type[errors.ReconcilerError]) -> None:
    """The page names each code with each error that ends in it."""
    rows = re.findall(r"^\| (\d+) \|.*`" + kind.__name__ + "`", PAGE.read_text(), re.MULTILINE)

    assert rows == [str(kind.exit_code)]


def test_the_unforeseen_is_called_a_defect() -> None:
    """Exit code 70, one line, no trace."""
    result = failing(ZeroDivisionError("oh\x1b[2J"))

    assert result.exit_code == EXIT_DEFECT == 70
    assert result.stderr.splitlines() == [
        "error: ZeroDivisionError: oh�[2J",
        "this is a defect of reconciler; run it again with `reconciler --debug …` and report the trace",
    ]


@pytest.mark.parametrize("error", [ZeroDivisionError("https://bot:hunter2@git.example.com"), NOT_FOUND])
def test_debug_shows_the_trace(error: Exception) -> None:
    """Of a foreseen error and of a defect alike, and never a password in an address."""
    result = failing(error, "--debug")

    assert "Traceback (most recent call last)" in result.stderr
    assert "in fail" in result.stderr
    assert "hunter2" not in result.stderr


def test_wrong_usage_is_exit_code_two(desk: Desk) -> None:
    """Unknown options, commands and formats are click's to refuse."""
    for arguments in (["status", "--nope"], ["nope"], ["status", "-o", "xml"], ["run", "--interval", "soon"]):
        assert desk.run(*arguments).exit_code == 2


def test_every_mistake_of_a_configuration_has_its_line(desk: Desk) -> None:
    """All mistakes at once, each on a line of its own."""
    (desk.folder / "reconciler.yaml").write_text("clutser: {}\nmetrics: {url: http://x, urll: y}\n")

    result = desk.run("status")

    assert result.exit_code == 2
    assert "clutser" in result.stderr
    assert "urll" in result.stderr
    assert len(result.stderr.splitlines()) > 4


def test_a_missing_configuration_says_how_to_get_one(desk: Desk) -> None:
    """The remedy is a command."""
    (desk.folder / "reconciler.yaml").unlink()

    result = desk.run("status")

    assert result.exit_code == 2
    assert "reconciler init" in result.stderr


def test_init_writes_a_configuration_once(desk: Desk) -> None:
    """A file that is there already is never overwritten."""
    before = (desk.folder / "reconciler.yaml").read_text()

    refused = desk.run("init")
    (desk.folder / "reconciler.yaml").unlink()
    written = desk.run(
        *("init", "--prometheus-url", "http://p:9090", "--alertmanager-url", "http://a:9093"),
        *("--repository-url", "http://git/x/y.git", "--forge", "gitea", "--forge-repository", "x/y"),
        *("--forge-url", "http://git", "--delivery", "flux"),
    )

    assert (refused.exit_code, written.exit_code) == (4, 0)
    assert "is there already" in refused.stderr
    assert "clutser" not in before
    assert "\n  kinds: [flux]\n" in (desk.folder / "reconciler.yaml").read_text()
    assert desk.run("status").exit_code == 0


def test_a_late_answer_never_breaks_the_ledger(desk: Desk) -> None:
    """An answer that the phase does not allow is refused before it is written."""
    desk.record(awaiting_approval())
    desk.run("approve", "op-1", "--as", "ana")

    again = desk.run("approve", "op-1", "--as", "bea")

    assert again.exit_code == 4
    assert desk.run("status").exit_code == 0
