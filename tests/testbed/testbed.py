"""The testbed as a whole: what it offers, how it starts and how it ends.

What depends on nothing starts at once, side by side; the cluster's own parts follow the API server. On two cores the
whole takes some ten seconds.
"""

from __future__ import annotations

import shutil
import tempfile
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from reconciler.adapters.clock import SystemClock
from tests.beds.users import ADMIN
from tests.testbed import argocd, build, control_plane, gitea, kwok, monitoring, opa, packages
from tests.testbed.control_plane import ControlPlane
from tests.testbed.gitea import Gitea
from tests.testbed.monitoring import Monitoring
from tests.testbed.processes import Process, Processes, until

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.testbed.forge import Forge
    from tests.testbed.kube import Kube

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Testbed:
    """Everything a client needs to know of a running testbed."""

    __test__ = False  # pytest: the name begins with Test, but this is none

    folder: Path
    cluster: ControlPlane
    gitea: Gitea
    monitoring: Monitoring
    opa: str
    processes: tuple[Process, ...]

    @property
    def kubeconfigs(self) -> Mapping[str, Path]:
        """A kubeconfig for each user: admin, reconciler, readonly."""
        return self.cluster.kubeconfigs

    @property
    def server(self) -> str:
        """The API server's address."""
        return self.cluster.server

    @property
    def authority(self) -> Path:
        """The certificate of the API server's authority."""
        return self.cluster.authority

    @property
    def prometheus(self) -> str:
        """Prometheus' URL."""
        return self.monitoring.prometheus

    @property
    def alertmanager(self) -> str:
        """Alertmanager's URL."""
        return self.monitoring.alertmanager

    @property
    def forge_kind(self) -> str:
        """What the forge is."""
        return "gitea"

    @property
    def forge_url(self) -> str:
        """The forge's address."""
        return self.gitea.url

    @property
    def tokens(self) -> Mapping[str, str]:
        """A token of the forge for each user."""
        return self.gitea.tokens

    @property
    def clock(self) -> SystemClock:
        """Real time."""
        return SystemClock()

    def repository_url(self, repository: str) -> str:
        """Return the URL that Argo CD and Git clients clone from; anybody may read."""
        return f"{self.gitea.url}/{repository}.git"

    def until(self, condition: Callable[[], T | None], deadline: float, what: str) -> T:
        """Wait until a condition gives something other than None or False, and return that."""
        return until(condition, deadline, what)

    def kube(self, user: str = "admin") -> Kube:
        """Return a connection to the cluster as one of its users (admin, reconciler, readonly)."""
        return self.cluster.kube(user)

    def forge(self, user: str = ADMIN) -> Forge:
        """Return a connection to Gitea as one of its users (forge-admin, reconciler-bot, ana, mallory)."""
        return self.gitea.forge(user)


def prepare() -> build.Binaries:
    """Build and install what is missing; raise `Unavailable` where the testbed cannot be."""
    build.go_version()
    packages.install_missing()
    return build.build_all()


def start(*, outlive: bool, parent: Path | None = None) -> tuple[Testbed, Processes]:
    """Start everything in a new folder, or, when a part does not start, end what was started and say why."""
    binaries = prepare()
    if parent:
        parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="testbed-", dir=parent))
    processes = Processes(folder / "logs", outlive=outlive)
    try:
        return _start(processes, binaries, folder), processes
    except BaseException:
        processes.stop()
        raise  # the folder stays, for its logs


def _start(processes: Processes, binaries: build.Binaries, folder: Path) -> Testbed:
    with ThreadPoolExecutor(thread_name_prefix="start") as pool:
        forge = pool.submit(gitea.start, processes, binaries, folder / "gitea")
        backend = pool.submit(argocd.start_backend, processes, binaries, folder / "argocd")
        watching = pool.submit(monitoring.start, processes, folder / "monitoring")
        policy = pool.submit(opa.start, processes, binaries)
        cluster = pool.submit(control_plane.start, processes, binaries, folder / "cluster").result()
        rest: list[Future[None]] = [
            pool.submit(kwok.start, processes, binaries, folder / "cluster", cluster),
            pool.submit(argocd.start, processes, binaries, folder / "argocd", cluster, backend.result()),
            pool.submit(monitoring.start_watcher, processes, folder / "monitoring", cluster, watching.result()),
        ]
        for future in rest:
            future.result()
        kube = cluster.kube()
        until(lambda: kwok.are_ready(kube), 60, "the nodes are ready")
        kube.close()
        return Testbed(
            folder=folder,
            cluster=cluster,
            gitea=forge.result(),
            monitoring=watching.result(),
            opa=policy.result(),
            processes=tuple(processes.started),
        )


def discard(folder: Path) -> None:
    """Remove a testbed's folder; what a process still held open goes with its end."""
    with suppress(OSError):
        shutil.rmtree(folder)
