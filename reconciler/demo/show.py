"""Raise the curtain: build the sandbox, play the trouble, and keep the world running where somebody wants to look."""

from __future__ import annotations

import errno
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from reconciler.demo.live import Live
from reconciler.demo.play import Play
from reconciler.demo.stage import NAMESPACE, REPOSITORY, Stage
from reconciler.errors import ConfigurationError
from reconciler.report.blocks import Section, Styled
from reconciler.report.terminal import show

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from reconciler.demo.troubles import Trouble
    from reconciler.sandbox.sandbox import Sandbox

_LONGER_THAN_ANY = timedelta(hours=6)  # a story's virtual time; a kept world must end in the present
_BRISK: Mapping[str, Mapping[str, Any]] = {  # a person who watches live does not wait for minutes
    "delivery": {"nudge_interval": "2s"},
    "guards": {"cooldown": "5s"},
    "verify": {"stabilization_period": "5s", "settle_limit": "1m"},
}


def show_trouble(
    trouble: Trouble, folder: Path, *, interactive: bool, keep: bool, ports: Mapping[str, int], seed: int
) -> None:
    """Play a trouble in a folder of its own.

    Raises ConfigurationError where a port is taken or a library is missing, NotAsTold when the end is another one.
    """
    with _sandbox(folder / "world", live=interactive, keep=keep, ports=ports, seed=seed) as sandbox:
        overrides = {name: dict(values) for name, values in _BRISK.items()} if interactive else {}
        stage = Stage(sandbox, folder, trouble, **overrides)
        stage.set_up()
        try:
            if interactive:
                Live(stage, show).perform()
            else:
                Play(stage, show).perform()
            if keep or interactive:  # the page of a live one stays, too
                _keep(stage, live=interactive)
        finally:
            stage.close_up()


@contextmanager
def _sandbox(folder: Path, *, live: bool, keep: bool, ports: Mapping[str, int], seed: int) -> Iterator[Sandbox]:
    try:
        from reconciler.sandbox.sandbox import Sandbox
        from reconciler.sandbox.timing import Timing
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            code="demo.library_missing",
            message=f"the demonstration needs the library {error.name}",
            remedy="pip install 'reconciler[demo]', or in a clone: make install",
        ) from error
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


def _keep(stage: Stage, *, live: bool) -> None:
    """Let the world go on in the present, tell how to look at it, and wait for Ctrl-C."""
    sandbox = stage.sandbox
    if not live:
        sandbox.clock.advance_to(datetime.now(UTC))
        sandbox.clock.follow()
    kubeconfig = sandbox.kubeconfigs["admin"]
    show(
        [
            Section(
                "The world goes on until Ctrl-C; look around from another terminal:",
                (
                    f"export KUBECONFIG={kubeconfig}; kubectl get pods -n {NAMESPACE}",
                    f"git clone {sandbox.github.url}/{REPOSITORY}.git",
                    f"curl {sandbox.github.url}/repos/{REPOSITORY}/pulls?state=all",
                    f"curl {sandbox.prometheus.url}/api/v1/query?query=kube_pod_container_status_restarts_total",
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
