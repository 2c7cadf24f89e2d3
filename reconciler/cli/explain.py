"""`reconciler explain ID`: one operation's story."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli.completing import any_operation
from reconciler.cli.options import output_option
from reconciler.cli.session import Session, pass_session
from reconciler.cli.teaching import Taught

if TYPE_CHECKING:
    from reconciler.report.terminal import Format


@click.command(
    cls=Taught,
    examples=[
        "reconciler explain op-20260501-101500-001",
        "reconciler explain op-20260501 --output yaml",
    ],
)
@click.argument("operation_id", metavar="ID", shell_complete=any_operation)
@output_option
@pass_session
def explain(session: Session, operation_id: str, form: Format) -> None:
    """Tell an operation's story, from its evidence to its outcome.

    ID may be cut short, as long as it means one operation.
    """
    from reconciler.advance import fold
    from reconciler.cli.lookup import find_operation
    from reconciler.model.codec import encode
    from reconciler.report.story import story
    from reconciler.report.terminal import Format, print_data, show

    events = session.composition.ledger.events()
    operation = find_operation(fold(events), operation_id)
    own = [event for event in events if event.operation == operation.id]
    if form is Format.TABLE:
        show(story(operation, own, session.composition.clock.now()))
    else:
        print_data({"operation": encode(operation), "events": [encode(event) for event in own]}, form)
