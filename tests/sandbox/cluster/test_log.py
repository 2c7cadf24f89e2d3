"""The log of a container, as its state tells it."""

from __future__ import annotations

import pytest

from reconciler.sandbox.wire import NotInSandbox
from tests.sandbox.cluster.api import PODS, Answer, Api, Json, pod

STARTED: Json = {"startedAt": "2026-01-05T09:00:00Z"}
OOM: Json = {**STARTED, "finishedAt": "2026-01-05T09:00:09Z", "exitCode": 137, "reason": "OOMKilled"}
BAD: Json = {**OOM, "exitCode": 1, "reason": "Error", "message": "invalid configuration: settings/LEVEL=debug|info"}


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


@pytest.mark.parametrize(
    ("end", "says"),
    [({"exitCode": 0, "reason": "Completed"}, "done"), ({"exitCode": 3, "reason": "Error"}, "error: ends with 3")],
    ids=["well", "badly"],
)
def test_log_of_a_container_that_ended_says_how(api: Api, end: Json, says: str) -> None:
    """It is there as long as the pod is, with the time of the end."""
    state(api, terminated={**STARTED, "finishedAt": "2026-01-05T09:00:09Z", **end})

    assert log(api, timestamps="true").body == (
        f"2026-01-05T09:00:00.000000000Z web: starting\n2026-01-05T09:00:09.000000000Z web: {says}\n"
    )


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
    assert log(api, tailLines=-1).message.endswith("Invalid value: -1: must be greater than or equal to 0")
    assert log(api, limitBytes=0).message.endswith("Invalid value: 0: must be greater than 0")
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
