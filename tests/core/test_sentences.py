"""Events and whole passes in words: stable, short, and about the product's own nouns."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconciler.model.facts import Unknown
from reconciler.model.operation import Event, EventKind
from reconciler.sentences import pass_sentence, sentence
from tests.worlds import NOW, Story, snapshot

K = EventKind
SUMMARY = "webapp: container web is OOMKilled at its memory limit 512Mi"


def said(kind: EventKind, story: Story | None = None, **data: Any) -> str | None:  # noqa: ANN401 - an event's data
    """Say one event of an operation."""
    event = Event(sequence=9, at=NOW, operation="op-1", kind=kind, data=data, previous="", hash="")
    return sentence(event, (story or Story().pull_request_opened()).operation)


@pytest.mark.parametrize(
    ("kind", "data", "words"),
    [
        (K.OPERATION_OPENED, {}, f"opened op-1: {SUMMARY}"),
        (K.OPERATION_OPENED, {"parent": "op-0"}, f"opened op-1, after op-0: {SUMMARY}"),
        (
            K.APPROVAL_REQUESTED,
            {"action": 1},
            "asked for an approval: webapp: memory limit 512Mi → 1Gi (op-1)",
        ),
        (
            K.EFFECT_COMPLETED,
            {"key": "op-1:0:run", "verb": "run"},
            "ran restart-deployment on Deployment production/webapp",
        ),
        (
            K.EFFECT_COMPLETED,
            {"key": "op-1:1:apply", "verb": "apply"},
            "applied webapp: memory limit 512Mi → 1Gi",
        ),
        (
            K.EFFECT_COMPLETED,
            {"key": "op-1:0:refresh", "verb": "refresh"},
            "asked delivery to reread Git for webapp",
        ),
        (K.EFFECT_COMPLETED, {"key": "op-1:0:close", "verb": "close"}, "closed the pull request of op-1"),
        (K.EFFECT_COMPLETED, {"key": "op-1:1:propose", "verb": "propose"}, None),
        (K.EFFECT_INTENDED, {"key": "op-1:0:run", "verb": "run"}, None),
        (
            K.PULL_REQUEST_OPENED,
            {"pull_request": {"number": 41}, "title": "webapp: memory limit 512Mi → 1Gi"},
            "opened pull request 41: webapp: memory limit 512Mi → 1Gi",
        ),
        (K.PULL_REQUEST_MERGED, {"by": "ana"}, "pull request 41 was merged by ana"),
        (K.PULL_REQUEST_MERGED, {"by": None}, "pull request 41 was merged"),
        (
            K.PULL_REQUEST_MERGED,
            {"by": "ana", "modified_by_reviewer": True},
            "pull request 41 was merged by ana, with a reviewer's own value",
        ),
        (K.CHANGE_LIVE, {}, "the change of webapp is live"),
        (K.VERIFICATION_FAILED, {"analysis": "finding_gone: …"}, "webapp is not cured: finding_gone: …"),
        (K.ESCALATED, {"reason": "HTTP 500"}, "handed op-1 to a person: HTTP 500"),
        (
            K.OPERATION_CLOSED,
            {"outcome": "verified", "reason": "3 checks passed"},
            "op-1 ended verified: 3 checks passed",
        ),
        (K.VERDICT_GIVEN, {}, None),
        (K.CHECKED, {"clean": True}, "checked webapp: all passed"),
        (K.CHECKED, {"clean": False}, "checked webapp: not every check could be made"),
    ],
)
def test_event_in_words(kind: EventKind, data: dict[str, Any], words: str | None) -> None:
    """What a person sees in the log, or nothing for what only the story needs."""
    assert said(kind, **data) == words


def test_every_event_of_a_whole_story_can_be_said() -> None:
    """No event that the ledger may hold breaks a report."""
    story = Story().live().add(K.CHECKED, clean=True, checks=[]).add(K.ESCALATED, reason="x")
    story.add(K.OPERATION_CLOSED, outcome="failed", reason="y")
    words = [sentence(event, story.operation) for event in story.events]

    assert [w for w in words if w] == [
        f"opened op-1: {SUMMARY}",
        "ran restart-deployment on Deployment production/webapp",
        "opened pull request 41: webapp",
        "pull request 41 was merged by ana",
        "the change of webapp is live",
        "checked webapp: all passed",
        "handed op-1 to a person: x",
        "op-1 ended failed: y",
    ]


def test_merge_of_an_operation_without_a_pull_request_is_still_said() -> None:
    """A report never fails for want of a number."""
    operation = replace(Story().operation, pull_request=None)
    event = Event(sequence=9, at=NOW, operation="op-1", kind=K.PULL_REQUEST_MERGED, data={}, previous="", hash="")

    assert sentence(event, operation) == "pull request ? was merged"


# --- the pass in one line -------------------------------------------------------------------------------------------


def one_line(
    *lines: str,
    waiting: dict[str, str] | None = None,
    unknown: tuple[Unknown, ...] = (),
    **more: Any,  # noqa: ANN401
) -> str:
    """Say a pass over a quiet cluster."""
    paused = more.pop("paused", False)
    return pass_sentence(lines, waiting or {}, unknown, snapshot(**more), paused=paused)


def test_quiet_pass_says_what_it_looked_at() -> None:
    """Nothing to do is news, too."""
    assert one_line() == "nothing to do: 1 workload, none in trouble that is not handled"


def test_pass_without_an_answer_of_the_cluster_does_not_call_it_quiet() -> None:
    """Invariant 3: unknown is not "no trouble"."""
    silent = Unknown("kubernetes", "timeout")

    assert one_line(unknown=(silent,), workloads=silent) == (
        "nothing to do: the cluster is not known now (no answer from kubernetes; nothing was decided on their facts)"
    )


def test_each_silent_source_is_named_once_in_order() -> None:
    """Three lists of one server are one silence."""
    silent = (Unknown("prometheus", "x"), Unknown("kubernetes", "y"), Unknown("kubernetes", "z"))

    assert one_line("opened op-1", unknown=silent) == (
        "opened op-1 (no answer from kubernetes, prometheus; nothing was decided on their facts)"
    )


def test_done_comes_before_waiting() -> None:
    """First what happened, then what it waits for."""
    assert one_line("opened op-1", waiting={"op-1": "a review"}) == "opened op-1; op-1 waits: a review"


@pytest.mark.parametrize(
    ("count", "tail"), [(3, "op-2 waits: x"), (4, "1 more operation waits"), (9, "6 more operations wait")]
)
def test_many_waits_are_counted_and_not_listed(count: int, tail: str) -> None:
    """One line stays one line; the report lists all."""
    text = one_line(waiting={f"op-{n}": "x" for n in range(count)})

    assert text.endswith(tail)
    assert text.count("waits:") == 3


def test_pause_shows_in_the_sentence() -> None:
    """Nobody wonders why nothing happens."""
    assert one_line(paused=True).startswith("paused: nothing to do")
