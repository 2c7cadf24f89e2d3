"""`reconciler status`: the operations, and what each of them waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli.options import output_option
from reconciler.cli.session import Session, pass_session
from reconciler.cli.teaching import Taught

if TYPE_CHECKING:
    from reconciler.report.terminal import Format


@click.command(
    cls=Taught,
    examples=[
        "reconciler status",
        "reconciler status --all",
        "reconciler status --output json | jq -r '.[].pull_request_url'",
    ],
)
@click.option("--all", "everything", is_flag=True, help="Ended operations too.")
@output_option
@pass_session
def status(session: Session, everything: bool, form: Format) -> None:  # noqa: FBT001 - click passes options by name
    """Show operations: what they are about and what they wait for.

    Reads the ledger alone; no server is asked.
    """
    from reconciler.advance import fold
    from reconciler.report.standing import operation_columns, operation_row, phase_style
    from reconciler.report.terminal import print_rows

    operations = fold(session.composition.ledger.events()).values()
    now = session.composition.clock.now()
    rows = [operation_row(o, now) for o in operations if everything or o.is_open]
    empty = "no operations yet" if everything else "no open operations; `reconciler status --all` shows ended ones"
    print_rows(rows, operation_columns(now), form, empty=empty, dot=phase_style)
