"""The rules of each built-in kind beyond its pods: what must be set, what must agree, what cannot change."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from reconciler.sandbox.cluster import pod_rules
from reconciler.sandbox.cluster.problems import check_selector
from reconciler.sandbox.cluster.selectors import matches

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.sandbox.cluster.problems import Problems
    from reconciler.sandbox.cluster.values import Json

_UNMATCHED = "`selector` does not match template `labels`"
_SET_FIELDS = ("replicas", "template", "updateStrategy", "minReadySeconds", "ordinals", "revisionHistoryLimit")
_SET_SAYS = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
    "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
)
_JOB_FIELDS = ("completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy")
_CLAIM_SAYS = (
    "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"
)
_FROZEN = "field is immutable when `immutable` is set"
_CRON_FIELDS = 5
_PERCENT = re.compile(r"\d+%")
_ALL = 100
_LAST_PORT = 65_535


def check(kind: str, value: Json, before: Json | None, problems: Problems) -> None:
    """Check an object of a built-in kind, and its change when there was one before."""
    rules = _RULES.get(kind)
    if rules is not None:
        rules(value, before, problems)


def _pod(value: Json, before: Json | None, problems: Problems) -> None:
    pod_rules.check_spec(value["spec"], "spec", problems)
    if before is not None and before["spec"] != value["spec"]:
        pod_rules.check_change(value["spec"], before["spec"], problems)


def _deployment(value: Json, before: Json | None, problems: Problems) -> None:
    spec = value["spec"]
    problems.negative("spec.replicas", spec.get("replicas"))
    _selecting(spec, "deployment", problems)
    _strategy(spec.get("strategy") or {}, problems)
    problems.negative("spec.minReadySeconds", spec.get("minReadySeconds"))
    problems.negative("spec.revisionHistoryLimit", spec.get("revisionHistoryLimit"))
    deadline = spec.get("progressDeadlineSeconds")
    if deadline is not None and deadline <= (spec.get("minReadySeconds") or 0):
        problems.invalid("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds")
    _same_selector(spec, before, problems)


def _strategy(strategy: Json, problems: Problems) -> None:
    kind, rolling = strategy.get("type"), strategy.get("rollingUpdate")
    if kind == "Recreate":
        if rolling:
            says = "may not be specified when strategy `type` is 'Recreate'"
            problems.forbidden("spec.strategy.rollingUpdate", says)
    elif kind == "RollingUpdate":
        rolling = rolling or {}
        unavailable = rolling.get("maxUnavailable", "25%")
        _positive_or_percent(unavailable, "spec.strategy.rollingUpdate.maxUnavailable", problems)
        _positive_or_percent(rolling.get("maxSurge", "25%"), "spec.strategy.rollingUpdate.maxSurge", problems)
        if _number(unavailable) == 0 and _number(rolling.get("maxSurge", "25%")) == 0:
            says = "may not be 0 when `maxSurge` is 0"
            problems.invalid("spec.strategy.rollingUpdate.maxUnavailable", unavailable, says)
        _at_most_all(unavailable, "spec.strategy.rollingUpdate.maxUnavailable", problems)
    else:
        problems.unsupported("spec.strategy", strategy, ("Recreate", "RollingUpdate"))


def _replica_set(value: Json, before: Json | None, problems: Problems) -> None:
    spec = value["spec"]
    problems.negative("spec.replicas", spec.get("replicas"))
    problems.negative("spec.minReadySeconds", spec.get("minReadySeconds"))
    _selecting(spec, "deployment", problems)  # the real message, too, calls it a deployment
    _same_selector(spec, before, problems)


def _daemon_set(value: Json, before: Json | None, problems: Problems) -> None:
    spec = value["spec"]
    _same_selector(spec, before, problems)
    _selecting(spec, "daemonset", problems)
    problems.negative("spec.minReadySeconds", spec.get("minReadySeconds"))


def _stateful_set(value: Json, before: Json | None, problems: Problems) -> None:
    spec = value["spec"]
    problems.negative("spec.replicas", spec.get("replicas"))
    _selecting(spec, "statefulset", problems)
    if before is not None:
        free = {*_SET_FIELDS, "persistentVolumeClaimRetentionPolicy"}
        old = before["spec"]
        if any(spec.get(key) != old.get(key) for key in {*spec, *old} - free):
            problems.forbidden("spec", _SET_SAYS)


def _selecting(spec: Json, kind: str, problems: Problems) -> None:
    """Check a selector and the template that it must select; a template's pods always restart."""
    selector = spec.get("selector")
    template = spec.get("template") or {}
    known = len(problems.causes)
    if selector is not None:
        check_selector(selector, "spec.selector", problems)
    elif kind != "daemonset":
        problems.required("spec.selector")
    is_clear = selector is None or len(problems.causes) == known
    if selector is not None and not selector.get("matchLabels") and not selector.get("matchExpressions"):
        problems.invalid("spec.selector", selector, f"empty selector is invalid for {kind}")
    if not is_clear and kind != "daemonset":  # then nobody knows what the template should be like
        problems.invalid("spec.selector", selector, "invalid label selector" if kind == "deployment" else "")
        return
    labels = (template.get("metadata") or {}).get("labels") or {}
    if is_clear and not matches(selector, labels):
        problems.invalid("spec.template.metadata.labels", labels or None, _UNMATCHED)
    pod_rules.check_template(template, "spec.template", problems)
    policy = (template.get("spec") or {}).get("restartPolicy", "Always")
    if policy != "Always":
        problems.unsupported("spec.template.spec.restartPolicy", policy, ("Always",))


