"""The reconciler as a test uses it: one configuration for one place in its world, a new process's worth each pass.

Every pass builds its adapters anew and reads the ledger from its file, as a scheduled job would.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from reconciler.advance import fold
from reconciler.composition import Composition
from reconciler.configuration import load
from reconciler.model.operation import Draft, EventKind, Operation, Outcome, Phase
from reconciler.reconcile import plan, reconcile
from tests.beds import manifests
from tests.beds.place import Place
from tests.beds.users import BOT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.model.report import PassReport, Plan
    from reconciler.settings import Settings

DEADLINE = 60.0


@dataclass
class World:
    """A place with its reconciler."""

    place: Place
    folder: Path
    overrides: dict[str, dict[str, Any]] = field(default_factory=dict)
    proxies: dict[str, str] = field(default_factory=dict)  # by source: an address that stands before the real one
    _written: dict[str, dict[str, Any]] = field(default_factory=dict, init=False)  # what the file says

    @property
    def config(self) -> Path:
        """The configuration file, written anew when it is to say something else."""
        bed = self.place.bed
        sections: dict[str, dict[str, Any]] = {
            "cluster": {"kubeconfig": self._kubeconfig(), "namespaces": [self.place.namespace], "timeout": "3s"},
            "metrics": {"url": self.proxies.get("prometheus", bed.prometheus), "timeout": "3s"},
            "alerts": {"url": self.proxies.get("alertmanager", bed.alertmanager), "timeout": "3s"},
            "repository": {"url": self.place.repository_url, "username": BOT},
            "forge": {
                "kind": bed.forge_kind,
                "url": self.proxies.get("forge", bed.forge_url),
                "repository": self.place.repository,
                "timeout": "3s",
            },
            "delivery": {"nudge_interval": "2s"},
            "guards": {"cooldown": "0s", "effect_backoff": "100ms", "actions_per_hour": 1000},
            "verify": {"stabilization_period": "2s", "settle_limit": "30s"},
        }
        for name, values in self.overrides.items():
            sections[name] = {**sections.get(name, {}), **values}
        path = self.folder / "reconciler.yaml"
        if sections != self._written:  # each look at the ledger comes by here; writing YAML is slow
            path.write_text(yaml.safe_dump(sections))
            self._written = deepcopy(sections)
        return path

    def _kubeconfig(self) -> str:
        """Return the real kubeconfig, or one that names the proxy as its server."""
        real = self.place.bed.kubeconfigs["reconciler"]
        if "kubernetes" not in self.proxies:
            return str(real)
        content = yaml.safe_load(real.read_text())
        content["clusters"][0]["cluster"] = {"server": self.proxies["kubernetes"]}
        path = self.folder / "kubeconfig"
        path.write_text(yaml.safe_dump(content))
        return str(path)

    @property
    def environ(self) -> Mapping[str, str]:
        """The environment that holds the bot's token."""
        token = self.place.bed.tokens[BOT]
        return {"RECONCILER_FORGE_TOKEN": token, "RECONCILER_GIT_TOKEN": token}

    @property
    def settings(self) -> Settings:
        """The settings as loaded from the file."""
        return load(self.config, self.environ)

    def made(self) -> Composition:
        """Return the adapters of a new process, in the world's time."""
        return Composition(self.settings, self.environ, clock=self.place.bed.clock)

    def run(self) -> PassReport:
        """Make one pass, as `reconciler run --once` does."""
        made = self.made()
        with made.ledger.exclusive():
            return reconcile(made.ports(), made.settings)

    def plan(self) -> Plan:
        """Make a plan, as `reconciler plan` does."""
        made = self.made()
        return plan(made.ports(), made.settings)

    def run_until(self, condition: Callable[[], bool], what: str) -> PassReport:
        """Make passes until a condition holds; each one must return by itself."""
        reports: list[PassReport] = []

        def met() -> bool:
            reports.append(self.run())
            return condition()

        try:
            self.place.wait_for(met, DEADLINE, what)
        except Exception as error:
            said = "\n".join(report.sentence for report in reports[-6:])
            ends = "\n".join(f"{o.id} {o.phase} {o.outcome} {o.outcome_reason}" for o in self.operations)
            raise AssertionError(f"{what} did not come; the last passes said:\n{said}\n{ends}") from error
        return reports[-1]

    def run_until_phase(self, phase: Phase) -> Operation:
        """Make passes until the newest operation is in a phase."""
        self.run_until(lambda: self.phase is phase, f"phase {phase}")
        return self.operation

    def run_until_outcome(self, outcome: Outcome, *, of: int = -1) -> Operation:
        """Make passes until an operation (the newest, or by position) ended that way."""

        def ended() -> bool:
            operations = self.operations
            return len(operations) > max(of, 0) and operations[of].outcome is outcome

        self.run_until(ended, f"outcome {outcome}")
        return self.operations[of]

    @property
    def operations(self) -> tuple[Operation, ...]:
        """Every operation in the ledger."""
        return tuple(fold(self.made().ledger.events()).values())

    @property
    def operation(self) -> Operation:
        """The newest operation."""
        return self.operations[-1]

    @property
    def phase(self) -> Phase | None:
        """The newest operation's phase."""
        operations = self.operations
        return operations[-1].phase if operations else None

    def kinds(self) -> list[EventKind]:
        """Return the kinds of all recorded events, in order."""
        return [event.kind for event in self.made().ledger.events()]

    def say(self, kind: EventKind, **data: Any) -> None:  # noqa: ANN401 - an event's data
        """Append a person's word to the newest operation."""
        made = self.made()
        draft = Draft(operation=self.operation.id, kind=kind, data=data)
        made.ledger.append([draft], at=made.clock.now(), expected=len(made.ledger.events()))

    def assert_whole(self) -> None:
        """The chain verifies, and the events follow the table."""
        ledger = self.made().ledger
        assert ledger.verify() == ()
        assert fold(ledger.events())

    def restarts(self) -> list[str]:
        """Return the distinct restart times that the workload's template has had, from its ReplicaSets."""
        times = set()
        for replica_set in self.place.kube.objects("ReplicaSet", self.place.namespace):
            annotations = replica_set["spec"]["template"]["metadata"].get("annotations") or {}
            if "kubectl.kubernetes.io/restartedAt" in annotations:
                times.add(annotations["kubectl.kubernetes.io/restartedAt"])
        return sorted(times)

    def limit(self) -> str:
        """Return the live memory limit of the container `web`."""
        live = self.place.live("Deployment", "web")
        assert live is not None
        found: str = live["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"]
        return found


def hungry(needs: str = "1Gi", memory: str = "512Mi", **more: Any) -> dict[str, str]:  # noqa: ANN401
    """Return a repository whose Deployment `web` needs more memory than its limit."""
    return {"deploy/web.yaml": manifests.deployment("web", memory=memory, faults={"needs-memory": needs}, **more)}
