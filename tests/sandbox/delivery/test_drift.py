"""When the cluster differs from Git: what counts, what is repaired, what stays."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.delivery.world import NAME, World, config, web

LIMIT = ("spec", "template", "spec", "containers")
UNHEALED = {"automated": {"prune": True}}


def synced(world: World, manifest: str, **spec: Any) -> None:  # noqa: ANN401 - JSON
    """Bring one manifest to the cluster."""
    world.commit({"deploy/it.yaml": manifest})
    world.application(**spec)
    world.wait()
    assert world.status["sync"]["status"] == "Synced"


def test_drift_is_undone_by_self_heal(world: World) -> None:
    """A sync of the same revision, of the drifted object only, which leaves no history."""
    synced(world, config())

    world.change("ConfigMap", "settings", {"data": {"LEVEL": "debug"}})
    status = world.wait()

    assert world.live("ConfigMap", "settings")["data"] == {"LEVEL": "info"}
    assert status["sync"]["status"] == "Synced"
    asked = world.operation["operation"]["sync"]
    assert asked["autoHealAttemptsCount"] == 1
    assert asked["resources"] == [{"kind": "ConfigMap", "name": "settings"}]
    assert len(status["history"]) == 1


def test_repeated_drift_is_repaired_ever_later(world: World) -> None:
    """The second repair waits two seconds after the first one."""
    synced(world, config())
    world.change("ConfigMap", "settings", {"data": {"LEVEL": "debug"}})
    world.wait(1)

    world.change("ConfigMap", "settings", {"data": {"LEVEL": "debug"}})
    world.wait(1)
    assert world.live("ConfigMap", "settings")["data"] == {"LEVEL": "debug"}
    world.wait(2)
    assert world.live("ConfigMap", "settings")["data"] == {"LEVEL": "info"}


def test_drift_without_self_heal_is_shown_and_stays(world: World) -> None:
    """OutOfSync, and no operation even when Git is read again."""
    synced(world, config(), syncPolicy=UNHEALED)
    before = world.operation

    world.change("ConfigMap", "settings", {"data": {"LEVEL": "debug"}})
    world.refresh()
    status = world.wait(30)

    assert (status["sync"]["status"], status["resources"][0]["status"]) == ("OutOfSync", "OutOfSync")
    assert world.live("ConfigMap", "settings")["data"] == {"LEVEL": "debug"}
    assert world.operation == before


def test_deleted_object_comes_back(world: World) -> None:
    """Missing in the cluster is a difference, too."""
    synced(world, config())

    world.delete("ConfigMap", "settings")
    world.wait()

    assert world.live("ConfigMap", "settings")["data"] == {"LEVEL": "info"}


def test_fields_that_git_does_not_name_are_no_drift(world: World) -> None:
    """Labels, annotations and status of others stay; so do the server's defaults."""
    synced(world, web(), syncPolicy=UNHEALED)

    world.change("Deployment", "web", {"metadata": {"labels": {"team": "x"}}, "spec": {"minReadySeconds": 3}})
    world.rolled_out()
    status = world.wait()

    assert status["sync"]["status"] == "Synced"
    assert world.live("Deployment", "web")["metadata"]["labels"] == {"team": "x"}


def test_another_text_of_the_same_amount_is_no_drift(world: World) -> None:
    """1Gi and 1024Mi are one quantity."""
    synced(world, web(memory="1024Mi"), syncPolicy=UNHEALED)
    generation = world.live("Deployment", "web")["metadata"]["generation"]

    world.commit({"deploy/it.yaml": web(memory="1Gi")})
    world.refresh()
    status = world.wait()

    assert status["sync"]["status"] == "Synced"
    assert world.live("Deployment", "web")["metadata"]["generation"] == generation


def test_field_that_git_gives_up_goes(world: World) -> None:
    """What the last apply set and this one does not is removed; what others set stays."""
    synced(world, config() + "  OLD: x\n")
    world.change("ConfigMap", "settings", {"data": {"THEIRS": "y"}})

    world.commit({"deploy/it.yaml": config()})
    world.refresh()
    world.wait()

    assert world.live("ConfigMap", "settings")["data"] == {"LEVEL": "info", "THEIRS": "y"}


