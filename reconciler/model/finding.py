"""What is wrong, on what, with which evidence."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from reconciler.model.objects import ObjectRef

Scalar = str | int | float | bool | None


class FindingKind(StrEnum):
    """The troubles that diagnosis can name."""

    OOM_KILLED = "oom-killed"


class Severity(StrEnum):
    """How bad a finding is for the people who use the workload."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One dated, sourced fact; `values` holds its figures by name."""

    source: str  # kubernetes, prometheus, alertmanager
    at: datetime
    text: str
    values: Mapping[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing wrong on one target; evidence is oldest first and never empty."""

    kind: FindingKind
    target: ObjectRef
    container: str | None
    severity: Severity
    summary: str
    evidence: tuple[Evidence, ...]

    @property
    def fingerprint(self) -> str:
        """Identity across passes: the kind and the target, never the evidence."""
        text = f"{self.kind}|{self.target.key}|{self.container or ''}"
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def latest(self) -> datetime:
        """When the newest evidence was seen."""
        return max(e.at for e in self.evidence)
