"""Play a trouble live: time flows as on the wall, and the reviewer is whoever opens the pull request's page."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from reconciler.demo.stage import REPOSITORY
from reconciler.report.blocks import Card, Styled
from reconciler.report.passes import pass_blocks
from reconciler.report.story import story
from reconciler.sandbox.forge.web.page import Line
from reconciler.sandbox.forge.web.page import Live as Beside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from reconciler.demo.stage import Stage
    from reconciler.model.report import PassReport
    from reconciler.report.blocks import Block
    from reconciler.sandbox.forge.web.page import Mark

_INTERVAL = 2.0  # seconds between two passes


class Live:
    """One performance with a person in it."""

    def __init__(self, stage: Stage, show: Callable[[Iterable[Block]], None], *, interval: float = _INTERVAL) -> None:
        self._interval = interval
        self._stage = stage
        self._show = show
        self._waits = ""
        self._asked = False
        self._news: list[Line] = []
        self._next_pass = 0.0
        stage.sandbox.forge.pages.live = self._beside

    def perform(self) -> None:
        """Make passes until every operation has ended."""
        self._introduce()
        pause = threading.Event()
        while not self._is_over():
            self._one_pass()
            self._next_pass = time.monotonic() + self._interval
            pause.wait(self._interval)
        self._tell_the_story()

    def _introduce(self) -> None:
        trouble = self._stage.trouble
        lines = (
            trouble.title,
            Styled(
                "You are ana, the reviewer. When the pull request is there, its page is shown below: open it in",
                "faint",
            ),
            Styled(
                "your browser, then approve, edit or close it and watch what the reconciler does. Ctrl-C ends it.",
                "faint",
            ),
        )
        self._show([Card(f"reconciler demo: {trouble.name}, live", lines), "", trouble.before])

    def _one_pass(self) -> None:
        report = self._stage.run()
        waits = "; ".join(reason for _, reason in report.waiting)
        if report.lines or report.problems or waits != self._waits:
            self._waits = waits
            self._show(["", *pass_blocks(report)])
            self._tell_the_page(report)
        number = self._stage.open_pull_request()
        if number is not None and not self._asked:
            self._asked = True
            page = f"{self._stage.sandbox.github.url}/{REPOSITORY}/pull/{number}"
            self._show(["", ("Your turn: ", Styled(page, "place"))])

    def _tell_the_page(self, report: PassReport) -> None:
        """Show on the page what the reconciler does."""
        self._note("done", *report.lines)
        self._note("failed", *report.problems)
        self._note("waits", *(reason for _, reason in report.waiting))

    def _note(self, mark: Mark, *texts: str) -> None:
        self._news += [Line(at=self._clock(), text=text, mark=mark) for text in texts]

    def _clock(self) -> str:
        return f"{self._stage.sandbox.clock.now():%H:%M:%S}"

    def _beside(self) -> Beside:
        """Say what goes on beside the pull request; its page asks each second."""
        if self._is_over():
            return Beside(clock=self._clock(), waiting="the operation has ended", lines=tuple(self._news))
        left = max(0.0, self._next_pass - time.monotonic())
        return Beside(clock=self._clock(), waiting=f"next pass in {left:.0f} s", lines=tuple(self._news))

    def _is_over(self) -> bool:
        operations = self._stage.operations
        return bool(operations) and not any(o.is_open for o in operations)

    def _tell_the_story(self) -> None:
        events = self._stage.made.ledger.events()
        for operation in self._stage.operations:
            own = [e for e in events if e.operation == operation.id]
            self._show(["", *story(operation, own, self._stage.sandbox.clock.now())])
            self._note("done", f"{operation.outcome}: {operation.outcome_reason}")
