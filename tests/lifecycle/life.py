"""One pull request and its life: forge and Git are real, the cluster around them says what the test lets it say."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.adapters.git_bare import git_bare
from reconciler.adapters.gitea import gitea
from reconciler.adapters.gitea_talk import gitea_talk
from reconciler.adapters.github import github
from reconciler.adapters.github_talk import github_talk
from reconciler.adapters.rego_embedded import EmbeddedRego
from reconciler.adapters.rendering import Renderers
from reconciler.advance import fold
from reconciler.ledger.sqlite import SqliteLedger
from reconciler.model.cluster import Container, ContainerKey, Namespace
from reconciler.model.delivery import Source
from reconciler.model.operation import Draft, EventKind
from reconciler.model.snapshot import ClusterView
from reconciler.ports import Ports
from reconciler.reconcile import reconcile
from reconciler.resources import shipped
from reconciler.settings import Settings
from tests.beds.users import BOT, REVIEWER
from tests.groups import KEYS, deployment, pods, ref
from tests.lifecycle.sides import GiteaSide, GitHubSide
from tests.manifests.examples import MANIFEST
from tests.worlds import LIMIT, WEBAPP, application, killed, pod, workload

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.model.cluster import Alert, Workload
    from reconciler.model.delivery import Application
    from reconciler.model.objects import ObjectRef
    from reconciler.model.operation import Operation
    from reconciler.model.report import PassReport
    from reconciler.ports import Diagnosis

FILE = "apps/webapp.yaml"
MIB = 2.0**20
RULES = EmbeddedRego([shipped("policies")])
MAIL = ref("mail")
MAIL_FILE = "apps/mail.yaml"
FILES = {FILE: MANIFEST, "README.md": "manifests\n"}


@dataclass
class Surroundings:
    """Cluster, metrics, alerts and delivery in one: Deployment webapp, killed at 512Mi while the trouble lasts."""

    life: Life
    trouble: bool = True
    proxy: bool = False  # whether its other container is killed at its 64Mi too, in another pod
    neighbour: bool = False  # whether Deployment mail of the same Application is there, and killed at 512Mi too
    peak: float = 512.0
    restarted: list[datetime] = field(default_factory=list)

    def observe(self, _: object) -> ClusterView:
        """Return the cluster as it is."""
        at = self.life.side.now() - timedelta(minutes=1)
        sick = killed(0, at=at) if self.trouble else pod(0)
        limits = Container(name="web", image="web:1", memory_request="256Mi", memory_limit="512Mi")
        beside = Container(name="proxy", image="proxy:1.9", memory_request=None, memory_limit="64Mi")
        other = killed(1, container="proxy", limit="64Mi", at=at) if self.proxy else pod(1)
        return ClusterView(
            namespaces={"production": Namespace(name="production", environment="production")},
            workloads={WEBAPP: workload(containers=(limits, beside)), **self._workloads()},
            pods=(sick, other, pod(2), *(pods(MAIL.name, sick=True, at=at) if self.neighbour else ())),
            autoscaled=frozenset(),
            fields={(WEBAPP, LIMIT): "512Mi", (MAIL, LIMIT): "512Mi"},
        )

    def _workloads(self) -> dict[ObjectRef, Workload]:
        return {MAIL: deployment(MAIL.name)} if self.neighbour else {}

    def restart(self, _: ObjectRef, *, uid: str, at: datetime) -> None:
        """Remember the restart."""
        assert uid
        self.restarted.append(at)

    def memory_peaks(self, *, window: timedelta, at: datetime) -> dict[ContainerKey, float]:
        """Return the peak."""
        assert window < timedelta(days=1)
        assert at <= self.life.side.now()
        return {ContainerKey("production", "webapp-0", "web"): self.peak * MIB}

    def active(self) -> tuple[Alert, ...]:
        """Return no alert."""
        return ()

    def applications(self) -> tuple[Application, ...]:
        """Return the Application, which has not compared anything new."""
        source = Source(repository=self.life.repository_url, path="apps", target_revision="main")
        objects = KEYS if self.neighbour else application().objects
        return (application(sources=(source,), revisions=(self.life.first,), objects=objects),)

    def refresh(self, _: ObjectRef) -> None:
        """Do nothing: delivery is another story."""

    def examine(self) -> Sequence[Diagnosis]:
        """Say nothing."""
        return ()


@dataclass
class Life:
    """A reconciler for one repository, built anew for each pass."""

    side: GitHubSide | GiteaSide
    folder: Path
    overrides: dict[str, dict[str, Any]] = field(default_factory=dict)
    ledger_name: str = "ledger.db"

    def __post_init__(self) -> None:
        self.around = Surroundings(self)
        self.repository_url = self.side.repository_url
        self.name = self.side.repository
        head = self.side.person(REVIEWER).call("GET", f"/repos/{self.side.repository}/branches/main")["commit"]
        self.first: str = head.get("sha") or head["id"]

    @property
    def settings(self) -> Settings:
        """The configuration: nothing rests, a quiet time is two minutes long."""
        sections: dict[str, dict[str, Any]] = {
            "metrics": {"url": "http://localhost:1"},
            "alerts": {"url": "http://localhost:2"},
            "repository": {"url": self.repository_url, "mirror": str(self.folder / "mirror.git"), "username": BOT},
            "forge": {"kind": self.side.kind, "url": self.side.url, "repository": self.name, "labels": ()},
            "guards": {
                "cooldown": "0s",
                "update_interval": "0s",
                "quiet_passes": 2,
                "quiet_period": "2m",
                "effect_backoff": "1s",
            },
            "verify": {"stabilization_period": "1s", "settle_limit": "1s"},
            "delivery": {"nudge_interval": "1h"},
        }
        for name, values in self.overrides.items():
            sections[name] = {**sections.get(name, {}), **values}
        return Settings.model_validate(sections)

    @property
    def _ledger(self) -> SqliteLedger:
        return SqliteLedger(self.folder / self.ledger_name)

    def run(self, passes: int = 1, *, later: timedelta | None = None) -> PassReport:
        """Make passes, time going by before each (as much as the forge's own time can); return the last report."""
        for _ in range(passes):
            self.side.pass_time(self.side.step if later is None else later)
            report = self._pass()
        return report

    def _pass(self) -> PassReport:
        settings, token = self.settings, self.side.tokens[BOT]
        made = gitea(settings.forge, token) if self.side.kind == "gitea" else github(settings.forge, token)
        ledger: Any = self._ledger
        around: Any = self.around
        clock: Any = self.side
        ports = Ports(
            clock=clock,
            cluster=around,
            metrics=around,
            alerts=around,
            repository=git_bare(settings.repository, settings.forge.branch_prefix, token),
            renderer=Renderers(settings.rendering),
            forge=made,
            delivery=around,
            policy=RULES,
            ledger=ledger,
            talk=(gitea_talk if self.side.kind == "gitea" else github_talk)(settings.forge, token),
        )
        try:
            return reconcile(ports, settings)
        finally:
            ledger.close()

    def say(self, kind: EventKind, **data: Any) -> None:  # noqa: ANN401 - an event's data
        """Append a person's word to the newest operation."""
        ledger = self._ledger
        draft = Draft(operation=self.operation.id, kind=kind, data=data)
        ledger.append([draft], at=self.side.now(), expected=len(ledger.events()))
        ledger.close()

    @property
    def operations(self) -> tuple[Operation, ...]:
        """Every operation in the ledger."""
        ledger = self._ledger
        try:
            return tuple(fold(ledger.events()).values())
        finally:
            ledger.close()

    @property
    def operation(self) -> Operation:
        """The newest operation."""
        return self.operations[-1]

    def kinds(self) -> list[EventKind]:
        """Return the kinds of all events."""
        ledger = self._ledger
        try:
            return [event.kind for event in ledger.events()]
        finally:
            ledger.close()

    # What people do

    @property
    def pull(self) -> dict[str, Any]:
        """The newest pull request."""
        return self.side.pulls()[0]

    @property
    def number(self) -> int:
        """Its number."""
        return int(self.pull["number"])

    @property
    def branch(self) -> str:
        """Its branch."""
        tracked = self.operations[0].pull_request
        assert tracked is not None
        return tracked.branch

    @property
    def head(self) -> str:
        """Its head."""
        return str(self.pull["head"]["sha"])

    def edit(self, old: str, new: str, *, branch: str = "main", path: str = FILE, by: str = REVIEWER) -> None:
        """Replace a text in a file of a branch."""
        text = self.side.text(path, branch)
        assert old in text
        self.side.commit({path: text.replace(old, new)}, branch=branch, by=by)

    def limit(self, ref: str = "main") -> str:
        """Return the memory limit of container web as a branch has it."""
        line = next(line for line in self.side.text(FILE, ref).splitlines() if "cpu: 1, memory:" in line)
        return line.partition("memory: ")[2].partition("}")[0]

    def override(self, section: str, **values: Any) -> None:  # noqa: ANN401 - any setting
        """Change the configuration."""
        self.overrides = {**self.overrides, section: {**self.overrides.get(section, {}), **values}}


def moved(life: Life, **changes: Any) -> Life:  # noqa: ANN401 - any field
    """Return the same place as another machine sees it."""
    return replace(life, **changes)
