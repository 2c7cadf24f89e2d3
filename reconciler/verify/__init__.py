"""Did the change help? Checks of a delivered change against the snapshot. Pure.

A change of several objects is judged object by object, and helped when it helped all of them; its checks name theirs.
Protects invariant 3: a fact that could not be read gives `unknown`, which neither verifies nor fails anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.action import shown
from reconciler.model.check import Check, CheckStatus
from reconciler.model.facts import Fact, Unknown
from reconciler.model.objects import FieldPath, ObjectRef, format_path
from reconciler.model.quantity import same_quantities

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from reconciler.model.action import Remedy
    from reconciler.model.cluster import Workload
    from reconciler.model.finding import Finding
    from reconciler.model.operation import Operation
    from reconciler.model.snapshot import Snapshot
    from reconciler.settings import VerifySettings

_ROLLOUT, _REPLACED, _FINDING, _ALERT = "pods_ready", "pods_replaced", "finding_gone", "alert "


def checks(
    operation: Operation,
    snapshot: Snapshot,
    findings: Fact[Mapping[str, Finding]],
    settings: VerifySettings,
) -> tuple[Check, ...]:
    """Compare what should be with what is; `findings` are this pass's, by fingerprint."""
    reverting = operation.remedy.is_revert
    made = [
        *_fields(operation, snapshot),
        *(_rollout(target, operation, snapshot, settings, ready=not reverting) for target in _troubled(operation)),
        # A revert restores what was; it does not promise that the trouble ends, nor that pods become ready.
        *([] if reverting else [*_findings(operation, snapshot, findings), *_alerts(operation, snapshot, settings)]),
    ]
    return tuple(made)


def speaks_of_trouble(check: Check) -> bool:
    """Tell whether a check speaks of the trouble, not of the field that was to mend it."""
    return check.name.startswith((_ROLLOUT, _REPLACED, _FINDING, _ALERT))


def _named(name: str, target: ObjectRef, operation: Operation) -> str:
    """Return a check's name, with its object where there are several."""
    return f"{name} {target}" if len(operation.targets) > 1 else name


def _fields(operation: Operation, snapshot: Snapshot) -> Iterator[Check]:
    for (target, change), expected in zip(operation.remedy.fields, operation.expected, strict=True):
        name = _named(format_path(change.path), target, operation)
        yield _field(name, target, change.path, expected, snapshot)


def _field(name: str, target: ObjectRef, path: FieldPath, wanted: str | None, snapshot: Snapshot) -> Check:
    expected = shown(wanted)
    if isinstance(snapshot.fields, Unknown):
        return Check(name=name, expected=expected, actual=str(snapshot.fields), status=CheckStatus.UNKNOWN)
    if (target, path) not in snapshot.fields:
        return Check(name=name, expected=expected, actual="not read", status=CheckStatus.UNKNOWN)
    live = snapshot.fields[target, path]
    status = CheckStatus.PASSED if same_quantities((live,), (wanted,)) else CheckStatus.FAILED
    return Check(name=name, expected=expected, actual=shown(live), status=status)


def _rollout(
    target: ObjectRef, operation: Operation, snapshot: Snapshot, settings: VerifySettings, *, ready: bool
) -> Check:
    """Every pod must be of the current template, and ready unless the change only takes another one back."""
    name = _named(_ROLLOUT if ready else _REPLACED, target, operation)
    expected = f"every pod is of the current template{' and ready' if ready else ''}"
    if isinstance(snapshot.workloads, Unknown):
        return Check(name=name, expected=expected, actual=str(snapshot.workloads), status=CheckStatus.UNKNOWN)
    workload = snapshot.workloads.get(target)
    if workload is None:
        return Check(name=name, expected=expected, actual=f"{target} is gone", status=CheckStatus.FAILED)
    actual = f"{workload.ready} of {workload.desired} ready, {workload.updated} current"
    if workload.rolled_out if ready else workload.replaced:
        return Check(name=name, expected=expected, actual=actual, status=CheckStatus.PASSED)
    late = _is_late(operation, snapshot.taken_at, settings)
    return Check(
        name=name, expected=expected, actual=actual, status=CheckStatus.FAILED if late else CheckStatus.PENDING
    )


def _is_late(operation: Operation, now: datetime, settings: VerifySettings) -> bool:
    limit = settings.stabilization_period + settings.settle_limit
    return operation.live_at is not None and now > operation.live_at + limit


