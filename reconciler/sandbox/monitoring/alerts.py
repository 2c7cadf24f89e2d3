"""Alert rules at work: pending, firing, resolved, as Prometheus has them.

Rules are looked at on the grid of `Timing.alert`, but only while that can matter: after a change, until the change has
left the longest range of the rule, and when a pending alert falls due. In between nothing can come out differently, so
hours of quiet cost nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

from reconciler.sandbox.monitoring import times
from reconciler.sandbox.monitoring.history import Identity
from reconciler.sandbox.monitoring.promql import Query, understand
from reconciler.sandbox.monitoring.rules import RULES, Rule
from reconciler.sandbox.monitoring.samples import Labels, Sample
from reconciler.sandbox.monitoring.values import QueryError, Vector, exponent, nameless

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from reconciler.sandbox.clock import Due, SandboxClock
    from reconciler.sandbox.monitoring.history import History

_RESENDS = 4  # intervals that Alertmanager holds an alert for without hearing of it


@dataclass(slots=True)
class Active:
    """An alert that is pending or firing."""

    rule: Rule
    labels: Labels
    annotations: Labels
    value: float
    since: int
    fired: int | None = None

    @property
    def state(self) -> str:
        """Its state, in Prometheus' word."""
        return "pending" if self.fired is None else "firing"


@dataclass(frozen=True, slots=True)
class Notice:
    """What Prometheus tells Alertmanager of an alert."""

    labels: Labels
    annotations: Labels
    starts: int
    ends: int
    updated: int
    generator_url: str


@dataclass(slots=True)
class _Watch:
    """A rule, its alerts, and what is known about when it must be looked at again."""

    rule: Rule
    query: Query
    active: dict[Identity, Active] = field(default_factory=dict)
    mark: tuple[int, ...] = ()  # the versions of its metrics when it was looked at
    settled: bool = False  # its whole range lies after the last change
    error: str = ""


