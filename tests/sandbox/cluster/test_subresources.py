"""Scale, eviction and log: the parts of objects that have a path of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reconciler.sandbox.cluster import scale
from reconciler.sandbox.wire import NotInSandbox
from tests.sandbox.cluster.api import APPLY, DEPLOYMENTS, JSON_PATCH, MERGE, PODS, Api, deployment, pod

if TYPE_CHECKING:
    from tests.sandbox.cluster.api import Answer

Json = dict[str, Any]

SCALE = f"{DEPLOYMENTS}/web/scale"
BUDGETS = "/apis/policy/v1/namespaces/default/poddisruptionbudgets"


# Scale


def test_scale_tells_both_numbers_and_the_selector(api: Api) -> None:
    """Of the workload that it is of."""
    made = api.post(DEPLOYMENTS, deployment(replicas=3)).body
    api.store.change(
        "Deployment", "default", "web", lambda d: d.update(status={"replicas": 2}), manager="c", subresource="status"
    )

    found = api.get(SCALE).body

    assert (found["apiVersion"], found["kind"]) == ("autoscaling/v1", "Scale")
    assert found["metadata"]["uid"] == made["metadata"]["uid"]
    assert found["spec"] == {"replicas": 3}
    assert found["status"] == {"replicas": 2, "selector": "app=web"}


@pytest.mark.parametrize(
    ("content", "body"),
    [(MERGE, {"spec": {"replicas": 5}}), (JSON_PATCH, [{"op": "replace", "path": "/spec/replicas", "value": 5}])],
)
def test_scale_is_patched(api: Api, content: str, body: object) -> None:
    """One field of the workload changes, and its entry says by which path."""
    before = api.post(DEPLOYMENTS, deployment(replicas=3), fieldManager="kubectl").body

    answer = api.patch(SCALE, body, content, fieldManager="hpa")

    after = api.get(f"{DEPLOYMENTS}/web").body
    assert answer.body["spec"]["replicas"] == 5
    assert after["spec"] == {**before["spec"], "replicas": 5}
    assert after["metadata"]["generation"] == before["metadata"]["generation"] + 1
    entry = next(e for e in after["metadata"]["managedFields"] if e["manager"] == "hpa")
    assert (entry["subresource"], entry["fieldsV1"]) == ("scale", {"f:spec": {"f:replicas": {}}})


def test_scale_is_replaced(api: Api) -> None:
    """To zero, too, which the scale then leaves out."""
    api.post(DEPLOYMENTS, deployment(replicas=3))
    wanted = api.get(SCALE).body
    wanted["spec"] = {}

    answer = api.call("PUT", SCALE, wanted)

    assert (answer.status, answer.body["spec"]) == (200, {})
    assert api.get(f"{DEPLOYMENTS}/web").body["spec"]["replicas"] == 0


def test_number_that_was_scaled_to_zero_is_nobodys(api: Api) -> None:
    """The real server loses track of it: a zero is left out of the scale, and what is not managed stays so."""
    api.post(DEPLOYMENTS, deployment(replicas=3), fieldManager="kubectl")

    api.patch(SCALE, {"spec": {"replicas": 0}}, fieldManager="hpa")
    api.patch(SCALE, {"spec": {"replicas": 2}}, fieldManager="hpa")

    entries = api.get(f"{DEPLOYMENTS}/web").body["metadata"]["managedFields"]
    assert [entry["manager"] for entry in entries] == ["kubectl"]
    assert "f:replicas" not in entries[0]["fieldsV1"]["f:spec"]


def test_scale_must_name_its_workload_when_it_replaces(api: Api) -> None:
    """A patch has the name already."""
    api.post(DEPLOYMENTS, deployment(replicas=3))

    answer = api.call("PUT", SCALE, {"apiVersion": "autoscaling/v1", "kind": "Scale", "spec": {"replicas": 4}})

    assert (answer.status, answer.body["reason"]) == (400, "BadRequest")


def test_stale_scale_is_a_conflict(api: Api) -> None:
    """It carries the workload's version."""
    api.post(DEPLOYMENTS, deployment(replicas=3))
    wanted = api.get(SCALE).body
    api.patch(f"{DEPLOYMENTS}/web", {"metadata": {"labels": {"x": "y"}}})

    answer = api.call("PUT", SCALE, wanted)

    assert (answer.status, answer.body["reason"]) == (409, "Conflict")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"spec": {"replicas": -1}}, 422),
        ({"spec": {"replicas": "many"}}, 400),
        ({"metadata": {"name": "other"}}, 400),
        ({"metadata": {"uid": "other"}}, 409),
        ({"kind": "Deployment"}, 400),
    ],
    ids=str,
)
def test_scale_that_makes_no_sense_is_refused(api: Api, body: Json, status: int) -> None:
    """And the workload stays as it is."""
    before = api.post(DEPLOYMENTS, deployment(replicas=3)).body

    answer = api.patch(SCALE, body)

    assert answer.status == status
    assert api.get(f"{DEPLOYMENTS}/web").body == before


def test_scale_of_nothing_is_not_found(api: Api) -> None:
    """By the workload's own name."""
    assert api.get(SCALE).status == 404


def test_selector_is_written_as_queries_write_it(api: Api) -> None:
    """By key, each operator in its own way."""
    kind = api.store.kinds["Deployment"]
    expressions = [
        {"key": "tier", "operator": "In", "values": ["b", "a"]},
        {"key": "old", "operator": "DoesNotExist"},
        {"key": "env", "operator": "NotIn", "values": ["dev"]},
        {"key": "app", "operator": "Exists"},
    ]
    manifest = deployment()
    manifest["spec"]["selector"] = {"matchLabels": {"zone": "x"}, "matchExpressions": expressions}

    found = scale.shown(kind, manifest)["status"]["selector"]

    assert found == "app,env notin (dev),!old,tier in (a,b),zone=x"