def _same_selector(spec: Json, before: Json | None, problems: Problems) -> None:
    if before is not None:
        problems.immutable("spec.selector", spec.get("selector"), before["spec"].get("selector"))


def _job(value: Json, before: Json | None, problems: Problems) -> None:
    spec = value["spec"]
    _job_spec(spec, "spec", problems)
    if before is None:
        return
    old = before["spec"]
    if spec.get("completionMode") != "Indexed":
        problems.immutable("spec.completions", spec.get("completions"), old.get("completions"))
    problems.immutable("spec.selector", spec.get("selector"), old.get("selector"))
    if not old.get("suspend"):
        problems.immutable("spec.template", spec.get("template"), old.get("template"))
    for name in _JOB_FIELDS:
        problems.immutable(f"spec.{name}", spec.get(name), old.get(name))


def _job_spec(spec: Json, field: str, problems: Problems) -> None:
    for name in ("parallelism", "completions", "backoffLimit", "activeDeadlineSeconds", "ttlSecondsAfterFinished"):
        problems.negative(f"{field}.{name}", spec.get(name))
    template = spec.get("template") or {}
    pod_rules.check_template(template, f"{field}.template", problems)
    if (template.get("spec") or {}).get("restartPolicy", "Always") == "Always":
        problems.required(f"{field}.template.spec.restartPolicy", 'valid values: "OnFailure", "Never"')


def _cron_job(value: Json, _: Json | None, problems: Problems) -> None:
    spec = value["spec"]
    schedule = spec.get("schedule") or ""
    parts = schedule.split()
    if not schedule:
        problems.required("spec.schedule")
    elif not schedule.startswith(("@", "TZ=", "CRON_TZ=")) and len(parts) != _CRON_FIELDS:
        says = f"expected exactly {_CRON_FIELDS} fields, found {len(parts)}: [{' '.join(parts)}]"
        problems.invalid("spec.schedule", schedule, says)
    policies = ("Allow", "Forbid", "Replace")
    if spec.get("concurrencyPolicy", "Allow") not in policies:
        problems.unsupported("spec.concurrencyPolicy", spec["concurrencyPolicy"], policies)
    _job_spec((spec.get("jobTemplate") or {}).get("spec") or {}, "spec.jobTemplate.spec", problems)


def _autoscaler(value: Json, _: Json | None, problems: Problems) -> None:
    spec = value["spec"]
    least, most = spec.get("minReplicas"), spec.get("maxReplicas") or 0
    if least is not None and least < 1:
        problems.invalid("spec.minReplicas", least, "must be greater than or equal to 1")
    if most == 0:
        problems.required("spec.maxReplicas", "must be set and greater than 0")
    elif most < 0:
        problems.invalid("spec.maxReplicas", most, "must be greater than or equal to 1")
    if least is not None and most < least:
        problems.invalid("spec.maxReplicas", most, "must be greater than or equal to `minReplicas`")
    target = spec.get("scaleTargetRef") or {}
    for name in ("kind", "name"):
        if not target.get(name):
            problems.required(f"spec.scaleTargetRef.{name}")
    version = target.get("apiVersion") or ""
    if "/" not in version:
        problems.invalid("spec.scaleTargetRef.apiVersion", version, "apiVersion must specify API group")


