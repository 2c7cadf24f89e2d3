"""The types of the fields that defaults, rules and controllers rely on; whatever has another is not decoded at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.sandbox.cluster.quantities import amount

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.sandbox.cluster.values import Json

_QUANTITY_SAYS = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"

_COUNT, _TEXT, _FLAG, _QUANTITIES = "int32", "string", "bool", "ResourceList"
_MAP: Json = {}  # of anything
_LIST = [_MAP]

# Field: its type by a word, an object's fields, or a list's items. Fields without a row may hold anything.
_RESOURCES = {"limits": _QUANTITIES, "requests": _QUANTITIES}
_CONTAINER = {
    "name": _TEXT,
    "image": _TEXT,
    "imagePullPolicy": _TEXT,
    "resources": _RESOURCES,
    "ports": [{"containerPort": _COUNT, "protocol": _TEXT, "name": _TEXT}],
    "env": [{"name": _TEXT, "value": _TEXT, "valueFrom": _MAP}],
    "volumeMounts": [{"name": _TEXT, "mountPath": _TEXT}],
    "livenessProbe": _MAP,
    "readinessProbe": _MAP,
    "startupProbe": _MAP,
}
_POD = {
    "containers": [_CONTAINER],
    "initContainers": [_CONTAINER],
    "volumes": [{"name": _TEXT}],
    "tolerations": _LIST,
    "nodeSelector": _MAP,
    "nodeName": _TEXT,
    "restartPolicy": _TEXT,
    "terminationGracePeriodSeconds": _COUNT,
    "activeDeadlineSeconds": _COUNT,
}
_METADATA = {"labels": _MAP, "annotations": _MAP}
_SELECTOR = {"matchLabels": _MAP, "matchExpressions": _LIST}
_STRATEGY = {"type": _TEXT, "rollingUpdate": _MAP}
_WORKLOAD = {
    "replicas": _COUNT,
    "minReadySeconds": _COUNT,
    "revisionHistoryLimit": _COUNT,
    "progressDeadlineSeconds": _COUNT,
    "paused": _FLAG,
    "selector": _SELECTOR,
    "strategy": _STRATEGY,
    "updateStrategy": _STRATEGY,
    "template": {"metadata": _METADATA, "spec": _POD},
}
_JOB = {
    "parallelism": _COUNT,
    "completions": _COUNT,
    "backoffLimit": _COUNT,
    "activeDeadlineSeconds": _COUNT,
    "ttlSecondsAfterFinished": _COUNT,
    "suspend": _FLAG,
    "selector": _SELECTOR,
    "template": {"metadata": _METADATA, "spec": _POD},
}
_SPECS: dict[str, Json] = {
    "Pod": _POD,
    "Deployment": _WORKLOAD,
    "ReplicaSet": _WORKLOAD,
    "StatefulSet": _WORKLOAD,
    "DaemonSet": _WORKLOAD,
    "Job": _JOB,
    "CronJob": {"schedule": _TEXT, "suspend": _FLAG, "jobTemplate": {"spec": _JOB}},
    "HorizontalPodAutoscaler": {"minReplicas": _COUNT, "maxReplicas": _COUNT, "scaleTargetRef": _MAP, "metrics": _LIST},
    "PodDisruptionBudget": {"selector": _SELECTOR},
    "PersistentVolumeClaim": {"accessModes": [_TEXT], "resources": _RESOURCES},
    "ResourceQuota": {"hard": _QUANTITIES},
    "Service": {"ports": [{"name": _TEXT, "port": _COUNT}], "selector": _MAP, "type": _TEXT, "clusterIP": _TEXT},
    "Node": {"unschedulable": _FLAG, "taints": _LIST},
}
_GO = {dict: "object", list: "array", str: "string", bool: "bool", int: "number", float: "number"}
_PYTHON: dict[str, tuple[type, ...]] = {_COUNT: (int,), _TEXT: (str,), _FLAG: (bool,), _QUANTITIES: (dict,)}


def misfit(kind: str, value: Json) -> str | None:
    """Return why an object of a built-in kind cannot be decoded, or None when it can."""
    wanted = {"metadata": _METADATA, "spec": _SPECS.get(kind, _MAP)}
    return next(_misfits(value, wanted, ""), None)


def _misfits(value: Any, wanted: Any, where: str) -> Iterator[str]:  # noqa: ANN401 - JSON against its description
    if value is None:
        return
    if isinstance(wanted, str):
        yield from _misfit_words(value, wanted, where)
    elif isinstance(wanted, dict):
        if not isinstance(value, dict):
            yield _unreadable(value, where, "object")
            return
        for name, below in wanted.items():
            yield from _misfits(value.get(name), below, f"{where}.{name}".lstrip("."))
    elif not isinstance(value, list):
        yield _unreadable(value, where, "slice")
    else:
        for item in value:
            yield from _misfits(item, wanted[0], where)


def _misfit_words(value: object, wanted: str, where: str) -> Iterator[str]:
    if not isinstance(value, _PYTHON[wanted]) or (wanted == _COUNT and isinstance(value, bool)):
        yield _unreadable(value, where, wanted)
    elif isinstance(value, dict):
        for each in value.values():
            try:
                amount(each)
            except ValueError:
                yield _QUANTITY_SAYS


def _unreadable(value: object, where: str, wanted: str) -> str:
    return f"json: cannot unmarshal {_GO[type(value)]} into Go struct field {where} of type {wanted}"
