"""Ready-made values for tests of the pure core, named in words. Everything is real model; nothing is a stand-in."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from reconciler.advance import fold
from reconciler.decide.memory import raise_memory
from reconciler.model.action import Remedy
from reconciler.model.cluster import Container, ContainerKey, ContainerStatus, Namespace, Pod, Termination, Workload
from reconciler.model.codec import encode
from reconciler.model.delivery import Application, Source
from reconciler.model.finding import Evidence, Finding, FindingKind, Severity
from reconciler.model.objects import CommitId, FieldPath, Item, ObjectRef
from reconciler.model.operation import Event, EventKind, Operation, TrackedPullRequest
from reconciler.model.proposal import Located, Site
from reconciler.model.snapshot import Snapshot
from reconciler.settings import MemorySettings, Settings

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MERGE = CommitId("a" * 40)
LATER = CommitId("b" * 40)
WEBAPP = ObjectRef(cluster="default", group="apps", kind="Deployment", namespace="production", name="webapp")
APPLICATION = ObjectRef(cluster="default", group="argoproj.io", kind="Application", namespace="argocd", name="webapp")
LIMIT: FieldPath = (
    "spec",
    "template",
    "spec",
    "containers",
    Item("name", "web"),
    "resources",
    "limits",
    "memory",
)


def settings(**sections: dict[str, Any]) -> Settings:
    """Return settings that point nowhere, with some sections overridden."""
    base: dict[str, Any] = {
        "metrics": {"url": "http://localhost:1"},
        "alerts": {"url": "http://localhost:2"},
        "repository": {"url": "http://localhost:3/platform/manifests.git"},
        "forge": {"repository": "platform/manifests"},
    }
    for name, values in sections.items():
        base[name] = {**base.get(name, {}), **values}
    return Settings.model_validate(base)


def workload(**changes: Any) -> Workload:  # noqa: ANN401 - any field of a workload
    """Return the Deployment webapp with three ready pods, one container `web` limited to 512Mi."""
    made = Workload(
        ref=WEBAPP,
        uid="uid-webapp",
        generation=1,
        observed_generation=1,
        desired=3,
        updated=3,
        ready=3,
        available=3,
        replicas=3,
        containers=(Container(name="web", image="web:1", memory_request="256Mi", memory_limit="512Mi"),),
        tracking_id="webapp:apps/Deployment:production/webapp",
    )
    return replace(made, **changes)


def pod(number: int = 0, **changes: Any) -> Pod:  # noqa: ANN401 - any field of a pod
    """Return a healthy pod of webapp."""
    made = Pod(
        ref=ObjectRef(cluster="default", group="", kind="Pod", namespace="production", name=f"webapp-{number}"),
        uid=f"uid-{number}",
        owner=WEBAPP,
        phase="Running",
        node="node-1",
        created_at=NOW - timedelta(hours=2),
        deleting=False,
        containers=(ContainerStatus(name="web", ready=True, restarts=0, memory_limit="512Mi"),),
    )
    return replace(made, **changes)


def killed(
    number: int = 0, *, container: str = "web", limit: str = "512Mi", at: datetime = NOW - timedelta(minutes=1)
) -> Pod:
    """Return a pod one container of which was OOMKilled at its limit."""
    status = ContainerStatus(
        name=container,
        ready=False,
        restarts=4,
        terminated=Termination(reason="OOMKilled", exit_code=137, finished_at=at),
        memory_limit=limit,
    )
    return pod(number, containers=(status,))


def application(**changes: Any) -> Application:  # noqa: ANN401 - any field of an Application
    """Return the Application webapp, Synced at the merge commit."""
    made = Application(
        ref=APPLICATION,
        sources=(Source(repository="http://localhost:3/platform/manifests.git", path="apps", target_revision="main"),),
        sources_current=True,
        destination_namespace="production",
        destination_server="https://kubernetes.default.svc",
        sync_status="Synced",
        revisions=(MERGE,),
        health="Healthy",
        automated=True,
        operation_phase="Succeeded",
        operation_message="",
        operation_finished_at=NOW - timedelta(minutes=2),
        operation_revisions=(MERGE,),
        reconciled_at=NOW - timedelta(minutes=1),
        conditions=(),
        objects=frozenset({("apps", "Deployment", "production", "webapp")}),
    )
    return replace(made, **changes)


def snapshot(**changes: Any) -> Snapshot:  # noqa: ANN401 - any field of a snapshot
    """Return a quiet cluster with webapp in it, everything answered."""
    made = Snapshot(
        taken_at=NOW,
        cluster="default",
        namespaces={"production": Namespace(name="production", environment="production")},
        workloads={WEBAPP: workload()},
        pods=tuple(pod(n) for n in range(3)),
        autoscaled=frozenset(),
        fields={(WEBAPP, LIMIT): "512Mi"},
        memory_peaks={ContainerKey("production", "webapp-0", "web"): 512.0 * 2**20},
        alerts=(),
        applications=(application(),),
        base=MERGE,
        pull_requests=(),
    )
    return replace(made, **changes)


def oom_finding() -> Finding:
    """Return the finding that webapp's container `web` is OOMKilled."""
    proof = Evidence(source="kubernetes", at=NOW - timedelta(minutes=1), text="OOMKilled at 512Mi, exit code 137")
    return Finding(
        kind=FindingKind.OOM_KILLED,
        target=WEBAPP,
        container="web",
        severity=Severity.HIGH,
        summary="webapp: container web is OOMKilled at its memory limit 512Mi",
        evidence=(proof,),
    )


