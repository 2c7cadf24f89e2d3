"""What is planned for later, on the sandbox's clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.sandbox.clock import SandboxClock


@dataclass(slots=True)
class Plan:
    """Something to do at a time; cancelled, it is not done."""

    at: datetime
    action: Callable[[], None]
    cancelled: bool = False


class Agenda:
    """What is planned for later; all that falls on one moment is done together, in the order of planning."""

    def __init__(self, clock: SandboxClock) -> None:
        self._clock = clock
        self._plans: dict[datetime, list[Plan]] = {}

    def plan(self, at: datetime, action: Callable[[], None]) -> Plan:
        """Let something be done at a time, or now when that has passed."""
        at = max(at, self._clock.now())
        plan = Plan(at, action)
        if at not in self._plans:
            self._plans[at] = []
            self._clock.call_at(at, lambda: self._keep(at))
        self._plans[at].append(plan)
        return plan

    def _keep(self, at: datetime) -> None:
        for plan in self._plans.pop(at):
            if not plan.cancelled:
                plan.action()
