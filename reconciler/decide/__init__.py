"""Remedies from findings: typed actions, each with before and after. Pure; one file a family."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.decide.memory import raise_memory
from reconciler.model.facts import Unknown
from reconciler.model.finding import Finding, FindingKind

if TYPE_CHECKING:
    from reconciler.model.action import Remedy
    from reconciler.model.snapshot import Snapshot
    from reconciler.settings import Settings


def decide(finding: Finding, snapshot: Snapshot, settings: Settings) -> Remedy | str:
    """Return the remedy for a finding, or a sentence why there is none."""
    if isinstance(snapshot.workloads, Unknown):
        return str(snapshot.workloads)
    workload = snapshot.workloads.get(finding.target)
    if workload is None:
        return f"{finding.target} is gone"
    match finding.kind:
        case FindingKind.OOM_KILLED:
            return raise_memory(finding, workload, settings.memory)
