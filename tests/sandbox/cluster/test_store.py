"""The store: stamps, versions, generations, names, owners, and what changed."""

from __future__ import annotations

import random
import re
from datetime import timedelta

import pytest

from reconciler.sandbox.clock import SandboxClock
from reconciler.sandbox.cluster import ApiError, Store
from reconciler.sandbox.cluster.values import copied
from tests.sandbox.cluster.api import config_map, deployment, pod, setting


def test_creation_stamps_what_only_the_server_knows(store: Store) -> None:
    """Uid, time, version and generation, whatever the manifest claims."""
    manifest = deployment()
    manifest["metadata"] |= {"uid": "mine", "creationTimestamp": "1999-01-01T00:00:00Z", "generation": 9}

    metadata = store.create(manifest, manager="tests")["metadata"]

    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", metadata["uid"])
    assert metadata["creationTimestamp"] == "2026-01-05T09:00:00Z"
    assert metadata["resourceVersion"] == str(store.revision)
    assert metadata["generation"] == 1


def test_manifest_stays_the_callers(store: Store) -> None:
    """What is stored shares nothing with what was given."""
    manifest = deployment()
    before = copied(manifest)

    stored = store.create(manifest, manager="tests")
    manifest["spec"]["replicas"] = 99

    assert stored["spec"]["replicas"] == 1
    manifest["spec"].pop("replicas")
    assert manifest == before


def test_same_seed_makes_the_same_objects() -> None:
    """Ids and names come from the injected source alone."""
    manifest = pod()
    del manifest["metadata"]["name"]
    manifest["metadata"]["generateName"] = "web-"

    made = [Store(SandboxClock(), random.Random(3)).create(manifest, manager="tests") for _ in range(2)]

    assert made[0] == made[1]
    assert re.fullmatch(r"web-[bcdfghjklmnpqrstvwxz2-9]{5}", made[0]["metadata"]["name"])


def test_versions_grow_across_kinds(store: Store) -> None:
    """One counter for the whole cluster."""
    versions = [
        int(store.create(manifest, manager="tests")["metadata"]["resourceVersion"])
        for manifest in (deployment(), pod(), config_map("settings"))
    ]

    assert versions == [versions[0], versions[0] + 1, versions[0] + 2]


def test_seeded_objects_keep_their_status(store: Store) -> None:
    """Many objects at once, as if their controllers had been there."""
    running = [pod(f"web-{number}") | {"status": {"phase": "Running"}} for number in range(3)]

    seeded = store.seed(running)

    assert [each["status"]["phase"] for each in seeded] == ["Running"] * 3
    assert [each["metadata"]["name"] for each in store.list("Pod", "default")] == ["web-0", "web-1", "web-2"]


def test_taken_name_is_refused(store: Store) -> None:
    """By the real reason."""
    store.create(deployment(), manager="tests")

    with pytest.raises(ApiError, match=r'deployments\.apps "web" already exists') as refused:
        store.create(deployment(), manager="tests")

    assert (refused.value.status, refused.value.reason) == (409, "AlreadyExists")


@pytest.mark.parametrize("name", ["", "Web", "-web", "web_1"])
def test_wrong_name_is_refused(store: Store, name: str) -> None:
    """Names are DNS subdomains."""
    with pytest.raises(ApiError) as refused:
        store.create(pod(name), manager="tests")

    assert refused.value.reason == "Invalid"
    assert refused.value.details["causes"][0]["field"] == "metadata.name"


def test_absent_namespace_is_refused(store: Store) -> None:
    """Nothing is made where no namespace is."""
    with pytest.raises(ApiError, match='namespaces "nowhere" not found') as refused:
        store.create(pod(namespace="nowhere"), manager="tests")

    assert refused.value.status == 404


def test_lists_are_ordered_by_namespace_and_name(store: Store) -> None:
    """Whatever the order of creation."""
    store.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "aaa"}}, manager="tests")
    for namespace, name in (("default", "b"), ("aaa", "z"), ("default", "a")):
        store.create(config_map(name, namespace=namespace), manager="tests")

    found = [(each["metadata"]["namespace"], each["metadata"]["name"]) for each in store.list("ConfigMap")]

    assert found == [("aaa", "z"), ("default", "a"), ("default", "b")]
    assert [each["metadata"]["name"] for each in store.list("ConfigMap", "default")] == ["a", "b"]


def test_change_makes_a_new_version_and_leaves_the_old_one(store: Store) -> None:
    """Whoever holds a stored object sees it unchanged."""
    before = store.create(deployment(), manager="tests")

    after = store.change("Deployment", "default", "web", setting("spec", "replicas", value=3), manager="tests")

    assert (before["spec"]["replicas"], after["spec"]["replicas"]) == (1, 3)
    assert after is store.get("Deployment", "default", "web")
    assert after["metadata"]["generation"] == 2
    assert int(after["metadata"]["resourceVersion"]) > int(before["metadata"]["resourceVersion"])


