"""Do the effects that the steps ask for: prepare, announce, perform, write down what came of it.

Protects invariant 1: an effect's intent is durable before it, and every result is recorded as soon as it is known.
Effects of a round run side by side, so a hybrid remedy's restart does not wait for its pull request, and one
operation's failure never delays another's. Only the calling thread touches the ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from reconciler.act import apply, run
from reconciler.errors import Conflict, ReconcilerError, Refusal, foreign_text
from reconciler.govern.approvals import approval_state
from reconciler.model.codec import encode
from reconciler.model.facts import known
from reconciler.model.objects import CommitId
from reconciler.model.operation import Draft, EventKind, Operation, Outcome, TrackedPullRequest
from reconciler.model.proposal import Proposal, PullRequest, PullRequestState
from reconciler.model.verdict import Answer
from reconciler.propose.proposals import propose
from reconciler.propose.publish import commit, publish, rewrite
from reconciler.steps import Perform, Verb, View, merging
from reconciler.texts import close_comment
from reconciler.watching import UNWATCHED, side_by_side

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.book import Book
    from reconciler.ports import Forge, Ports
    from reconciler.watching import Watcher

SIDE_BY_SIDE = 8  # effects

Result = Sequence[Draft]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prepared:
    """An effect that is ready to be announced."""

    step: Perform
    operation: Operation
    intent: dict[str, Any]
    proposal: Proposal | None = None


def perform(
    steps: Sequence[Perform],
    view: View,
    ports: Ports,
    book: Book,
    watcher: Watcher = UNWATCHED,
    *,
    side_by_side_at_most: int = SIDE_BY_SIDE,
) -> None:
    """Carry out one round of effects; failures are recorded, never raised, except the ledger's own.

    Each effect goes on as soon as it is prepared: a restart does not wait for a slow Git server. A watcher who wants
    an end lets those finish that were announced; no other is. One at a time they are recorded in an order that only
    the steps decide.

    Raises LedgerError when an intent or a result cannot be written.
    """
    with side_by_side(side_by_side_at_most, "effect") as pool:
        pending: dict[Future[_Prepared | Result], Perform] = {
            pool.submit(_prepare, step, book.get(step.operation), view, ports): step for step in steps
        }
        while pending:
            done = wait(pending, return_when=FIRST_COMPLETED).done
            for future in [known for known in pending if known in done]:  # of those, in the order of their beginnings
                step = pending.pop(future)
                outcome = _outcome(future, step)
                if not isinstance(outcome, _Prepared):
                    book.record(outcome)
                elif (
                    not watcher.wants_an_end() and _still_goes(outcome, view, book) and book.intend([_intent(outcome)])
                ):
                    pending[pool.submit(_do, outcome, book.get(step.operation), view, ports)] = step


def in_words(steps: Sequence[Perform]) -> str:
    """Say what these effects are, for whoever watches."""
    return ", ".join(dict.fromkeys(_DOING[step.verb] for step in steps))


def _still_goes(prepared: _Prepared, view: View, book: Book) -> bool:
    """Judge again, knowing what this round has announced before it: limits hold within a round too (invariant 10)."""
    step = prepared.step
    if step.verb not in {Verb.RUN, Verb.PROPOSE, Verb.APPLY, Verb.UPDATE, Verb.MERGE}:
        return True
    verdict = replace(view, history=book.operations).judge_together(book.get(step.operation), step.action)
    return verdict.answer is Answer.GO


def _outcome(future: Future[_Prepared | Result], step: Perform) -> _Prepared | Result:
    """Return what is ready or done, or the failure as an event; only a refusal is final."""
    try:
        return future.result()
    except ReconcilerError as error:
        return [_failed(step, str(error), remedy=error.remedy, permanent=isinstance(error, Refusal))]
    except Exception as error:  # noqa: BLE001 - a vendor's surprise is a failed effect, not a lost pass
        return [_failed(step, foreign_text(f"{type(error).__name__}: {error}"), permanent=False)]


def _failed(step: Perform, error: str, *, permanent: bool, remedy: str = "") -> Draft:
    data = {"key": step.key, "verb": step.verb, "error": error, "remedy": remedy, "permanent": permanent}
    return Draft(operation=step.operation, kind=EventKind.EFFECT_FAILED, data=data)


def _intent(prepared: _Prepared) -> Draft:
    data = {"key": prepared.step.key, "verb": prepared.step.verb, "data": prepared.intent}
    return Draft(operation=prepared.step.operation, kind=EventKind.EFFECT_INTENDED, data=data)


def _completed(step: Perform, result: dict[str, Any]) -> Draft:
    data = {"key": step.key, "verb": step.verb, "result": result}
    return Draft(operation=step.operation, kind=EventKind.EFFECT_COMPLETED, data=data)


def _prepare(step: Perform, operation: Operation, view: View, ports: Ports) -> _Prepared:
    """Do what can be done without an effect, so that the intent says exactly what is coming."""
    if step.verb is Verb.CLOSE:
        intent = {"summary": str(step.verb), "reason": step.reason, "outcome": step.outcome}
        return _Prepared(step=step, operation=operation, intent=intent)
    if step.verb is Verb.MERGE:
        return _Prepared(step=step, operation=operation, intent=_checked_merge(step, operation, view, ports))
    if step.verb not in {Verb.PROPOSE, Verb.UPDATE}:
        summary = operation.remedy.actions[step.action].summary if step.verb in {Verb.RUN, Verb.APPLY} else step.verb
        return _Prepared(step=step, operation=operation, intent={"summary": str(summary)})
    parent = next((o for o in view.history if o.id == operation.remedy.parent), None)
    proposal = propose(
        operation,
        view.snapshot,
        ports.repository,
        ports.renderer,
        view.settings,
        earlier=parent.pull_request if parent else None,
    )
    intent = {
        "summary": proposal.title,
        "branch": proposal.branch,
        "commit": commit(proposal, ports.repository),
        "digest": proposal.digest,
    }
    return _Prepared(step=step, operation=operation, intent=intent, proposal=proposal)


def _do(prepared: _Prepared, operation: Operation, view: View, ports: Ports) -> Result:
    return _DO[prepared.step.verb](prepared, operation, view, ports)


def _run(prepared: _Prepared, operation: Operation, _: View, ports: Ports) -> Result:
    at = operation.effects[prepared.step.key].intended_at
    run(operation.remedy.actions[prepared.step.action], ports.cluster, at=at)
    return [_completed(prepared.step, {"at": at.isoformat()})]


def _apply(prepared: _Prepared, operation: Operation, _: View, ports: Ports) -> Result:
    report = apply(operation.remedy.actions[prepared.step.action], ports.cluster)
    return [_completed(prepared.step, encode(report))]


def _propose(prepared: _Prepared, operation: Operation, view: View, ports: Ports) -> Result:
    proposal = prepared.proposal
    if proposal is None:
        raise Conflict(code="propose.not_prepared", message="no proposal was prepared", remedy="run another pass")
    ours = frozenset(_closed_by_us(view.history))
    hold = view.settings.forge.hold_label
    opened = publish(
        proposal, ports.repository, ports.forge, closed_by_us=ours, earlier=_standing(view), hold_label=hold
    )
    tracked = TrackedPullRequest(
        number=opened.number,
        url=opened.url,
        branch=proposal.branch,
        head=opened.head,
        digest=proposal.digest,
        located=proposal.located,
        opened_at=operation.effects[prepared.step.key].intended_at,
    )
    return [
        _completed(prepared.step, {"number": opened.number, "url": opened.url}),
        Draft(
            operation=operation.id,
            kind=EventKind.PULL_REQUEST_OPENED,
            data={"pull_request": encode(tracked), "title": proposal.title},
        ),
    ]


def _standing(view: View) -> tuple[PullRequest, ...]:
    """Return the pull requests of the forge's list whose end is not longer ago than a rejection stands."""
    nobody: tuple[PullRequest, ...] = ()
    since = view.now - view.settings.guards.rejection_stands
    found = known(view.snapshot.pull_requests, default=nobody)
    return tuple(p for p in found if p.updated_at is not None and p.updated_at > since)


