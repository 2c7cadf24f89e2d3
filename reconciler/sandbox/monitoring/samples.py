"""What an exporter tells: samples, and the reading of objects that all families share."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

NAME = "__name__"  # the label that holds a metric's name

UNITS = {"": 1.0, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18}
UNITS |= {f"{letter}i": 1024.0**power for power, letter in enumerate("KMGTPE", start=1)}

Json = dict[str, Any]
Labels = dict[str, str]


class Sample(NamedTuple):
    """One line of the text format; `slope` is its rise a second, for a counter that grows with time."""

    name: str
    labels: Labels
    value: float
    slope: float = 0.0


def render(samples: Iterable[Sample]) -> str:
    """Return samples in Prometheus' text format, one family after the other."""
    families: dict[str, list[str]] = {}
    for sample in samples:
        labels = ",".join(f'{key}="{_escape(value)}"' for key, value in sample.labels.items())
        families.setdefault(sample.name, []).append(f"{sample.name}{{{labels}}} {sample.value:.17g}")
    lines = []
    for name, family in families.items():
        lines += [f"# TYPE {name} {'counter' if name.endswith('_total') else 'gauge'}", *family]
    return "\n".join(lines) + "\n"


@lru_cache(maxsize=4096)
def quantity(text: str | float) -> float:
    """Return the number that a Kubernetes quantity stands for: `512Mi`, `250m`, `1e9`."""
    match = re.fullmatch(r"([0-9.]+(?:[eE][0-9]+)?)([KMGTPE]i|[mkMGTPE]|)", str(text))
    if match is None:
        raise ValueError(f"not a quantity: {text!r}")
    return float(match[1]) * UNITS[match[2]]


def statuses(pod: Json) -> list[Json]:
    """Return the statuses of a pod's containers, those that have one."""
    found: list[Json] = pod.get("status", {}).get("containerStatuses") or []
    return found


def is_ready(pod: Json) -> bool:
    """Whether a pod's Ready condition is true."""
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod.get("status", {}).get("conditions") or [])


def _escape(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
