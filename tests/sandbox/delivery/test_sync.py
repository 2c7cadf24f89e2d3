"""From a commit to the cluster, and what is seen on the way."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from reconciler.sandbox.delivery.differing import LAST_APPLIED
from tests.sandbox.delivery.world import NAME, NAMESPACE, URL, World, config, web

if TYPE_CHECKING:
    from pathlib import Path


def test_new_application_is_synced_and_its_status_says_how(world: World) -> None:
    """Every field that the real controller writes after a first automated sync."""
    commit = world.commit({"deploy/web.yaml": web()})
    world.application()
    world.wait(0.7)
    world.rolled_out()

    status = world.wait()

    source = {"repoURL": URL, "path": "deploy", "targetRevision": "main"}
    destination = {"server": "https://kubernetes.default.svc", "namespace": NAMESPACE}
    assert status["sync"] == {
        "status": "Synced",
        "revision": commit,
        "comparedTo": {"source": source, "destination": destination},
    }
    assert status["health"]["status"] == "Healthy"
    assert status["sourceType"] == "Directory"
    assert status["resources"] == [
        {
            "group": "apps",
            "version": "v1",
            "kind": "Deployment",
            "namespace": NAMESPACE,
            "name": "web",
            "status": "Synced",
        }
    ]
    assert status["history"] == [
        {
            "id": 0,
            "revision": commit,
            "source": source,
            "initiatedBy": {"automated": True},
            "deployStartedAt": "2026-01-05T09:00:00Z",
            "deployedAt": "2026-01-05T09:00:00Z",
        }
    ]
    assert (status["controllerNamespace"], status["resourceHealthSource"]) == ("argocd", "appTree")
    assert "conditions" not in status


def test_result_of_a_sync_names_each_object(world: World) -> None:
    """The operation keeps what was asked, what came of it, and it is gone from the Application."""
    commit = world.commit({"deploy/web.yaml": web(), "deploy/settings.yaml": config()})
    world.application()
    world.wait()

    operation = world.operation
    assert (operation["phase"], operation["message"]) == ("Succeeded", "successfully synced (all tasks run)")
    assert operation["operation"]["sync"]["revision"] == operation["syncResult"]["revision"] == commit
    assert operation["operation"]["retry"] == {"limit": 5}
    assert [(r["kind"], r["status"], r["message"]) for r in operation["syncResult"]["resources"]] == [
        ("ConfigMap", "Synced", "configmap/settings created"),
        ("Deployment", "Synced", "deployment.apps/web created"),
    ]
    assert operation["syncResult"]["resources"][1]["images"] == ["registry.example/web:1.0"]
    assert "operation" not in world.live("Application", NAME)


def test_live_object_carries_who_delivers_it_and_what_was_applied(world: World) -> None:
    """Tracking annotation, last-applied configuration, and the manager of its fields."""
    world.commit({"deploy/settings.yaml": config()})
    world.application()
    world.wait()

    metadata = world.live("ConfigMap", "settings")["metadata"]
    assert metadata["annotations"]["argocd.argoproj.io/tracking-id"] == "shop:/ConfigMap:production/settings"
    applied = json.loads(metadata["annotations"][LAST_APPLIED])
    assert applied["data"] == {"LEVEL": "info"}
    assert [(m["manager"], m["operation"]) for m in metadata["managedFields"]] == [("argocd-controller", "Update")]


def test_stages_of_a_sync_are_seen_one_after_another(world: World) -> None:
    """OutOfSync and Running; Succeeded, not yet compared; Synced, compared since."""
    world.commit({"deploy/settings.yaml": config()})
    world.application()
    seen: list[tuple[object, ...]] = []
    for _ in range(12):
        status = world.wait(0.1)
        stage = (
            status.get("sync", {}).get("status"),
            status.get("operationState", {}).get("phase"),
            world.find("ConfigMap", "settings") is not None,
        )
        if not seen or seen[-1] != stage:
            seen.append(stage)

    assert seen == [
        (None, None, False),
        ("OutOfSync", "Running", False),
        ("OutOfSync", "Succeeded", True),
        ("Synced", "Succeeded", True),
    ]
    assert world.status["reconciledAt"] >= world.operation["finishedAt"]


def test_merged_commit_goes_live_after_a_refresh(world: World) -> None:
    """The annotation is taken away when Git was read again, and the new value is live."""
    world.commit({"deploy/settings.yaml": config()})
    world.application()
    world.wait()
    commit = world.commit({"deploy/settings.yaml": config("debug")})

    world.refresh()
    status = world.wait()

    assert status["sync"]["revision"] == commit
    assert world.live("ConfigMap", "settings")["data"] == {"LEVEL": "debug"}
    assert world.live("Application", NAME)["metadata"]["annotations"] == {}
    assert [entry["id"] for entry in status["history"]] == [0, 1]


def test_last_result_is_forgotten_when_the_next_sync_begins(world: World) -> None:
    """As the real controller does for a sync of its own; a person's operation leaves it until there is a new one."""
    world.commit({"deploy/settings.yaml": config()})
    world.application()
    world.wait()
    world.commit({"deploy/settings.yaml": config("debug")})
    world.refresh()

    world.wait(0.3)
    assert (world.operation["phase"], world.operation.get("syncResult")) == ("Running", None)
    world.wait()
    world.sync()
    assert (world.operation["phase"], world.operation["message"]) == ("Running", "successfully synced (all tasks run)")


