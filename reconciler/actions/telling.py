"""What a step answers: a few outputs for the steps after it, from what a pass or a plan found."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from reconciler.plain import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.model.operation import Operation, TrackedPullRequest
    from reconciler.model.report import PassReport, Plan

_SENTENCE = 2000


def of_pass(report: PassReport) -> dict[str, str]:
    """Return the outputs of a pass."""
    requests = [_request(o, o.pull_request) for o in report.operations if o.pull_request]
    outcomes = [_outcome(o) for o in report.operations if o.outcome]
    changed = bool(report.lines or report.problems)
    return _outputs(report.sentence, len(report.findings), requests, outcomes, changed=changed)


def of_plan(plan: Plan, sentence: str) -> dict[str, str]:
    """Return the outputs of a plan: pull requests that would be opened have a branch and no number yet."""
    requests = [
        {"branch": action.proposal.branch, "title": one_line(action.proposal.title), "state": "planned"}
        for remedy in plan.remedies
        for action in remedy.actions
        if action.proposal
    ]
    return _outputs(sentence, len(plan.findings), requests, [], changed=False)


def of_nothing(sentence: str) -> dict[str, str]:
    """Return the outputs when no pass was made."""
    return _outputs(sentence, 0, [], [], changed=False)


def state_of(tracked: TrackedPullRequest) -> str:
    """Say how far a pull request has come, as the ledger knows it."""
    if tracked.merge_commit:
        return "merged"
    return "closed" if tracked.closed_by else "open"


def _outputs(
    sentence: str,
    findings: int,
    requests: list[Mapping[str, Any]] | list[dict[str, Any]],
    outcomes: list[dict[str, Any]],
    *,
    changed: bool,
) -> dict[str, str]:
    return {
        "sentence": one_line(sentence, _SENTENCE),
        "findings": str(findings),
        "pull_requests": json.dumps(requests),
        "outcomes": json.dumps(outcomes),
        "changed": "true" if changed else "false",
    }


def _request(operation: Operation, tracked: TrackedPullRequest) -> dict[str, Any]:
    return {
        "number": tracked.number,
        "url": tracked.url,
        "branch": tracked.branch,
        "state": state_of(tracked),
        "operation": operation.id,
        "target": operation.objects,
    }


def _outcome(operation: Operation) -> dict[str, Any]:
    return {
        "operation": operation.id,
        "target": operation.objects,
        "outcome": str(operation.outcome),
        "reason": one_line(operation.outcome_reason),
    }
