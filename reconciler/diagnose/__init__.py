"""Findings from a snapshot: what is wrong, on what, with which evidence. Pure; one file a family of trouble."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.diagnose.memory import oom_kills
from reconciler.model.facts import Fact, Unknown

if TYPE_CHECKING:
    from reconciler.model.finding import Finding
    from reconciler.model.snapshot import Snapshot
    from reconciler.settings import Settings

_FAMILIES = (oom_kills,)


def diagnose(snapshot: Snapshot, settings: Settings) -> Fact[tuple[Finding, ...]]:
    """Return every finding, ordered by target; unknown when the cluster did not answer (invariant 3)."""
    findings: list[Finding] = []
    for family in _FAMILIES:
        found = family(snapshot, settings)
        if isinstance(found, Unknown):
            return found
        findings += found
    return tuple(sorted(findings, key=lambda f: (f.target, f.container or "")))