def test_container_of_somebody_else_survives(world: World) -> None:
    """Lists with a merge key are merged by it."""
    synced(world, web())
    extra = {"name": "proxy", "image": "registry.example/proxy:1"}

    def add(value: dict[str, Any]) -> None:
        value["spec"]["template"]["spec"]["containers"].append(extra)

    world.store.change("Deployment", "production", "web", add, manager="injector")
    world.commit({"deploy/it.yaml": web(memory="1Gi")})
    world.refresh()
    world.wait()

    containers = world.live("Deployment", "web")["spec"]["template"]["spec"]["containers"]
    assert [c["name"] for c in containers] == ["web", "proxy"]
    assert containers[0]["resources"]["limits"] == {"memory": "1Gi"}


@pytest.mark.parametrize("respect", [False, True])
def test_ignored_field_is_no_drift_and_kept_only_when_respected(world: World, *, respect: bool) -> None:
    """An autoscaler's replicas: ignored in the comparison; a sync for another reason writes them unless told not to."""
    options = {"syncOptions": ["RespectIgnoreDifferences=true"]} if respect else {}
    rule = {"group": "apps", "kind": "Deployment", "jsonPointers": ["/spec/replicas"]}
    policy = {"automated": {"selfHeal": True}, **options}
    synced(world, web(), syncPolicy=policy, ignoreDifferences=[rule])

    world.change("Deployment", "web", {"spec": {"replicas": 5}})
    assert world.wait()["sync"]["status"] == "Synced"
    assert world.live("Deployment", "web")["spec"]["replicas"] == 5
    world.commit({"deploy/it.yaml": web(memory="1Gi")})
    world.refresh()
    world.wait()

    assert world.live("Deployment", "web")["spec"]["replicas"] == (5 if respect else 1)


def test_replicas_under_an_autoscaler_are_fought_over_when_not_ignored(world: World) -> None:
    """Argo CD sets back what Git names, whoever changed it."""
    synced(world, web())

    world.change("Deployment", "web", {"spec": {"replicas": 5}}, manager="kube-controller-manager")
    world.wait()

    assert world.live("Deployment", "web")["spec"]["replicas"] == 1


def test_rules_by_jq_are_refused(world: World) -> None:
    """What the sandbox cannot evaluate makes the state unknown, not synced."""
    rule = {"group": "", "kind": "ConfigMap", "jqPathExpressions": [".data"]}
    synced(world, config())
    world.change("Application", NAME, {"spec": {"ignoreDifferences": [rule]}})

    status = world.wait()

    assert status["sync"]["status"] == "Unknown"
    assert "the sandbox does not ignore differences by jq" in world.conditions["ComparisonError"]


def test_server_side_apply_owns_what_it_applies(world: World) -> None:
    """No last-applied annotation; a field that Git gives up goes; drift is seen."""
    policy = {"automated": {"selfHeal": True}, "syncOptions": ["ServerSideApply=true"]}
    synced(world, config() + "  OLD: x\n", syncPolicy=policy)
    metadata = world.live("ConfigMap", "settings")["metadata"]
    assert list(metadata["annotations"]) == ["argocd.argoproj.io/tracking-id"]
    assert [(m["manager"], m["operation"]) for m in metadata["managedFields"]] == [("argocd-controller", "Apply")]

    world.commit({"deploy/it.yaml": config()})
    world.refresh()
    world.wait()
    assert world.live("ConfigMap", "settings")["data"] == {"LEVEL": "info"}
    assert world.operation["syncResult"]["resources"][0]["message"] == "configmap/settings serverside-applied"
    world.change("ConfigMap", "settings", {"data": {"LEVEL": "debug"}})
    world.wait()
    assert world.live("ConfigMap", "settings")["data"] == {"LEVEL": "info"}


def test_secret_text_is_compared_as_data(world: World) -> None:
    """A Secret written with stringData is in sync with what the server stores."""
    manifest = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: key\nstringData:\n  token: abc\n"
    synced(world, manifest, syncPolicy=UNHEALED)

    assert world.live("Secret", "key")["data"] == {"token": "YWJj"}
