"""ResourceQuotas: what a namespace may hold, what it holds, and the refusal of what would be too much."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING

from reconciler.sandbox.cluster.errors import forbidden
from reconciler.sandbox.cluster.quantities import amount, canonical
from reconciler.sandbox.wire import NotInSandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reconciler.sandbox.cluster.kinds import Kind
    from reconciler.sandbox.cluster.store import Store
    from reconciler.sandbox.cluster.values import Json

Usage = Counter[str]

_COMPUTE = ("cpu", "memory")
_OF_PODS = ("requests.cpu", "requests.memory", "limits.cpu", "limits.memory", *_COMPUTE)
_COUNTED = ("pods", "services", "configmaps", "secrets", "persistentvolumeclaims", "resourcequotas")
_DONE = ("Succeeded", "Failed")


def check(quota: Json) -> None:
    """Raise NotInSandbox for a quota that would not be kept."""
    spec = quota.get("spec") or {}
    if spec.get("scopes") or spec.get("scopeSelector"):
        raise NotInSandbox("scopes of a ResourceQuota")
    for name in spec.get("hard") or ():
        if name not in (*_OF_PODS, *_COUNTED) and not name.startswith("count/"):
            raise NotInSandbox(f"{name} in a ResourceQuota")


def admit(store: Store, kind: Kind, value: Json) -> None:
    """Raise ApiError (403) when a new object is too much for a quota of its namespace."""
    namespace = value["metadata"].get("namespace")
    quotas = store.list("ResourceQuota", namespace) if namespace else []
    for quota in quotas:
        hard = (quota.get("spec") or {}).get("hard") or {}
        wanted = Counter({name: count for name, count in _usage(kind, value).items() if name in hard})
        name, where = quota["metadata"]["name"], value["metadata"]["name"]
        missing = _unspecified(kind, value, hard)
        if missing:
            raise forbidden(kind.resource, where, f"failed quota: {name}: must specify {missing}")
        used = _used(store, namespace, wanted)
        over = sorted(each for each in wanted if wanted[each] and used[each] + wanted[each] > amount(hard[each]))
        if over:
            requested, taken = _listed(over, _shown(wanted, hard)), _listed(over, _shown(used, hard))
            limited = ",".join(f"{each}={canonical(hard[each])}" for each in over)
            says = f"exceeded quota: {name}, requested: {requested}, used: {taken}, limited: {limited}"
            raise forbidden(kind.resource, where, says)


def status(store: Store, quota: Json) -> Json:
    """Return a quota's status as its controller reports it."""
    hard = (quota.get("spec") or {}).get("hard") or {}
    used = _used(store, quota["metadata"]["namespace"], hard)
    show = _shown(used, hard)
    return {"hard": dict(hard), "used": {name: show(name) for name in hard}}


def _listed(names: list[str], show: Callable[[str], str]) -> str:
    return ",".join(f"{each}={show(each)}" for each in names)


def _shown(usage: Usage, hard: Json) -> Callable[[str], str]:
    """Return how an amount is written: like the limit that it is held against."""

    def show(name: str) -> str:
        count = Decimal(usage[name])
        if str(hard[name]).rstrip("0123456789.").endswith("i") and count == count.to_integral_value():
            return canonical(f"{int(count) // 1024}Ki") if count % 1024 == 0 and count else canonical(str(count))
        return canonical(str(count))

    return show


def _used(store: Store, namespace: str, names: Json) -> Usage:
    """Return what a namespace uses of the named resources."""
    total: Usage = Counter()
    for kind in store.kinds:
        if kind.namespaced and any(name in names for name in _names(kind)):
            for value in store.list(kind.name, namespace):
                total.update(_usage(kind, value))
    return total


def _names(kind: Kind) -> Iterator[str]:
    yield f"count/{kind.resource}"
    if not kind.group and kind.plural in _COUNTED:
        yield kind.plural
    if kind.name == "Pod":
        yield from _OF_PODS


def _usage(kind: Kind, value: Json) -> Usage:
    if kind.name == "Pod" and (value.get("status") or {}).get("phase") in _DONE:
        return Counter({"count/pods": 1})
    usage: Usage = Counter(dict.fromkeys((n for n in _names(kind) if n not in _OF_PODS), 1))
    if kind.name == "Pod":
        for resource in _COMPUTE:
            for side in ("requests", "limits"):
                usage[f"{side}.{resource}"] = _sum(value["spec"], side, resource)  # type: ignore[assignment]
            usage[resource] = usage[f"requests.{resource}"]
    return usage


def _sum(spec: Json, side: str, resource: str) -> Decimal:
    """Return what a pod takes: its containers together, or its hungriest first container."""

    def of(container: Json) -> Decimal:
        return amount(((container.get("resources") or {}).get(side) or {}).get(resource, 0))

    together = sum((of(container) for container in spec.get("containers") or ()), Decimal())
    return max([together, *(of(container) for container in spec.get("initContainers") or ())])


def _unspecified(kind: Kind, value: Json, hard: Json) -> str:
    """Return which containers leave out what a quota counts."""
    if kind.name != "Pod":
        return ""
    missing = []
    for name in sorted(set(hard) & set(_OF_PODS)):
        side, _, resource = name.rpartition(".")
        lacking = [
            container["name"]
            for container in value["spec"].get("containers") or ()
            if resource not in ((container.get("resources") or {}).get(side or "requests") or {})
        ]
        if lacking:
            missing.append(f"{name} for: {','.join(lacking)}")
    return "; ".join(missing)
