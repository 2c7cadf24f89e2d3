"""The sandbox as a test's world: its time is virtual, so waiting takes none of ours."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from reconciler.sandbox.people import Person
from tests.beds.users import ADMIN, ORGANISATION
from tests.testbed.kube import Kube
from tests.testbed.processes import NotReady

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from reconciler.sandbox.clock import SandboxClock
    from reconciler.sandbox.sandbox import Sandbox

T = TypeVar("T")

STEP = timedelta(seconds=1)  # between two looks at a condition


class SandboxBed:
    """A running sandbox, in the words of a bed."""

    forge_kind = "github"

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.authority = sandbox.authority
        sandbox.forge.add_organization(ORGANISATION, {ADMIN: True})

    @property
    def server(self) -> str:
        """The API server's address."""
        return self.sandbox.kubernetes.url

    @property
    def kubeconfigs(self) -> Mapping[str, Path]:
        """A kubeconfig for each user."""
        return self.sandbox.kubeconfigs

    @property
    def prometheus(self) -> str:
        """Prometheus' address."""
        return self.sandbox.prometheus.url

    @property
    def alertmanager(self) -> str:
        """Alertmanager's address."""
        return self.sandbox.alertmanager.url

    @property
    def forge_url(self) -> str:
        """The forge's address."""
        return self.sandbox.github.url

    @property
    def tokens(self) -> Mapping[str, str]:
        """A token of the forge for each user."""
        return self.sandbox.forge.tokens

    @property
    def clock(self) -> SandboxClock:
        """Virtual time."""
        return self.sandbox.clock

    def repository_url(self, repository: str) -> str:
        """Return the URL that Argo CD and Git clients clone from."""
        return f"{self.forge_url}/{repository}.git"

    def kube(self, user: str = "admin") -> Kube:
        """Return a connection to the cluster as one of its users."""
        return Kube(self.server, self.sandbox.cluster.tokens[user], self.authority)

    def forge(self, user: str = ADMIN) -> Person:
        """Return a connection to the forge as one of its users."""
        return Person(self.forge_url, self.tokens[user])

    def until(self, condition: Callable[[], T | None], deadline: float, what: str) -> T:
        """Let virtual time pass until a condition gives something other than None or False."""
        end = self.clock.now() + timedelta(seconds=deadline)
        while True:
            found = condition()
            if found is not None and found is not False:
                return found
            if self.clock.now() >= end:
                raise NotReady(f"{what}: not within {deadline:g} s of the sandbox's time")
            self.clock.advance(STEP)
