"""From what the metrics ask for to what is done: waits and rates that keep an autoscaler from jumping about. Pure.

Source: `pkg/controller/podautoscaler/horizontal.go` of Kubernetes 1.36; without `behavior`, its defaults: up at once by
at most 4 pods or 100 % in 15 s, down to the highest recommendation of five minutes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.sandbox.controllers.objects import Json

_UP: Json = {
    "stabilizationWindowSeconds": 0,
    "selectPolicy": "Max",
    "policies": [
        {"type": "Pods", "value": 4, "periodSeconds": 15},
        {"type": "Percent", "value": 100, "periodSeconds": 15},
    ],
}
_DOWN: Json = {
    "stabilizationWindowSeconds": 300,
    "selectPolicy": "Max",
    "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}],
}
_KEPT = timedelta(hours=1)  # the longest window that the API allows
_WITHIN = ("DesiredWithinRange", "the desired count is within the acceptable range")
_TOO_FAST_UP = ("ScaleUpLimit", "the desired replica count is increasing faster than the maximum scale rate")
_TOO_FAST_DOWN = ("ScaleDownLimit", "the desired replica count is decreasing faster than the maximum scale rate")
_TOO_MANY = ("TooManyReplicas", "the desired replica count is more than the maximum replica count")
_TOO_FEW = ("TooFewReplicas", "the desired replica count is less than the minimum replica count")


@dataclass(slots=True)
class Past:
    """What an autoscaler remembers of its target: recommendations and what it changed, each with its time."""

    recommended: list[tuple[datetime, int]] = field(default_factory=list)
    changed: list[tuple[datetime, int]] = field(default_factory=list)

    def note(self, now: datetime, replicas: int) -> None:
        """Remember a recommendation, and forget those too old to matter."""
        self.recommended = [each for each in self.recommended if each[0] >= now - _KEPT]
        self.recommended.append((now, replicas))

    def scaled(self, now: datetime, change: int) -> None:
        """Remember a change of size."""
        self.changed = [each for each in self.changed if each[0] >= now - _KEPT]
        self.changed.append((now, change))

    def change_since(self, then: datetime) -> int:
        """Return by how much the target was changed after a time."""
        return sum(change for at, change in self.changed if at > then)


@dataclass(frozen=True, slots=True)
class Limited:
    """A size after waits, rates and bounds, with what limited it."""

    replicas: int
    waits: tuple[str, str] | None  # reason and message when former recommendations hold it
    limit: tuple[str, str]
    is_limited: bool


def limited(spec: Json, past: Past, current: int, wanted: int, now: datetime) -> Limited:
    """Return the size to scale to; the recommendation is remembered."""
    behavior = spec.get("behavior") or {}
    up, down = {**_UP, **(behavior.get("scaleUp") or {})}, {**_DOWN, **(behavior.get("scaleDown") or {})}
    stable = _stabilized(past, up, down, current, wanted, now)
    past.note(now, wanted)
    waits = None
    if stable != wanted:
        word, how = ("ScaleUpStabilized", "lowest") if wanted >= current else ("ScaleDownStabilized", "highest")
        other = "lower" if wanted >= current else "higher"
        waits = word, f"recent recommendations were {other} than current one, applying the {how} recent recommendation"
    least, most = spec.get("minReplicas", 1), spec["maxReplicas"]
    size, limit = _bounded(stable, current, (least, most), (up, down), past, now)
    return Limited(size, waits, limit, size != stable)


def _stabilized(past: Past, up: Json, down: Json, current: int, wanted: int, now: datetime) -> int:
    since_up = now - timedelta(seconds=up["stabilizationWindowSeconds"])
    since_down = now - timedelta(seconds=down["stabilizationWindowSeconds"])
    lowest = min([wanted, *(count for at, count in past.recommended if at > since_up)])
    highest = max([wanted, *(count for at, count in past.recommended if at > since_down)])
    return min(max(current, lowest), highest)


def _bounded(
    wanted: int, current: int, bounds: tuple[int, int], rules: tuple[Json, Json], past: Past, now: datetime
) -> tuple[int, tuple[str, str]]:
    least, most = bounds
    if wanted > current:
        rate = max(current, _rate(rules[0], past, current, now, up=True))
        top, why = (rate, _TOO_FAST_UP) if most > rate else (most, _TOO_MANY)
        return (top, why) if wanted > top else (max(wanted, least), _WITHIN if wanted >= least else _TOO_FEW)
    if wanted < current:
        rate = min(current, _rate(rules[1], past, current, now, up=False))
        bottom, why = (rate, _TOO_FAST_DOWN) if least < rate else (least, _TOO_FEW)
        return (bottom, why) if wanted < bottom else (wanted, _WITHIN)
    return wanted, _WITHIN


def _rate(rules: Json, past: Past, current: int, now: datetime, *, up: bool) -> int:
    """Return how far the policies let the size go now."""
    if rules["selectPolicy"] == "Disabled":
        return current
    found = []
    for policy in rules["policies"]:
        before = current - past.change_since(now - timedelta(seconds=policy["periodSeconds"]))
        step = policy["value"] if policy["type"] == "Pods" else before * policy["value"] / 100
        found.append(math.ceil(before + step) if up else int(before - step))
    furthest = rules["selectPolicy"] == "Max"
    return max(found) if up == furthest else min(found)