def _budget(value: Json, _: Json | None, problems: Problems) -> None:
    spec = value["spec"]
    if spec.get("minAvailable") is not None and spec.get("maxUnavailable") is not None:
        problems.invalid("spec", spec, "minAvailable and maxUnavailable cannot be both set")
    for name in ("minAvailable", "maxUnavailable"):
        if spec.get(name) is not None:
            _positive_or_percent(spec[name], f"spec.{name}", problems)
            _at_most_all(spec[name], f"spec.{name}", problems)
    check_selector(spec.get("selector") or {}, "spec.selector", problems)


def _service(value: Json, _: Json | None, problems: Problems) -> None:
    spec = value["spec"]
    ports = spec.get("ports") or []
    if not ports and spec.get("type") != "ExternalName" and spec.get("clusterIP") != "None":
        problems.required("spec.ports")
    for index, port in enumerate(ports):
        if len(ports) > 1 and not port.get("name"):
            problems.required(f"spec.ports[{index}].name")
        for name in ("port", "targetPort"):
            number = port.get(name) or 0
            if isinstance(number, int) and not 1 <= number <= _LAST_PORT:
                says = f"must be between 1 and {_LAST_PORT}, inclusive"
                problems.invalid(f"spec.ports[{index}].{name}", number, says)


def _claim(value: Json, before: Json | None, problems: Problems) -> None:
    spec = value["spec"]
    if not spec.get("accessModes"):
        problems.required("spec.accessModes", "at least 1 access mode is required")
    if "storage" not in ((spec.get("resources") or {}).get("requests") or {}):
        problems.required("spec.resources[storage]")
    if before is not None:
        free = {"resources", "volumeAttributesClassName"}
        if not before["spec"].get("volumeName"):
            free.add("volumeName")  # binding sets it
        old = before["spec"]
        if any(spec.get(key) != old.get(key) for key in {*spec, *old} - free):
            problems.forbidden("spec", _CLAIM_SAYS)


def _data(value: Json, before: Json | None, problems: Problems) -> None:
    if before is None:
        return
    if value["kind"] == "Secret":
        problems.immutable("type", value.get("type"), before.get("type"))
    if before.get("immutable"):
        if not value.get("immutable"):
            problems.forbidden("immutable", _FROZEN)
        for name in ("data", "binaryData"):
            if value.get(name) != before.get(name):
                problems.forbidden(name, _FROZEN)


def _binding(value: Json, before: Json | None, problems: Problems) -> None:
    if before is not None and value.get("roleRef") != before.get("roleRef"):
        problems.invalid("roleRef", value.get("roleRef"), "cannot change roleRef")


def _positive_or_percent(value: Any, field: str, problems: Problems) -> None:  # noqa: ANN401 - a number or a percentage
    if isinstance(value, str):
        if not _PERCENT.fullmatch(value):
            says = "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', "
            problems.invalid(field, value, says + "regex used for validation is '[0-9]+%')")
    else:
        problems.negative(field, value)


def _at_most_all(value: Any, field: str, problems: Problems) -> None:  # noqa: ANN401 - a number or a percentage
    if isinstance(value, str) and _PERCENT.fullmatch(value) and int(value[:-1]) > _ALL:
        problems.invalid(field, value, "must not be greater than 100%")


def _number(value: Any) -> int:  # noqa: ANN401 - a number or a percentage
    return int(value.rstrip("%")) if isinstance(value, str) and _PERCENT.fullmatch(value) else value


_RULES: dict[str, Callable[[Json, Json | None, Problems], None]] = {
    "Pod": _pod,
    "Deployment": _deployment,
    "ReplicaSet": _replica_set,
    "DaemonSet": _daemon_set,
    "StatefulSet": _stateful_set,
    "Job": _job,
    "CronJob": _cron_job,
    "HorizontalPodAutoscaler": _autoscaler,
    "PodDisruptionBudget": _budget,
    "Service": _service,
    "PersistentVolumeClaim": _claim,
    "ConfigMap": _data,
    "Secret": _data,
    "RoleBinding": _binding,
    "ClusterRoleBinding": _binding,
}
