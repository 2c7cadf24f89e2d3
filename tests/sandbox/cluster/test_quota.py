"""Quotas of a namespace: counted live, kept at creation, refused in the words that people know."""

from __future__ import annotations

import pytest

from reconciler.sandbox.cluster import ApiError, Store
from reconciler.sandbox.wire import NotInSandbox
from tests.sandbox.cluster.api import Json, config_map, pod


def limit(store: Store, name: str = "team", **spec: object) -> None:
    """Give the default namespace a quota."""
    manifest = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": name}, "spec": spec}
    store.create(manifest, manager="tests")


def hungry(name: str, memory: str) -> Json:
    """Return a pod that requests memory."""
    manifest = pod(name)
    manifest["spec"]["containers"][0]["resources"] = {"requests": {"memory": memory}}
    return manifest


def used(store: Store) -> Json:
    """Return what the quota says is used."""
    found: Json = store.list("ResourceQuota")[0]["status"]["used"]
    return found


def test_pod_beyond_the_quota_is_forbidden(store: Store) -> None:
    """The message names the quota, what was requested, used and allowed."""
    limit(store, hard={"requests.memory": "2Gi", "pods": "5"})
    store.create(hungry("a", "1536Mi"), manager="tests")

    with pytest.raises(ApiError) as refused:
        store.create(hungry("b", "1Gi"), manager="tests")

    assert (refused.value.status, refused.value.reason) == (403, "Forbidden")
    assert refused.value.message == (
        'pods "b" is forbidden: exceeded quota: team, requested: requests.memory=1Gi, '
        "used: requests.memory=1536Mi, limited: requests.memory=2Gi"
    )
    store.create(hungry("b", "512Mi"), manager="tests")


def test_quota_counts_what_lives(store: Store) -> None:
    """What was there before it, what came, what went, and pods that ended no more."""
    store.create(hungry("a", "1Gi"), manager="tests")
    limit(store, hard={"memory": "4Gi", "pods": "5", "configmaps": "1", "count/pods": "9"})
    assert used(store) == {"memory": "1Gi", "pods": "1", "configmaps": "0", "count/pods": "1"}

    store.create(hungry("b", "2Gi"), manager="tests")
    store.create(config_map("settings"), manager="tests")
    assert used(store) == {"memory": "3Gi", "pods": "2", "configmaps": "1", "count/pods": "2"}

    store.delete("Pod", "default", "a")
    store.change(
        "Pod",
        "default",
        "b",
        lambda obj: obj["status"].update(phase="Succeeded"),
        manager="tests",
        subresource="status",
    )
    assert used(store) == {"memory": "0", "pods": "0", "configmaps": "1", "count/pods": "1"}


def test_pod_must_say_what_the_quota_counts(store: Store) -> None:
    """Otherwise nobody could count it."""
    limit(store, hard={"limits.memory": "4Gi"})

    with pytest.raises(ApiError, match=r"must specify limits[.]memory for: web"):
        store.create(hungry("a", "1Gi"), manager="tests")


def test_other_namespaces_are_not_concerned(store: Store) -> None:
    """A quota is of its namespace."""
    limit(store, hard={"pods": "0"})

    store.create(pod(namespace="kube-system"), manager="tests")

    with pytest.raises(ApiError, match="exceeded quota: team, requested: pods=1, used: pods=0, limited: pods=0"):
        store.create(pod(), manager="tests")


@pytest.mark.parametrize("spec", [{"scopes": ["BestEffort"]}, {"hard": {"services.loadbalancers": "1"}}])
def test_quota_that_would_not_be_kept_is_refused(store: Store, spec: Json) -> None:
    """By the feature's name."""
    with pytest.raises(NotInSandbox, match="ResourceQuota"):
        limit(store, **spec)
