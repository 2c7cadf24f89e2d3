"""The remedy for OOM kills: restart now, a larger limit for good.

The new limit is a rule, not a guess: the old one times the configured growth, more when the peak asks for it, never
above the configured maximum. Where request and limit were the same (quality of service Guaranteed) they stay the same.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal
from typing import TYPE_CHECKING

from reconciler.model.action import Action, ActionName, BlastRadius, FieldChange, Remedy, RiskLevel
from reconciler.model.objects import FieldPath, Item
from reconciler.model.quantity import format_like, parse_quantity, same_quantity

if TYPE_CHECKING:
    from reconciler.model.cluster import Container, Workload
    from reconciler.model.finding import Finding
    from reconciler.settings import MemorySettings


def raise_memory(finding: Finding, workload: Workload, settings: MemorySettings) -> Remedy | str:
    """Return the hybrid remedy, or why there is none."""
    container = workload.container(finding.container or "")
    if container is None or container.memory_limit is None:
        return (
            f"{workload.ref} declares no memory limit for container {finding.container}; the one that its pods have "
            "comes from a LimitRange or an admission webhook"
        )
    limit = _next_limit(container.memory_limit, finding, settings)
    if limit is None:
        return f"its memory limit {container.memory_limit} is at the configured maximum {settings.maximum}"
    disturbed = BlastRadius(pods=workload.desired, workloads=1)
    restart = Action(
        name=ActionName.RESTART_DEPLOYMENT,
        target=workload.ref,
        uid=workload.uid,
        risk=RiskLevel.LOW,
        summary=f"restart {workload.ref}",
        blast_radius=disturbed,
    )
    raise_limit = Action(
        name=ActionName.SET_MEMORY,
        target=workload.ref,
        uid=workload.uid,
        risk=RiskLevel.MEDIUM,
        summary=f"{workload.ref.name}: memory limit {container.memory_limit} → {limit}",
        changes=tuple(_changes(container, container.memory_limit, limit)),
        blast_radius=disturbed,
    )
    return Remedy(
        finding=finding,
        actions=(restart, raise_limit),
        rationale=(
            f"A restart clears the crash back-off now; the limit {container.memory_limit} was reached, "
            f"so {limit} is proposed for good."
        ),
    )


def _next_limit(limit: str, finding: Finding, settings: MemorySettings) -> str | None:
    current, maximum = parse_quantity(limit), parse_quantity(settings.maximum)
    peaks = [e.values["peak_bytes"] for e in finding.evidence if isinstance(e.values.get("peak_bytes"), int)]
    wanted = max(
        current * Decimal(str(settings.growth)),
        *(Decimal(str(p)) * Decimal(str(settings.headroom)) for p in peaks),
        Decimal(0),
    )
    wanted = min(wanted, maximum)
    if wanted <= current:
        return None
    written = format_like(limit, int(wanted.to_integral_value(rounding=ROUND_CEILING)))
    # The author's suffix may round up past the maximum; then the maximum is written as it was configured.
    return written if parse_quantity(written) <= maximum else settings.maximum


def _changes(container: Container, limit: str, new: str) -> list[FieldChange]:
    changes = [FieldChange(path=_path(container.name, "limits"), before=limit, after=new)]
    if container.memory_request is not None and same_quantity(container.memory_request, limit):
        changes.append(FieldChange(path=_path(container.name, "requests"), before=container.memory_request, after=new))
    return changes


def _path(container: str, bound: str) -> FieldPath:
    return ("spec", "template", "spec", "containers", Item("name", container), "resources", bound, "memory")
