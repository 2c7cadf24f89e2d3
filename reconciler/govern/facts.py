"""What the policy is told about one action: facts read beforehand, JSON-ready, without secrets.

Protects invariant 3 (what could not be read is listed as unknown, not left out) and invariant 8: an environment that
nobody named is production, and only a person's recorded yes makes `approved` true.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconciler.decide.past import attempts_on
from reconciler.govern.guards import asked_of, failures_in_row, guards_for, writes
from reconciler.govern.ownership import Claim, claim_on, route_of
from reconciler.model.facts import Unknown
from reconciler.model.finding import Severity
from reconciler.model.objects import format_path
from reconciler.model.verdict import GuardAnswer, Ownership, Route

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from reconciler.model.action import Action
    from reconciler.model.objects import ObjectRef
    from reconciler.model.operation import Operation
    from reconciler.model.snapshot import Snapshot
    from reconciler.settings import Settings

PRODUCTION = "production"
WORKLOAD_KINDS = frozenset({"Deployment", "StatefulSet", "DaemonSet"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """What is looked up about one action before policy is asked; `govern` judges by the same."""

    claim: Claim
    route: Route
    flags: frozenset[str]
    guards: tuple[GuardAnswer, ...]
    unknown: list[tuple[str, str]]


def grounds_of(
    action: Action,
    index: int,
    operation: Operation | None,
    snapshot: Snapshot,
    history: Sequence[Operation],
    settings: Settings,
    now: datetime,
) -> Grounds:
    """Look up ownership, flags, guards and unknown facts of one action, once."""
    claim = claim_on(action, snapshot)
    route = route_of(action, claim.ownership)
    flags = flags_on(action.target, snapshot, settings)
    asked = asked_of(action, index, operation, route, snapshot)
    return Grounds(
        claim=claim,
        route=route,
        flags=flags,
        guards=guards_for(asked, history, settings.guards, flags, now, stopped=snapshot.stopped),
        unknown=unknown_facts(action, snapshot, claim),
    )


def facts_for(
    action: Action,
    index: int,
    operation: Operation | None,
    snapshot: Snapshot,
    history: Sequence[Operation],
    settings: Settings,
    now: datetime,
    *,
    grounds: Grounds | None = None,
) -> dict[str, Any]:
    """Return the policy's input for one action; `index` is its place in the remedy, `grounds` what was looked up."""
    seen = grounds or grounds_of(action, index, operation, snapshot, history, settings, now)
    return {
        "action": _action(action),
        "target": _target(action.target),
        "environment": environment_of(action.target, snapshot),
        "ownership": {"git": seen.claim.ownership.value},
        "workload": _workload(action.target, snapshot),
        "evidence": _evidence(action, operation, now),
        "history": _history(action, operation, history, now),
        "guards": {guard.name: guard.passed for guard in seen.guards},
        "flags": {"paused": "paused" in seen.flags, "escalate": "escalate" in seen.flags},
        "approved": bool(approvers_of(index, operation)),
        "settings": {
            "after_failure": settings.policy.after_failure.value,
            "merge": settings.policy.merge.value,
            "attempts_per_day": settings.guards.attempts_per_day,
            "approvers": list(settings.policy.approvers),
        },
        "unknown_facts": [name for name, _ in seen.unknown],
        "now": now.isoformat(),
    }


def approvers_of(index: int, operation: Operation | None) -> frozenset[str]:
    """Return the people who said yes to one action."""
    return frozenset(a.by for a in operation.approvals if a.action == index) if operation else frozenset()


def environment_of(target: ObjectRef, snapshot: Snapshot) -> str:
    """Return the environment that the target's namespace is labelled with; never guessed from a name."""
    if isinstance(snapshot.namespaces, Unknown):
        return PRODUCTION
    namespace = snapshot.namespaces.get(target.namespace)
    return (namespace.environment if namespace else None) or PRODUCTION


def flags_on(target: ObjectRef, snapshot: Snapshot, settings: Settings) -> frozenset[str]:
    """Return the flags that people set on the target, its namespace, in the configuration or by a comment."""
    flags = {"paused"} if settings.guards.paused or snapshot.stopped else set()
    if not isinstance(snapshot.namespaces, Unknown) and target.namespace in snapshot.namespaces:
        flags |= snapshot.namespaces[target.namespace].flags
    if not isinstance(snapshot.workloads, Unknown) and target in snapshot.workloads:
        flags |= snapshot.workloads[target].flags
    return frozenset(flags)


def unknown_facts(action: Action, snapshot: Snapshot, claim: Claim) -> list[tuple[str, str]]:
    """Return what would have to be known to judge the action, by name and with the reason why it is not."""
    unknown = []
    if action.target.kind not in WORKLOAD_KINDS:
        unknown.append(("target", f"objects of kind {action.target.kind} are not observed"))
    for name, fact in (("namespaces", snapshot.namespaces), ("workloads", snapshot.workloads)):
        if isinstance(fact, Unknown):
            unknown.append((name, str(fact)))
    namespace = action.target.namespace
    if namespace and not isinstance(snapshot.namespaces, Unknown) and namespace not in snapshot.namespaces:
        unknown.append(("namespace", f"namespace {namespace} was not seen"))
    if claim.ownership is Ownership.UNKNOWN:
        unknown.append(("ownership", claim.reason))
    return unknown


def _action(action: Action) -> dict[str, Any]:
    return {
        "name": action.name.value,
        "kind": action.action_class.value,
        "risk": action.risk.value,
        "destructive": action.destructive,
        "changes": [{"path": format_path(c.path), "before": c.before, "after": c.after} for c in action.changes],
        "blast_radius": {
            "pods": action.blast_radius.pods,
            "workloads": action.blast_radius.workloads,
            "nodes": action.blast_radius.nodes,
        },
    }


def _target(target: ObjectRef) -> dict[str, str]:
    return {
        "cluster": target.cluster,
        "kind": target.kind,
        "namespace": target.namespace,
        "name": target.name,
    }


def _workload(target: ObjectRef, snapshot: Snapshot) -> dict[str, Any] | None:
    workload = None if isinstance(snapshot.workloads, Unknown) else snapshot.workloads.get(target)
    if workload is None:
        return None
    return {"stateful": target.kind == "StatefulSet", "replicas": workload.desired, "ready": workload.ready}


def _evidence(action: Action, operation: Operation | None, now: datetime) -> dict[str, Any] | None:
    """Return what is wrong on the action's own object, however many share its pull request."""
    findings = operation.remedy.findings_on(action.target) if operation else ()
    if not findings:
        return None
    age = round((now - max(finding.latest for finding in findings)).total_seconds())
    severity = max((finding.severity for finding in findings), key=list(Severity).index)
    return {"finding": findings[0].kind.value, "severity": severity.value, "age_seconds": age}


def _history(
    action: Action, operation: Operation | None, history: Sequence[Operation], now: datetime
) -> dict[str, Any]:
    findings = operation.remedy.findings_on(action.target) if operation else ()
    fingerprints = frozenset(finding.fingerprint for finding in findings)
    here = [o for o in history if action.target in o.targets]
    written = list(writes(history))
    return {
        "attempts_24h": len(attempts_on(fingerprints, history, now)),
        "failures_in_row": len(failures_in_row(action.target, history, written)),
        "reverted_before": any(o.remedy.is_revert for o in here),
    }
