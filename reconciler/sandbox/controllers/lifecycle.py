"""A pod's status as a whole, put together from its containers': phase, conditions, start. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.sandbox.controllers.containers import is_sidecar
from reconciler.sandbox.controllers.objects import Json, find_condition

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.sandbox.controllers.containers import View


def status_of(view: View, old: Json, init: Sequence[Json], statuses: Sequence[Json]) -> Json:
    """Return a pod's status from its containers' statuses; what others wrote into it stays."""
    spec = view.pod["spec"]
    through = all(is_through(c, s) for c, s in zip(spec.get("initContainers") or (), init, strict=True))
    phase = _phase(spec, statuses, through=through)
    wanted = _conditions(spec, init, statuses, phase, through=through)
    return old | {
        "phase": phase,
        "conditions": _dated(wanted, old.get("conditions") or (), view.stamp),
        "startTime": old.get("startTime") or view.stamp,
        "containerStatuses": list(statuses),
        **({"initContainerStatuses": list(init)} if init else {}),
    }


def is_through(container: Json, status: Json) -> bool:
    """Whether an init container lets the next one start: a sidecar that runs, or one that has done its work."""
    if is_sidecar(container):
        return bool(status["started"])
    end = status["state"].get("terminated")
    return end is not None and end["exitCode"] == 0


def became_unready(old: Json, new: Json) -> bool:
    """Whether the pod was ready and is not any more."""
    before, now = (find_condition(status.get("conditions"), "Ready") for status in (old, new))
    return before is not None and before["status"] == "True" and now is not None and now["status"] != "True"


def _phase(spec: Json, statuses: Sequence[Json], *, through: bool) -> str:
    if not through:
        return "Pending"
    if any("waiting" in each["state"] and not each["lastState"] for each in statuses):
        return "Pending"
    ends = [each["state"].get("terminated") for each in statuses]
    if all(ends) and spec.get("restartPolicy") != "Always":
        return "Succeeded" if all(end is not None and end["exitCode"] == 0 for end in ends) else "Failed"
    return "Running"


def _conditions(spec: Json, init: Sequence[Json], statuses: Sequence[Json], phase: str, *, through: bool) -> list[Json]:
    unready = " ".join(each["name"] for each in statuses if not each["ready"])
    if phase in ("Succeeded", "Failed"):
        ready = _condition("False", "PodCompleted" if phase == "Succeeded" else "PodFailed")
    elif unready:
        ready = _condition("False", "ContainersNotReady", f"containers with unready status: [{unready}]")
    else:
        ready = _condition("True")
    initialized = _condition("True", "PodCompleted" if phase == "Succeeded" else "")
    if not through:
        containers = spec.get("initContainers") or ()
        rest = " ".join(s["name"] for c, s in zip(containers, init, strict=True) if not is_through(c, s))
        text = f"containers with incomplete status: [{rest}]"
        initialized = _condition("False", "ContainersNotInitialized", text)
    gates = [{"type": gate["conditionType"], "status": "True"} for gate in spec.get("readinessGates") or ()]
    return [
        {"type": "Initialized", **initialized},
        {"type": "Ready", **ready},
        {"type": "ContainersReady", **ready},
        {"type": "PodScheduled", "status": "True"},  # else no kubelet would know of it
        *gates,
    ]


def _condition(status: str, reason: str = "", message: str = "") -> Json:
    return {
        "status": status,
        **({"reason": reason} if reason else {}),
        **({"message": message} if message else {}),
    }


def _dated(wanted: Sequence[Json], old: Sequence[Json], stamp: str) -> list[Json]:
    """Return the conditions with the times of their last transitions, and after them those that others wrote."""
    dated = []
    for each in wanted:
        former = find_condition(old, each["type"])
        same = former is not None and former["status"] == each["status"]
        since = former["lastTransitionTime"] if former is not None and same else stamp
        dated.append({**each, "lastProbeTime": None, "lastTransitionTime": since})
    ours = {each["type"] for each in wanted}
    return dated + [each for each in old if each["type"] not in ours]
