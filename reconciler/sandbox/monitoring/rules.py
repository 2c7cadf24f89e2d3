"""The alert rules as they are written, and their periods at the pace of the sandbox.

`rules.yaml` says seconds where a real installation has minutes: as it stands for tests, in minutes for a cluster at a
real pace. The testbed gives the same file to a real Prometheus.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from reconciler.sandbox.monitoring import times
from reconciler.sandbox.monitoring.templates import Template
from reconciler.sandbox.wire import NotInSandbox

if TYPE_CHECKING:
    from reconciler.sandbox.timing import Timing

RULES = Path(__file__).parent / "rules.yaml"
_QUICK = timedelta(seconds=1)
_KNOWN = frozenset({"alert", "expr", "for", "labels", "annotations"})


@dataclass(frozen=True, slots=True)
class Rule:
    """One alert rule."""

    group: str
    name: str
    expression: str
    hold: int  # ms that the expression must be true before the alert fires
    labels: Mapping[str, Template]
    annotations: Mapping[str, Template]


def read(path: Path, timing: Timing) -> tuple[Rule, ...]:
    """Read the rules of a file. Raises NotInSandbox for what is not here."""
    text = path.read_text(encoding="utf-8")
    document = yaml.safe_load(text if timing.alert <= _QUICK else in_minutes(text))
    return tuple(_rule(group["name"], raw) for group in document["groups"] for raw in group["rules"])


def in_minutes(text: str) -> str:
    """Return rules with minutes in place of seconds: in ranges, in `for`, and in the words about them."""
    text = re.sub(r"\[(\d+)s\]", r"[\1m]", text)
    text = re.sub(r"(?m)^(\s*for: \d+)s$", r"\1m", text)
    return re.sub(r"(\d+) seconds", r"\1 minutes", text)


def _rule(group: str, raw: dict[str, Any]) -> Rule:
    if more := raw.keys() - _KNOWN:
        raise NotInSandbox(f"{', '.join(sorted(more))} of an alert rule")
    return Rule(
        group=group,
        name=raw["alert"],
        expression=" ".join(raw["expr"].split()),
        hold=times.read_duration(str(raw.get("for", "0s"))),
        labels={name: Template(str(text)) for name, text in (raw.get("labels") or {}).items()},
        annotations={name: Template(str(text)) for name, text in (raw.get("annotations") or {}).items()},
    )
