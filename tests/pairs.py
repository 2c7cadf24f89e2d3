"""Two containers of webapp in trouble at once: `web` at 512Mi, and its `proxy` at 64Mi."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.decide.together import together
from reconciler.model.cluster import Container
from reconciler.model.finding import Evidence, Finding, Severity
from reconciler.model.objects import Item
from tests.worlds import LIMIT, NOW, oom_finding, oom_remedy, workload

if TYPE_CHECKING:
    from reconciler.model.action import Remedy

PROXY_LIMIT = tuple(Item("name", "proxy") if isinstance(step, Item) else step for step in LIMIT)
PROXY_CONTAINER = Container(name="proxy", image="proxy:1", memory_request=None, memory_limit="64Mi")
WITH_PROXY = workload(containers=(*workload().containers, PROXY_CONTAINER))


def proxy_finding() -> Finding:
    """Return the finding that webapp's container `proxy` is OOMKilled."""
    proof = Evidence(source="kubernetes", at=NOW, text="OOMKilled at 64Mi", values={"pods": 1})
    return replace(
        oom_finding(),
        container="proxy",
        severity=Severity.CRITICAL,
        summary="webapp: container proxy is OOMKilled at its memory limit 64Mi",
        evidence=(proof,),
    )


def proxy_remedy(after: str = "128Mi") -> Remedy:
    """Return what mends the proxy: the same restart, another field."""
    restart, raise_limit = oom_remedy().actions
    (change,) = raise_limit.changes
    summary = f"webapp: memory limit 64Mi → {after}"
    changes = (replace(change, path=PROXY_LIMIT, before="64Mi", after=after),)
    return replace(
        oom_remedy(), finding=proxy_finding(), actions=(restart, replace(raise_limit, changes=changes, summary=summary))
    )


def both() -> Remedy:
    """Return the one remedy for both."""
    return together([oom_remedy(), proxy_remedy()])
