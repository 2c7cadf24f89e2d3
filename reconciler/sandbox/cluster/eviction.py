"""Eviction: deleting a pod where its disruption budget allows it.

Source: `pkg/registry/core/pod/storage/eviction.go` of Kubernetes 1.36. The budgets' own numbers are counted by their
controller; here one is used up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.sandbox.cluster.asks import is_dry
from reconciler.sandbox.cluster.deletion import DeleteOptions, check
from reconciler.sandbox.cluster.errors import ApiError, bad_request, cause, forbidden, not_found, success
from reconciler.sandbox.cluster.selectors import matches

if TYPE_CHECKING:
    from reconciler.sandbox.cluster.store import Store
    from reconciler.sandbox.cluster.values import Json

_MANAGER = "kube-apiserver"
_KINDS = (("policy/v1", "Eviction"), ("policy/v1beta1", "Eviction"))
_FREE = ("Succeeded", "Failed", "Pending")  # phases in which a pod counts for no budget
_MOST_DISRUPTED = 2000
_LATER = 10  # seconds
_TWO = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
_BLOCKED = "Cannot evict pod as it would violate the pod's disruption budget."
_CONDITION = "DisruptionAllowed"


def evict(store: Store, namespace: str, name: str, body: object, *, dry_run: bool = False) -> Json:
    """Evict a pod and return the Status of the success.

    Raises ApiError: 429 when a budget is in the way, 500 for two budgets, 409 when it is not the pod that was meant.
    """
    options, tries = _options(body, name)
    dry_run = dry_run or tries
    pod = store.get("Pod", namespace, name)
    if pod is None:
        raise not_found("pods", name)
    budget = None if _is_free(pod) else _budget_of(store, pod)
    if budget is not None and not _spares(budget, pod):
        _use_up(store, budget, name, dry_run=dry_run)
    check(store.kinds["Pod"], pod, options)
    if not dry_run:
        _note_disruption(store, pod)
        store.delete("Pod", namespace, name, options=DeleteOptions(grace=options.grace, uid=options.uid))
    return success(code=201)


def _options(body: object, name: str) -> tuple[DeleteOptions, bool]:
    """Return how to delete, and whether only to try."""
    if not isinstance(body, dict) or (body.get("apiVersion", "policy/v1"), body.get("kind", "Eviction")) not in _KINDS:
        raise bad_request("the object provided is unrecognized (must be of type Eviction)")
    if (body.get("metadata") or {}).get("name") != name:
        raise bad_request("name in URL does not match name in Eviction object")
    wanted = body.get("deleteOptions") or {}
    conditions = wanted.get("preconditions") or {}
    grace = wanted.get("gracePeriodSeconds")
    if grace is not None and (isinstance(grace, bool) or not isinstance(grace, int)):
        raise bad_request("json: cannot unmarshal the value of deleteOptions.gracePeriodSeconds into type int64")
    options = DeleteOptions(
        grace=grace, uid=conditions.get("uid") or "", revision=conditions.get("resourceVersion") or ""
    )
    return options, is_dry("DeleteOptions", wanted.get("dryRun"))


def _is_free(pod: Json) -> bool:
    phase = (pod.get("status") or {}).get("phase")
    return phase in _FREE or bool(pod["metadata"].get("deletionTimestamp"))


def _budget_of(store: Store, pod: Json) -> Json | None:
    metadata = pod["metadata"]
    budgets = store.list("PodDisruptionBudget", metadata["namespace"])
    found = [each for each in budgets if matches(each["spec"].get("selector"), metadata.get("labels"))]
    if len(found) > 1:
        raise ApiError(500, "", _TWO)
    return found[0] if found else None


def _spares(budget: Json, pod: Json) -> bool:
    """Tell whether an unhealthy pod may go without counting: by policy, or as enough others are healthy."""
    conditions = (pod.get("status") or {}).get("conditions") or ()
    if any(each["type"] == "Ready" and each["status"] == "True" for each in conditions):
        return False
    if budget["spec"].get("unhealthyPodEvictionPolicy") == "AlwaysAllow":
        return True
    status = budget.get("status") or {}
    desired: int = status.get("desiredHealthy", 0)
    return bool(status.get("currentHealthy", 0) >= desired > 0)


def _use_up(store: Store, budget: Json, pod: str, *, dry_run: bool) -> None:
    """Take one disruption from a budget. Raises ApiError when it has none to give."""
    metadata, status = budget["metadata"], budget.get("status") or {}
    name = metadata["name"]
    if status.get("observedGeneration", 0) < metadata.get("generation", 0):
        raise _blocked(f"The disruption budget {name} is still being processed by the server.", _LATER)
    allowed = status.get("disruptionsAllowed", 0)
    if allowed < 0:
        raise forbidden("poddisruptionbudgets.policy", name, "pdb disruptions allowed is negative")
    if len(status.get("disruptedPods") or {}) > _MOST_DISRUPTED:
        why = "DisruptedPods map too big - too many evictions not confirmed by PDB controller"
        raise forbidden("poddisruptionbudgets.policy", name, why)
    if allowed == 0:
        raise _blocked(_why_not(name, status))
    if dry_run:
        return
    at = store.clock.stamp()

    def take(value: Json) -> None:
        left = value["status"]
        left["disruptionsAllowed"] = allowed - 1
        left["disruptedPods"] = {**(left.get("disruptedPods") or {}), pod: at}
        if not left["disruptionsAllowed"]:
            left["conditions"] = _exhausted(left, at)

    store.change("PodDisruptionBudget", metadata["namespace"], name, take, manager=_MANAGER, subresource="status")


def _blocked(why: str, retry_after: int | None = None) -> ApiError:
    causes = [cause("DisruptionBudget", why, "")]
    return ApiError(429, "TooManyRequests", _BLOCKED, {"causes": causes}, retry_after)


def _why_not(name: str, status: Json) -> str:
    conditions = status.get("conditions") or ()
    says: Json = next((c for c in conditions if c["type"] == _CONDITION and c["status"] == "False"), {})
    message = says.get("message") or ""
    start = f"The disruption budget {name}"
    current, desired = status.get("currentHealthy", 0), status.get("desiredHealthy", 0)
    if message and says.get("reason") == "SyncFailed":
        return f"{start} does not allow evicting pods currently because it failed sync: {message}"
    if current <= desired:
        return f"{start} needs {desired} healthy pods and has {current} currently"
    if message:
        return f"{start} does not allow evicting pods currently ({says.get('reason', '')}): {message}"
    return f"{start} does not allow evicting pods currently"


def _exhausted(status: Json, at: str) -> list[Json]:
    """Return a budget's conditions when it has nothing left to give."""
    before = next((c for c in status.get("conditions") or () if c["type"] == _CONDITION), None)
    since = before["lastTransitionTime"] if before and before["status"] == "False" else at
    none_left = {
        "type": _CONDITION,
        "status": "False",
        "observedGeneration": status.get("observedGeneration", 0),
        "lastTransitionTime": since,
        "reason": "InsufficientPods",
        "message": "",
    }
    return [*(c for c in status.get("conditions") or () if c["type"] != _CONDITION), none_left]


def _note_disruption(store: Store, pod: Json) -> None:
    """Say in the pod's conditions why it ends."""
    at = store.clock.stamp()
    condition = {
        "type": "DisruptionTarget",
        "status": "True",
        "lastProbeTime": None,
        "lastTransitionTime": at,
        "reason": "EvictionByEvictionAPI",
        "message": "Eviction API: evicting",
    }

    def note(value: Json) -> None:
        status = value.setdefault("status", {})
        others = [each for each in status.get("conditions") or () if each["type"] != "DisruptionTarget"]
        before = [each for each in status.get("conditions") or () if each["type"] == "DisruptionTarget"]
        status["conditions"] = [*others, *(before or [condition])]

    metadata = pod["metadata"]
    store.change("Pod", metadata["namespace"], metadata["name"], note, manager=_MANAGER, subresource="status")
