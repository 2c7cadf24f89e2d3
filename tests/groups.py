"""Three Deployments of one Application in trouble at once: webapp, mail and shop, each with one container `web`."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from reconciler.decide.memory import raise_memory
from reconciler.decide.together import together
from reconciler.model.action import Remedy
from reconciler.model.cluster import ContainerKey, Pod, Workload
from reconciler.settings import MemorySettings
from tests.worlds import LIMIT, NOW, WEBAPP, application, killed, oom_finding, pod, snapshot, workload

if TYPE_CHECKING:
    from reconciler.model.finding import Finding
    from reconciler.model.objects import ObjectRef
    from reconciler.model.snapshot import Snapshot

NAMES = ("webapp", "mail", "shop")
KEYS = frozenset(("apps", "Deployment", "production", name) for name in NAMES)


def ref(name: str) -> ObjectRef:
    """Return a Deployment."""
    return replace(WEBAPP, name=name)


TARGETS = tuple(map(ref, NAMES))
FIELDS = [(target, LIMIT) for target in TARGETS]


def deployment(name: str, **changes: Any) -> Workload:  # noqa: ANN401 - any field of a workload
    """Return a Deployment like webapp."""
    tracking = f"webapp:apps/Deployment:production/{name}"
    return workload(**{"ref": ref(name), "uid": f"uid-{name}", "tracking_id": tracking} | changes)


def finding(name: str) -> Finding:
    """Return the finding that its container is OOMKilled."""
    return replace(oom_finding(), target=ref(name), summary=oom_finding().summary.replace("webapp", name))


def remedy(name: str) -> Remedy:
    """Return what mends one alone."""
    made = raise_memory(finding(name), deployment(name), MemorySettings())
    assert isinstance(made, Remedy)
    return made


def trio() -> Remedy:
    """Return the one remedy for all three."""
    return together([remedy(name) for name in NAMES])


FOUND = {finding(name).fingerprint: finding(name) for name in NAMES}


def pods(name: str, *, sick: bool = False, at: datetime = NOW - timedelta(minutes=1)) -> tuple[Pod, ...]:
    """Return its three pods, the first of them OOMKilled at a time, or not."""
    mine = (killed(0, at=at) if sick else pod(0), pod(1), pod(2))
    return tuple(replace(p, owner=ref(name), ref=replace(p.ref, name=f"{name}-{n}")) for n, p in enumerate(mine))


def world(*sick: str, **changes: Any) -> Snapshot:  # noqa: ANN401 - any field of a snapshot
    """Return a world in which Application webapp delivers all three; some of them are OOMKilled."""
    made: dict[str, Any] = {
        "workloads": {target: deployment(target.name) for target in TARGETS},
        "pods": tuple(p for name in NAMES for p in pods(name, sick=name in sick)),
        "applications": (application(objects=KEYS),),
        "fields": dict.fromkeys(FIELDS, "512Mi"),
        "memory_peaks": {ContainerKey("production", f"{name}-0", "web"): 512.0 * 2**20 for name in NAMES},
    }
    return snapshot(**made | changes)