def test_commit_is_found_by_polling(world: World) -> None:
    """Nobody asks, and the poll time passes."""
    world.commit({"deploy/settings.yaml": config()})
    world.application()
    world.wait()
    world.commit({"deploy/settings.yaml": config("debug")})

    world.wait(8)
    assert world.live("ConfigMap", "settings")["data"] == {"LEVEL": "info"}
    world.wait(3)
    assert world.live("ConfigMap", "settings")["data"] == {"LEVEL": "debug"}


def test_unrelated_commit_moves_the_revision_and_runs_no_operation(world: World) -> None:
    """The last sync stays the one of before; the history gets no entry."""
    first = world.commit({"deploy/settings.yaml": config()})
    world.application()
    world.wait()
    second = world.commit({"README.md": "# shop\n"})

    world.refresh()
    status = world.wait()

    assert (status["sync"]["status"], status["sync"]["revision"]) == ("Synced", second)
    assert world.operation["syncResult"]["revision"] == first
    assert len(status["history"]) == 1


def test_history_keeps_the_last_ten_syncs(world: World) -> None:
    """Older ones are forgotten, ids go on."""
    world.application()
    for number in range(12):
        world.commit({"deploy/settings.yaml": config(f"level{number}")})
        world.refresh()
        world.wait()

    assert [entry["id"] for entry in world.status["history"]] == list(range(2, 12))


def test_waves_are_written_in_order_once_the_one_before_is_healthy(world: World) -> None:
    """A Deployment of the first wave that rolls out holds back the second wave."""
    later = config(**{"argocd.argoproj.io/sync-wave": "1"})
    world.commit({"deploy/web.yaml": web(), "deploy/settings.yaml": later})
    world.application()

    world.wait(3)
    assert world.find("ConfigMap", "settings") is None
    assert world.operation["phase"] == "Running"
    assert world.operation["message"] == "waiting for healthy state of apps/Deployment/web"
    world.rolled_out()
    world.wait(3)

    assert world.live("ConfigMap", "settings")["data"] == {"LEVEL": "info"}
    assert world.operation["phase"] == "Succeeded"


def test_namespace_is_created_when_asked_for(world: World) -> None:
    """CreateNamespace=true makes the destination's namespace before anything in it."""
    world.commit({"deploy/settings.yaml": config()})
    destination = {"server": "https://kubernetes.default.svc", "namespace": "fresh"}
    policy = {"automated": {}, "syncOptions": ["CreateNamespace=true"]}
    world.application(destination=destination, syncPolicy=policy)
    world.wait()

    assert world.store.get("ConfigMap", "fresh", "settings") is not None
    first = world.operation["syncResult"]["resources"][0]
    assert (first["kind"], first["syncPhase"], first["message"]) == ("Namespace", "PreSync", "namespace/fresh created")


def test_same_commits_give_the_same_world(tmp_path: Path) -> None:
    """Nothing depends on the wall clock or on chance."""

    def played(folder: Path) -> list[object]:
        world = World(folder)
        world.commit({"deploy/web.yaml": web(), "deploy/settings.yaml": config()})
        world.application()
        world.wait()
        world.commit({"deploy/web.yaml": web(memory="1Gi"), "deploy/settings.yaml": None})
        world.wait(30)
        return [world.store.list(kind) for kind in ("Application", "Deployment", "ConfigMap")]

    assert played(tmp_path / "one") == played(tmp_path / "two")
