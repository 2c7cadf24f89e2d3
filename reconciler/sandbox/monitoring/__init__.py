"""Prometheus and Alertmanager in the sandbox: series derived from live objects, PromQL over them, alert rules.

store ─ observing ─ history ─┬─ promql ─ prometheus      /api/v1/…
└─ alerts ─ alertmanager    /api/v2/…
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.sandbox.monitoring import rules, times
from reconciler.sandbox.monitoring.alertmanager import AlertmanagerApi
from reconciler.sandbox.monitoring.alerts import Alerting
from reconciler.sandbox.monitoring.history import History
from reconciler.sandbox.monitoring.observing import STATE_JOB, USAGE_JOB, Observer
from reconciler.sandbox.monitoring.prometheus import PrometheusApi
from reconciler.sandbox.monitoring.samples import Sample

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.sandbox.clock import SandboxClock
    from reconciler.sandbox.cluster.store import Store
    from reconciler.sandbox.timing import Timing
    from reconciler.sandbox.wire import Request, Response


class Monitoring:
    """The monitoring of one cluster."""

    def __init__(self, store: Store, clock: SandboxClock, *, timing: Timing, rule_file: Path = rules.RULES) -> None:
        self._clock = clock
        self.history = History(times.span(timing.scrape), self._now)
        self.rules = rules.read(rule_file, timing)
        self._observer = Observer(store, self.history)
        self._alertmanager = AlertmanagerApi(clock)
        self.alerting = Alerting(
            self.history,
            clock,
            self.rules,
            interval=times.span(timing.alert),
            resolve=times.span(timing.resolve),
            scrape=self._observer.scrape,
            notify=self._alertmanager.receive,
        )
        self._alertmanager.refresh = self.alerting.resend
        jobs = (STATE_JOB, USAGE_JOB)
        targets = {job["job"]: job["instance"] for job in jobs}
        self._prometheus = PrometheusApi(self.history, clock, rules=self.alerting, targets=targets)
        for job in jobs:
            self.history.put(("up", job["job"]), [Sample("up", job, 1.0)], times.ms(clock.now()))

    def observe(self) -> None:
        """Note what changed in the cluster; called after each settling, cheap when nothing did."""
        if self._observer.observe(self._now()):
            self.alerting.notice()

    def prometheus(self, request: Request) -> Response:
        """Answer as Prometheus."""
        self._scrape()
        return self._prometheus.handle(request)

    def alertmanager(self, request: Request) -> Response:
        """Answer as Alertmanager."""
        self._scrape()
        return self._alertmanager.handle(request)

    def _scrape(self) -> None:
        with self._clock.lock:
            self._observer.scrape(self._now())

    def _now(self) -> int:
        return times.ms(self._clock.now())
