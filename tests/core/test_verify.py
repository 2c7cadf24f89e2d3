"""Each check, and what it says of facts that are good, bad, late or unknown."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.decide.revert import revert_of
from reconciler.model.action import Remedy
from reconciler.model.check import CheckStatus
from reconciler.model.cluster import Alert
from reconciler.model.facts import Unknown
from reconciler.model.finding import Evidence
from reconciler.model.operation import EventKind
from reconciler.settings import VerifySettings
from reconciler.verify import checks
from tests.worlds import LIMIT, NOW, WEBAPP, Story, oom_finding, oom_remedy, pod, snapshot, workload

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.model.check import Check
    from reconciler.model.finding import Finding

S = CheckStatus
SILENT = Unknown("source", "timeout")
LATE = NOW + timedelta(hours=1)  # beyond stabilization period and settle limit
FIELD = "spec.template.spec.containers[name=web].resources.limits.memory"
FIRING = Alert(name="KubePodOOMKilled", fingerprint="f1", starts_at=NOW, labels={})


def made(story: Story | None = None, *, findings: Any = None, **world: Any) -> dict[str, Check]:  # noqa: ANN401
    """Return the checks of a live change by name, nothing found unless told otherwise."""
    operation = (story or Story().live()).operation
    seen = snapshot(**{"fields": {(WEBAPP, LIMIT): "1Gi"}} | world)
    found = {} if findings is None else findings
    return {check.name: check for check in checks(operation, seen, found, VerifySettings())}


def found(at: datetime) -> dict[str, Finding]:
    """Return this pass's finding, with a kill at a time."""
    kill = Evidence(source="kubernetes", at=at, text="OOMKilled")
    finding = replace(oom_finding(), evidence=(kill,))
    return {finding.fingerprint: finding}


def test_good_world_passes_every_check() -> None:
    """Field, rollout and finding."""
    passed = made()

    assert list(passed) == [FIELD, "pods_ready", "finding_gone"]
    assert {check.status for check in passed.values()} == {S.PASSED}


@pytest.mark.parametrize(
    ("fields", "status", "actual"),
    [
        ({(WEBAPP, LIMIT): "1024Mi"}, S.PASSED, "1024Mi"),
        ({(WEBAPP, LIMIT): "512Mi"}, S.FAILED, "512Mi"),
        ({(WEBAPP, LIMIT): None}, S.FAILED, "unset"),
        ({}, S.UNKNOWN, "not read"),
        (SILENT, S.UNKNOWN, "source: timeout"),
    ],
    ids=["another notation", "another value", "absent", "not read", "unknown"],
)
def test_live_field(fields: Any, status: CheckStatus, actual: str) -> None:  # noqa: ANN401 - any fact
    """Invariant 3: absent is a fact, unread is none."""
    check = made(fields=fields)[FIELD]

    assert (check.status, check.actual, check.expected) == (status, actual, "1Gi")


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, S.PASSED),
        ({"ready": 2}, S.PENDING),
        ({"available": 2}, S.PENDING),
        ({"updated": 2}, S.PENDING),
        ({"replicas": 4}, S.PENDING),
        ({"generation": 2}, S.PENDING),
    ],
)
def test_rollout_must_be_complete(changes: dict[str, int], status: CheckStatus) -> None:
    """Every pod of the current template, ready, and no old one left."""
    pods = tuple(pod(n) for n in range(4))

    assert made(workloads={WEBAPP: workload(**changes)}, pods=pods)["pods_ready"].status is status


def test_rollout_is_late_after_stabilization_and_settle_limit() -> None:
    """Pending turns into failed when the time is over, not before."""
    story = Story().live()
    slow = {WEBAPP: workload(ready=2)}
    limit = story.at + timedelta(minutes=11)

    assert made(story, workloads=slow, taken_at=limit)["pods_ready"].status is S.PENDING
    assert made(story, workloads=slow, taken_at=limit + timedelta(seconds=1))["pods_ready"].status is S.FAILED


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"ready": 0, "available": 0}, S.PASSED),
        ({"ready": 0, "updated": 1}, S.PENDING),
        ({"ready": 0, "replicas": 4}, S.PENDING),
        ({"generation": 2}, S.PENDING),
    ],
    ids=["crashing as before", "not all replaced", "an old pod left", "not seen by the controller"],
)
def test_revert_restores_what_was_and_promises_no_readiness(changes: dict[str, int], status: CheckStatus) -> None:
    """The trouble that it takes a change back for is still there: pods must be replaced, not ready."""
    reverting = revert_of(Story().live().operation)
    assert isinstance(reverting, Remedy)
    pods = tuple(pod(n) for n in range(4))

    checked = made(Story(reverting).live(), workloads={WEBAPP: workload(**changes)}, pods=pods)

    assert checked["pods_replaced"].status is status
    assert "pods_ready" not in checked


