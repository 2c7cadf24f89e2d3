"""Jobs: pods that do their work once, tried again after a while when they fail, up to a limit.

Source: `pkg/controller/job` of Kubernetes 1.36.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar

from reconciler.sandbox.controllers.control import Controller, Tools, mark_owner
from reconciler.sandbox.controllers.objects import (
    Json,
    Key,
    find_condition,
    is_active,
    is_deleting,
    is_ready,
    key_of,
    moment,
    phase_of,
)
from reconciler.sandbox.controllers.pods import pod_of, pods_of, victims

COMPONENT = "job-controller"
_Reason = tuple[str, str, str]  # condition, reason, message
_COMPLETE: _Reason = ("Complete", "CompletionsReached", "Reached expected number of succeeded pods")
_TOO_OFTEN: _Reason = ("Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit")
_TOO_LATE: _Reason = ("Failed", "DeadlineExceeded", "Job was active longer than specified deadline")
_BEFORE = {"Complete": "SuccessCriteriaMet", "Failed": "FailureTarget"}


class _Ended:
    """The pods of a Job that have ended, counted although they may be deleted."""

    def __init__(self, uid: str) -> None:
        self.uid = uid
        self.succeeded: set[str] = set()
        self.failed: set[str] = set()
        self.last_failure: datetime | None = None

    def note(self, pods: list[Json], now: datetime) -> None:
        for pod in pods:
            uid = pod["metadata"]["uid"]
            if phase_of(pod) == "Succeeded":
                self.succeeded.add(uid)
            elif phase_of(pod) == "Failed" and uid not in self.failed:
                self.failed.add(uid)
                self.last_failure = now


class Jobs(Controller):
    """Runs Jobs to their end."""

    watches: ClassVar[tuple[str, ...]] = ("Job", "Pod", "CronJob")

    def __init__(self, tools: Tools) -> None:
        super().__init__(tools)
        self._ended: dict[Key, _Ended] = {}

    def notice(self, kind: str, old: Json | None, new: Json | None) -> None:
        """Look at a Job when it or one of its pods changed."""
        if kind == "Pod":
            mark_owner(self, "Job", (old, new))
        elif kind == "CronJob":
            if new is not None and old is None:
                self.events.not_here(new, "the schedules of CronJobs", by="cronjob-controller")
        elif new is not None:
            self.mark(key_of(new))

    def sync(self, key: Key) -> None:
        """Start pods, judge the Job, and report."""
        job = self.store.get("Job", *key)
        if job is None:
            self._ended.pop(key, None)
            self.wake(key, None)
            return
        if _end_of(job) is not None:
            self._expire(key, job)
            return
        if job["spec"].get("completionMode") == "Indexed":
            self.events.not_here(job, "the completion mode Indexed", by=COMPONENT)
            return
        pods = pods_of(self.store, job)
        ended = self._ended.get(key)
        if ended is None or ended.uid != job["metadata"]["uid"]:
            ended = self._ended[key] = _Ended(job["metadata"]["uid"])
        ended.note(pods, self.clock.now())
        reason = self._judge(job, pods, ended)
        if reason is None or reason is _COMPLETE:
            again = self._manage(job, pods, ended) if reason is None and not is_deleting(job) else None
        else:
            again = None
            for pod in pods:
                if is_active(pod):
                    self._delete(job, pod)
        self._report(key, job, ended, reason)
        deadline = _deadline(job)
        self.wake(key, min((at for at in (again, deadline) if at is not None), default=None) if not reason else None)

    def _judge(self, job: Json, pods: list[Json], ended: _Ended) -> _Reason | None:
        spec, limit = job["spec"], job["spec"].get("backoffLimit", 6)
        restarts = sum(s["restartCount"] for p in pods for s in (p.get("status") or {}).get("containerStatuses") or ())
        on_failure = spec["template"]["spec"].get("restartPolicy") == "OnFailure"
        if len(ended.failed) > limit or (on_failure and restarts and restarts >= limit):
            return _TOO_OFTEN
        deadline = _deadline(job)
        if deadline is not None and deadline <= self.clock.now():
            return _TOO_LATE
        wanted, active = spec.get("completions"), any(is_active(pod) for pod in pods)
        done = len(ended.succeeded)
        complete = done >= wanted if wanted is not None else done > 0
        return _COMPLETE if complete and not active else None

    def _manage(self, job: Json, pods: list[Json], ended: _Ended) -> datetime | None:
        """Start or end pods; return when to look again for a pod whose turn has not come."""
        active = [pod for pod in pods if is_active(pod)]
        wanted = self._wanted(job, len(active), len(ended.succeeded))
        surplus = len(active) - wanted
        for pod in victims(active, surplus) if surplus > 0 else ():
            self._delete(job, pod)
        if surplus >= 0:
            return None
        if ended.last_failure is not None:
            pauses = self.timing.back_off
            turn = ended.last_failure + pauses[min(len(ended.failed) - 1, len(pauses) - 1)]
            if turn > self.clock.now():
                return turn
        for _ in range(-surplus):
            pod = self.store.create(pod_of(job, job["spec"]["template"]), manager=self.manager)
            self.events.normal(job, "SuccessfulCreate", f"Created pod: {pod['metadata']['name']}", by=COMPONENT)
        return None

    def _wanted(self, job: Json, active: int, succeeded: int) -> int:
        spec = job["spec"]
        if spec.get("suspend"):
            return 0
        parallelism = int(spec.get("parallelism", 1))
        if spec.get("completions") is None:
            return active if succeeded else parallelism
        return max(0, min(int(spec["completions"]) - succeeded, parallelism))

    def _delete(self, job: Json, pod: Json) -> None:
        self.store.delete("Pod", *key_of(pod))
        self.events.normal(job, "SuccessfulDelete", f"Deleted pod: {pod['metadata']['name']}", by=COMPONENT)

    def _report(self, key: Key, job: Json, ended: _Ended, reason: _Reason | None) -> None:
        old = job.get("status") or {}
        active = [pod for pod in pods_of(self.store, job) if is_active(pod)]
        terminating = sum(1 for pod in pods_of(self.store, job) if is_deleting(pod))
        stamp = self.clock.stamp()
        counts = {"active": len(active), "succeeded": len(ended.succeeded), "failed": len(ended.failed)}
        status: Json = {
            **{name: count for name, count in counts.items() if count},
            "ready": sum(map(is_ready, active)),
            "terminating": terminating,
            "uncountedTerminatedPods": {},
        }
        start = None if job["spec"].get("suspend") else old.get("startTime") or stamp
        status |= {"startTime": start} if start else {}
        conditions = self._conditions(job, old.get("conditions") or [], reason)
        status |= {"conditions": conditions} if conditions else {}
        if reason is _COMPLETE:
            status["completionTime"] = stamp
        if status != old:
            change = {"manager": self.manager, "subresource": "status"}
            self.store.change("Job", *key, lambda it: it.update(status=status), **change)

    def _conditions(self, job: Json, old: list[Json], reason: _Reason | None) -> list[Json]:
        stamp = self.clock.stamp()

        def made(kind: str, status: str, why: str, text: str) -> Json:
            times = {"lastProbeTime": stamp, "lastTransitionTime": stamp}
            return {"type": kind, "status": status, **times, "reason": why, "message": text}

        if reason is not None:
            kind, why, text = reason
            tell = self.events.normal if kind == "Complete" else self.events.warning
            told = ("Completed", "Job completed") if kind == "Complete" else (why, text)
            tell(job, *told, by=COMPONENT)
            return [*old, made(_BEFORE[kind], "True", why, text), made(kind, "True", why, text)]
        found, suspended = find_condition(old, "Suspended"), bool(job["spec"].get("suspend"))
        if suspended and (found is None or found["status"] != "True"):
            self.events.normal(job, "Suspended", "Job suspended", by=COMPONENT)
            return [*_without(old, "Suspended"), made("Suspended", "True", "JobSuspended", "Job suspended")]
        if not suspended and found is not None and found["status"] == "True":
            self.events.normal(job, "Resumed", "Job resumed", by=COMPONENT)
            return [*_without(old, "Suspended"), made("Suspended", "False", "JobResumed", "Job resumed")]
        return old

    def _expire(self, key: Key, job: Json) -> None:
        """Delete a Job that has ended, when it asks for that."""
        end, seconds = _end_of(job), job["spec"].get("ttlSecondsAfterFinished")
        if end is None or seconds is None or is_deleting(job):
            return
        due = end + timedelta(seconds=seconds)
        if due <= self.clock.now():
            self.store.delete("Job", *key)
        else:
            self.wake(key, due)


def _end_of(job: Json) -> datetime | None:
    conditions = (job.get("status") or {}).get("conditions")
    for kind in ("Complete", "Failed"):
        found = find_condition(conditions, kind)
        if found is not None and found["status"] == "True":
            return moment(found["lastTransitionTime"])
    return None


def _deadline(job: Json) -> datetime | None:
    seconds, start = job["spec"].get("activeDeadlineSeconds"), (job.get("status") or {}).get("startTime")
    if seconds is None or start is None or job["spec"].get("suspend"):
        return None
    return moment(start) + timedelta(seconds=seconds)


def _without(conditions: list[Json], kind: str) -> list[Json]:
    return [each for each in conditions if each["type"] != kind]
