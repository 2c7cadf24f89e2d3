"""`reconciler demo`: the whole loop, here and now, without a cluster."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.session import Session, pass_session
from reconciler.cli.teaching import Taught
from reconciler.errors import ConfigurationError, NotFound

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.demo.troubles import Trouble

_PORTS = ("kubernetes", "github", "prometheus", "alertmanager")


@click.command(
    cls=Taught,
    examples=[
        "reconciler demo                       an OOM kill, from its detection to the verified outcome",
        "reconciler demo --list                the troubles that can be shown",
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
@pass_session
def demo(
    session: Session, /, *, scenario: str, listing: bool, interactive: bool, keep: bool, port: int | None, seed: int
) -> None:
    """Show the whole loop in a minute, with nothing but Python.

    A Kubernetes API server, Argo CD, GitHub, Prometheus and Alertmanager run inside this process and speak the real
    protocols on loopback; reconciler is the product as it is. Time is virtual, so hours pass in milliseconds. Nothing
    outside a temporary folder is touched.
    """
    from reconciler.demo.troubles import TROUBLES

    if listing:
        _list(TROUBLES)
        return
    trouble = _chosen(scenario)
    with _folder() as folder:
        from reconciler.cli.logs import configure
        from reconciler.demo.show import show_trouble

        configure(debug=session.debug)
        show_trouble(trouble, folder, interactive=interactive, keep=keep, ports=_ports(port), seed=seed)


def _list(troubles: tuple[Trouble, ...]) -> None:
    from reconciler.report.blocks import Column, Table
    from reconciler.report.terminal import show

    rows = [{"name": trouble.name, "title": trouble.title} for trouble in troubles]
    columns = (
        Column("SCENARIO", lambda row: str(row["name"]), whole=True),
        Column("WHAT HAPPENS", lambda row: str(row["title"])),
    )
    show([Table(columns, rows)])


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
        with tempfile.TemporaryDirectory(prefix="reconciler-demo-") as folder:
            yield Path(folder)
    except OSError as error:
        if error.filename is None:
            raise
        raise ConfigurationError(
            code="demo.folder",
            message=f"no temporary folder can be made: {error.strerror}",
            remedy="let $TMPDIR name a folder that you may write",
        ) from error
