"""`reconciler approve` and `reconciler reject`: a person's yes and no, written into the ledger.

Protects: a person's word is recorded whole or not at all, and only where the operation's phase allows it, so that a
late yes can never leave a ledger that does not fold.
"""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING

import click

from reconciler.cli.completing import open_operation
from reconciler.cli.session import Session, pass_session
from reconciler.cli.teaching import Taught
from reconciler.errors import ConfigurationError, LedgerError, LedgerMoved, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.model.operation import Draft, Operation

as_option = click.option("--as", "name", metavar="NAME", help="Who says so; empty: your login name.")


@click.command(
    cls=Taught,
    examples=[
        "reconciler approve op-20260501-101500-001",
        "reconciler approve op-20260501-101500-001 --action 0 --as ana",
    ],
)
@click.argument("operation_id", metavar="ID", shell_complete=open_operation)
@click.option("--action", "action", type=click.IntRange(min=0), metavar="N", help="Only this action of the operation.")
@as_option
@pass_session
def approve(session: Session, operation_id: str, action: int | None, name: str | None) -> None:
    """Say yes to those actions of an operation that wait for it.

    The next pass carries them out. A pull request is approved by reviewing and merging it on the forge, not here.
    """
    from reconciler.model.operation import Draft, EventKind

    by = _who(name)

    def drafts(operation: Operation) -> list[Draft]:
        indices = _approvable(operation, action, by)
        data = [{"action": index, "by": by} for index in indices]
        return [Draft(operation=operation.id, kind=EventKind.APPROVAL_GIVEN, data=d) for d in data]

    operation = _record(session, operation_id, drafts)
    for index in _approvable(operation, action, by):
        click.echo(f"approved by {by}: {operation.remedy.actions[index].summary} ({operation.id})")
    click.echo("the next pass carries it out: `reconciler run --once`")


@click.command(
    cls=Taught,
    examples=[
        "reconciler reject op-20260501-101500-001",
        'reconciler reject op-20260501 --reason "the batch job is to blame"',
    ],
)
@click.argument("operation_id", metavar="ID", shell_complete=open_operation)
@click.option("--reason", default="", help="Why; people and the pull request's comment will show it.")
@as_option
@pass_session
def reject(session: Session, operation_id: str, reason: str, name: str | None) -> None:
    """Say no to an operation; the no is remembered.

    Nothing more is done for it. The next pass closes its pull request, if one is open. The same proposal is not made
    again for the time that guards.rejection_stands says.
    """
    from reconciler.model.operation import Draft, EventKind
    from reconciler.plain import one_line

    data = {"by": _who(name), "reason": one_line(reason)}

    def drafts(operation: Operation) -> list[Draft]:
        _refuse_if_over(operation, "rejected")
        return [Draft(operation=operation.id, kind=EventKind.APPROVAL_REJECTED, data=data)]

    operation = _record(session, operation_id, drafts)
    click.echo(f"rejected by {data['by']}: {operation.remedy.finding.summary} ({operation.id})")
    if operation.pull_request:
        click.echo(f"the next pass closes pull request {operation.pull_request.number}: {operation.pull_request.url}")


def _who(name: str | None) -> str:
    from reconciler.plain import one_line

    try:
        who = one_line(name if name is not None else getpass.getuser(), 100).strip()
    except (OSError, KeyError):  # a container's user may have no name
        who = ""
    if not who:
        raise ConfigurationError(
            code="cli.no_name",
            message="it is not known who you are",
            remedy="say it with --as NAME",
        )
    return who


def _record(session: Session, wanted: str, drafts: Callable[[Operation], list[Draft]]) -> Operation:
    """Append what a person said to the operation as it stands; return it as it stood before.

    A pass that appends meanwhile moves the ledger; then everything is read and judged once more.
    """
    try:
        return _record_once(session, wanted, drafts)
    except LedgerMoved:
        return _record_once(session, wanted, drafts)


def _record_once(session: Session, wanted: str, drafts: Callable[[Operation], list[Draft]]) -> Operation:
    from reconciler.advance import fold
    from reconciler.cli.lookup import find_operation

    ledger = session.composition.ledger
    events = ledger.events()
    operation = find_operation(fold(events), wanted)
    said = drafts(operation)
    now = session.composition.clock.now()
    _refuse_if_illegal(operation, said)
    ledger.append(said, at=now, expected=events[-1].sequence)
    return operation


def _refuse_if_illegal(operation: Operation, drafts: list[Draft]) -> None:
    """Try the events on the operation first: one that may not follow would stop every later reading."""
    from reconciler.advance import advance
    from reconciler.model.operation import Event

    trial = operation
    for draft in drafts:
        event = Event(
            sequence=trial.version + 1,
            at=trial.updated_at,
            operation=trial.id,
            kind=draft.kind,
            data=draft.data,
            previous="",
            hash="",
        )
        try:
            trial = advance(trial, event)
        except LedgerError as error:
            raise Refusal(
                code="answer.not_now",
                message=f"{operation.id} is {operation.phase.value.replace('_', ' ')} and cannot take this answer",
                remedy=f"run `reconciler run --once`, then look at `reconciler explain {operation.id}`",
            ) from error


def _approvable(operation: Operation, action: int | None, by: str) -> list[int]:
    """Return the actions that this person's yes is for.

    Raises Refusal when nothing waits for it.
    """
    from reconciler.standing import awaited_approvals

    _refuse_if_over(operation, "approved")
    waiting = [i for i in awaited_approvals(operation) if action in (None, i)]
    mine = {a.action for a in operation.approvals if a.by == by}
    if not waiting:
        raise _nothing_waits(operation)
    if mine.issuperset(waiting):
        raise Refusal(
            code="approve.already",
            message=f"{by} has approved this already; it needs another person's approval too",
            remedy="ask a second approver",
        )
    return [index for index in waiting if index not in mine]


def _nothing_waits(operation: Operation) -> Refusal:
    if operation.pull_request:
        return Refusal(
            code="approve.on_forge",
            message=f"{operation.id} waits for no approval here; its pull request is approved by reviewing it",
            remedy=f"review and merge, or close, {operation.pull_request.url}",
        )
    return Refusal(
        code="approve.nothing_waits",
        message=f"no such action of {operation.id} waits for an approval",
        remedy=f"run `reconciler explain {operation.id}` to see what it waits for",
    )


def _refuse_if_over(operation: Operation, word: str) -> None:
    if operation.is_open and operation.rejected_by is None:
        return
    ended = f"ended {operation.outcome}" if operation.outcome else f"was rejected by {operation.rejected_by}"
    raise Refusal(
        code="answer.too_late",
        message=f"{operation.id} {ended} and cannot be {word} any more",
        remedy=f"run `reconciler explain {operation.id}` for its story",
    )
