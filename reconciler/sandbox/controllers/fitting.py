"""Which node a pod fits on, and why not: the scheduler's filters with the real one's words. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.sandbox.controllers.faults import request_of
from reconciler.sandbox.controllers.objects import Json, is_ready, labels_of, meets, milli, whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

UNSCHEDULABLE = "node.kubernetes.io/unschedulable"
_NOT_HELPFUL = "Preemption is not helpful for scheduling"
_NO_VICTIMS = "No preemption victims found for incoming pod"
_DEFAULT_PODS = 110
_AFFINITY = "node(s) didn't match Pod's node affinity/selector"


@dataclass(frozen=True, slots=True)
class Needs:
    """What a pod takes of a node."""

    cpu: int  # milli
    memory: int

    @classmethod
    def of(cls, spec: Json) -> Needs:
        """Return the sum of what the containers request, or what the greediest init container does."""
        run = [
            *spec["containers"],
            *(c for c in spec.get("initContainers") or () if c.get("restartPolicy") == "Always"),
        ]
        first = [c for c in spec.get("initContainers") or () if c.get("restartPolicy") != "Always"]
        cpu, memory = (
            max(sum(_amount(c, resource) for c in run), *(_amount(c, resource) for c in first), 0)
            for resource in ("cpu", "memory")
        )
        return cls(cpu, memory)


@dataclass(slots=True)
class Load:
    """What the pods on a node take of it together."""

    cpu: int = 0
    memory: int = 0
    pods: int = 0
    owners: Counter[str] = field(default_factory=Counter)  # pods a controller

    def add(self, needs: Needs, owner: str, sign: int = 1) -> None:
        """Count one pod more, or one less."""
        self.cpu += sign * needs.cpu
        self.memory += sign * needs.memory
        self.pods += sign
        self.owners[owner] += sign


def _amount(container: Json, resource: str) -> int:
    text = request_of(container, resource)
    if text is None:
        return 0
    return milli(text) if resource == "cpu" else whole(text)


def not_here(spec: Json) -> str:
    """Return what the pod asks of the scheduler that the sandbox does not have, or nothing."""
    affinity = spec.get("affinity") or {}
    hard = "requiredDuringSchedulingIgnoredDuringExecution"
    if (affinity.get("podAffinity") or {}).get(hard) or (affinity.get("podAntiAffinity") or {}).get(hard):
        return "required affinity between pods"
    constraints = spec.get("topologySpreadConstraints") or ()
    if any(each.get("whenUnsatisfiable") == "DoNotSchedule" for each in constraints):
        return "topologySpreadConstraints with DoNotSchedule"
    if spec.get("schedulerName") not in (None, "default-scheduler"):
        return f"the scheduler {spec['schedulerName']}"
    return ""


def objections(pod: Json, needs: Needs, node: Json, load: Load) -> tuple[list[str], bool]:
    """Return why a node is none for a pod, and whether ending other pods could help."""
    spec = pod["spec"]
    if node["spec"].get("unschedulable") and not _tolerates(spec, {"key": UNSCHEDULABLE, "effect": "NoSchedule"}):
        return ["node(s) were unschedulable"], False
    taints = node["spec"].get("taints") or ()
    hard = [t for t in taints if t.get("effect") in ("NoSchedule", "NoExecute")]
    if any(not _tolerates(spec, taint) for taint in hard) or not (is_ready(node) or hard):
        return ["node(s) had untolerated taint(s)"], False
    if not _matches(spec, node):
        return [_AFFINITY], False
    room = (node.get("status") or {}).get("allocatable") or {}
    lacking = [
        *(["Too many pods"] if load.pods + 1 > whole(str(room.get("pods", _DEFAULT_PODS))) else []),
        *(["Insufficient cpu"] if needs.cpu and load.cpu + needs.cpu > milli(str(room.get("cpu", "0"))) else []),
        *(["Insufficient memory"] if needs.memory and load.memory + needs.memory > _memory(room) else []),
    ]
    return lacking, True


def worth(owner: str, needs: Needs, node: Json, load: Load) -> tuple[int, float, str]:
    """Return how good a fitting node is, the least the best: few siblings, then little used, then by name."""
    room = (node.get("status") or {}).get("allocatable") or {}
    cpu, memory = milli(str(room.get("cpu", "0"))), _memory(room)
    used = (load.cpu + needs.cpu) / cpu if cpu else 1.0
    filled = (load.memory + needs.memory) / memory if memory else 1.0
    return load.owners[owner], (used + filled) / 2, node["metadata"]["name"]


def message(reasons: Sequence[tuple[Sequence[str], bool]]) -> str:
    """Return the real scheduler's sentence about a pod that fits nowhere."""
    count = len(reasons)
    if not count:
        return "no nodes available to schedule pods"
    why = _histogram(reason for each, _ in reasons for reason in each)
    help_ = _histogram(_NO_VICTIMS if helps else _NOT_HELPFUL for _, helps in reasons)
    head = f"0/{count} nodes are available:"
    return f"{head} {why}. no new claims to deallocate, preemption: {head} {help_}."


def _histogram(reasons: Iterable[str]) -> str:
    return ", ".join(sorted(f"{count} {reason}" for reason, count in Counter(reasons).items()))


def _memory(room: Mapping[str, object]) -> int:
    return whole(str(room.get("memory", "0")))


def _tolerates(spec: Json, taint: Json) -> bool:
    return any(tolerates(each, taint) for each in spec.get("tolerations") or ())


def tolerates(toleration: Json, taint: Json) -> bool:
    """Whether a toleration tolerates a taint."""
    if toleration.get("effect") not in (None, "", taint.get("effect")):
        return False
    exists = toleration.get("operator") == "Exists"
    if not toleration.get("key"):
        return exists
    same = toleration["key"] == taint["key"]
    return same and (exists or (toleration.get("value") or "") == (taint.get("value") or ""))


def _matches(spec: Json, node: Json) -> bool:
    """Whether a node is one that the pod selects, by labels or by the required node affinity."""
    labels = labels_of(node)
    if any(labels.get(key) != value for key, value in (spec.get("nodeSelector") or {}).items()):
        return False
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    if required is None:
        return True
    fields = {"metadata.name": node["metadata"]["name"]}
    return any(
        all(meets(each, labels) for each in term.get("matchExpressions") or ())
        and all(meets(each, fields) for each in term.get("matchFields") or ())
        for term in required["nodeSelectorTerms"]
        if term.get("matchExpressions") or term.get("matchFields")
    )
