"""Play a trouble live: time flows as on the wall, and the reviewer is whoever opens the pull request's page."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from reconciler.demo.stage import REPOSITORY
from reconciler.report.blocks import Card, Styled
from reconciler.report.passes import pass_blocks
from reconciler.report.story import story

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from reconciler.demo.stage import Stage
    from reconciler.model.report import PassReport
    from reconciler.report.blocks import Block

_INTERVAL = 2.0  # seconds between two passes


class Live:
    """One performance with a person in it."""

    def __init__(self, stage: Stage, show: Callable[[Iterable[Block]], None]) -> None:
        self._stage = stage
        self._show = show
        self._waits = ""
        self._asked = False

    def perform(self) -> None:
        """Make passes until every operation has ended; Ctrl-C ends it between two passes."""
        self._introduce()
        pause = threading.Event()
        try:
            while not self._is_over():
                self._one_pass()
                pause.wait(_INTERVAL)
        except KeyboardInterrupt:
            self._show(["", "stopped; nothing is left behind"])
            return
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
        news = [*report.lines, *report.problems, *(f"waits: {reason}" for _, reason in report.waiting)]
        for line in news:
            self._stage.sandbox.forge.tell(REPOSITORY, line)

    def _is_over(self) -> bool:
        operations = self._stage.operations
        return bool(operations) and not any(o.is_open for o in operations)

    def _tell_the_story(self) -> None:
        events = self._stage.made.ledger.events()
        for operation in self._stage.operations:
            own = [e for e in events if e.operation == operation.id]
            self._show(["", *story(operation, own, self._stage.sandbox.clock.now())])
        for operation in self._stage.operations:
            for line in (f"{operation.outcome}: {operation.outcome_reason}",):
                self._stage.sandbox.forge.tell(REPOSITORY, line)
