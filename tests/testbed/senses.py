"""What a kubelet would learn from beyond the pod, written onto the pod for kwok's stages to see.

A kwok stage sees one object only. Whether the ConfigMap that a pod reads holds a good value, and whether the pod's
node works, is therefore judged here from the live objects, and noted as annotations `sees-config` and `sees-node`.
Nothing is remembered: the same objects always give the same notes. What makes a value good and a node failing is the
sandbox's definition, so that a fault means the same in both worlds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.sandbox.controllers import faults
from reconciler.sandbox.controllers.objects import annotations_of
from tests.testbed.kube import Json, prefixed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

NEEDS_CONFIG = faults.NEEDS_CONFIG
SEES_CONFIG = prefixed("sees-config")
SEES_NODE = prefixed("sees-node")


@dataclass(frozen=True, slots=True)
class Note:
    """Annotations that a pod should have and has not; None where one should go."""

    namespace: str
    pod: str
    annotations: dict[str, str | None]


def notes(pods: Iterable[Json], config_maps: Iterable[Json], nodes: Iterable[Json]) -> Iterator[Note]:
    """Yield what has to be written so that every pod bears what its kubelet would know."""
    data = {(m["metadata"]["namespace"], m["metadata"]["name"]): m.get("data") or {} for m in config_maps}
    failing = {node["metadata"]["name"] for node in nodes if faults.node_fails(node)}
    for pod in pods:
        has = annotations_of(pod)
        namespace = pod["metadata"]["namespace"]
        wanted: dict[str, str | None] = {
            SEES_NODE: "failing" if pod["spec"].get("nodeName") in failing else None,
            SEES_CONFIG: judge(has[NEEDS_CONFIG], namespace, data) if NEEDS_CONFIG in has else None,
        }
        differing = {key: value for key, value in wanted.items() if has.get(key) != value}
        if differing and not pod["metadata"].get("deletionTimestamp"):
            yield Note(namespace, pod["metadata"]["name"], differing)


def judge(need: str, namespace: str, data: dict[tuple[str, str], dict[str, str]]) -> str:
    """Judge a need like `settings/LOG_LEVEL=debug|info`: good, bad, or missing when there is no such ConfigMap."""
    return faults.judge(need, data.get((namespace, need.partition("/")[0])))
