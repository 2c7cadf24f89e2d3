"""The root command, and the one place where an error becomes a line and an exit code."""

from __future__ import annotations

import errno
import io
import os
import sys

import click

from reconciler import __version__
from reconciler.cli import stopping
from reconciler.cli.answers import approve, reject
from reconciler.cli.audit import audit
from reconciler.cli.completion import completion
from reconciler.cli.demo import demo
from reconciler.cli.doctor import doctor
from reconciler.cli.explain import explain
from reconciler.cli.planning import plan
from reconciler.cli.running import run
from reconciler.cli.session import Session
from reconciler.cli.starting import init
from reconciler.cli.status import status
from reconciler.cli.teaching import TaughtGroup
from reconciler.cli.traces import print_trace
from reconciler.errors import ReconcilerError
from reconciler.plain import one_line
from reconciler.report.terminal import may_colour

EXIT_DEFECT = 70  # EX_SOFTWARE of sysexits.h
_LINE = 1000  # characters; our own messages are short, what they quote is cut already


class Guarded(TaughtGroup):
    """A group whose errors are one line and a remedy; the trace is for `--debug`."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; usage errors stay click's (exit code 2)."""
        try:
            return super().invoke(ctx)
        except ReconcilerError as error:
            _report(ctx, error)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt as interruption:
            ctx.exit(stopping.report(interruption))
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except OSError as error:
            if error.errno == errno.EPIPE:  # `reconciler audit export | head`: click ends quietly
                raise
            _report_defect(ctx, error)
            ctx.exit(EXIT_DEFECT)
        except Exception as error:  # noqa: BLE001 - the outermost handler: whatever is unforeseen is a defect
            _report_defect(ctx, error)
            ctx.exit(EXIT_DEFECT)


def _report(ctx: click.Context, error: ReconcilerError) -> None:
    """Write the message (a configuration's mistakes take a line each) and the remedy."""
    first, *more = (one_line(line, _LINE) for line in error.message.splitlines())
    click.echo(f"{click.style('error:', fg='red')} {first} [{error.code}]", err=True)
    for line in more:
        click.echo(f"  {line}", err=True)
    click.echo(f"remedy: {one_line(error.remedy, _LINE)}", err=True)
    _trace(ctx, error)


def _report_defect(ctx: click.Context, error: Exception) -> None:
    name = type(error).__name__
    click.echo(f"{click.style('error:', fg='red')} {name}: {one_line(error)}", err=True)
    debug = "" if ctx.params.get("debug") else "; run it again with `reconciler --debug …` and report the trace"
    click.echo(f"this is a defect of reconciler{debug}", err=True)
    _trace(ctx, error)


def _trace(ctx: click.Context, error: Exception) -> None:
    if ctx.params.get("debug"):
        print_trace(error)


@click.group(
    cls=Guarded,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    examples=[
        "reconciler demo            see the whole loop, without a cluster",
        "reconciler init            write a configuration file",
        "reconciler doctor          is everything reachable and permitted?",
        "reconciler plan            what is wrong and would be done; touches nothing",
        "reconciler run --once      do it: one pass",
        "reconciler status          what waits for whom",
    ],
)
@click.option(
    "--config",
    metavar="PATH",
    type=click.Path(),
    default="reconciler.yaml",
    envvar="RECONCILER_CONFIG",
    show_default=True,
    show_envvar=True,
    help="The configuration file.",
)
@click.option("--debug", is_flag=True, help="Log everything, and show the trace of an error.")
@click.version_option(__version__, prog_name="reconciler")
@click.pass_context
def cli(ctx: click.Context, config: str, debug: bool) -> None:  # noqa: FBT001 - click passes options by name
    """Find trouble in a Kubernetes cluster and mend it through Git.

    reconciler looks at the cluster, metrics, alerts and Git, and answers what is wrong with a pull request, following
    it until the merged change is live and has helped. Where waiting hurts, it also acts at once, as far as your
    policy lets it.

    Results are drawn on a terminal and are plain text elsewhere, fit for grep; --output json or yaml is for programs.
    NO_COLOR=1 takes colours away, FORCE_COLOR=1 draws into a pipe (for less -R), COLUMNS sets the width.

    Exit codes: 0 done, 2 wrong usage or configuration, 3 a server failed, 4 refused, 5 the ledger is not sound,
    6 another pass runs, 7 no such operation, 70 a defect of reconciler, 130 interrupted.
    """
    ctx.obj = Session(config=config, debug=debug, environ=dict(os.environ))
    ctx.color = may_colour()


for _command in (demo, init, doctor, plan, run, status, explain, approve, reject, audit, completion):
    cli.add_command(_command)


def main() -> None:
    """Run the command line; the entry point of the installed script."""
    _write_what_can_be_written()
    try:
        cli(prog_name="reconciler")
    except SystemExit as ended:
        if stopping.is_interrupted(ended.code):
            stopping.leave(int(str(ended.code)))
        raise


def _write_what_can_be_written() -> None:
    """Let a character that the terminal's encoding lacks become a question mark, and not an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
