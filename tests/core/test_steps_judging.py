"""A live change is judged: when, by how many clean reads, and what follows when it did not help."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from reconciler.model.facts import Unknown
from reconciler.model.operation import EventKind, Outcome, Phase
from tests.core.views import (
    ROOMY,
    cured,
    drafts,
    ended,
    ending,
    judged,
    kinds,
    replay,
    settled,
    until,
    waits,
)
from tests.worlds import NOW, WEBAPP, Story, settings

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.settings import Settings

K = EventKind
SILENT = Unknown("kubernetes", "timeout")


def after(choice: str) -> Settings:
    """Return settings that say what follows a failure."""
    return settings(policy={"after_failure": choice})


def passes(story: Story, *times: datetime) -> None:
    """Make passes at these times, each with a snapshot of its own."""
    for at in times:
        story.at = at
        settled(story, snapshot=cured(taken_at=at), findings={}, now=at)


# --- when -----------------------------------------------------------------------------------------------------------


def test_stabilization_period_is_waited_out() -> None:
    """Nothing is judged while pods are being replaced."""
    story = Story().live()
    ready = story.at + timedelta(seconds=60)
    steps = judged(story, now=ready - timedelta(seconds=1))

    assert (waits(*steps), until(*steps)) == (["stabilises before it is judged"], [ready])
    assert kinds(*judged(story, cured(taken_at=ready), now=ready)) == [K.CHECKED]


def test_one_snapshot_counts_once() -> None:
    """Two clean reads are two readings of the world, not one read twice."""
    story = Story().live()
    replay(story, *judged(story))
    story.events[-1] = replace(story.events[-1], at=NOW)

    assert waits(*judged(story)) == ["the next pass reads again"]


def test_clean_reads_in_a_row_verify() -> None:
    """The first read is recorded, the second ends it as verified, with its checks."""
    story = Story().live()
    passes(story, NOW)
    assert (story.operation.phase, story.operation.clean_reads) == (Phase.STABILIZING, 1)

    passes(story, NOW + timedelta(minutes=1))
    assert ended(story) == (Outcome.VERIFIED, False)
    assert story.operation.outcome_reason == "3 checks passed"
    checks = next(e for e in story.events if e.kind is K.VERIFICATION_COMPLETED).data["checks"]
    assert {check["status"] for check in checks} == {"passed"}


@pytest.mark.parametrize("wanted", [1, 3])
def test_configured_number_of_clean_reads_is_the_one_that_counts(wanted: int) -> None:
    """Invariant 10: limits are settings."""
    story = Story().live()
    configured = settings(verify={"clean_reads": wanted})
    for turn in range(wanted):
        at = NOW + timedelta(minutes=turn)
        assert story.operation.is_open
        story.at = at
        settled(story, snapshot=cured(taken_at=at), findings={}, now=at, settings=configured)

    assert ended(story) == (Outcome.VERIFIED, False)


# --- unknown and pending --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["fields", "workloads", "pods"])
def test_unknown_fact_neither_verifies_nor_fails(source: str) -> None:
    """Invariant 3: it waits, and says for what."""
    steps = judged(Story().live(), cured(**{source: SILENT}))

    assert (drafts(*steps), len(waits(*steps))) == ([], 1)


def test_unknown_findings_neither_verify_nor_fail() -> None:
    """Invariant 3: a diagnosis that could not be made found nothing, and missed nothing."""
    assert waits(*judged(Story().live(), findings=SILENT)) == ["finding_gone: kubernetes: timeout"]


def test_failed_read_starts_the_row_of_clean_reads_anew() -> None:
    """Invariant 3: two in a row means in a row, and the break is recorded once."""
    story = Story().live().add(K.CHECKED, clean=True, checks=[])
    broken = judged(story, cured(pods=SILENT))
    assert [(d.kind, d.data["clean"]) for d in drafts(*broken)] == [(K.CHECKED, False)]

    replay(story, *broken)
    assert drafts(*judged(story, cured(pods=SILENT))) == []


def test_rollout_on_its_way_is_waited_for() -> None:
    """Pods may take their time, up to the settle limit."""
    slow = cured(workloads={WEBAPP: replace(ROOMY, ready=2, available=2)})

    assert waits(*judged(Story().live(), slow)) == ["pods_ready: 2 of 3 ready, 3 current"]


def test_rollout_that_does_not_end_fails_the_change() -> None:
    """Invariant 10: after the settle limit it has not helped."""
    story = Story().live()
    late = story.at + timedelta(minutes=11, seconds=1)
    slow = cured(workloads={WEBAPP: replace(ROOMY, ready=2, available=2)}, taken_at=late)
    outcome = ending(*judged(story, slow, now=late))

    assert outcome is not None
    assert outcome[:2] == (
        Outcome.FAILED,
        "pods_ready: expected every pod is of the current template and ready, found 2 of 3 ready, 3 current",
    )
