"""A Deployment's status: counts, and the conditions by which people see a rollout succeed, move or hang. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from reconciler.sandbox.controllers.objects import Json, find_condition, moment
from reconciler.sandbox.controllers.rollouts import reported

if TYPE_CHECKING:
    from reconciler.sandbox.controllers.rollouts import Rollout

_FOR_EVER = 2**31 - 1
_SUCCEEDED, _MOVES, _HANGS = "NewReplicaSetAvailable", "ReplicaSetUpdated", "ProgressDeadlineExceeded"


def status_of(rollout: Rollout, now: datetime, *, judge: bool, created: bool = False) -> Json:
    """Return the Deployment's status; `judge` says whether its progress is to be judged (not while it is scaled)."""
    deployment = rollout.deployment
    old = deployment.get("status") or {}
    available = reported(rollout.every, "availableReplicas")
    wanted = sum(each["spec"].get("replicas", 1) for each in rollout.every)
    counts = {
        "replicas": reported(rollout.every, "replicas"),
        "updatedReplicas": reported([rollout.new] if rollout.new else [], "replicas"),
        "readyReplicas": reported(rollout.every, "readyReplicas"),
        "availableReplicas": available,
        "unavailableReplicas": max(0, wanted - available),
    }
    status: Json = {
        "observedGeneration": deployment["metadata"]["generation"],
        **{name: count for name, count in counts.items() if count},
        "terminatingReplicas": reported(rollout.every, "terminatingReplicas"),
        **({"collisionCount": old["collisionCount"]} if "collisionCount" in old else {}),
    }
    conditions = _Conditions(old.get("conditions") or (), now)
    _note_pause(rollout, conditions)
    if created and rollout.new is not None and deadline_of(rollout) is not None:
        text = f'Created new replica set "{rollout.new["metadata"]["name"]}"'
        conditions.put("Progressing", "True", "NewReplicaSetCreated", text)
    before = conditions.find("Progressing")
    _judge_availability(rollout, available, conditions)
    if judge:
        _judge_progress(rollout, old, status, conditions, before)
    _carry_failure(rollout, conditions)
    return status | {"conditions": conditions.all}


def deadline_of(rollout: Rollout) -> int | None:
    """Return after how many seconds without progress a rollout hangs, None when never."""
    seconds = rollout.deployment["spec"].get("progressDeadlineSeconds")
    return None if seconds in (None, _FOR_EVER) else int(seconds)


def hangs_at(rollout: Rollout, status: Json) -> datetime | None:
    """Return when an unfinished rollout will have hung, or None."""
    seconds, found = deadline_of(rollout), find_condition(status["conditions"], "Progressing")
    if seconds is None or found is None or found["reason"] in (_HANGS, _SUCCEEDED):
        return None
    if is_complete(rollout, status):
        return None
    return moment(found["lastUpdateTime"]) + timedelta(seconds=seconds + 1)


def is_complete(rollout: Rollout, status: Json) -> bool:
    """Whether all wanted pods, and no others, are of the present template and available."""
    counts = (status.get(name, 0) for name in ("updatedReplicas", "replicas", "availableReplicas"))
    seen: int = status.get("observedGeneration", 0)
    return all(count == rollout.wanted for count in counts) and seen >= rollout.deployment["metadata"]["generation"]


class _Conditions:
    """A status' conditions as they are changed; the same status and reason again changes nothing."""

    def __init__(self, conditions: object, now: datetime) -> None:
        self.all: list[Json] = list(conditions)  # type: ignore[call-overload]
        self._now = now

    def find(self, kind: str) -> Json | None:
        return find_condition(self.all, kind)

    def drop(self, kind: str) -> None:
        self.all = [each for each in self.all if each["type"] != kind]

    def put(self, kind: str, status: str, reason: str, message: str, *, anew: bool = False) -> None:
        stamp = self._now.strftime("%Y-%m-%dT%H:%M:%SZ")
        former = self.find(kind)
        if former is not None and (former["status"], former["reason"]) == (status, reason) and not anew:
            return
        same = former is not None and former["status"] == status
        self.drop(kind)
        self.all.append(
            {
                "type": kind,
                "status": status,
                "lastUpdateTime": stamp,
                "lastTransitionTime": former["lastTransitionTime"] if former is not None and same else stamp,
                "reason": reason,
                "message": message,
            }
        )


def _judge_availability(rollout: Rollout, available: int, conditions: _Conditions) -> None:
    if available >= rollout.wanted - rollout.max_unavailable:
        text = "Deployment has minimum availability."
        conditions.put("Available", "True", "MinimumReplicasAvailable", text)
    else:
        text = "Deployment does not have minimum availability."
        conditions.put("Available", "False", "MinimumReplicasUnavailable", text)


def _judge_progress(rollout: Rollout, old: Json, status: Json, conditions: _Conditions, before: Json | None) -> None:
    seconds = deadline_of(rollout)
    if seconds is None:
        conditions.drop("Progressing")
        return
    finished = status.get("replicas", 0) == status.get("updatedReplicas", 0)
    if finished and before is not None and before["reason"] == _SUCCEEDED:
        return
    who = f'ReplicaSet "{rollout.new["metadata"]["name"]}"' if rollout.new else _deployment_name(rollout)
    if is_complete(rollout, status):
        conditions.put("Progressing", "True", _SUCCEEDED, f"{who} has successfully progressed.")
    elif _moved(old, status):
        conditions.put("Progressing", "True", _MOVES, f"{who} is progressing.", anew=True)
    elif _timed_out(before, seconds, conditions):
        conditions.put("Progressing", "False", _HANGS, f"{who} has timed out progressing.")


def _deployment_name(rollout: Rollout) -> str:
    return f'Deployment "{rollout.deployment["metadata"]["name"]}"'


def _moved(old: Json, new: Json) -> bool:
    def former_pods(status: Json) -> int:
        return int(status.get("replicas", 0) - status.get("updatedReplicas", 0))

    rising = ("updatedReplicas", "readyReplicas", "availableReplicas")
    return former_pods(new) < former_pods(old) or any(new.get(name, 0) > old.get(name, 0) for name in rising)


def _timed_out(before: Json | None, seconds: int, conditions: _Conditions) -> bool:
    if before is None or before["reason"] == _SUCCEEDED:
        return False
    if before["reason"] == _HANGS:
        return True
    return moment(before["lastUpdateTime"]) + timedelta(seconds=seconds) < conditions._now  # noqa: SLF001 - same file


def _note_pause(rollout: Rollout, conditions: _Conditions) -> None:
    """A paused rollout makes no progress, and is not blamed for it."""
    found = conditions.find("Progressing")
    if deadline_of(rollout) is None or (found is not None and found["reason"] == _HANGS):
        return
    noted = found is not None and found["reason"] == "DeploymentPaused"
    if rollout.deployment["spec"].get("paused") and not noted:
        conditions.put("Progressing", "Unknown", "DeploymentPaused", "Deployment is paused")
    elif noted and not rollout.deployment["spec"].get("paused"):
        conditions.put("Progressing", "Unknown", "DeploymentResumed", "Deployment is resumed")


def _carry_failure(rollout: Rollout, conditions: _Conditions) -> None:
    """Report that pods cannot be created, as a ReplicaSet does; the new one's word first."""
    for item in reversed(rollout.every):
        found = find_condition((item.get("status") or {}).get("conditions"), "ReplicaFailure")
        if found is not None:
            conditions.put("ReplicaFailure", found["status"], found["reason"], found["message"])
            return
    conditions.drop("ReplicaFailure")
