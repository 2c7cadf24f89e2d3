"""Faults and loads, as annotations on pods and nodes: what they mean, and nothing else. Pure.

A fault is a cause, never a script: whatever it does ends when the cause is gone, and not before. The prefix is
`testbed.reconciler.dev/`; the same annotations mean the same in the testbed.

| annotation | on | what happens | what ends it |
|---|---|---|---|
| `needs-memory[.NAME]: 1Gi` | pod | while the limit is lower: some life, `OOMKilled`, back-off | a sufficient limit |
| `missing-images: "a:9, b:8"` | pod | a container with one: `ErrImagePull`, `ImagePullBackOff` | another image |
| `needs-config: settings/LEVEL=debug|info` | pod | the first container ends with 1, see below | a good value |
| `failing-readiness: "true"` | pod, node | containers run, the pod (each of the node) is not ready | its absence |
| `not-ready: "true"` | node | `Ready=False`, tainted, its pods not ready | its absence |
| `stuck-termination: "true"` | pod | a deleted pod stays `Terminating` | its absence, or deletion without grace |
| `cpu-load: 1700m` | pod, workload | a load, no fault: CPU that all pods of the workload need together | its absence |

`needs-config` names a ConfigMap, one of its keys, and a pattern that the whole value must match. Where it does not, the
container ends; where there is no such ConfigMap, it waits with `CreateContainerConfigError`. It looks anew at each try.

`.NAME` speaks of the container NAME; without a name, of the first container.

`cpu-load` stands in the template of a workload, so that every pod says the same, or on the workload itself, where a
change replaces no pods. It is what the workload as a whole has to do: its ready pods share it evenly, each in its
first container, and none uses more than its CPU limit. All other containers idle at 10m. So a pod's use falls when the
workload grows, which is what an autoscaler counts on.

Memory in use is what a container needs, else what it requests, else 64 MiB, and never more than its limit.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reconciler.model.quantity import parse_quantity
from reconciler.sandbox.controllers.objects import annotations_of, condition_of, is_ready, milli, whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.sandbox.controllers.objects import Json, Key

PREFIX = "testbed.reconciler.dev/"
NEEDS_MEMORY = f"{PREFIX}needs-memory"
MISSING_IMAGES = f"{PREFIX}missing-images"
NEEDS_CONFIG = f"{PREFIX}needs-config"
FAILING_READINESS = f"{PREFIX}failing-readiness"
NOT_READY = f"{PREFIX}not-ready"
STUCK_TERMINATION = f"{PREFIX}stuck-termination"
CPU_LOAD = f"{PREFIX}cpu-load"

GOOD, BAD, MISSING = "good", "bad", "missing"  # what a pod finds when it reads its configuration
UNASKED_MEMORY = 64 * 1024**2  # in use by a container that asks for nothing
IDLE = 10  # milli-CPU of a container without load


def named(pod: Json, key: str, index: int) -> str | None:
    """Return an annotation about one container: by its name, or without a name about the first."""
    notes = annotations_of(pod)
    name = pod["spec"]["containers"][index]["name"]
    found = notes.get(f"{key}.{name}")
    return notes.get(key) if found is None and index == 0 else found


def limit_of(container: Json, resource: str) -> str | None:
    """Return a container's limit, or None."""
    found: str | None = ((container.get("resources") or {}).get("limits") or {}).get(resource)
    return found


def request_of(container: Json, resource: str) -> str | None:
    """Return what a container requests: as the API server fills it in, its limit where it says nothing else."""
    found: str | None = ((container.get("resources") or {}).get("requests") or {}).get(resource)
    return limit_of(container, resource) if found is None else found


def is_starved(pod: Json, index: int) -> bool:
    """Whether a container needs more memory than it may have; an unreadable need is none."""
    need = named(pod, NEEDS_MEMORY, index)
    limit = limit_of(pod["spec"]["containers"][index], "memory")
    if need is None or limit is None:
        return False
    try:
        return parse_quantity(limit) < parse_quantity(need)
    except ValueError:
        return False


def is_missing(pod: Json, image: str) -> bool:
    """Whether the registry does not have an image."""
    listed = annotations_of(pod).get(MISSING_IMAGES, "")
    return image in re.split(r"[,\s]+", listed)


def config_needed(pod: Json) -> Key | None:
    """Return which ConfigMap a pod reads, or None."""
    need = annotations_of(pod).get(NEEDS_CONFIG)
    return None if need is None else (pod["metadata"]["namespace"], need.partition("/")[0])


def judge(need: str, data: Mapping[str, str] | None) -> str:
    """Judge a need like `settings/LEVEL=debug|info`: good, bad, or missing when there is no such ConfigMap."""
    key, _, pattern = need.partition("/")[2].partition("=")
    if data is None:
        return MISSING
    return GOOD if key in data and re.fullmatch(pattern, data[key]) else BAD


def node_fails(node: Json | None) -> bool:
    """Whether pods on a node fail their probes: an annotation says so, the node is not ready, or it is gone."""
    if node is None:
        return True
    ready = condition_of(node, "Ready")
    not_ready = ready is not None and ready["status"] != "True"
    return not_ready or annotations_of(node).get(FAILING_READINESS) == "true"


def is_failing(pod: Json, node: Json | None) -> bool:
    """Whether a pod's readiness probe fails, by its own fault or its node's."""
    return annotations_of(pod).get(FAILING_READINESS) == "true" or node_fails(node)


def is_stuck(pod: Json) -> bool:
    """Whether a deleted pod does not go."""
    return annotations_of(pod).get(STUCK_TERMINATION) == "true"


def is_node_down(node: Json) -> bool:
    """Whether a node's container runtime is down."""
    return annotations_of(node).get(NOT_READY) == "true"


def memory_use(pod: Json, index: int) -> int:
    """Return the bytes that a running container uses: what it needs, else requests, never more than its limit."""
    container = pod["spec"]["containers"][index]
    need = named(pod, NEEDS_MEMORY, index) or request_of(container, "memory")
    limit = limit_of(container, "memory")
    wanted = UNASKED_MEMORY if need is None else whole(need)
    return wanted if limit is None else min(wanted, whole(limit))


def cpu_load(pod: Json, workload: Json | None = None) -> int | None:
    """Return the milli-CPU that a workload's pods need together: the pod's annotation, else its workload's."""
    text = annotations_of(pod).get(CPU_LOAD)
    if text is None and workload is not None:
        text = annotations_of(workload).get(CPU_LOAD)
    return None if text is None else milli(text)


def cpu_use(pod: Json, index: int, *, load: int | None, sharing: int) -> int:
    """Return the milli-CPU that a container uses: its share of a load that so many ready pods bear."""
    if load is None or index or not sharing or not is_ready(pod):
        return IDLE
    part = max(load // sharing, IDLE)
    limit = limit_of(pod["spec"]["containers"][index], "cpu")
    return part if limit is None else min(part, milli(limit))
