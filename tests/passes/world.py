"""A small world for whole passes: Git is served for real; cluster, metrics, alerts and forge are one scripted wire."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.adapters.alertmanager import alertmanager
from reconciler.adapters.argocd import argocd
from reconciler.adapters.gitea import gitea
from reconciler.adapters.prometheus import prometheus
from reconciler.adapters.rego_embedded import EmbeddedRego
from reconciler.adapters.rendering import Renderers
from reconciler.advance import fold
from reconciler.ledger.sqlite import SqliteLedger
from reconciler.perform import SIDE_BY_SIDE
from reconciler.ports import Ports
from reconciler.reconcile import plan, reconcile
from reconciler.resources import shipped
from reconciler.settings import Settings
from tests.adapters import kubernetes_json as kubernetes
from tests.adapters.forge_answers import TOKEN
from tests.adapters.git_http import git
from tests.adapters.git_shop import Shop
from tests.adapters.wire import Answer, Json, Request
from tests.propose.desk import Pulls

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.model.operation import Draft, Event, EventKind, Operation
    from reconciler.model.report import PassReport, Plan

NOON = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)  # half an hour after the kills of the scripted pods
RULES = EmbeddedRego([shipped("policies")])
NAMESPACE = "shop"


@dataclass
class Clock:
    """A clock that stands still unless told."""

    at: datetime = NOON

    def now(self) -> datetime:
        """Return the time."""
        return self.at


@dataclass
class World:
    """Deployments in namespace shop, each with a file in the repository and two pods, the first of them OOMKilled."""

    shop: Shop
    pulls: Pulls
    names: tuple[str, ...] = ("cart",)
    limits: dict[str, str] = field(default_factory=dict)  # live memory limits, 512Mi where nothing is said
    containers: tuple[str, ...] = ("app",)
    clock: Clock = field(default_factory=Clock)
    guards: dict[str, Any] = field(default_factory=dict)
    merge: str = "never"  # `policy.merge`
    revision: str = ""  # what delivery has synced; empty: base's head

    def __post_init__(self) -> None:
        base = {f"deploy/{name}.yaml": self.manifest(name) for name in self.names}
        self.base = self.shop.ana.commit("trunk", dict(base))
        self.pulls.head_of = self._head
        self.script()

    def _head(self, branch: str) -> str | None:
        return git(self.shop.bare, "for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}") or None

    @property
    def settings(self) -> Settings:
        """The configuration of this world."""
        wire = self.pulls.wire.url
        return Settings.model_validate(
            {
                "cluster": {"name": "test", "kubeconfig": str(self.shop.folder / "kubeconfig")},
                "metrics": {"url": wire},
                "alerts": {"url": wire},
                "repository": {"url": self.shop.url, "base": "trunk"},
                "forge": {"kind": "gitea", "url": wire, "repository": "o/r", "labels": ()},
                "guards": {"cooldown": "0s", **self.guards},
                "policy": {"merge": self.merge},
            }
        )

    @property
    def ledger(self) -> SqliteLedger:
        """The ledger, which need not be there yet."""
        return SqliteLedger(self.shop.folder / "ledger.db")

    def ports(self) -> Ports:
        """Build every adapter anew, as a new process would."""
        settings, wire = self.settings, self.pulls.wire
        cluster = kubernetes.api_on(wire, self.shop.folder)
        return Ports(
            clock=self.clock,
            cluster=cluster,
            metrics=prometheus(settings.metrics),
            alerts=alertmanager(settings.alerts),
            repository=self.shop.repository(base="trunk"),
            renderer=Renderers(settings.rendering),
            forge=gitea(settings.forge, TOKEN),
            delivery=argocd(settings.delivery, cluster, "test"),
            policy=RULES,
            ledger=self.ledger,
        )

    def run(self, *, later: timedelta = timedelta(), effects_at_once: int = SIDE_BY_SIDE) -> PassReport:
        """Make one pass, some time later."""
        self.clock.at += later
        ports = self.ports()
        try:
            return reconcile(ports, self.settings, effects_at_once=effects_at_once)
        finally:
            ports.ledger.close()  # type: ignore[attr-defined] # the port knows no files, the adapter does

    def plan(self) -> Plan:
        """Make a plan."""
        return plan(self.ports(), self.settings)

    def say(self, *drafts: Draft) -> None:
        """Append to the ledger what somebody said or what an earlier pass did."""
        ledger = self.ledger
        for draft in drafts:
            ledger.append([draft], at=self.clock.at, expected=len(ledger.events()) if self._has_ledger() else 0)
        ledger.close()

    def _has_ledger(self) -> bool:
        return Path(self.shop.folder / "ledger.db").exists()

    @property
    def operations(self) -> tuple[Operation, ...]:
        """Every operation in the ledger."""
        ledger = self.ledger
        try:
            return tuple(fold(ledger.events()).values())
        finally:
            ledger.close()

    @property
    def events(self) -> Sequence[Event]:
        """Every event in the ledger."""
        ledger = self.ledger
        try:
            return ledger.events()
        finally:
            ledger.close()

    def kinds(self) -> list[EventKind]:
        """Return the kinds of all events."""
        return [event.kind for event in self.events]

    @property
    def restarts(self) -> list[str]:
        """Return which Deployments were patched, in order."""
        return [
            request.path.rpartition("/")[2] for request in self.pulls.wire.asked("PATCH") if "/apis/" in request.path
        ]

    def manifest(self, name: str, memory: str = "512Mi") -> str:
        """Return a Deployment as its file holds it."""
        lines = [f"      - name: {c}\n        resources: {{limits: {{memory: {memory}}}}}\n" for c in self.containers]
        head = f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec:\n  template:\n    spec:\n"
        return f"{head}      containers:\n{''.join(lines)}"

    def script(self) -> None:
        """Let the cluster answer as it is now."""
        deployments = [self._deployment(name) for name in self.names]
        owner = kubernetes.owned_by
        sets = [
            {"metadata": kubernetes.metadata(f"{n}-7d9", ownerReferences=owner("Deployment", n))} for n in self.names
        ]
        namespace = {"metadata": {"name": NAMESPACE, "labels": {"environment": "production"}}}
        pods = [pod for name in self.names for pod in self._pods(name)]
        self.pulls.wire.script |= {
            "GET /api/v1/namespaces": Answer(kubernetes.listing("Namespace", namespace)),
            "GET /api/v1/pods": Answer(kubernetes.listing("Pod", *pods)),
            "GET /apis/apps/v1/deployments": Answer(kubernetes.listing("Deployment", *deployments)),
            "GET /apis/apps/v1/statefulsets": Answer(kubernetes.listing("StatefulSet")),
            "GET /apis/apps/v1/daemonsets": Answer(kubernetes.listing("DaemonSet")),
            "GET /apis/apps/v1/replicasets": Answer(kubernetes.metadata_listing(*sets)),
            "GET /apis/autoscaling/v2/horizontalpodautoscalers": Answer(kubernetes.listing("HorizontalPodAutoscaler")),
            "GET /apis/argoproj.io/v1alpha1/applications": lambda _: Answer(
                kubernetes.listing("Application", self._application())
            ),
            "GET /api/v1/query": Answer({"status": "success", "data": {"resultType": "vector", "result": [PEAK]}}),
            "GET /api/v2/alerts": Answer([]),
        }
        for name, raw in zip(self.names, deployments, strict=True):
            path = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{name}"
            self.pulls.wire.script |= {f"GET {path}": Answer(raw), f"PATCH {path}": _patched(raw)}

    def _deployment(self, name: str) -> Json:
        raw = kubernetes.deployment(name)
        memory = self.limits.get(name, "512Mi")
        raw["spec"]["template"]["spec"]["containers"] = [
            {"name": c, "image": "cart:1.4", "resources": {"limits": {"memory": memory}}} for c in self.containers
        ]
        return raw

    def _pods(self, name: str) -> list[Json]:
        memory = self.limits.get(name, "512Mi")
        owner = kubernetes.owned_by("ReplicaSet", f"{name}-7d9")
        killed, well = kubernetes.pod(f"{name}-7d9-a", owner), kubernetes.pod(f"{name}-7d9-b", owner)
        for made in (killed, well):
            template = made["status"]["containerStatuses"][0]
            made["spec"]["containers"] = [
                {"name": c, "resources": {"limits": {"memory": memory}}} for c in self.containers
            ]
            made["status"]["containerStatuses"] = [template | {"name": c} for c in self.containers]
        for status in well["status"]["containerStatuses"]:
            status["lastState"] = {}
        return [killed, well]

    def _application(self) -> Json:
        source = {"source": {"repoURL": self.shop.url, "path": "deploy", "targetRevision": "trunk"}}
        destination = {"server": "https://kubernetes.default.svc", "namespace": NAMESPACE}
        at = {"reconciledAt": "2026-03-01T09:29:00Z"}
        resources = [{"group": "apps", "kind": "Deployment", "namespace": NAMESPACE, "name": n} for n in self.names]
        sync = {
            "status": "Synced",
            "revision": self.revision or self.base,
            "comparedTo": {**source, "destination": destination},
        }
        return {
            "metadata": kubernetes.metadata("shop", "argocd"),
            "spec": {**source, "destination": destination, "syncPolicy": {"automated": {}}},
            "status": {"sync": sync, "sourceType": "Directory", "resources": resources, **at},
        }


PEAK = {"metric": {"namespace": "elsewhere", "pod": "x", "container": "y"}, "value": [1772368200.25, "1"]}


def _patched(raw: Json) -> Any:  # noqa: ANN401 - a script
    def answer(request: Request) -> Answer:
        template = request.body["spec"]["template"]["metadata"]["annotations"]
        raw["spec"]["template"]["metadata"]["annotations"] |= template
        return Answer(raw)

    return answer


def elsewhere(world: World, **changes: Any) -> World:  # noqa: ANN401 - any field of a world
    """Return the same place with other Deployments in it."""
    return replace(world, **changes)