def _closed_by_us(history: Sequence[Operation]) -> Iterator[int]:
    """Yield the pull requests whose close is no person's standing no.

    We closed them ourselves, because the trouble was gone or base took another value, or a person took the no back.
    """
    for operation in history:
        if operation.retried and operation.pull_request is not None:
            yield operation.pull_request.number
        ended = operation.outcome in {Outcome.RESOLVED, Outcome.SUPERSEDED}
        if ended and operation.pull_request is not None and operation.pull_request.closed_by is None:
            yield operation.pull_request.number


def _update(prepared: _Prepared, operation: Operation, _: View, ports: Ports) -> Result:
    proposal, tracked = prepared.proposal, operation.pull_request
    if proposal is None or tracked is None or proposal.branch != tracked.branch:
        raise Conflict(
            code="propose.other_branch_name",
            message="the proposal belongs to another branch by now",
            remedy="close the pull request; a new one is opened if it is still needed",
        )
    head = rewrite(proposal, tracked.number, ports.repository, ports.forge, known=tracked.head)
    updated = replace(tracked, head=head, digest=proposal.digest, located=proposal.located, outdated=False)
    return [
        _completed(prepared.step, {"number": tracked.number}),
        Draft(
            operation=operation.id,
            kind=EventKind.PULL_REQUEST_UPDATED,
            data={"pull_request": encode(updated), "title": proposal.title, "why": prepared.step.reason},
        ),
    ]


