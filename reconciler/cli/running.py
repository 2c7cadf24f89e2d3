"""`reconciler run`: one pass, or a pass every so often until it is told to stop."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from reconciler.cli.options import as_duration, output_option
from reconciler.cli.progress import progress
from reconciler.cli.session import Session, pass_session
from reconciler.cli.stopping import SAFE_POINT, Interrupted, Onlooker, stopped_between_passes, watched
from reconciler.cli.teaching import Taught
from reconciler.cli.traces import print_trace
from reconciler.errors import ReconcilerError
from reconciler.plain import one_line
from reconciler.webhooks.waking import Bell, Rest

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator
    from datetime import timedelta

    from reconciler.model.report import PassReport
    from reconciler.ports import Ports
    from reconciler.report.terminal import Format
    from reconciler.watching import Watcher

_SHORTEST = 1.0  # seconds; a shorter interval only asks every server for nothing
_UNTOUCHED = "nothing was done; the next pass reads everything again"


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
    """Observe, decide, act and follow up, once or every so often.

    A pass never waits for people or for delivery: it does what can be done now and says what it waits for. Run it
    again, by hand, from cron or with --interval, and it goes on from there.

    With --interval and webhooks.listen, news from the forge makes the next pass come early.

    Ctrl-C or SIGTERM end a single pass at a safe point (exit code 130 or 143), and the loop after the pass under way
    (exit code 0); a second one ends either at once, which is safe too: the ledger knows what was begun.
    """
    if once and interval is not None:
        raise click.UsageError("--once and --interval exclude each other")
    if interval is None:
        _once(session, form)
        return
    pause = interval.total_seconds()
    if pause < _SHORTEST:
        raise click.UsageError("--interval is at least 1s")
    ports = session.ports()
    bell = Bell()
    with stopped_between_passes(lambda: bell.ring("stop")) as stop, _listening(session, bell):
        rest = Rest(bell, stop, interval=pause, gap=session.settings.webhooks.gap.total_seconds())
        _loop(session, ports, stop, rest, form)


@contextmanager
def _listening(session: Session, bell: Bell) -> Iterator[None]:
    """Listen for webhooks until the end, where the configuration says so."""
    listener = session.composition.listener(bell.ring)
    if listener is None:
        yield
        return
    from reconciler.webhooks.receiving import PATH

    with listener:
        click.echo(f"listening for webhooks on {listener.url}{PATH}", err=True)
        yield


def _once(session: Session, form: Format) -> None:
    with watched(untouched=_UNTOUCHED, debug=session.debug) as watcher:
        watcher.doing("getting ready")
        report = _one_pass(session, session.ports(), watcher)
    _print_pass(report, form, looping=False)
    if watcher.asked is not None:
        raise Interrupted(watcher.asked, SAFE_POINT)


def _one_pass(session: Session, ports: Ports, watcher: Watcher) -> PassReport:
    from reconciler.reconcile import reconcile

    session.watcher = watcher
    with ports.ledger.exclusive():
        return reconcile(ports, session.settings, watcher)


def _print_pass(report: PassReport, form: Format, *, looping: bool) -> None:
    from reconciler.model.codec import encode
    from reconciler.report.blocks import Styled
    from reconciler.report.passes import pass_blocks
    from reconciler.report.terminal import Format, is_drawn, print_data, show
    from reconciler.report.times import moment

    if form is not Format.TABLE:
        print_data(encode(report), form, compact=looping)
        return
    time = [Styled(f"{moment(report.started_at)} UTC", "faint")] if looping and is_drawn() else []
    show([*time, *pass_blocks(report)])


def _loop(session: Session, ports: Ports, stop: threading.Event, rest: Rest, form: Format) -> None:
    """Make passes until stopped; one that fails is told, and the next one tries again."""
    while not stop.is_set():
        try:
            with progress(debug=session.debug) as shown:
                report = _one_pass(session, ports, Onlooker(shown))
            _print_pass(report, form, looping=True)
        except ReconcilerError as error:
            _tell_failure(session, error, f"{error}; {error.remedy}")
        except BrokenPipeError:
            raise  # nobody reads any more
        except Exception as error:  # noqa: BLE001 - the loop lives on whatever a pass meets
            _tell_failure(session, error, f"{type(error).__name__}: {error} (this is a defect of reconciler)")
        with progress(debug=session.debug) as shown:
            shown.say(f"the next pass is {rest.interval:g}s after this one; Ctrl-C stops")
            rings = rest.rest()
        if rings and not stop.is_set():
            click.echo(f"woken by {', '.join(rings)}", err=True)
    click.echo("stopped", err=True)


def _tell_failure(session: Session, error: Exception, text: str) -> None:
    click.echo(f"{click.style('the pass failed:', fg='red')} {one_line(text, 1000)}", err=True)
    if session.debug:
        print_trace(error)
