"""A live change: wait out the stabilization period, check, then close; what follows a failure is policy's word."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.decide import decide
from reconciler.decide.past import held_by_past
from reconciler.decide.revert import revert_of
from reconciler.decide.together import together
from reconciler.govern.facts import facts_for
from reconciler.model.action import Remedy
from reconciler.model.check import Check, CheckStatus
from reconciler.model.codec import encode
from reconciler.model.facts import Unknown
from reconciler.model.operation import (
    Draft,
    EventKind,
    Operation,
    Outcome,
)
from reconciler.model.quantity import same_quantities
from reconciler.plain import counted
from reconciler.steps.words import Record, Step, View, closing, wait
from reconciler.verify import checks, speaks_of_trouble

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.model.finding import Finding


def stabilizing(operation: Operation, view: View) -> Iterator[Step]:
    """It is live: wait, then judge by checks, each snapshot once."""
    ready = (operation.live_at or operation.updated_at) + view.settings.verify.stabilization_period
    if view.now < ready:
        yield wait(operation, "stabilises before it is judged", ready)
        return
    if operation.updated_at >= view.snapshot.taken_at:
        yield wait(operation, "the next pass reads again")  # one snapshot counts once
        return
    moved = _moved_since(operation, view)
    if moved is not None:
        yield closing(operation, Outcome.SUPERSEDED, moved)
        return
    made = checks(operation, view.snapshot, view.findings, view.settings.verify)
    states = {check.status for check in made}
    if CheckStatus.FAILED in states:
        yield failed(operation, made, view)
    elif states & {CheckStatus.UNKNOWN, CheckStatus.PENDING}:
        open_checks = [c for c in made if c.status in {CheckStatus.UNKNOWN, CheckStatus.PENDING}]
        if operation.clean_reads:
            yield _checked(operation, made, clean=False)
        yield wait(operation, f"{open_checks[0].name}: {open_checks[0].actual}")
    elif operation.clean_reads + 1 < view.settings.verify.clean_reads:
        yield _checked(operation, made, clean=True)
    else:
        verified = Draft(
            operation=operation.id, kind=EventKind.VERIFICATION_COMPLETED, data={"checks": [encode(c) for c in made]}
        )
        ended = closing(operation, Outcome.VERIFIED, f"{counted(len(made), 'check')} passed")
        yield Record(drafts=(verified, *ended.drafts))


def _moved_since(operation: Operation, view: View) -> str | None:
    """Say that somebody committed another value since: theirs is not ours to judge or to take back (invariant 7)."""
    followed = view.snapshot.followed.get(operation.id)
    at_base = followed.values_at_base if followed else None
    if at_base is None or isinstance(at_base, Unknown) or same_quantities(at_base, operation.expected):
        return None
    return f"a later commit set the field to {', '.join(value or 'absent' for value in at_base)}"


def _checked(operation: Operation, made: tuple[Check, ...], *, clean: bool) -> Record:
    data = {"clean": clean, "checks": [encode(check) for check in made]}
    return Record(drafts=(Draft(operation=operation.id, kind=EventKind.CHECKED, data=data),))


def failed(operation: Operation, made: tuple[Check, ...], view: View) -> Record:
    """Close with the analysis, and open what policy says comes after: a revert, the next remedy, or a person."""
    broken = [check for check in made if check.status is CheckStatus.FAILED]
    analysis = "; ".join(f"{c.name}: expected {c.expected}, found {c.actual}" for c in broken)
    # A field that somebody changed in the cluster is a person's matter: our change in Git is not to blame.
    follow_up, why = (
        _follow_up(operation, view) if any(map(speaks_of_trouble, broken)) else (None, "only the live field differs")
    )
    failed = Draft(
        operation=operation.id,
        kind=EventKind.VERIFICATION_FAILED,
        data={
            "checks": [encode(check) for check in made],
            "analysis": analysis,
            "follow_up": follow_up.actions[0].name if follow_up else "escalate",
            "why": why,
        },
    )
    ended = closing(operation, Outcome.FAILED, analysis, escalate=follow_up is None)
    opened = (
        (
            Draft(
                operation=view.next_id(),
                kind=EventKind.OPERATION_OPENED,
                data={"remedy": encode(follow_up), "parent": operation.id},
            ),
        )
        if follow_up
        else ()
    )
    return Record(drafts=(failed, *ended.drafts, *opened))


def _follow_up(operation: Operation, view: View) -> tuple[Remedy | None, str]:
    """Ask policy what follows; whatever cannot be made is a person's."""
    if operation.pull_request is None:
        return None, "the change did not go through Git"
    answers = [
        view.policy.after_failure(
            facts_for(action, index, operation, view.snapshot, view.history, view.settings, view.now)
        )
        for index, action in operation.remedy.declaratives.items()
    ]
    if len({answer.code for answer in answers}) != 1:
        return None, "the policy answers differently for its objects"
    (answer, *_) = answers
    match answer.code:
        case "revert":
            remedy = revert_of(operation)
        case "next_remedy":
            remedy = _next_remedy(operation, view)
        case _:
            return None, answer.message
    return (None, remedy) if isinstance(remedy, str) else (remedy, answer.message)


def _next_remedy(operation: Operation, view: View) -> Remedy | str:
    if isinstance(view.findings, Unknown):
        return str(view.findings)
    findings = [view.findings.get(part.finding.fingerprint) for part in operation.remedy.answers]
    answers = [_next_for(finding, operation, view) for finding in findings if finding is not None]
    remedies = [answer for answer in answers if isinstance(answer, Remedy)]
    if remedies:
        return together(remedies, parent=operation.id)
    return next((answer for answer in answers if isinstance(answer, str)), "the finding itself is gone")


def _next_for(finding: Finding, operation: Operation, view: View) -> Remedy | str:
    """Return what comes next for one finding, or why nothing does."""
    remedy = decide(finding, view.snapshot, view.settings)
    if isinstance(remedy, str):
        return remedy
    if remedy.digest in {part.digest for part in operation.remedy.answers}:
        return "the next remedy would be the one that did not help"
    held = held_by_past(remedy, view.history, view.settings.guards, view.now)
    if held is not None:  # people win: a no stands, whichever way leads to the same proposal
        return held.reason
    return replace(remedy, parent=operation.id)