def test_apply_of_a_scale_is_not_here(api: Api) -> None:
    """It would need entries of another kind."""
    api.post(DEPLOYMENTS, deployment())

    with pytest.raises(NotInSandbox):
        api.patch(SCALE, {"spec": {"replicas": 2}}, APPLY, fieldManager="x")


# Eviction


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
    """Nor does anything that is no eviction, nor of a pod that is not there."""
    running(api)
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "other"}}

    assert api.post(f"{PODS}/web/eviction", body).status == 400
    assert api.post(f"{PODS}/web/eviction", {"kind": "Pod"}).status == 400
    assert evict(api, "absent").status == 404


# Log


def state(api: Api, name: str = "web", *, ready: bool = False, last: Json | None = None, **state: Json) -> None:
    """Report the state of a pod's container."""
    if api.store.get("Pod", "default", name) is None:
        api.post(PODS, pod(name, node="n1"))
    status = {"name": "web", "ready": ready, "state": state, "lastState": {"terminated": last} if last else {}}
    at = "2026-01-05T09:00:05Z"
    conditions = [{"type": "Ready", "status": "True" if ready else "False", "lastTransitionTime": at}]
    whole = {"phase": "Running", "conditions": conditions, "containerStatuses": [status]}
    api.store.change("Pod", "default", name, lambda p: p.update(status=whole), manager="kubelet", subresource="status")


def log(api: Api, **query: object) -> Answer:
    """Read the log of the pod."""
    return api.get(f"{PODS}/web/log", **query)


STARTED: Json = {"startedAt": "2026-01-05T09:00:00Z"}
OOM: Json = {**STARTED, "finishedAt": "2026-01-05T09:00:09Z", "exitCode": 137, "reason": "OOMKilled"}
BAD: Json = {**OOM, "exitCode": 1, "reason": "Error", "message": "invalid configuration: settings/LEVEL=debug|info"}


def test_log_of_a_running_container_tells_its_start_and_readiness(api: Api) -> None:
    """With times where they are asked for."""
    state(api, running=STARTED, ready=True)

    assert log(api).body == "web: starting\nweb: ready\n"
    assert log(api, timestamps="true").body == (
        "2026-01-05T09:00:00.000000000Z web: starting\n2026-01-05T09:00:05.000000000Z web: ready\n"
    )


def test_log_of_a_bad_configuration_ends_with_the_error(api: Api) -> None:
    """Of the container that waits to start again, and of the one before."""
    state(api, waiting={"reason": "CrashLoopBackOff"}, last=BAD)

    says = "web: starting\nweb: error: invalid configuration: settings/LEVEL=debug|info\n"
    assert log(api).body == log(api, previous="true").body == says


def test_killed_container_had_no_time_to_say_so(api: Api) -> None:
    """An OOM kill leaves nothing in the log."""
    state(api, running=STARTED, last=OOM)

    assert log(api, previous="true").body == "web: starting\n"


def test_tail_and_limit_cut_the_log(api: Api) -> None:
    """Whole lines from the end, bytes from the start."""
    state(api, running=STARTED, ready=True)

    assert log(api, tailLines=1).body == "web: ready\n"
    assert log(api, tailLines=0).body == ""
    assert log(api, limitBytes=3).body == "web"


@pytest.mark.parametrize(
    ("reason", "says"),
    [
        ("ContainerCreating", "is waiting to start: ContainerCreating"),
        ("ImagePullBackOff", "is waiting to start: trying and failing to pull image"),
    ],
)
def test_container_that_never_ran_has_no_log(api: Api, reason: str, says: str) -> None:
    """The answer says what it waits for."""
    state(api, waiting={"reason": reason})

    answer = log(api)

    assert answer.status == 400
    assert answer.message == f'container "web" in pod "web" {says}'


def test_log_that_cannot_be_is_refused(api: Api) -> None:
    """No earlier container, no such container, no such pod, no such number."""
    state(api, running=STARTED)

    assert log(api, previous="true").message == 'previous terminated container "web" in pod "web" not found'
    assert log(api, container="side").message == "container side is not valid for pod web"
    assert log(api, tailLines=-1).status == 422
    assert log(api, tailLines="x").status == 400
    assert api.get(f"{PODS}/absent/log").status == 404


def test_one_of_several_containers_must_be_named(api: Api) -> None:
    """The answer lists them."""
    manifest = pod("web", node="n1")
    manifest["spec"]["containers"].append({"name": "side", "image": "side"})
    api.post(PODS, manifest)

    answer = log(api)

    assert answer.message == "a container name must be specified for pod web, choose one of: [web side]"


def test_log_of_a_pod_without_a_node_is_empty(api: Api) -> None:
    """Nothing ran yet."""
    api.post(PODS, pod())

    assert (log(api).status, log(api).body) == (200, "")


@pytest.mark.parametrize("query", [{"follow": "true"}, {"sinceSeconds": "5"}, {"stream": "Stdout"}], ids=str)
def test_options_that_are_not_here_are_named(api: Api, query: Json) -> None:
    """Never answered as if they had been obeyed."""
    state(api, running=STARTED)

    with pytest.raises(NotInSandbox, match="log"):
        log(api, **query)
