"""The rules for a pod's specification, as a pod of its own and as a workload's template."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from reconciler.sandbox.cluster.problems import check_labels, label_misfits
from reconciler.sandbox.cluster.quantities import amount, canonical

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.sandbox.cluster.problems import Problems
    from reconciler.sandbox.cluster.values import Json

_LAST_PORT = 65_535
_PROTOCOLS = ("SCTP", "TCP", "UDP")
_PULL_POLICIES = ("Always", "IfNotPresent", "Never")
_RESTART_POLICIES = ("Always", "OnFailure", "Never")
_UPDATABLE = (
    "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"
    "`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)
_MAY_CHANGE = ("activeDeadlineSeconds", "schedulingGates", "tolerations")


def check_template(template: Json, field: str, problems: Problems) -> None:
    """Check a workload's pod template."""
    check_labels((template.get("metadata") or {}).get("labels") or {}, f"{field}.labels", problems)
    check_spec(template.get("spec") or {}, f"{field}.spec", problems)


def check_spec(spec: Json, field: str, problems: Problems) -> None:
    """Check a pod's specification."""
    volumes = _check_volumes(spec.get("volumes") or (), f"{field}.volumes", problems)
    containers = spec.get("containers") or []
    if not containers:
        problems.required(f"{field}.containers")
    for kind in ("containers", "initContainers"):
        names: set[str] = set()
        for index, container in enumerate(spec.get(kind) or ()):
            where = f"{field}.{kind}[{index}]"
            _check_container(container, volumes, where, problems)
            if container.get("name") and container["name"] in names:
                problems.duplicate(f"{where}.name", container["name"])
            names.add(container.get("name") or "")
    if spec.get("restartPolicy", "Always") not in _RESTART_POLICIES:
        problems.unsupported(f"{field}.restartPolicy", spec["restartPolicy"], _RESTART_POLICIES)
    problems.negative(f"{field}.terminationGracePeriodSeconds", spec.get("terminationGracePeriodSeconds"))


def _check_volumes(volumes: Iterable[Json], field: str, problems: Problems) -> set[str]:
    names: set[str] = set()
    for index, volume in enumerate(volumes):
        name = volume.get("name") or ""
        if not name:
            problems.required(f"{field}[{index}].name")
        for misfit in label_misfits(name) if name else ():
            problems.invalid(f"{field}[{index}].name", name, misfit)
        if name in names:
            problems.duplicate(f"{field}[{index}].name", name)
        names.add(name)
    return names


def _check_container(container: Json, volumes: set[str], field: str, problems: Problems) -> None:
    name = container.get("name") or ""
    if not name:
        problems.required(f"{field}.name")
    for misfit in label_misfits(name) if name else ():
        problems.invalid(f"{field}.name", name, misfit)
    if not container.get("image"):
        problems.required(f"{field}.image")
    for index, port in enumerate(container.get("ports") or ()):
        _check_port(port, f"{field}.ports[{index}]", problems)
    for index, variable in enumerate(container.get("env") or ()):
        if not variable.get("name"):
            problems.required(f"{field}.env[{index}].name")
    _check_mounts(container.get("volumeMounts") or (), volumes, f"{field}.volumeMounts", problems)
    if container.get("imagePullPolicy", "Always") not in _PULL_POLICIES:
        problems.unsupported(f"{field}.imagePullPolicy", container["imagePullPolicy"], _PULL_POLICIES)
    check_resources(container.get("resources") or {}, f"{field}.resources", problems)


def _check_port(port: Json, field: str, problems: Problems) -> None:
    number = port.get("containerPort")
    if not number:
        problems.required(f"{field}.containerPort")
    elif not 1 <= number <= _LAST_PORT:
        problems.invalid(f"{field}.containerPort", number, f"must be between 1 and {_LAST_PORT}, inclusive")
    if port.get("protocol", "TCP") not in _PROTOCOLS:
        problems.unsupported(f"{field}.protocol", port["protocol"], _PROTOCOLS)


def _check_mounts(mounts: Iterable[Json], volumes: set[str], field: str, problems: Problems) -> None:
    taken: set[str] = set()
    for index, mount in enumerate(mounts):
        name, path = mount.get("name") or "", mount.get("mountPath") or ""
        if not name:
            problems.required(f"{field}[{index}].name")
        if name not in volumes:
            problems.missing(f"{field}[{index}].name", name)
        if not path:
            problems.required(f"{field}[{index}].mountPath")
        if path in taken:
            problems.invalid(f"{field}[{index}].mountPath", path, "must be unique")
        taken.add(path)


def check_resources(resources: Json, field: str, problems: Problems) -> None:
    """Check requests against limits."""
    limits = resources.get("limits") or {}
    for name, limit in sorted(limits.items()):
        _check_not_negative(limit, f"{field}.limits[{name}]", problems)
    for name, request in sorted((resources.get("requests") or {}).items()):
        _check_not_negative(request, f"{field}.requests[{name}]", problems)
        if name in limits and amount(request) > amount(limits[name]):
            says = f"must be less than or equal to {name} limit of {canonical(limits[name])}"
            problems.invalid(f"{field}.requests", canonical(request), says)


def _check_not_negative(value: object, field: str, problems: Problems) -> None:
    if amount(value) < 0:
        problems.invalid(field, canonical(value), "must be greater than or equal to 0")


def check_change(spec: Json, before: Json, problems: Problems) -> None:
    """Check what changed of a pod of its own: almost nothing may."""
    for kind in ("containers", "initContainers"):
        if len(spec.get(kind) or ()) != len(before.get(kind) or ()):
            problems.forbidden(f"spec.{kind}", "pod updates may not add or remove containers")
            return
    _check_tolerations(spec.get("tolerations") or [], before.get("tolerations") or [], problems)
    if _without_updatable(spec, before) != _without_updatable(before, before):
        changed = sorted(key for key in {*spec, *before} if spec.get(key) != before.get(key))
        difference = {key: spec.get(key) for key in changed}
        says = f"pod updates may not change fields other than {_UPDATABLE}\n{json.dumps(difference, sort_keys=True)}"
        problems.forbidden("spec", says)


def _check_tolerations(new: list[Json], old: list[Json], problems: Problems) -> None:
    def kept(toleration: Json) -> Json:
        return {key: value for key, value in toleration.items() if key != "tolerationSeconds"}

    if any(kept(each) not in [kept(other) for other in new] for each in old):
        says = "existing toleration can not be modified except its tolerationSeconds"
        problems.forbidden("spec.tolerations", says)


def _without_updatable(spec: Json, before: Json) -> Json:
    """Return a specification without what may change; a pod's node may be set once, as a binding does."""
    made = {key: value for key, value in spec.items() if key not in _MAY_CHANGE}
    if not before.get("nodeName"):
        made.pop("nodeName", None)
    for kind in ("containers", "initContainers"):
        if kind in made:
            made[kind] = [{key: value for key, value in each.items() if key != "image"} for each in made[kind] or ()]
    return made
