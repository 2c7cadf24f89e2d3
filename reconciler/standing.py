"""What an operation waits for, or how it ended, in one sentence that only changes when the operation does."""

from __future__ import annotations

from reconciler.model.operation import EffectStatus, Operation, Phase
from reconciler.model.verdict import Answer


def standing(operation: Operation) -> str:
    """Say in one sentence what an operation waits for, or how it ended."""
    if operation.outcome is not None:
        return operation.outcome_reason or operation.outcome.value
    if operation.rejected_by is not None:
        return f"rejected by {operation.rejected_by}; the next pass closes it"
    asked = _asked(operation)
    match operation.phase:
        case Phase.AWAITING_GIT_PR:
            return f"a person merges or closes {_pull_request(operation)}{asked and f'; {asked}'}"
        case Phase.AWAITING_SYNC:
            return f"delivery brings {_merge_commit(operation)}"
        case Phase.STABILIZING:
            return "it stabilises, then checks judge it" if not operation.clean_reads else "one more clean read"
        case _:
            return asked or _hindered(operation) or "the next pass"


def awaited_approvals(operation: Operation) -> tuple[int, ...]:
    """Return the actions that a person was asked to approve and that lack an approval."""
    if not operation.is_open or operation.rejected_by is not None:
        return ()
    requested = dict.fromkeys(operation.approval_requested)
    return tuple(index for index in requested if _lacks_approval(operation, index))


def _lacks_approval(operation: Operation, index: int) -> bool:
    verdict = operation.verdicts.get(index)
    wanted = max(1, verdict.min_approvers if verdict else 1)
    return len({a.by for a in operation.approvals if a.action == index}) < wanted


def _asked(operation: Operation) -> str:
    names = ", ".join(dict.fromkeys(operation.remedy.actions[i].name for i in awaited_approvals(operation)))
    return f"an approval of {names}, by `reconciler approve`" if names else ""


def _hindered(operation: Operation) -> str:
    failed = [e for e in operation.effects.values() if e.status is EffectStatus.FAILED]
    if failed:
        return f"try {failed[-1].attempts + 1}, after: {failed[-1].error}"
    braked = [v for v in operation.verdicts.values() if v.answer is Answer.WAIT]
    return braked[-1].message if braked else ""


def _pull_request(operation: Operation) -> str:
    return f"pull request {operation.pull_request.number}" if operation.pull_request else "the pull request"


def _merge_commit(operation: Operation) -> str:
    merge = operation.pull_request.merge_commit if operation.pull_request else None
    return f"merge commit {merge[:8]}" if merge else "the merge commit"
