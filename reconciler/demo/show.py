"""Raise the curtain: build the sandbox, play the trouble, and keep the world running where somebody wants to look."""

from __future__ import annotations

import errno
import threading
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Self

from reconciler.demo.live import Live
from reconciler.demo.play import Play
from reconciler.demo.stage import NAMESPACE, REPOSITORY, Stage
from reconciler.errors import ConfigurationError
from reconciler.report.blocks import Section, Styled
from reconciler.report.terminal import show

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from reconciler.demo.troubles import Trouble
    from reconciler.report.blocks import Block
    from reconciler.sandbox.sandbox import Sandbox

_LONGER_THAN_ANY = timedelta(hours=2)  # a story's virtual time; a kept world must end in the present
_LIBRARIES = ("dulwich", "promql_parser")  # what only the sandbox needs, and loads late
_BRISK: Mapping[str, Mapping[str, Any]] = {  # a person who watches live does not wait for minutes
    "delivery": {"nudge_interval": "2s"},
    "guards": {"cooldown": "5s"},
    "verify": {"stabilization_period": "5s", "settle_limit": "1m"},
}


class _Curtain:
    """Down while nothing is shown: `waiting` says so; whatever is shown lifts it for as long as that takes."""

    def __init__(self, waiting: Callable[[], AbstractContextManager[None]]) -> None:
        self._waiting = waiting
        self._down = ExitStack()

    def __enter__(self) -> Self:
        self.fall()
        return self

    def __exit__(self, *_: object) -> None:
        self.lift()

    def fall(self) -> None:
        """Say that something goes on."""
        self._down.enter_context(self._waiting())

    def lift(self) -> None:
        """Leave the terminal to what is shown."""
        self._down.close()

    def show(self, blocks: Iterable[Block]) -> None:
        """Show it, between two waits."""
        told = list(blocks)  # a story is read while the curtain is still down
        self.lift()
        show(told)
        self.fall()


def show_trouble(
    trouble: Trouble,
    folder: Path,
    *,
    waiting: Callable[[], AbstractContextManager[None]],
    interactive: bool,
    keep: bool,
    ports: Mapping[str, int],
    seed: int,
) -> None:
    """Play a trouble in a folder of its own; `waiting` tells who looks that something goes on.

    Raises ConfigurationError where a port is taken or a library is missing, NotAsTold when the end is another one.
    """
    with (
        _Curtain(waiting) as curtain,
        _sandbox(folder / "world", live=interactive, keep=keep, ports=ports, seed=seed) as sandbox,
    ):
        overrides = {name: dict(values) for name, values in _BRISK.items()} if interactive else {}
        stage = Stage(sandbox, folder, trouble, **overrides)
        stage.set_up()
        try:
            if interactive:
                curtain.lift()  # a person's time is no wait of ours
                Live(stage, show).perform()
            else:
                Play(stage, curtain.show).perform()
            if keep or interactive:  # the page of a live one stays, too
                if not interactive:
                    sandbox.clock.advance_to(datetime.now(UTC))
                    sandbox.clock.follow()
                curtain.lift()
                _keep(stage)
        finally:
            stage.close_up()


@contextmanager
def _sandbox(folder: Path, *, live: bool, keep: bool, ports: Mapping[str, int], seed: int) -> Iterator[Sandbox]:
    missing = [name for name in _LIBRARIES if find_spec(name) is None]
    if missing:
        raise ConfigurationError(
            code="demo.library_missing",
            message=f"the demonstration needs the libraries {' and '.join(missing)}",
            remedy="in a clone of reconciler, run `make install`, or `pip install '.[demo]'`",
        )
    from reconciler.sandbox.sandbox import Sandbox
    from reconciler.sandbox.timing import Timing

    timing = Timing.quick() if live else Timing.real()
    beginning = {}
    if live or keep:
        present = datetime.now(UTC).replace(microsecond=0)
        beginning["start"] = present if live else present - _LONGER_THAN_ANY
    try:
        sandbox = Sandbox(folder, seed=seed, timing=timing, ports=ports, **beginning)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise ConfigurationError(
            code="demo.port_taken",
            message=f"one of the ports {', '.join(map(str, ports.values()))} is taken",
            remedy="name another one with --port, or leave it out and take free ones",
        ) from error
    with sandbox:
        if live:
            sandbox.clock.follow()
        yield sandbox


def _keep(stage: Stage) -> None:
    """Tell how to look at the world, which goes on in the present, and wait for Ctrl-C."""
    sandbox = stage.sandbox
    kubeconfig = sandbox.kubeconfigs["admin"]
    show(
        [
            Section(
                "The world goes on until Ctrl-C; look around from another terminal:",
                (
                    f"export KUBECONFIG={kubeconfig}; kubectl get pods -n {NAMESPACE}",
                    "  (kubectl apply wants --validate=false: the sandbox has no OpenAPI description)",
                    f"git clone {sandbox.github.url}/{REPOSITORY}.git",
                    f"curl '{sandbox.github.url}/repos/{REPOSITORY}/pulls?state=all'",
                    f"curl '{sandbox.prometheus.url}/api/v1/query?query=kube_pod_container_status_restarts_total'",
                    f"reconciler --config {stage.configuration} status --all",
                ),
            ),
            Styled("Ctrl-C ends it; nothing is left behind", "faint"),
        ]
    )
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        show(["stopped"])
