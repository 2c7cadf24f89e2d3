"""Evictions: a pod is removed with respect for the disruption budgets."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.cluster.api import PODS, Answer, Api, Json, pod

BUDGETS = "/apis/policy/v1/namespaces/default/poddisruptionbudgets"


def running(api: Api, name: str = "web", *, ready: bool = True) -> None:
    """Make a pod that runs on a node."""
    api.post(PODS, pod(name, node="n1", labels={"app": "web"}))
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    status = {"phase": "Running", "conditions": conditions}
    api.store.change("Pod", "default", name, lambda p: p.update(status=status), manager="kubelet", subresource="status")


def budget(api: Api, name: str = "web", *, counted: bool = True, **status: Any) -> None:  # noqa: ANN401 - JSON
    """Make a disruption budget for the pods, with the numbers that its controller counted."""
    spec = {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}}
    made = api.post(
        BUDGETS, {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": name}, "spec": spec}
    ).body
    seen = made["metadata"]["generation"] if counted else 0
    numbers = {"disruptionsAllowed": 0, "currentHealthy": 1, "desiredHealthy": 1, "expectedPods": 1} | status
    value = {"observedGeneration": seen, **numbers}
    api.store.change(
        "PodDisruptionBudget", "default", name, lambda b: b.update(status=value), manager="c", subresource="status"
    )


def evict(api: Api, name: str = "web", *, options: Json | None = None, **query: object) -> Answer:
    """Ask for a pod's eviction."""
    body: Json = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": "default"}}
    body |= {"deleteOptions": options} if options else {}
    return api.post(f"{PODS}/{name}/eviction", body, **query)


def is_ending(api: Api, name: str = "web") -> bool:
    """Whether a pod is being deleted, or gone."""
    found = api.store.get("Pod", "default", name)
    return found is None or "deletionTimestamp" in found["metadata"]


def test_pod_without_a_budget_is_evicted(api: Api) -> None:
    """It ends gracefully, and its conditions say why."""
    running(api)

    answer = evict(api, options={"gracePeriodSeconds": 7})

    found = api.store.get("Pod", "default", "web")
    assert (answer.status, answer.body["status"]) == (201, "Success")
    assert found is not None
    assert found["metadata"]["deletionGracePeriodSeconds"] == 7
    condition = found["status"]["conditions"][-1]
    assert (condition["type"], condition["reason"]) == ("DisruptionTarget", "EvictionByEvictionAPI")


def test_exhausted_budget_blocks_and_says_which_it_is(api: Api) -> None:
    """429 in the real words; the pod lives on."""
    running(api)
    budget(api)

    answer = evict(api)

    assert (answer.status, answer.body["reason"]) == (429, "TooManyRequests")
    assert answer.message == "Cannot evict pod as it would violate the pod's disruption budget."
    assert answer.body["details"]["causes"] == [
        {"reason": "DisruptionBudget", "message": "The disruption budget web needs 1 healthy pods and has 1 currently"}
    ]
    assert not is_ending(api)


def test_budget_that_nobody_counted_asks_for_patience(api: Api) -> None:
    """With the time to wait."""
    running(api)
    budget(api, counted=False, disruptionsAllowed=1)

    answer = evict(api)

    assert (answer.status, answer.headers["Retry-After"]) == (429, "10")
    assert "is still being processed by the server" in answer.body["details"]["causes"][0]["message"]
    assert not is_ending(api)


def test_budget_that_could_not_be_counted_says_why(api: Api) -> None:
    """Its controller's own words, which tell what to mend."""
    running(api)
    failed = {"type": "DisruptionAllowed", "status": "False", "reason": "SyncFailed", "message": "found no controller"}
    budget(api, conditions=[failed])

    answer = evict(api)

    says = (
        "The disruption budget web does not allow evicting pods currently because it failed sync: found no controller"
    )
    assert (answer.status, answer.body["details"]["causes"][0]["message"]) == (429, says)


def test_eviction_uses_up_one_disruption(api: Api) -> None:
    """The next one is blocked before any controller has counted again."""
    for name in ("web", "other"):
        running(api, name)
    budget(api, disruptionsAllowed=1, currentHealthy=2)

    first, second = evict(api), evict(api, "other")

    found = api.get(f"{BUDGETS}/web").body["status"]
    assert (first.status, second.status) == (201, 429)
    assert found["disruptionsAllowed"] == 0
    assert list(found["disruptedPods"]) == ["web"]
    assert found["conditions"][-1]["reason"] == "InsufficientPods"
    assert [is_ending(api, name) for name in ("web", "other")] == [True, False]


def test_two_budgets_are_more_than_an_eviction_can_serve(api: Api) -> None:
    """An error for good, not one to wait for."""
    running(api)
    for name in ("one", "two"):
        budget(api, name, disruptionsAllowed=1)

    answer = evict(api)

    assert answer.status == 500
    assert answer.message == (
        "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
    )
    assert not is_ending(api)


@pytest.mark.parametrize("phase", ["Succeeded", "Failed", "Pending"])
def test_pod_that_does_not_run_counts_for_no_budget(api: Api, phase: str) -> None:
    """Whatever the budget says."""
    running(api)
    budget(api)
    api.store.change(
        "Pod", "default", "web", lambda p: p["status"].update(phase=phase), manager="kubelet", subresource="status"
    )

    assert evict(api).status == 201
    assert is_ending(api)


def test_unhealthy_pod_may_go_while_enough_others_are_healthy(api: Api) -> None:
    """It is none of those that the budget keeps, so it uses nothing up."""
    running(api, ready=False)
    budget(api, currentHealthy=1, desiredHealthy=1)

    assert evict(api).status == 201
    assert "disruptedPods" not in api.get(f"{BUDGETS}/web").body["status"]


def test_unhealthy_pod_is_kept_while_too_few_are_healthy(api: Api) -> None:
    """Unless the budget's policy lets it go."""
    running(api, ready=False)
    budget(api, currentHealthy=0, desiredHealthy=1)

    kept = evict(api)
    api.patch(f"{BUDGETS}/web", {"spec": {"unhealthyPodEvictionPolicy": "AlwaysAllow"}})
    allowed = evict(api)

    assert (kept.status, allowed.status) == (429, 201)


def test_another_pod_of_the_same_name_is_not_evicted(api: Api) -> None:
    """By its uid."""
    running(api)

    answer = evict(api, options={"preconditions": {"uid": "another"}})

    assert (answer.status, answer.body["reason"]) == (409, "Conflict")
    assert not is_ending(api)


@pytest.mark.parametrize("dry", [{"dryRun": "All"}, {"options": {"dryRun": ["All"]}}], ids=["query", "body"])
def test_dry_run_evicts_nobody(api: Api, dry: Json) -> None:
    """But is blocked where the real one would be."""
    running(api)
    budget(api, disruptionsAllowed=1)
    before = api.store.revision

    assert evict(api, **dry).status == 201
    assert api.store.revision == before
    assert not is_ending(api)


def test_eviction_of_another_name_makes_no_sense(api: Api) -> None:
    """Nor does anything that is no eviction, nor a grace that is no number, nor of a pod that is not there."""
    running(api)
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "other"}}

    assert api.post(f"{PODS}/web/eviction", body).status == 400
    assert api.post(f"{PODS}/web/eviction", {"kind": "Pod"}).status == 400
    assert evict(api, options={"gracePeriodSeconds": "7"}).status == 400
    assert evict(api, options={"gracePeriodSeconds": True}).status == 400
    assert evict(api, "absent").status == 404