def _checked_merge(step: Perform, operation: Operation, view: View, ports: Ports) -> dict[str, Any]:
    """Look at reviews, head, base, labels and comments once more: since the snapshot somebody may have objected."""
    tracked, forge = operation.pull_request, ports.forge
    found = forge.find(tracked.branch) if tracked else None
    if tracked is None or found is None or found.number != tracked.number or found.state is not PullRequestState.OPEN:
        raise _moved("it is not open any more")
    if found.head != tracked.head:
        raise _moved("its head moved")
    if found.base != ports.repository.base:
        raise _moved("somebody pointed it at another branch")
    if view.settings.forge.hold_label in found.labels:
        raise _moved("somebody put it on hold")
    opinions = approval_state(forge.reviews(found.number), head=found.head, author=found.author)
    against = merging.why_not(operation, step.action, opinions, view) or view.objection(found.number)
    if against is not None:
        raise _moved(against)
    approved_by = list(opinions.approved_by)
    return {"summary": f"merge pull request {found.number}", "head": found.head, "approved_by": approved_by}


def _moved(why: str) -> Conflict:
    return Conflict(
        code="merge.moved", message=f"it is not merged: {why}", remedy="nothing to do: the next pass looks again"
    )


def _merge(prepared: _Prepared, operation: Operation, view: View, ports: Ports) -> Result:
    if operation.pull_request is None:
        raise _moved("it has no pull request")
    head, method = CommitId(prepared.intent["head"]), view.settings.forge.merge_method.value
    commit_id = ports.forge.merge(operation.pull_request.number, head=head, method=method)
    return [_completed(prepared.step, {"merge_commit": commit_id})]


def _close(prepared: _Prepared, operation: Operation, _: View, ports: Ports) -> Result:
    number = _open_number(operation, ports.forge)
    if number is not None:
        ports.forge.close(number, why=close_comment(prepared.step.reason))
    return [_completed(prepared.step, {})]


def _open_number(operation: Operation, forge: Forge) -> int | None:
    """Return the pull request's number; one that a crash kept from the ledger is found by its announced branch."""
    if operation.pull_request is not None:
        return operation.pull_request.number
    branch = next((effect.data["branch"] for effect in operation.effects.values() if "branch" in effect.data), None)
    found = forge.find(branch) if branch else None
    return found.number if found is not None and found.state is PullRequestState.OPEN else None


def _refresh(prepared: _Prepared, operation: Operation, _: View, ports: Ports) -> Result:
    if operation.pull_request is not None:
        located = operation.pull_request.located
        for application in (located.parent, located.application):
            if application is not None:
                ports.delivery.refresh(application)
    return [_completed(prepared.step, {})]


_DO: dict[Verb, Callable[[_Prepared, Operation, View, Ports], Result]] = {
    Verb.RUN: _run,
    Verb.APPLY: _apply,
    Verb.PROPOSE: _propose,
    Verb.UPDATE: _update,
    Verb.MERGE: _merge,
    Verb.CLOSE: _close,
    Verb.REFRESH: _refresh,
}

_DOING = {
    Verb.RUN: "acting on the cluster",
    Verb.APPLY: "applying to the cluster",
    Verb.PROPOSE: "opening pull requests",
    Verb.UPDATE: "updating pull requests",
    Verb.MERGE: "merging pull requests",
    Verb.CLOSE: "closing pull requests",
    Verb.REFRESH: "asking delivery to reread Git",
}