class Alerting:
    """The rules of one Prometheus."""

    url = "http://prometheus:9090"  # where the alerts say that they come from

    def __init__(
        self,
        history: History,
        clock: SandboxClock,
        rules: Iterable[Rule],
        *,
        interval: int,
        resolve: int,
        scrape: Callable[[int], None],
        notify: Callable[[Notice], None],
    ) -> None:
        self.interval = interval
        self._history = history
        self._clock = clock
        self._resolve = resolve
        self._scrape = scrape
        self._notify = notify
        self._watches = [_Watch(rule, understand(rule.expression, history, interval)) for rule in rules]
        self._latest = -1
        self._due: Due | None = None

    def notice(self) -> None:
        """Plan a look, for something changed."""
        now = times.ms(self._clock.now())
        self._plan(max(_up(now, self.interval), self._latest + self.interval))

    def evaluate(self, at: int) -> None:
        """Look at the rules whose answer can have changed, and let alerts begin, fire and resolve."""
        self._latest = at
        self._scrape(at)
        for watch in self._watches:
            if not (watch.settled and watch.mark == self._mark(watch.query)):
                self._look(watch, at)
            for key, alert in watch.active.items():
                if alert.fired is None and at - alert.since >= watch.rule.hold:
                    alert.fired = at
                    self._record(alert, key, at)
                    self._notify(self._notice(alert, at))
        following = self._following(at)
        if following is not None:
            self._plan(following)

    def resend(self) -> None:
        """Tell again of all that fires, as Prometheus does all the time."""
        at = max(self._latest, self._looked())
        for watch in self._watches:
            for alert in watch.active.values():
                if alert.fired is not None:
                    self._notify(self._notice(alert, at))

    def alerts(self) -> list[dict[str, Any]]:
        """Return the active alerts as the API writes them."""
        return [_json(alert) for watch in self._watches for alert in watch.active.values()]

    def groups(self, kind: str = "") -> list[dict[str, Any]]:
        """Return the groups of rules as the API writes them; `kind` is alert, record or empty for all."""
        names = dict.fromkeys(watch.rule.group for watch in self._watches)
        return [self._group(name, [] if kind == "record" else self._of_group(name)) for name in names]

    def _look(self, watch: _Watch, at: int) -> None:
        query, history = watch.query, self._history
        try:
            found = query.instant(at)
            self._update(watch, found if isinstance(found, list) else [], at)
            watch.error = ""
        except QueryError as error:
            watch.error = str(error)
        watch.mark = self._mark(query)
        families = [history.families[name] for name in query.names if name in history.families and name is not None]
        newest = max((_up(family.changed, history.step) for family in families), default=0)
        watch.settled = (
            None not in query.names
            and not query.knows_time
            and self.interval % history.step == 0
            and not any(family.growing for family in families)
            and newest + query.reach <= at
        )

    def _update(self, watch: _Watch, vector: Vector, at: int) -> None:
        rule, present = watch.rule, set()
        for element in vector:
            bare = nameless(element.labels)
            labels = bare | {name: template.filled(bare, element.value) for name, template in rule.labels.items()}
            labels = {name: value for name, value in labels.items() if value} | {"alertname": rule.name}
            key = frozenset(labels.items())
            if key in present:
                raise QueryError("vector contains metrics with the same labelset after applying alert labels")
            present.add(key)
            annotations = {name: text.filled(bare, element.value) for name, text in rule.annotations.items()}
            if (alert := watch.active.get(key)) is None:
                alert = watch.active[key] = Active(rule, labels, annotations, element.value, at)
                self._record(alert, key, at)
            alert.value, alert.annotations = element.value, annotations
        for key in [key for key in watch.active if key not in present]:
            self._end(watch.active.pop(key), key, at)

    def _end(self, alert: Active, key: Identity, at: int) -> None:
        self._history.put(("ALERTS", alert.rule.group, alert.rule.name, key), (), at)
        if alert.fired is not None:
            self._notify(self._notice(alert, at, ends=at + self._resolve))

    def _record(self, alert: Active, key: Identity, at: int) -> None:
        """Write the series that Prometheus itself writes of its alerts."""
        owner = ("ALERTS", alert.rule.group, alert.rule.name, key)
        shown = Sample("ALERTS", {**alert.labels, "alertstate": alert.state}, 1.0)
        self._history.put(owner, (shown, Sample("ALERTS_FOR_STATE", alert.labels, alert.since / 1000)), at)

    def _notice(self, alert: Active, at: int, ends: int | None = None) -> Notice:
        url = f"{self.url}/graph?g0.expr={quote_plus(alert.rule.expression)}&g0.tab=1"
        until = at + _RESENDS * self.interval if ends is None else ends
        return Notice(alert.labels, alert.annotations, alert.fired or at, until, at, url)

    def _mark(self, query: Query) -> tuple[int, ...]:
        families = self._history.families
        return tuple(families[name].version for name in query.names if name in families and name is not None)

    def _following(self, at: int) -> int | None:
        """Return when rules must be looked at next, or None when only a change can matter."""
        if any(not watch.settled for watch in self._watches):
            return at + self.interval
        waiting = [(alert.since, watch.rule.hold) for watch in self._watches for alert in self._pending(watch)]
        return min((_up(since + hold, self.interval) for since, hold in waiting), default=None)

    @staticmethod
    def _pending(watch: _Watch) -> Iterator[Active]:
        return (alert for alert in watch.active.values() if alert.fired is None)

    def _plan(self, at: int) -> None:
        moment = times.moment(at)
        if self._due is not None:
            if self._due.at <= moment:
                return
            self._due.cancelled = True
        self._due = self._clock.call_at(moment, lambda: self._fall_due(at))

    def _fall_due(self, at: int) -> None:
        self._due = None
        self.evaluate(at)

    def _looked(self) -> int:
        return times.ms(self._clock.now()) // self.interval * self.interval

    def _of_group(self, name: str) -> list[dict[str, Any]]:
        return [self._rule(watch) for watch in self._watches if watch.rule.group == name]

    def _group(self, name: str, rules: list[dict[str, Any]]) -> dict[str, Any]:
        group = {"name": name, "file": RULES.name, "rules": rules, "interval": self.interval / 1000, "limit": 0}
        return group | {"evaluationTime": 0.0, "lastEvaluation": times.written(self._looked())}

    def _rule(self, watch: _Watch) -> dict[str, Any]:
        rule = watch.rule
        states = {alert.state for alert in watch.active.values()}
        return {
            "state": next((state for state in ("firing", "pending") if state in states), "inactive"),
            "name": rule.name,
            "query": rule.expression,
            "duration": rule.hold / 1000,
            "keepFiringFor": 0,
            "labels": {name: template.text for name, template in rule.labels.items()},
            "annotations": {name: template.text for name, template in rule.annotations.items()},
            "alerts": [_json(alert) for alert in watch.active.values()],
            "health": "err" if watch.error else "ok",
            **({"lastError": watch.error} if watch.error else {}),
            "evaluationTime": 0.0,
            "lastEvaluation": times.written(self._looked()),
            "type": "alerting",
        }


def _json(alert: Active) -> dict[str, Any]:
    return {
        "labels": alert.labels,
        "annotations": alert.annotations,
        "state": alert.state,
        "activeAt": times.written(alert.since),
        "value": exponent(alert.value),
    }


def _up(at: int, step: int) -> int:
    return -(-at // step) * step
