"""`reconciler demo`: the whole loop, here and now, without a cluster."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.options import output_option
from reconciler.cli.progress import progress
from reconciler.cli.session import Session, pass_session
from reconciler.cli.stopping import ended_at_once
from reconciler.cli.teaching import Taught
from reconciler.errors import ConfigurationError, NotFound
from reconciler.report.terminal import Format

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.demo.troubles import Trouble

_PORTS = ("kubernetes", "github", "prometheus", "alertmanager")


@click.command(
    cls=Taught,
    examples=[
        "reconciler demo                       an OOM kill, from its detection to the verified outcome",
        "reconciler demo --list                the troubles that can be shown; with --output json for programs",
        "reconciler demo --scenario revert     a change that does not help is taken back",
        "reconciler demo --interactive         you are the reviewer, in your browser",
        "reconciler demo --keep                look around with kubectl, git and curl afterwards",
    ],
)
@click.option("--scenario", metavar="NAME", default="memory", show_default=True, help="Which trouble to show.")
@click.option("--list", "listing", is_flag=True, help="Show the troubles and end.")
@click.option("--interactive", is_flag=True, help="Review the pull request yourself, on a page of this machine.")
@click.option("--keep", is_flag=True, help="Leave the world running afterwards, until Ctrl-C.")
@click.option("--port", type=click.IntRange(1024, 65532), help="First of four ports in a row; without it free ones.")
@click.option("--seed", type=int, default=0, show_default=True, help="Names in the world are made from it.")
@output_option
@pass_session
def demo(session: Session, /, *, scenario: str, listing: bool, form: Format, **given: Any) -> None:  # noqa: ANN401 - the options of `_play`
    """Show the whole loop in a minute, with nothing but Python.

    A Kubernetes API server, Argo CD, GitHub, Prometheus and Alertmanager run inside this process and speak the real
    protocols on loopback; reconciler is the product as it is. Time is virtual, so hours pass in milliseconds. Nothing
    outside a temporary folder is touched.
    """
    from reconciler.demo.troubles import TROUBLES

    if listing:
        _list(TROUBLES, form)
    elif form is not Format.TABLE:
        raise click.UsageError("--output goes with --list: a demonstration is for people")
    else:
        _play(_chosen(scenario), debug=session.debug, **given)


def _play(trouble: Trouble, *, debug: bool, interactive: bool, keep: bool, port: int | None, seed: int) -> None:
    with ended_at_once("the demonstration; nothing is left behind"), _folder() as folder:
        from reconciler.cli.logs import configure
        from reconciler.demo.show import show_trouble

        configure(debug=debug)
        waiting = partial(_waiting, debug=debug)
        ports = _ports(port)
        show_trouble(trouble, folder, waiting=waiting, interactive=interactive, keep=keep, ports=ports, seed=seed)


@contextmanager
def _waiting(*, debug: bool) -> Iterator[None]:
    """Show that the world is busy."""
    with progress(debug=debug) as shown:
        shown.say("the world turns")
        yield


def _list(troubles: tuple[Trouble, ...], form: Format) -> None:
    from reconciler.report.blocks import Column
    from reconciler.report.terminal import print_rows

    rows = [{"name": trouble.name, "title": trouble.title} for trouble in troubles]
    columns = (
        Column("SCENARIO", lambda row: str(row["name"]), whole=True),
        Column("WHAT HAPPENS", lambda row: str(row["title"])),
    )
    print_rows(rows, columns, form, empty="no scenarios")


def _chosen(name: str) -> Trouble:
    from reconciler.demo.troubles import TROUBLES, named

    trouble = named(name)
    if trouble is None:
        raise NotFound(
            code="demo.unknown_scenario",
            message=f"there is no scenario {name!r}",
            remedy=f"choose one of {', '.join(t.name for t in TROUBLES)}; `reconciler demo --list` says what they show",
        )
    return trouble


def _ports(first: int | None) -> dict[str, int]:
    return {} if first is None else {name: first + number for number, name in enumerate(_PORTS)}


@contextmanager
def _folder() -> Iterator[Path]:
    import tempfile

    try:
        made = tempfile.TemporaryDirectory(prefix="reconciler-demo-")
    except OSError as error:
        raise ConfigurationError(
            code="demo.folder",
            message=f"no temporary folder can be made: {error.strerror}",
            remedy="let $TMPDIR name a folder that you may write",
        ) from error
    with made as folder:
        yield Path(folder)
