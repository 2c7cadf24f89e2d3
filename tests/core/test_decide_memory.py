"""The memory remedy: how much, which fields, and when none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.decide.memory import raise_memory
from reconciler.model.action import ActionClass, ActionName, Remedy
from reconciler.model.cluster import Container
from reconciler.model.finding import Evidence
from reconciler.model.objects import format_path
from reconciler.settings import MemorySettings
from tests.worlds import NOW, oom_finding, workload


def remedy_for(limit: str, *, request: str | None = None, peak: int | None = None, **limits: object) -> Remedy | str:
    """Decide for one container with this limit, request and peak."""
    finding = oom_finding()
    if peak is not None:
        seen = Evidence(source="prometheus", at=NOW, text="peak", values={"peak_bytes": peak})
        finding = replace(finding, evidence=(*finding.evidence, seen))
    container = Container(name="web", image="web:1", memory_limit=limit, memory_request=request)
    return raise_memory(finding, workload(containers=(container,)), MemorySettings.model_validate(limits))


def changes(remedy: Remedy | str) -> list[str]:
    """Return the remedy's field changes as text."""
    assert isinstance(remedy, Remedy)
    return [f"{format_path(c.path)} {c.before} {c.after}" for a in remedy.actions for c in a.changes]


def test_remedy_is_a_restart_now_and_a_larger_limit_for_good() -> None:
    """Scenario 1: hybrid, 512Mi to 1Gi."""
    remedy = remedy_for("512Mi", request="256Mi")

    assert isinstance(remedy, Remedy)
    assert remedy.action_class is ActionClass.HYBRID
    assert [a.name for a in remedy.actions] == [ActionName.RESTART_DEPLOYMENT, ActionName.SET_MEMORY]
    assert changes(remedy) == ["spec.template.spec.containers[name=web].resources.limits.memory 512Mi 1Gi"]


def test_request_moves_with_the_limit_where_they_were_equal() -> None:
    """Quality of service Guaranteed stays Guaranteed."""
    assert changes(remedy_for("512Mi", request="0.5Gi")) == [
        "spec.template.spec.containers[name=web].resources.limits.memory 512Mi 1Gi",
        "spec.template.spec.containers[name=web].resources.requests.memory 0.5Gi 1Gi",
    ]


@pytest.mark.parametrize(
    ("limit", "peak", "after"),
    [
        ("512Mi", None, "1Gi"),
        ("1Gi", None, "2Gi"),
        ("300Mi", None, "600Mi"),
        ("100Mi", 300 * 2**20, "345Mi"),
        ("512M", None, "1024M"),
        ("1G", None, "2000M"),
        ("536870912", None, "1073741824"),
    ],
)
def test_new_limit_follows_growth_and_peak_in_the_authors_notation(limit: str, peak: int | None, after: str) -> None:
    """Old limit × 2, or peak × 1.15 when that is more."""
    assert changes(remedy_for(limit, peak=peak))[0].endswith(f" {limit} {after}")


def test_maximum_caps_the_new_limit() -> None:
    """Invariant 10: never above the configured maximum."""
    assert changes(remedy_for("12Gi"))[0].endswith("12Gi 16Gi")


def test_at_the_maximum_there_is_no_remedy() -> None:
    """A person must look, and is told why."""
    assert remedy_for("16Gi") == "its memory limit 16Gi is at the configured maximum 16Gi"


def test_digest_holds_the_values_and_not_the_evidence() -> None:
    """A person's no is to exactly this change."""
    first, again, other = remedy_for("512Mi"), remedy_for("512Mi", peak=1), remedy_for("1Gi")

    assert isinstance(first, Remedy)
    assert isinstance(again, Remedy)
    assert isinstance(other, Remedy)
    assert first.digest == again.digest
    assert first.digest != other.digest


@pytest.mark.parametrize(("limit", "after"), [("10G", "16Gi"), ("12Gi", "16Gi"), ("16000M", "16Gi")])
def test_rounding_to_the_authors_suffix_never_passes_the_maximum(limit: str, after: str) -> None:
    """Invariant 10: 16Gi is 17179.87M, and 17180M would be more."""
    assert changes(remedy_for(limit))[0].endswith(f" {limit} {after}")