def oom_remedy() -> Remedy:
    """Return the hybrid remedy: restart now, 512Mi → 1Gi through Git."""
    remedy = raise_memory(oom_finding(), workload(), MemorySettings())
    assert isinstance(remedy, Remedy)
    return remedy


def located_at(path: str, *, blob: str = "0" * 40) -> Located:
    """Return where webapp's memory limit stands: one site in a plain manifest."""
    site = Site(path=path, blob=blob, document=0, field=LIMIT, before="512Mi", after="1Gi")
    return Located(application=APPLICATION, source_index=0, sites=(site,))


def tracked() -> TrackedPullRequest:
    """Return pull request 41 of webapp."""
    located = located_at("apps/webapp.yaml", blob="c" * 40)
    return TrackedPullRequest(
        number=41,
        url="http://localhost:3/platform/manifests/pulls/41",
        branch="reconciler/production-webapp-12345678",
        head=CommitId("d" * 40),
        digest="e" * 32,
        located=located,
        opened_at=NOW,
    )


class Story:
    """An operation built event by event, the way the ledger would have recorded it."""

    def __init__(self, remedy: Remedy | None = None, *, at: datetime = NOW - timedelta(minutes=10)) -> None:
        self.at = at
        self.events: list[Event] = []
        self.add(EventKind.OPERATION_OPENED, remedy=encode(remedy or oom_remedy()))

    def add(self, kind: EventKind, *, after: timedelta = timedelta(seconds=1), **data: Any) -> Story:  # noqa: ANN401
        """Record one more event, a little later."""
        self.at += after
        self.events.append(
            Event(
                sequence=len(self.events) + 1,
                at=self.at,
                operation="op-1",
                kind=kind,
                data=data,
                previous="",
                hash="",
            )
        )
        return self

    def pull_request_opened(self) -> Story:
        """Restart done, pull request 41 open."""
        self.add(EventKind.EFFECT_INTENDED, key="op-1:0:run", verb="run")
        self.add(EventKind.EFFECT_COMPLETED, key="op-1:0:run", verb="run")
        self.add(EventKind.EFFECT_INTENDED, key="op-1:1:propose", verb="propose")
        self.add(EventKind.EFFECT_COMPLETED, key="op-1:1:propose", verb="propose")
        return self.add(EventKind.PULL_REQUEST_OPENED, pull_request=encode(tracked()))

    def merged(self, *, expected: str = "1Gi") -> Story:
        """The pull request was merged."""
        self.pull_request_opened()
        return self.add(EventKind.PULL_REQUEST_MERGED, merge_commit=MERGE, by="ana", expected=[expected])

    def live(self) -> Story:
        """The change is live."""
        self.merged()
        return self.add(EventKind.CHANGE_LIVE, revision=MERGE, values=["1Gi"])

    @property
    def operation(self) -> Operation:
        """Fold what was recorded."""
        return fold(self.events)["op-1"]
