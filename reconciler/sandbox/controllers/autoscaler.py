"""Horizontal autoscalers: at every interval, from the metrics of the pods to the size of their workload."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from reconciler.sandbox.controllers.control import Controller, Tools
from reconciler.sandbox.controllers.objects import Json, Key, find_condition, key_of, milli, replicas_of, whole
from reconciler.sandbox.controllers.pods import pods_of
from reconciler.sandbox.controllers.recommendations import NoMetric, Reading, Target, Tolerance, read
from reconciler.sandbox.controllers.stabilization import Past, limited

if TYPE_CHECKING:
    from collections.abc import Sequence

COMPONENT = "horizontal-pod-autoscaler"
_KIND = "HorizontalPodAutoscaler"
_SCALABLE = ("Deployment", "StatefulSet", "ReplicaSet")


class _Status:
    """An autoscaler's status as it is worked out."""

    def __init__(self, item: Json, stamp: str) -> None:
        old = item.get("status") or {}
        self.value: Json = {
            **({"lastScaleTime": old["lastScaleTime"]} if old.get("lastScaleTime") else {}),
            "currentReplicas": old.get("currentReplicas", 0),
            "desiredReplicas": old.get("desiredReplicas", 0),
            "currentMetrics": None,
        }
        self._stamp = stamp
        self.conditions: list[Json] = [dict(each) for each in old.get("conditions") or ()]

    def put(self, kind: str, reason: str, message: str, *, status: bool = True) -> None:
        """Set a condition; its time is that of its last change of status."""
        former = find_condition(self.conditions, kind)
        made = {"status": str(status), "reason": reason, "message": message}
        if former is None:
            self.conditions.append({"type": kind, "lastTransitionTime": self._stamp, **made})
            return
        if former["status"] != made["status"]:
            former["lastTransitionTime"] = self._stamp
        former.update(made)

    def whole(self) -> Json:
        """Return the status to write."""
        return {**self.value, "conditions": self.conditions}


