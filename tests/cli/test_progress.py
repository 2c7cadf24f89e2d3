"""Progress: whoever waits at a terminal sees what for; pipes, logs and results never do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.cli.progress import progress
from reconciler.reconcile import plan, reconcile
from reconciler.watching import Unwatched
from tests.adapters.wire import Answer, Request
from tests.cli.served import TOKENS
from tests.report.screen import on_a_terminal, uncoloured

if TYPE_CHECKING:
    from tests.cli.served import Served

_ERASED = "\x1b[2K"


class Listener(Unwatched):
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def doing(self, what: str) -> None:
        """Write it down."""
        self.heard.append(what)

    def acting(self, what: str) -> None:
        """Write it down as what it is."""
        self.heard.append(f"acting: {what}")


def on_screen(served: Served, *arguments: str, interrupted_at: str = "", **environ: str) -> str:
    """Run a command at a terminal."""
    command = ["-m", "reconciler", "--config", str(served.desk.folder / "reconciler.yaml"), *arguments]
    return on_a_terminal(command, interrupted_at=interrupted_at, **{**TOKENS, **environ})


def test_a_pass_tells_what_it_reads_decides_and_does(served: Served) -> None:
    """The sources that have not answered yet, then deciding, then each round of effects."""
    listener = Listener()

    reconcile(served.world.ports(), served.world.settings, listener)

    reading = [what for what in listener.heard if what.startswith("reading ")]
    assert len(reading) == 6
    assert reading[-1] == "reading pull requests and merges"
    assert listener.heard[6:] == ["deciding", "acting: acting on the cluster, opening pull requests"]


def test_a_plan_never_says_that_it_acts(served: Served) -> None:
    """Whoever may interrupt it may do so at any moment."""
    listener = Listener()

    plan(served.world.ports(), served.world.settings, listener)

    assert listener.heard[-1] == "deciding"


@pytest.mark.parametrize(("arguments", "word"), [(("plan",), "reading "), (("doctor",), "asking ")])
def test_a_terminal_shows_what_a_slow_command_waits_for(served: Served, arguments: tuple[str, ...], word: str) -> None:
    """The line names the source, is erased before the result, and the result is whole."""

    def slowly(_: Request) -> Answer:
        served.wire.over.wait(0.6)
        return Answer([])

    served.wire.script["GET /api/v2/alerts"] = slowly

    shown = on_screen(served, *arguments)

    before, _, after = shown.rpartition(_ERASED)
    assert f"{word}alert" in before
    assert word not in after
    assert len(uncoloured(after)) > 10


def test_the_loop_tells_when_it_waits_and_ends_on_lines_of_their_own(served: Served) -> None:
    """Each pass under its time, the pause on the status line, and the answer to Ctrl-C above that."""
    pause = "the next pass is 60s after this one; Ctrl-C stops"

    shown = on_screen(served, "run", "--interval", "60s", interrupted_at=pause)

    lines = uncoloured(shown.replace(_ERASED, "\n").replace("\r", ""))
    assert any(line.endswith(" UTC") for line in lines)
    assert "SIGINT: stopping after the pass under way; once more stops at once" in lines
    assert lines[-1] == "stopped"


def test_progress_and_results_go_different_ways(served: Served) -> None:
    """A pipe gets the result alone, and standard error stays empty."""
    result = served.run("run", "--once")

    assert result.stderr == ""
    assert "reading" not in result.stdout


@pytest.mark.parametrize("environ", [{"TERM": "dumb"}, {"RECONCILER_DEBUG": "1"}])
def test_no_status_line_where_it_would_be_in_the_way(served: Served, environ: dict[str, str]) -> None:
    """A dumb terminal cannot erase, and the log of --debug is progress enough."""
    debug = ["--debug"] if "RECONCILER_DEBUG" in environ else []

    shown = on_screen(served, *debug, "plan", **environ)

    assert "reading " not in shown
    assert "1 finding" in shown


def test_words_of_others_are_shown_harmless(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a terminal there is nothing to show at all."""
    with progress() as shown:
        shown.say("\x1b[2Jevil")

    assert capsys.readouterr() == ("", "")
