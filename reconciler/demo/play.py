"""Play a trouble from its beginning to its end, and tell what is seen, decided and done while it happens.

The story is told from what the product itself reports; the time between is the sandbox's and takes none of ours.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from reconciler.errors import ReconcilerError
from reconciler.plain import counted
from reconciler.report.blocks import Card, Section, Styled, Told
from reconciler.report.passes import pass_blocks, plan_blocks
from reconciler.report.story import story
from reconciler.report.times import span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from reconciler.demo.stage import Stage
    from reconciler.model.report import Plan
    from reconciler.report.blocks import Block

Show = Callable[["Iterable[Block]"], None]

_INTERVAL = timedelta(seconds=30)  # between two passes, as `reconciler run --interval 30s` makes them
_THINKING = timedelta(minutes=4)  # what a reviewer takes before she acts
_LONGEST = 1000  # passes; a story that is not over by then never will be


class NotAsTold(ReconcilerError):
    """The demonstration did not end as it must."""


class Play:
    """One performance."""

    def __init__(self, stage: Stage, show: Show) -> None:
        self._stage = stage
        self._show = show
        self._people = list(stage.trouble.people)
        self._began = stage.sandbox.clock.now()
        self._since = self._began
        self._quiet = 0
        self._waits = ""
        self._asked: datetime | None = None

    def perform(self) -> None:
        """Play it to its end. Raises NotAsTold when it ends otherwise than it must."""
        self._introduce()
        self._until_seen()
        for _ in range(_LONGEST):
            self._one_pass()
            if self._is_over():
                break
            self._let_people_act()
            self._stage.wait(_INTERVAL)
        self._settle_accounts()

    def _introduce(self) -> None:
        trouble = self._stage.trouble
        lines = (
            trouble.title,
            Styled(
                "A cluster, Argo CD, GitHub, Prometheus and Alertmanager run inside this process. They speak", "faint"
            ),
            Styled("the real protocols; the reconciler is the product as it is; time is virtual.", "faint"),
        )
        self._show([Card(f"reconciler demo: {trouble.name}", lines), "", self._told("world", trouble.before)])

    def _until_seen(self) -> None:
        """Wait for the first symptom and its alert, and show what would be done about it."""
        for _ in range(_LONGEST):
            self._stage.wait(_INTERVAL)
            plan = self._stage.plan()
            if _alerted(plan) or (self._stage.trouble.fault and plan.unknown):
                break
        waited = span(self._stage.sandbox.clock.now() - self._began)
        self._show(
            [self._told("time", f"{waited} later"), "", Styled("$ reconciler plan", "place"), *plan_blocks(plan)]
        )

    def _one_pass(self) -> None:
        report = self._stage.run()
        waits = "; ".join((*(reason for _, reason in report.waiting), *map(str, report.unknown)))
        if not (report.lines or report.problems) and waits == self._waits:
            self._quiet += 1
            return
        self._tell_quiet()
        self._waits = waits
        self._show(["", Styled("$ reconciler run --once", "place"), *pass_blocks(report)])

    def _tell_quiet(self) -> None:
        now = self._stage.sandbox.clock.now()
        if self._quiet:
            passes = counted(self._quiet, "pass", plural="passes")
            self._show(["", self._told("time", f"{span(now - self._since)} later, {passes} without news")])
        self._since, self._quiet = now, 0

    def _let_people_act(self) -> None:
        """Let the next person act; whoever has something to decide thinks about it for a while."""
        if not self._people:
            return
        if self._asked is None and self._stage.something_to_decide():
            self._asked = self._stage.sandbox.clock.now()
        thought = self._asked is not None and self._stage.sandbox.clock.now() - self._asked >= _THINKING
        if not thought and not self._stage.fails:
            return
        deed = self._people[0](self._stage)
        if deed is not None:
            del self._people[0]
            self._asked = None
            self._tell_quiet()
            self._show(["", self._told("people", deed)])

    def _is_over(self) -> bool:
        operations = self._stage.operations
        wanted = self._stage.trouble.outcomes
        return len(operations) >= len(wanted) and not any(o.is_open for o in operations)

    def _settle_accounts(self) -> None:
        outcomes = tuple(o.outcome for o in self._stage.operations)
        if outcomes != self._stage.trouble.outcomes:
            raise NotAsTold(
                code="demo.not_as_told",
                message=f"{self._stage.trouble.name} ended with {', '.join(map(str, outcomes)) or 'no operation'}",
                remedy="report this: a demonstration must end as it is told",
            )
        self._show(self._ending())

    def _ending(self) -> Iterator[Block]:
        stage, ledger = self._stage, self._stage.made.ledger
        events = ledger.events()
        last = stage.operations[-1]
        yield from ("", Styled(f"$ reconciler explain {last.id}", "place"))
        yield from story(last, [e for e in events if e.operation == last.id], stage.sandbox.clock.now())
        broken = ledger.verify()
        if broken:
            raise NotAsTold(code="demo.ledger", message=str(broken[0]), remedy="report this: the chain must hold")
        yield from ("", Styled("$ reconciler audit verify", "place"))
        yield f"sound: {counted(len(events), 'event')}, head {events[-1].hash}"
        waited = stage.sandbox.clock.now() - self._began
        own = f"{stage.own_time:.2f} s of our own time in {counted(stage.passes, 'pass', plural='passes')}"
        yield Section("Time", (f"{span(waited)} for people, delivery and stabilization", own))

    def _told(self, label: str, text: str) -> Told:
        moment = self._stage.sandbox.clock.now().strftime("%H:%M:%S")
        return Told(label, "faint", f"{moment}  {text}")


def _alerted(plan: Plan) -> bool:
    """Tell whether a finding has an alert among its evidence."""
    return any(e.source == "alertmanager" for finding in plan.findings for e in finding.evidence)
