"""Frozen views for the steps: a world in trouble, the shipped rules, and what the steps said in short."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.adapters.rego_embedded import EmbeddedRego
from reconciler.model.cluster import Container
from reconciler.model.operation import EventKind, Operation, Outcome
from reconciler.model.proposal import PullRequest, PullRequestState
from reconciler.model.snapshot import Followed
from reconciler.resources import shipped
from reconciler.steps import Perform, Record, Step, View, Wait, next_steps
from tests.worlds import (
    LIMIT,
    MERGE,
    NOW,
    WEBAPP,
    Story,
    killed,
    oom_finding,
    pod,
    settings,
    snapshot,
    tracked,
    workload,
)

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.model.facts import Fact
    from reconciler.model.operation import Draft
    from reconciler.model.snapshot import Snapshot

RULES = EmbeddedRego([shipped("policies")])  # compiles them when it is first asked
FOUND = {oom_finding().fingerprint: oom_finding()}
TROUBLE = (killed(0), pod(1), pod(2))
ROOMY = workload(containers=(Container(name="web", image="web:1", memory_request="256Mi", memory_limit="1Gi"),))

_ROUNDS = 8


def view(*history: Operation, now: datetime = NOW, **changes: Any) -> View:  # noqa: ANN401 - any field of a view
    """Return the view of a pass in which webapp is being OOMKilled; unless told otherwise, all is known and allowed."""
    made: dict[str, Any] = {
        "snapshot": in_trouble(taken_at=now),
        "findings": FOUND,
        "settings": settings(),
        "policy": RULES,
        "now": now,
        "history": history,
        "next_id": lambda: "op-2",
    }
    return View(**made | changes)


def in_trouble(**changes: Any) -> Snapshot:  # noqa: ANN401 - any field of a snapshot
    """Return a snapshot in which one of webapp's pods was OOMKilled."""
    return snapshot(**{"pods": TROUBLE} | changes)


def pull_request(state: PullRequestState = PullRequestState.OPEN, **changes: Any) -> PullRequest:  # noqa: ANN401
    """Return pull request 41 as the forge shows it."""
    ours = tracked()
    merged = {"merge_commit": MERGE, "merged_by": "ana"} if state is PullRequestState.MERGED else {}
    made: dict[str, Any] = {
        "number": ours.number,
        "url": ours.url,
        "state": state,
        "branch": ours.branch,
        "head": ours.head,
        "base": "main",
        "title": "webapp: memory limit 512Mi → 1Gi",
        "author": "reconciler",
        "same_repository": True,
        **merged,
    }
    return PullRequest(**made | changes)


def merged(
    *,
    at_merge: Fact[tuple[str | None, ...]] | None = ("1Gi",),
    at_base: Fact[tuple[str | None, ...]] | None = ("1Gi",),
    contains: Fact[bool] | None = True,
) -> Followed:
    """Return the facts about a merged pull request."""
    return Followed(
        pull_request=pull_request(PullRequestState.MERGED),
        values_at_merge=at_merge,
        values_at_base=at_base,
        contains_merge=contains,
    )


def replay(story: Story, *steps: Step) -> Story:
    """Put what the steps want recorded into the story, as the ledger would."""
    for draft in drafts(*steps):
        if draft.operation == "op-1":
            story.add(draft.kind, **draft.data)
    return story


def settled(story: Story, **changes: Any) -> tuple[Step, ...]:  # noqa: ANN401 - any field of a view
    """Take the steps of one pass until only effects and waits are left; what was recorded is in the story."""
    for _ in range(_ROUNDS):
        steps = next_steps(story.operation, view(story.operation, **changes))
        if not drafts(*steps):
            return steps
        replay(story, *steps)
    raise AssertionError(f"still recording after {_ROUNDS} rounds: {steps}")


def drafts(*steps: Step) -> list[Draft]:
    """Return what the steps record."""
    return [draft for step in steps if isinstance(step, Record) for draft in step.drafts]


def kinds(*steps: Step) -> list[EventKind]:
    """Return the kinds of the events that the steps record."""
    return [draft.kind for draft in drafts(*steps)]


def effects(*steps: Step) -> list[str]:
    """Return the keys of the effects that the steps ask for."""
    return [step.key for step in steps if isinstance(step, Perform)]


def waits(*steps: Step) -> list[str]:
    """Return the reasons to wait."""
    return [step.reason for step in steps if isinstance(step, Wait)]


def until(*steps: Step) -> list[datetime | None]:
    """Return the times that the steps wait for."""
    return [step.until for step in steps if isinstance(step, Wait)]


def ending(*steps: Step) -> tuple[Outcome, str, bool] | None:
    """Return how the steps end the operation: outcome, reason, and whether a person is asked; None if they do not."""
    said = drafts(*steps)
    for draft in said:
        if draft.kind is EventKind.OPERATION_CLOSED:
            asked = any(d.kind is EventKind.ESCALATED and d.operation == draft.operation for d in said)
            return Outcome(draft.data["outcome"]), draft.data["reason"], asked
    return None


def ended(story: Story) -> tuple[Outcome | None, bool]:
    """Return how the story ended, and whether a person was asked."""
    operation = story.operation
    return operation.outcome, operation.escalated


def intended(story: Story, key: str) -> Story:
    """Announce an effect."""
    return story.add(EventKind.EFFECT_INTENDED, key=key, verb=key.rpartition(":")[2])


def completed(story: Story, key: str) -> Story:
    """Announce an effect and do it."""
    return intended(story, key).add(EventKind.EFFECT_COMPLETED, key=key, verb=key.rpartition(":")[2])


def failed(story: Story, key: str, *, times: int = 1, permanent: bool = False) -> Story:
    """Announce an effect and fail, some times."""
    for _ in range(times):
        intended(story, key)
        story.add(EventKind.EFFECT_FAILED, key=key, verb=key.rpartition(":")[2], error="HTTP 500", permanent=permanent)
    return story


def cured(**changes: Any) -> Snapshot:  # noqa: ANN401 - any field of a snapshot
    """Return a snapshot in which webapp runs well with its new limit."""
    return snapshot(**{"fields": {(WEBAPP, LIMIT): "1Gi"}, "workloads": {WEBAPP: ROOMY}} | changes)


def uncured(**changes: Any) -> Snapshot:  # noqa: ANN401 - any field of a snapshot
    """Return a snapshot in which webapp is killed at its new limit, too."""
    return cured(**{"pods": (killed(0, limit="1Gi"), pod(1), pod(2))} | changes)


def judged(story: Story, world: Snapshot | None = None, **changes: Any) -> tuple[Step, ...]:  # noqa: ANN401 - of a view
    """Take the steps of one moment, with nothing found unless told otherwise."""
    made: dict[str, Any] = {"snapshot": world or cured(), "findings": {}} | changes
    return next_steps(story.operation, view(story.operation, **made))


def failing(story: Story | None = None, *, history: tuple[Operation, ...] = (), **changes: Any) -> tuple[Step, ...]:  # noqa: ANN401
    """Take the steps of one moment at which the trouble is still there."""
    operation = (story or Story().live()).operation
    made: dict[str, Any] = {"snapshot": uncured(), "findings": FOUND} | changes
    return next_steps(operation, view(*history, operation, **made))
