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
from reconciler.model.codec import encode
from reconciler.model.operation import Draft, EventKind, Operation, TrackedPullRequest
from reconciler.model.proposal import Proposal, PullRequestState
from reconciler.model.verdict import Answer
from reconciler.propose.proposals import propose
from reconciler.propose.publish import commit, publish
from reconciler.steps import Perform, Verb, View
from reconciler.texts import close_comment
from reconciler.watching import UNWATCHED, side_by_side

if TYPE_CHECKING:
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
    if step.verb not in {Verb.RUN, Verb.PROPOSE, Verb.APPLY}:
        return True
    verdict = replace(view, history=book.operations).judge(book.get(step.operation), step.action)
    return verdict.answer is Answer.GO


def _outcome(future: Future[_Prepared | Result], step: Perform) -> _Prepared | Result:
    """Return what is ready or done, or the failure as an event; only a refusal is final."""
    try:
        return future.result()
    except ReconcilerError as error:
        return [_failed(step, str(error), permanent=isinstance(error, Refusal))]
    except Exception as error:  # noqa: BLE001 - a vendor's surprise is a failed effect, not a lost pass
        return [_failed(step, foreign_text(f"{type(error).__name__}: {error}"), permanent=False)]


def _failed(step: Perform, error: str, *, permanent: bool) -> Draft:
    data = {"key": step.key, "verb": step.verb, "error": error, "permanent": permanent}
    return Draft(operation=step.operation, kind=EventKind.EFFECT_FAILED, data=data)


def _intent(prepared: _Prepared) -> Draft:
    data = {"key": prepared.step.key, "verb": prepared.step.verb, "data": prepared.intent}
    return Draft(operation=prepared.step.operation, kind=EventKind.EFFECT_INTENDED, data=data)


def _completed(step: Perform, result: dict[str, Any]) -> Draft:
    data = {"key": step.key, "verb": step.verb, "result": result}
    return Draft(operation=step.operation, kind=EventKind.EFFECT_COMPLETED, data=data)


def _prepare(step: Perform, operation: Operation, view: View, ports: Ports) -> _Prepared:
    """Do what can be done without an effect, so that the intent says exactly what is coming."""
    if step.verb is not Verb.PROPOSE:
        summary = operation.remedy.actions[step.action].summary if step.verb in {Verb.RUN, Verb.APPLY} else step.verb
        return _Prepared(step=step, operation=operation, intent={"summary": str(summary)})
    verdict = operation.verdicts[step.action]
    parent = next((o for o in view.history if o.id == operation.remedy.parent), None)
    proposal = propose(
        operation,
        step.action,
        verdict,
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
    opened = publish(proposal, ports.repository, ports.forge, view.settings)
    tracked = TrackedPullRequest(
        number=opened.number,
        url=opened.url,
        branch=proposal.branch,
        head=prepared.intent["commit"],
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
    Verb.CLOSE: _close,
    Verb.REFRESH: _refresh,
}

_DOING = {
    Verb.RUN: "acting on the cluster",
    Verb.APPLY: "applying to the cluster",
    Verb.PROPOSE: "opening pull requests",
    Verb.CLOSE: "closing pull requests",
    Verb.REFRESH: "asking delivery to reread Git",
}