def _findings(operation: Operation, snapshot: Snapshot, findings: Fact[Mapping[str, Finding]]) -> Iterator[Check]:
    several = len(operation.remedy.answers) > 1
    for part in _delivered(operation):
        named = _named(f"{_FINDING} {part.finding.container}" if several else _FINDING, part.finding.target, operation)
        yield _finding(named, part.finding, operation, snapshot, findings)


def _delivered(operation: Operation) -> list[Remedy]:
    """Return the parts that were delivered: one that a reviewer took out promised nothing."""
    parts, fields = operation.remedy.answers, operation.remedy.fields
    live = {(t, c.path): value for (t, c), value in zip(fields, operation.expected, strict=True)}

    def is_delivered(part: Remedy) -> bool:
        changes = [(action.target, change) for action in part.actions for change in action.changes]
        befores, afters = [c.before for _, c in changes], [live.get((t, c.path), c.after) for t, c in changes]
        return not same_quantities(afters, befores)

    return [part for part in parts if len(parts) == 1 or is_delivered(part)]


def _troubled(operation: Operation) -> Iterable[ObjectRef]:
    """Return the objects whose trouble was to end, each once: the change itself may be in another one, a ConfigMap."""
    return dict.fromkeys(part.finding.target for part in _delivered(operation))


def _finding(
    name: str,
    finding: Finding,
    operation: Operation,
    snapshot: Snapshot,
    findings: Fact[Mapping[str, Finding]],
) -> Check:
    """Only evidence younger than the change counts against it."""
    expected = f"no {finding.kind} since the change is live"
    if isinstance(findings, Unknown):
        return Check(name=name, expected=expected, actual=str(findings), status=CheckStatus.UNKNOWN)
    found = findings.get(finding.fingerprint)
    if found is not None and operation.live_at is not None and found.latest > operation.live_at:
        return Check(name=name, expected=expected, actual=found.summary, status=CheckStatus.FAILED)
    if _nothing_runs(finding.target, snapshot):
        actual = "no pod is wanted now, so nothing shows whether it helped"
        return Check(name=name, expected=expected, actual=actual, status=CheckStatus.UNKNOWN)
    if _pods_missing(finding.target, snapshot):
        actual = "fewer pods were listed than the workload reports"
        return Check(name=name, expected=expected, actual=actual, status=CheckStatus.UNKNOWN)
    return Check(name=name, expected=expected, actual="none", status=CheckStatus.PASSED)


def _nothing_runs(target: ObjectRef, snapshot: Snapshot) -> bool:
    """A workload that was scaled to zero has no trouble, and no proof that it is cured."""
    workload = None if isinstance(snapshot.workloads, Unknown) else snapshot.workloads.get(target)
    return workload is not None and workload.desired == 0


def _pods_missing(target: ObjectRef, snapshot: Snapshot) -> bool:
    """An empty pod list beside a workload that reports pods is a lie, not good news."""
    if isinstance(snapshot.workloads, Unknown) or isinstance(snapshot.pods, Unknown):
        return True
    workload: Workload | None = snapshot.workloads.get(target)
    seen = sum(1 for pod in snapshot.pods if pod.owner == target)
    return workload is not None and seen < workload.replicas


def _alerts(operation: Operation, snapshot: Snapshot, settings: VerifySettings) -> Iterator[Check]:
    """The alerts that were evidence of what was delivered must have resolved; they may lag by their own lookback."""
    told = (e for part in _delivered(operation) for e in part.finding.evidence if e.source == "alertmanager")
    for fingerprint, alert in sorted((str(e.values["fingerprint"]), str(e.values["alert"])) for e in told):
        name = f"{_ALERT}{alert}"
        if isinstance(snapshot.alerts, Unknown):
            yield Check(name=name, expected="resolved", actual=str(snapshot.alerts), status=CheckStatus.UNKNOWN)
        elif any(a.fingerprint == fingerprint for a in snapshot.alerts):
            late = _is_late(operation, snapshot.taken_at, settings)
            status = CheckStatus.FAILED if late else CheckStatus.PENDING
            yield Check(name=name, expected="resolved", actual="firing", status=status)
        else:
            yield Check(name=name, expected="resolved", actual="resolved", status=CheckStatus.PASSED)
