"""OOM findings: what counts as evidence, and what does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from reconciler.decide.memory import raise_memory
from reconciler.diagnose import diagnose
from reconciler.model.cluster import Alert, Container, ContainerKey, Pod
from reconciler.model.facts import Unknown
from reconciler.settings import MemorySettings
from tests.worlds import NOW, killed, pod, settings, snapshot, workload

if TYPE_CHECKING:
    from reconciler.model.finding import Finding
    from reconciler.model.snapshot import Snapshot


def found(view: Snapshot) -> tuple[Finding, ...]:
    """Diagnose with default settings, where the cluster is known."""
    answer = diagnose(view, settings())
    assert not isinstance(answer, Unknown)
    return answer


def test_oom_kill_is_found_with_its_evidence() -> None:
    """Container, limit, exit code, restarts and peak use are in the finding."""
    (finding,) = found(snapshot(pods=(killed(0), killed(1), pod(2))))

    proof = next(e for e in finding.evidence if e.source == "kubernetes")
    assert (proof.values["container"], proof.values["limit"], proof.values["exit_code"]) == ("web", "512Mi", 137)
    assert (proof.values["restarts"], proof.values["pods"]) == (8, 2)
    assert [e.values["peak_bytes"] for e in finding.evidence if e.source == "prometheus"] == [512 * 2**20]


def test_quiet_cluster_has_no_findings() -> None:
    """No trouble, no finding."""
    assert found(snapshot()) == ()


@pytest.mark.parametrize(
    "innocent",
    [
        killed(at=NOW - timedelta(hours=3)),
        killed(limit="256Mi"),
        replace(killed(), deleting=True),
        replace(killed(), owner=None),
    ],
    ids=["long ago", "under another limit", "pod is going", "bare pod"],
)
def test_history_is_no_finding(innocent: Pod) -> None:
    """Old kills, kills at a limit that is no longer declared, and pods that go are the past."""
    assert found(snapshot(pods=(innocent,))) == ()


def test_container_without_limit_is_not_blamed_for_its_limit() -> None:
    """A kill for the node's sake has no limit to raise."""
    unlimited = workload(containers=(Container(name="web", image="web:1"),))
    status = replace(killed().containers[0], memory_limit=None)
    victim = replace(killed(), containers=(status,))

    assert found(snapshot(workloads={unlimited.ref: unlimited}, pods=(victim,))) == ()


def test_limit_that_the_workload_does_not_declare_is_found_too() -> None:
    """A LimitRange's limit kills as well; there is no remedy, and a person is told so."""
    unlimited = workload(containers=(Container(name="web", image="web:1"),))

    (finding,) = found(snapshot(workloads={unlimited.ref: unlimited}, pods=(killed(),)))

    assert finding.summary == "webapp: container web is OOMKilled at its memory limit 512Mi"
    assert "LimitRange" in str(raise_memory(finding, unlimited, MemorySettings()))


def test_other_exit_is_not_an_oom_kill() -> None:
    """Exit code 137 alone may be any SIGKILL."""
    victim = killed()
    ended = victim.containers[0].terminated
    assert ended is not None
    status = replace(victim.containers[0], terminated=replace(ended, reason="Error"))

    assert found(snapshot(pods=(replace(victim, containers=(status,)),))) == ()


@pytest.mark.parametrize("source", ["pods", "workloads"])
def test_unknown_cluster_gives_unknown_findings(source: str) -> None:
    """Invariant 3: no answer is not "no trouble"."""
    answer = diagnose(snapshot(**{source: Unknown("kubernetes", "timeout")}), settings())

    assert isinstance(answer, Unknown)


def test_missing_metrics_leave_the_finding_without_a_peak() -> None:
    """Invariant 3: an unknown peak is left out; it never counts as zero."""
    (finding,) = found(snapshot(pods=(killed(),), memory_peaks=Unknown("prometheus", "down")))

    assert {e.source for e in finding.evidence} == {"kubernetes"}


def test_alert_for_a_killed_pod_is_evidence_and_for_another_is_not() -> None:
    """Alerts are matched by namespace and pod, not by their text."""
    ours = Alert(
        name="KubePodOOMKilled", fingerprint="f1", starts_at=NOW, labels={"namespace": "production", "pod": "webapp-0"}
    )
    other = Alert(
        name="KubePodOOMKilled", fingerprint="f2", starts_at=NOW, labels={"namespace": "other", "pod": "webapp-0"}
    )

    (finding,) = found(snapshot(pods=(killed(),), alerts=(ours, other)))

    assert [e.values["fingerprint"] for e in finding.evidence if e.source == "alertmanager"] == ["f1"]


def test_alert_alone_makes_no_finding() -> None:
    """Whoever can write alerts cannot make us act: facts decide."""
    liar = Alert(
        name="KubePodOOMKilled", fingerprint="f1", starts_at=NOW, labels={"namespace": "production", "pod": "webapp-0"}
    )

    assert found(snapshot(alerts=(liar,))) == ()


def test_fingerprint_names_the_trouble_and_not_its_evidence() -> None:
    """The same trouble in the next pass is the same finding."""
    (first,) = found(snapshot(pods=(killed(0),)))
    (second,) = found(snapshot(pods=(killed(1), killed(2)), memory_peaks={ContainerKey("a", "b", "c"): 1.0}))

    assert first.fingerprint == second.fingerprint


def test_flood_of_alerts_adds_a_limited_number_of_lines() -> None:
    """Invariant 10: whoever can write alerts cannot make the ledger grow without end; the first to fire count."""
    flood = tuple(
        Alert(
            name="Flood",
            fingerprint=f"{n:04}",
            starts_at=NOW - timedelta(seconds=n),
            labels={"namespace": "production", "pod": "webapp-0"},
        )
        for n in range(500)
    )

    (finding,) = found(snapshot(pods=(killed(),), alerts=flood))

    kept = [e.values["fingerprint"] for e in finding.evidence if e.source == "alertmanager"]
    assert kept == [f"{n:04}" for n in range(499, 479, -1)]
