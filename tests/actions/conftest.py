"""A repository with trouble in its cluster, in a sandbox whose time is ours, and runners for it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from reconciler.sandbox.sandbox import Sandbox
from tests.actions.runner import Ran, Runner
from tests.beds import place as places
from tests.beds.on_sandbox import SandboxBed
from tests.beds.place import Place
from tests.beds.users import BOT
from tests.scenarios.world import hungry

if TYPE_CHECKING:
    from collections.abc import Iterator

_SETTLED = timedelta(seconds=6)  # more than the times of a forge are trusted for
_BEFORE = timedelta(minutes=3)  # the story begins then, so that it does not run ahead of the processes that we start


@dataclass
class Project:
    """A repository on the forge, its cluster, and the workflows that run for it."""

    place: Place
    bed: SandboxBed
    folder: Path
    sections: dict[str, dict[str, Any]] = field(default_factory=dict)
    runners: int = 0

    @property
    def token(self) -> str:
        """The token that the workflow gets."""
        return self.bed.tokens[BOT]

    @property
    def kubeconfig(self) -> str:
        """The secret."""
        return self.bed.kubeconfigs["reconciler"].read_text()

    def runner(self) -> Runner:
        """Return a new machine with the repository checked out."""
        self.runners += 1
        machine = Runner(
            self.folder / f"runner-{self.runners}",
            {
                "GITHUB_REPOSITORY": self.place.repository,
                "GITHUB_API_URL": self.bed.forge_url,
                "GITHUB_SERVER_URL": self.bed.forge_url,
            },
        )
        machine.write("reconciler.yaml", yaml.safe_dump(self._configuration()))
        return machine

    def run(self, event: str = "schedule", payload: object = None, **inputs: str) -> Ran:
        """Run the action on a new machine, at this very moment."""
        self.catch_up()
        given = {"token": self.token, "kubeconfig": self.kubeconfig, **inputs}
        return self.runner().run(event, payload or {"schedule": "*/5 * * * *"}, **given)

    def catch_up(self) -> None:
        """Let the sandbox's time come up to ours, which the processes live in."""
        behind = datetime.now(UTC) - self.bed.clock.now()
        if behind > timedelta(0):
            self.bed.clock.advance(behind)

    def settle(self, number: int) -> None:
        """Wait until the second of its last change is well over; the processes live in real time."""
        changed = datetime.fromisoformat(self.place.pull_request(number)["updated_at"])
        left = changed + _SETTLED - datetime.now(UTC)
        time.sleep(max(0.0, left.total_seconds()))

    def ledger(self) -> str | None:
        """Return the commit that the ledger's reference names."""
        refs = self.bed.sandbox.forge.repository_path(self.place.repository)
        assert refs is not None
        file = refs / "refs/reconciler/ledger"
        return file.read_text().strip() if file.exists() else None

    def closed(self, number: int, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - parts of an event
        """Return the event that a pull request was closed, as GitHub tells it."""
        pull = self.place.pull_request(number)
        return {"action": "closed", "number": number, "pull_request": {**pull, **changes}}

    def restarts(self) -> set[str]:
        """Return the distinct times at which the workload was restarted."""
        key = "kubectl.kubernetes.io/restartedAt"
        sets = self.place.kube.objects("ReplicaSet", self.place.namespace)
        found = [(each["spec"]["template"]["metadata"].get("annotations") or {}).get(key) for each in sets]
        return {time for time in found if time}

    def _configuration(self) -> dict[str, dict[str, Any]]:
        sections: dict[str, dict[str, Any]] = {
            "cluster": {"namespaces": [self.place.namespace], "timeout": "5s"},
            "metrics": {"url": self.bed.prometheus, "timeout": "5s"},
            "alerts": {"url": self.bed.alertmanager, "timeout": "5s"},
            "repository": {"url": self.place.repository_url},
            "forge": {"repository": self.place.repository, "timeout": "5s"},
            "guards": {"cooldown": "0s"},
        }
        return {name: {**values, **self.sections.get(name, {})} for name, values in sections.items()} | {
            name: values for name, values in self.sections.items() if name not in sections
        }


@pytest.fixture
def files() -> dict[str, str]:
    """What the repository holds; a test may have other files."""
    return hungry()


@pytest.fixture
def project(tmp_path: Path, files: dict[str, str]) -> Iterator[Project]:
    """A Deployment that is being OOMKilled, and nobody who did anything about it yet."""
    with Sandbox(tmp_path / "sandbox", start=datetime.now(UTC) - _BEFORE) as sandbox:
        bed = SandboxBed(sandbox)
        kube = bed.kube()
        made = places.make(bed, kube, files)
        made.wait_for_sync(health=None)
        made.wait_until_waiting("CrashLoopBackOff", restarts=1)
        yield Project(made, bed, tmp_path)
        kube.close()