def test_change_that_changes_nothing_is_none(store: Store) -> None:
    """No version, no event."""
    before = store.create(deployment(replicas=2), manager="tests")
    revision = store.revision

    after = store.change("Deployment", "default", "web", setting("spec", "replicas", value=2), manager="others")

    assert after is before
    assert store.revision == revision


def test_labels_make_no_new_generation(store: Store) -> None:
    """Only the specification counts."""
    store.create(deployment(), manager="tests")

    after = store.change(
        "Deployment", "default", "web", setting("metadata", "labels", "tier", value="front"), manager="tests"
    )

    assert after["metadata"]["generation"] == 1


def test_status_changes_by_its_own_path_only(store: Store) -> None:
    """And code of ours that takes the wrong path is told."""
    store.create(deployment(), manager="tests")
    ready = setting("status", "readyReplicas", value=1)

    after = store.change("Deployment", "default", "web", ready, manager="tests", subresource="status")
    with pytest.raises(ValueError, match="status cannot change"):
        store.change("Deployment", "default", "web", setting("status", "readyReplicas", value=2), manager="tests")
    with pytest.raises(ValueError, match="spec cannot change"):
        store.change(
            "Deployment", "default", "web", setting("spec", "replicas", value=2), manager="tests", subresource="status"
        )

    assert after["status"]["readyReplicas"] == 1
    assert after["metadata"]["generation"] == 1


def test_application_has_no_path_for_its_status(store: Store) -> None:
    """As Argo CD defines it: every write is of the whole, and makes a new generation."""
    store.create(
        {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "a", "namespace": "argocd"}},
        manager="tests",
    )

    after = store.change(
        "Application", "argocd", "a", setting("status", "sync", "status", value="Synced"), manager="argocd"
    )

    assert after["status"] == {"sync": {"status": "Synced"}}
    assert after["metadata"]["generation"] == 2


def test_identity_cannot_change(store: Store) -> None:
    """A uid in a write must be the object's own."""
    store.create(config_map("settings"), manager="tests")

    with pytest.raises(ApiError, match="field is immutable") as refused:
        store.change("ConfigMap", "default", "settings", setting("metadata", "uid", value="other"), manager="tests")

    assert refused.value.details["causes"][0]["field"] == "metadata.uid"


def test_stale_version_is_a_conflict(store: Store) -> None:
    """The real words, which people search for."""
    before = store.create(deployment(), manager="tests")
    store.change("Deployment", "default", "web", setting("spec", "replicas", value=3), manager="tests")

    with pytest.raises(ApiError, match="the object has been modified") as refused:
        store.update("Deployment", "default", "web", before, manager="tests")

    assert (refused.value.status, refused.value.reason) == (409, "Conflict")


def test_owned_objects_are_found_by_their_owners_uid(store: Store) -> None:
    """The index follows every write."""
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "u1"}
    store.create(pod("a", ownerReferences=[owner]), manager="tests")
    store.create(pod("b", ownerReferences=[owner]), manager="tests")
    store.create(pod("c"), manager="tests")

    store.change("Pod", "default", "b", lambda obj: obj["metadata"].pop("ownerReferences"), manager="tests")

    assert [each["metadata"]["name"] for each in store.owned("Pod", "u1")] == ["a"]
    assert store.owned("ReplicaSet", "u1") == []
    store.delete("Pod", "default", "a")
    assert store.dependents("u1") == []


def test_object_is_found_by_its_uid_while_it_lives(store: Store) -> None:
    """For the garbage collector."""
    made = store.create(pod(), manager="tests")

    assert store.find(made["metadata"]["uid"]) is made
    store.delete("Pod", "default", "web")
    assert store.find(made["metadata"]["uid"]) is None


def test_changed_places_are_told_once_each(store: Store) -> None:
    """In the order of their last change; what was before is not told."""
    store.create(pod("old"), manager="tests")
    revision = store.revision
    store.create(pod("a"), manager="tests")
    store.create(config_map("b"), manager="tests")
    store.change("Pod", "default", "a", setting("metadata", "labels", "x", value="y"), manager="tests")

    assert store.changed_since(revision) == [("ConfigMap", "default", "b"), ("Pod", "default", "a")]
    store.delete("ConfigMap", "default", "b")
    assert store.changed_since(revision)[-1] == ("ConfigMap", "default", "b")
    assert store.changed_since(store.revision) == []


def test_time_stamps_follow_the_clock(store: Store) -> None:
    """Virtual time is the only one."""
    store.clock.advance(timedelta(hours=2))

    assert store.create(pod(), manager="tests")["metadata"]["creationTimestamp"] == "2026-01-05T11:00:00Z"


def test_dry_run_stores_nothing(store: Store) -> None:
    """Neither a creation nor an update."""
    store.create(deployment("there"), manager="tests")
    revision = store.revision
    wanted = copied(store.list("Deployment")[0])
    wanted["spec"]["replicas"] = 5

    tried = store.create(deployment(), manager="tests", dry_run=True)
    updated = store.update("Deployment", "default", "there", wanted, manager="tests", dry_run=True)

    assert tried["spec"]["replicas"] == 1
    assert updated["spec"]["replicas"] == 5
    assert store.revision == revision
    assert store.get("Deployment", "default", "web") is None