def test_target_that_is_gone_failed() -> None:
    """A deleted workload is known to be absent."""
    check = made(workloads={}, pods=())["pods_ready"]

    assert (check.status, check.actual) == (S.FAILED, "Deployment production/webapp is gone")


def test_unknown_workloads_stay_unknown_however_late() -> None:
    """Invariant 3: silence does not turn into failure by waiting."""
    late = made(workloads=SILENT, taken_at=LATE)

    assert {late["pods_ready"].status, late["finding_gone"].status} == {S.UNKNOWN}


def test_kill_after_the_change_counts_against_it() -> None:
    """It did not help."""
    check = made(findings=found(NOW))["finding_gone"]

    assert (check.status, check.actual) == (S.FAILED, oom_finding().summary)


def test_kill_before_the_change_does_not_count_against_it() -> None:
    """Old pods testify about the past."""
    assert made(findings=found(NOW - timedelta(hours=1)))["finding_gone"].status is S.PASSED


def test_unknown_findings_prove_nothing() -> None:
    """Invariant 3: a diagnosis that was not made found nothing."""
    assert made(findings=SILENT)["finding_gone"].status is S.UNKNOWN


@pytest.mark.parametrize("pods", [(), (pod(0), pod(1)), SILENT], ids=["none", "one short", "unknown"])
def test_no_kill_in_an_incomplete_list_proves_nothing(pods: Any) -> None:  # noqa: ANN401 - any fact
    """Invariant 3: an empty pod list beside a workload that reports pods is a lie, not good news."""
    assert made(pods=pods)["finding_gone"].status is S.UNKNOWN


def test_pods_of_others_do_not_complete_the_list() -> None:
    """Only the target's own pods count."""
    others = tuple(replace(pod(n), owner=None) for n in range(3))

    assert made(pods=others)["finding_gone"].status is S.UNKNOWN


def test_kill_in_an_incomplete_list_still_counts() -> None:
    """A proof needs no complete list."""
    assert made(pods=(), findings=found(NOW))["finding_gone"].status is S.FAILED


def alerted() -> Story:
    """Return a live change whose finding had an alert as evidence."""
    alert = Evidence(
        source="alertmanager", at=NOW, text="firing", values={"alert": FIRING.name, "fingerprint": FIRING.fingerprint}
    )
    finding = oom_finding()
    story = Story(replace(oom_remedy(), finding=replace(finding, evidence=(*finding.evidence, alert))))
    story.pull_request_opened().add(EventKind.PULL_REQUEST_MERGED, merge_commit="a" * 40, by="ana", expected=["1Gi"])
    return story.add(EventKind.CHANGE_LIVE, values=["1Gi"])


@pytest.mark.parametrize(
    ("alerts", "taken_at", "status"),
    [
        ((), NOW, S.PASSED),
        ((FIRING,), NOW, S.PENDING),
        ((FIRING,), LATE, S.FAILED),
        ((replace(FIRING, fingerprint="f2"),), LATE, S.PASSED),
        (SILENT, LATE, S.UNKNOWN),
    ],
    ids=["resolved", "may lag", "still firing", "another alert", "unknown"],
)
def test_alert_that_was_evidence_must_resolve(alerts: Any, taken_at: datetime, status: CheckStatus) -> None:  # noqa: ANN401
    """Alerts lag by their own lookback; then they count."""
    assert made(alerted(), alerts=alerts, taken_at=taken_at)["alert KubePodOOMKilled"].status is status


def test_alert_that_was_no_evidence_is_not_judged() -> None:
    """A new alert makes a new finding, or none."""
    assert list(made(alerts=(FIRING,))) == [FIELD, "pods_ready", "finding_gone"]


def test_workload_scaled_to_zero_proves_nothing() -> None:
    """Invariant 3: no pod runs, so nothing shows that the change helped."""
    idle = workload(desired=0, updated=0, ready=0, available=0, replicas=0)

    assert made(workloads={WEBAPP: idle}, pods=())["finding_gone"].status is S.UNKNOWN


def test_change_in_another_object_is_judged_by_the_one_in_trouble() -> None:
    """A ConfigMap has no pods; those of the workload that reads it tell whether its new value helped."""
    settings = replace(WEBAPP, group="", kind="ConfigMap", name="settings")
    (memory,) = oom_remedy().declaratives.values()
    story = Story(replace(oom_remedy(), actions=(replace(memory, target=settings),)))
    story.pull_request_opened().add(EventKind.PULL_REQUEST_MERGED, merge_commit="a" * 40, by="ana", expected=["1Gi"])
    story.add(EventKind.CHANGE_LIVE, values=["1Gi"])

    judged = made(story, fields={(settings, LIMIT): "1Gi"}, workloads={WEBAPP: workload(ready=2)})

    assert {name: check.status for name, check in judged.items()} == {
        FIELD: S.PASSED,
        "pods_ready": S.PENDING,
        "finding_gone": S.PASSED,
    }
