"""`reconciler audit`: read, check and export the ledger."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from reconciler.cli.completing import any_operation
from reconciler.cli.options import output_option
from reconciler.cli.session import Session, pass_session
from reconciler.cli.teaching import Taught, TaughtGroup
from reconciler.errors import LedgerError
from reconciler.plain import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.ledger.chain import Broken, Head
    from reconciler.model.operation import Event, Operation
    from reconciler.report.blocks import Row
    from reconciler.report.terminal import Format


operation_option = click.option(
    "--operation", metavar="ID", help="Only this operation's events.", shell_complete=any_operation
)


@click.group(cls=TaughtGroup, examples=["reconciler audit verify"])
def audit() -> None:
    """Read, check and export the ledger, event by event."""


@audit.command(
    cls=Taught,
    examples=[
        "reconciler audit show --last 20",
        "reconciler audit show --operation op-20260501-101500-001",
    ],
)
@operation_option
@click.option("--last", type=click.IntRange(min=1), metavar="N", help="Only the newest N events.")
@output_option
@pass_session
def show(session: Session, operation: str | None, last: int | None, form: Format) -> None:
    """List events, oldest first."""
    from reconciler.cli.lookup import find_operation
    from reconciler.report.blocks import Column
    from reconciler.report.telling import mood
    from reconciler.report.terminal import print_rows
    from reconciler.report.times import moment

    events = session.composition.ledger.events()
    operations = _folded(events)
    if operation is not None:
        wanted = find_operation(operations, operation).id
        events = tuple(event for event in events if event.operation == wanted)
    events = events[-last:] if last else events
    shown = {event.sequence: event for event in events}
    columns = (
        Column("#", lambda r: str(r["sequence"]), whole=True),
        Column("AT (UTC)", lambda r: moment(shown[r["sequence"]].at), whole=True),
        Column("OPERATION", lambda r: r["operation"], _faint, whole=True, under="AT (UTC)"),
        Column("WHAT", lambda r: r["text"], least=40),
        Column("HASH", lambda r: r["hash"][:12], _faint, whole=True, under="WHAT"),
    )
    rows = [_row(e, operations) for e in events]
    print_rows(rows, columns, form, empty="the ledger is empty", dot=lambda r: mood(shown[r["sequence"]]))


def _faint(_: Row) -> str:
    return "faint"


def _folded(events: tuple[Event, ...]) -> Mapping[str, Operation]:
    """Fold what folds: a ledger of events that do not follow each other is still shown."""
    from reconciler.advance import fold

    try:
        return fold(events)
    except LedgerError:
        return {}


def _row(event: Event, operations: Mapping[str, Operation]) -> dict[str, object]:
    from reconciler.report.telling import told

    return {
        "sequence": event.sequence,
        "at": event.at.isoformat(),
        "operation": event.operation,
        "kind": event.kind.value,
        "text": told(event, operations.get(event.operation)),
        "hash": event.hash,
    }


@audit.command(
    cls=Taught,
    examples=[
        "reconciler audit verify",
        "reconciler audit verify --head 5f1d0c…",
        "reconciler audit verify --output json | jq -r .head",
    ],
)
@click.option("--head", metavar="HASH", help="A head noted earlier; the chain must still hold it.")
@output_option
@pass_session
def verify(session: Session, head: str | None, form: Format) -> None:
    """Check the whole chain: no event altered, missing, added or moved.

    Note the head that it prints somewhere that whoever may write the ledger cannot write, and give it with --head
    later: that finds even a chain rewritten from end to end. Exit code 5 when the ledger is not sound.
    """
    from reconciler.report.terminal import Format, print_data

    ledger = session.composition.ledger
    broken = ledger.verify(noted=head)
    now = None if broken else ledger.head()  # what is not sound has no head that anybody should note
    if form is Format.TABLE:
        for line in map(str, broken) if now is None else [f"sound: {counted(now.length, 'event')}, head {now.hash}"]:
            click.echo(line)
    else:
        print_data(_judgement(broken, now), form)
    if broken:
        raise LedgerError(
            code="ledger.broken",
            message=f"the ledger is not sound in {counted(len(broken), 'place')}",
            remedy="find out who changed the file, and put back a copy that verifies",
        )


def _judgement(broken: Sequence[Broken], head: Head | None) -> dict[str, object]:
    return {
        "sound": head is not None,
        "events": head.length if head else None,
        "head": head.hash if head else None,
        "flaws": [{"sequence": flaw.sequence, "reason": flaw.reason} for flaw in broken],
    }


@audit.command(
    cls=Taught,
    examples=[
        "reconciler audit export > audit.jsonl",
        "reconciler audit export --operation op-20260501-101500-001",
    ],
)
@operation_option
@pass_session
def export(session: Session, operation: str | None) -> None:
    """Write events whole, as JSON, one a line.

    Each carries what its hash covers, so anybody can recompute the chain.
    """
    from reconciler.advance import fold
    from reconciler.cli.lookup import find_operation
    from reconciler.ledger.chain import timestamp

    events = session.composition.ledger.events()
    wanted = find_operation(fold(events), operation).id if operation else None
    for event in events:
        if wanted in (None, event.operation):
            fields = {
                "version": event.version,
                "sequence": event.sequence,
                "at": timestamp(event.at),
                "operation": event.operation,
                "kind": event.kind.value,
                "data": event.data,
                "previous": event.previous,
                "hash": event.hash,
            }
            click.echo(json.dumps(fields, separators=(",", ":")))
