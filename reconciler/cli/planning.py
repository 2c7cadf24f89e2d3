"""`reconciler plan`: what is wrong and what would be done, touching nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli.options import output_option
from reconciler.cli.session import Session, pass_session
from reconciler.cli.stopping import watched
from reconciler.cli.teaching import Taught

if TYPE_CHECKING:
    from reconciler.report.terminal import Format


@click.command(
    cls=Taught,
    examples=[
        "reconciler plan",
        "reconciler plan --output json | jq '.remedies[].actions[].verdict.code'",
    ],
)
@output_option
@pass_session
def plan(session: Session, form: Format) -> None:
    """Show what is wrong and what would be done about it.

    That is: findings, the verdict on every action, and the diff of every pull request.

    Everything is read, nothing is written: no cluster, no Git, no ledger.
    """
    from reconciler.model.codec import encode
    from reconciler.reconcile import plan as planned
    from reconciler.report.passes import plan_blocks
    from reconciler.report.terminal import Format, print_data, show

    with watched(untouched="nothing was touched", debug=session.debug) as watcher:
        watcher.doing("getting ready")
        session.watcher = watcher
        made = planned(session.ports(), session.settings, watcher)
    if form is Format.TABLE:
        show(plan_blocks(made))
    else:
        print_data(encode(made), form)
