"""The store: an object goes at once, gracefully, or when nobody holds it any more."""

from __future__ import annotations

import pytest

from reconciler.sandbox.cluster import ApiError, Store
from reconciler.sandbox.cluster.deletion import DeleteOptions
from tests.sandbox.cluster.api import deployment, pod, setting


def test_scheduled_pod_is_deleted_gracefully(store: Store) -> None:
    """Its kubelet has the time that the pod asks for, and only then it is gone."""
    store.create(pod(node="node-1"), manager="tests")
    assert store.get("Pod", "default", "web")["metadata"]["generation"] == 1  # type: ignore[index]

    marked = store.delete("Pod", "default", "web")["metadata"]

    assert marked["deletionTimestamp"] == "2026-01-05T09:00:30Z"
    assert (marked["deletionGracePeriodSeconds"], marked["generation"]) == (30, 2)
    assert store.get("Pod", "default", "web") is not None
    store.purge("Pod", "default", "web")
    store.purge("Pod", "default", "web")
    assert store.get("Pod", "default", "web") is None


def test_second_deletion_can_only_hurry(store: Store) -> None:
    """A longer grace changes nothing, a shorter one does, none ends it."""
    store.create(pod(node="node-1"), manager="tests")
    store.delete("Pod", "default", "web", grace=10)

    assert store.delete("Pod", "default", "web", grace=60)["metadata"]["deletionGracePeriodSeconds"] == 10
    assert store.delete("Pod", "default", "web", grace=5)["metadata"]["deletionGracePeriodSeconds"] == 5
    store.delete("Pod", "default", "web", grace=0)
    assert store.get("Pod", "default", "web") is None


def test_pod_without_a_node_is_gone_at_once(store: Store) -> None:
    """Nobody has to end it; whoever watches sees it marked all the same."""
    store.create(pod(), manager="tests")

    last = store.delete("Pod", "default", "web")["metadata"]

    assert (last["deletionTimestamp"], last["deletionGracePeriodSeconds"]) == ("2026-01-05T09:00:00Z", 0)
    assert store.get("Pod", "default", "web") is None


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_pod_that_ended_is_gone_at_once(store: Store, phase: str) -> None:
    """Its kubelet has nothing left to end."""
    store.create(pod(node="node-1"), manager="tests")
    store.change("Pod", "default", "web", setting("status", "phase", value=phase), manager="k", subresource="status")

    store.delete("Pod", "default", "web")

    assert store.get("Pod", "default", "web") is None


def test_finalizer_keeps_an_object_until_it_is_taken_away(store: Store) -> None:
    """And none can be added to what is being deleted."""
    store.create(pod(finalizers=["example.com/hold"]), manager="tests")
    store.delete("Pod", "default", "web")

    with pytest.raises(ApiError, match="no new finalizers can be added"):
        store.change(
            "Pod", "default", "web", lambda obj: obj["metadata"]["finalizers"].append("x.y/z"), manager="tests"
        )
    assert store.get("Pod", "default", "web") is not None
    store.change("Pod", "default", "web", lambda obj: obj["metadata"].pop("finalizers"), manager="tests")
    assert store.get("Pod", "default", "web") is None


@pytest.mark.parametrize(("propagation", "finalizer"), [("Foreground", "foregroundDeletion"), ("Orphan", "orphan")])
def test_propagation_leaves_word_for_the_garbage_collector(store: Store, propagation: str, finalizer: str) -> None:
    """The object waits until its dependents were dealt with."""
    store.create(deployment(), manager="tests")

    store.delete("Deployment", "default", "web", options=DeleteOptions(propagation=propagation))

    found = store.get("Deployment", "default", "web")
    assert found is not None
    assert found["metadata"]["finalizers"] == [finalizer]


def test_newest_propagation_counts(store: Store) -> None:
    """Whoever deletes once more may think again of the dependents."""
    store.create(deployment(), manager="tests")
    store.delete("Deployment", "default", "web", options=DeleteOptions(propagation="Orphan"))

    store.delete("Deployment", "default", "web", options=DeleteOptions(propagation="Foreground"))

    found = store.get("Deployment", "default", "web")
    assert found is not None
    assert found["metadata"]["finalizers"] == ["foregroundDeletion"]


def test_namespace_terminates_until_it_is_emptied(store: Store) -> None:
    """Nothing new is made in it meanwhile."""
    store.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}, manager="tests")

    gone = store.delete("Namespace", "", "shop")

    assert gone["status"]["phase"] == "Terminating"
    with pytest.raises(ApiError, match="because it is being terminated") as refused:
        store.create(pod(namespace="shop"), manager="tests")
    assert refused.value.details["causes"][0]["reason"] == "NamespaceTerminating"
    store.purge("Namespace", "", "shop")
    assert store.get("Namespace", "", "shop") is None


@pytest.mark.parametrize("name", ["default", "kube-system"])
def test_namespaces_of_the_cluster_itself_stay(store: Store, name: str) -> None:
    """As the real server protects them."""
    with pytest.raises(ApiError, match="this namespace may not be deleted"):
        store.delete("Namespace", "", name)
