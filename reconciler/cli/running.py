"""`reconciler run`: one pass, or a pass every so often until it is told to stop."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from reconciler.cli.options import as_duration, output_option
from reconciler.cli.session import Session, pass_session
from reconciler.cli.teaching import Taught
from reconciler.cli.traces import print_trace
from reconciler.errors import ReconcilerError
from reconciler.plain import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta
    from types import FrameType

    from reconciler.model.report import PassReport
    from reconciler.ports import Ports
    from reconciler.report.terminal import Format

_SHORTEST = 1.0  # seconds; a shorter interval only asks every server for nothing


@click.command(
    cls=Taught,
    examples=[
        "reconciler run --once",
        "reconciler run --interval 30s",
        "reconciler run --once --output json | jq -r .sentence",
    ],
)
@click.option("--once", is_flag=True, help="Make one pass and end; this is the default.")
@click.option("--interval", callback=as_duration, metavar="30s", help="Make a pass every so often until stopped.")
@output_option
@pass_session
def run(session: Session, once: bool, interval: timedelta | None, form: Format) -> None:  # noqa: FBT001 - click's
    """Observe, decide, act, follow up: one pass, or one every interval.

    A pass never waits for people or for delivery: it does what can be done now and says what it waits for. Run it
    again, by hand, from cron or with --interval, and it goes on from there. Ctrl-C or SIGTERM end the loop after the
    pass under way; a second one ends it at once, which is safe too.
    """
    if once and interval is not None:
        raise click.UsageError("--once and --interval exclude each other")
    ports = session.ports()
    if interval is None:
        _print_pass(_one_pass(session, ports), form, compact=False)
        return
    pause = interval.total_seconds()
    if pause < _SHORTEST:
        raise click.UsageError("--interval is at least 1s")
    with _stopped_by_signals() as stop:
        _loop(session, ports, stop, pause, form)


def _one_pass(session: Session, ports: Ports) -> PassReport:
    from reconciler.reconcile import reconcile

    with ports.ledger.exclusive():
        return reconcile(ports, session.settings)


def _print_pass(report: PassReport, form: Format, *, compact: bool) -> None:
    from reconciler.model.codec import encode
    from reconciler.report.passes import pass_blocks
    from reconciler.report.terminal import Format, print_data, show

    if form is Format.TABLE:
        show(pass_blocks(report))
    else:
        print_data(encode(report), form, compact=compact)


def _loop(session: Session, ports: Ports, stop: threading.Event, pause: float, form: Format) -> None:
    """Make passes until stopped; one that fails is told, and the next one tries again."""
    while not stop.is_set():
        try:
            _print_pass(_one_pass(session, ports), form, compact=True)
        except ReconcilerError as error:
            _tell_failure(session, error, f"{error}; {error.remedy}")
        except BrokenPipeError:
            raise  # nobody reads any more
        except Exception as error:  # noqa: BLE001 - the loop lives on whatever a pass meets
            _tell_failure(session, error, f"{type(error).__name__}: {error} (this is a defect of reconciler)")
        stop.wait(pause)
    click.echo("stopped", err=True)


def _tell_failure(session: Session, error: Exception, text: str) -> None:
    click.echo(f"{click.style('the pass failed:', fg='red')} {one_line(text, 1000)}", err=True)
    if session.debug:
        print_trace(error)


@contextmanager
def _stopped_by_signals() -> Iterator[threading.Event]:
    """Turn the first Ctrl-C or SIGTERM into an event; the second one does what it always does."""
    stop = threading.Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def ask(number: int, _: FrameType | None) -> None:
        stop.set()
        for each, handler in before.items():
            signal.signal(each, handler)
        name = signal.Signals(number).name
        click.echo(f"{name}: stopping after the pass under way; once more stops at once", err=True)

    for number in before:
        signal.signal(number, ask)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