class Autoscalers(Controller):
    """Looks at each autoscaler once an interval, and never in between."""

    watches: ClassVar[tuple[str, ...]] = (_KIND,)

    def __init__(self, tools: Tools) -> None:
        super().__init__(tools)
        self._pasts: dict[str, Past] = {}  # by uid

    def notice(self, kind: str, old: Json | None, new: Json | None) -> None:
        """Plan the first look at a new autoscaler; forget one that is gone."""
        del kind
        if new is None:
            if old is not None:
                self.wake(key_of(old), None)
                self._pasts.pop(old["metadata"]["uid"], None)
        elif old is None or old["metadata"]["uid"] != new["metadata"]["uid"]:
            self._pasts[new["metadata"]["uid"]] = Past()
            self.wake_after(key_of(new), self.timing.autoscaler)

    def sync(self, key: Key) -> None:
        """Read the metrics, scale, report, and plan the next look."""
        item = self.store.get(_KIND, *key)
        if item is None:
            return
        self.wake_after(key, self.timing.autoscaler)
        status = _Status(item, self.clock.stamp())
        self._look(key, item, status)
        if status.whole() != item.get("status"):
            whole_status = status.whole()
            change = {"manager": self.manager, "subresource": "status"}
            self.store.change(_KIND, *key, lambda it: it.update(status=whole_status), **change)

    def _look(self, key: Key, item: Json, status: _Status) -> None:
        reference = item["spec"]["scaleTargetRef"]
        kind, name = reference["kind"], reference["name"]
        target = self.store.get(kind, key[0], name) if kind in _SCALABLE else None
        if target is None:
            plural = f"{kind.lower()}s.apps"
            text = f'{plural} "{name}" not found' if kind in _SCALABLE else f"the sandbox does not scale a {kind}"
            self.events.warning(item, "FailedGetScale", text, by=COMPONENT)
            whole_text = f"the HPA controller was unable to get the target's current scale: {text}"
            status.put("AbleToScale", "FailedGetScale", whole_text, status=False)
            return
        text = "the HPA controller was able to get the target's current scale"
        status.put("AbleToScale", "SucceededGetScale", text)
        past, current = self._pasts[item["metadata"]["uid"]], replicas_of(target)
        if not past.recommended:
            past.note(self.clock.now(), current)
        status.value["currentReplicas"] = current
        wanted = self._wanted(item, target, status, past)
        if wanted is None:
            return
        status.value["desiredReplicas"] = wanted[0]
        if wanted[0] != current:
            self._scale(key, item, status, *wanted)

    def _wanted(self, item: Json, target: Json, status: _Status, past: Past) -> tuple[int, str] | None:
        """Return the size to bring the target to and why; None when it cannot be told."""
        spec, current = item["spec"], replicas_of(target)
        least, most = spec.get("minReplicas", 1), spec["maxReplicas"]
        if current == 0:
            text = "scaling is disabled since the replica count of the target is zero"
            status.put("ScalingActive", "ScalingDisabled", text, status=False)
            return 0, ""
        if current > most:
            return most, "Current number of replicas above Spec.MaxReplicas"
        if current < least:
            return least, "Current number of replicas below Spec.MinReplicas"
        found = self._recommended(item, target, status)
        if found is None:
            return None
        wanted, metric = found
        bound = limited(spec, past, current, wanted, self.clock.now())
        if bound.waits is not None:
            status.put("AbleToScale", *bound.waits)
        else:
            status.put("AbleToScale", "ReadyForNewScale", "recommended size matches current size")
        status.put("ScalingLimited", *bound.limit, status=bound.is_limited)
        return bound.replicas, f"{metric} above target" if wanted > current else "All metrics below target"

    def _recommended(self, item: Json, target: Json, status: _Status) -> tuple[int, str] | None:
        """Return the largest size that a metric asks for; with one missing, nothing is made smaller."""
        spec, current = item["spec"], replicas_of(target)
        pods, shown, failures = self._pods(target), [], []
        best: tuple[int, str] | None = None
        for metric in spec.get("metrics") or ():
            try:
                name, reading = self._read(spec, metric, pods, target)
            except NoMetric as error:
                reason = f"FailedGet{metric['type']}Metric"
                self.events.warning(item, reason, str(error), by=COMPONENT)
                failures.append((reason, str(error)))
                shown.append({"type": ""})
                continue
            shown.append(_shown(metric, reading))
            if best is None or reading.replicas > best[0]:
                best = (reading.replicas, name)
        status.value["currentMetrics"] = shown or None
        if best is None or (failures and best[0] < current):
            reason, text = failures[0] if failures else ("InvalidMetricSourceType", "no metrics")
            whole_text = f"the HPA was unable to compute the replica count: {text}"
            status.put("ScalingActive", reason, whole_text, status=False)
            count = f"invalid metrics ({len(failures)} invalid out of {len(shown)}), first error is: {text}"
            self.events.warning(item, "FailedComputeMetricsReplicas", count, by=COMPONENT)
            return None
        text = f"the HPA was able to successfully calculate a replica count from {best[1]}"
        status.put("ScalingActive", "ValidMetricFound", text)
        return best

    def _read(self, spec: Json, metric: Json, pods: Sequence[Json], workload: Json) -> tuple[str, Reading]:
        kind = metric["type"]
        if kind not in ("Resource", "ContainerResource"):
            raise NoMetric(f"the sandbox does not implement metrics of the type {kind}")
        source = metric["resource" if kind == "Resource" else "containerResource"]
        resource, goal, container = source["name"], source["target"], source.get("container", "")
        if resource not in ("cpu", "memory"):
            raise NoMetric(f"the sandbox does not implement the resource {resource}")
        average = None
        if goal.get("averageValue") is not None:
            average = (milli if resource == "cpu" else whole)(str(goal["averageValue"]))
        utilization = None if average is not None else goal.get("averageUtilization")
        wanted = Target(resource=resource, container=container, utilization=utilization, average=average)
        reading = read(
            pods,
            wanted,
            replicas_of(workload),
            tolerance=_tolerance(spec),
            now=self.clock.now(),
            window=self.timing.scrape,
            workload=workload,
        )
        suffix = " utilization (percentage of request)" if utilization is not None else ""
        where = f"{resource} container resource" if container else f"{resource} resource"
        return f"{where}{suffix}", reading

    def _pods(self, target: Json) -> list[Json]:
        if target["kind"] != "Deployment":
            return pods_of(self.store, target)
        sets = self.store.owned("ReplicaSet", target["metadata"]["uid"])
        return [pod for each in sets for pod in pods_of(self.store, each)]

    def _scale(self, key: Key, item: Json, status: _Status, size: int, why: str) -> None:
        reference = item["spec"]["scaleTargetRef"]
        kind, name = reference["kind"], reference["name"]
        change = {"manager": self.manager, "subresource": "scale"}
        self.store.change(kind, key[0], name, lambda it: it["spec"].update(replicas=size), **change)
        text = f"the HPA controller was able to update the target scale to {size}"
        status.put("AbleToScale", "SucceededRescale", text)
        self.events.normal(item, "SuccessfulRescale", f"New size: {size}; reason: {why}", by=COMPONENT)
        status.value["lastScaleTime"] = self.clock.stamp()
        self._pasts[item["metadata"]["uid"]].scaled(self.clock.now(), size - status.value["currentReplicas"])


def _tolerance(spec: Json) -> Tolerance:
    behavior = spec.get("behavior") or {}
    up, down = ((behavior.get(side) or {}).get("tolerance", "0.1") for side in ("scaleUp", "scaleDown"))
    return Tolerance(milli(str(up)) / 1000, milli(str(down)) / 1000)


def _shown(metric: Json, reading: Reading) -> Json:
    """Return a metric's value as the status shows it."""
    source = "resource" if metric["type"] == "Resource" else "containerResource"
    resource = metric[source]["name"]
    current = {
        **({"averageUtilization": reading.utilization} if reading.utilization is not None else {}),
        "averageValue": f"{reading.average}m" if resource == "cpu" else str(reading.average),
    }
    name = {key: metric[source][key] for key in ("name", "container") if key in metric[source]}
    return {"type": metric["type"], source: {**name, "current": current}}
