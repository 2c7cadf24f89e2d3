"""Who begins a sync: the policy, a person, or nobody; pruning; windows; projects."""

from __future__ import annotations

import pytest

from tests.sandbox.delivery.world import AUTOMATED, NAME, World, config

TWO = {"deploy/one.yaml": config(name="one"), "deploy/two.yaml": config(name="two")}


def window(kind: str, schedule: str = "* * * * *", **more: object) -> dict[str, object]:
    """Return a sync window for every Application."""
    return {"kind": kind, "schedule": schedule, "duration": "1h", "applications": ["*"], **more}


def set_windows(world: World, *windows: dict[str, object]) -> None:
    """Set the windows of the default project."""
    world.change("AppProject", "default", {"spec": {"syncWindows": list(windows)}})


def test_without_a_policy_a_person_syncs(world: World) -> None:
    """OutOfSync for as long as nobody asks; the operation is carried out and taken away."""
    commit = world.commit({"deploy/settings.yaml": config()})
    world.application(syncPolicy={})

    status = world.wait(60)
    assert (status["sync"]["status"], status["health"]["status"]) == ("OutOfSync", "Healthy")
    assert world.operation == {}
    world.sync()
    assert world.operation["phase"] == "Running"
    status = world.wait()

    assert status["sync"]["status"] == "Synced"
    assert world.operation["syncResult"]["revision"] == commit
    assert status["history"][0]["initiatedBy"] == {"username": "ana"}
    assert "operation" not in world.live("Application", NAME)


def test_policy_that_is_switched_off_is_none(world: World) -> None:
    """`enabled: false` beside the rest of the policy."""
    world.commit({"deploy/settings.yaml": config()})
    world.application(syncPolicy={"automated": {"enabled": False, "selfHeal": True}})

    assert world.wait()["sync"]["status"] == "OutOfSync"
    assert world.operation == {}


def test_policy_that_is_switched_on_syncs_at_once(world: World) -> None:
    """Long before the next poll."""
    world.commit({"deploy/settings.yaml": config()})
    world.application(syncPolicy={})
    world.wait()

    world.change("Application", NAME, {"spec": {"syncPolicy": AUTOMATED}})

    assert world.wait()["sync"]["status"] == "Synced"


def test_object_that_git_gives_up_is_pruned(world: World) -> None:
    """With prune it is deleted."""
    world.commit(TWO)
    world.application()
    world.wait()

    world.commit({"deploy/two.yaml": None})
    world.refresh()
    status = world.wait()

    assert world.find("ConfigMap", "two") is None
    assert [r["name"] for r in status["resources"]] == ["one"]
    assert [(r["name"], r["status"], r["message"]) for r in world.operation["syncResult"]["resources"]] == [
        ("two", "Pruned", "pruned"),
        ("one", "Synced", "configmap/one unchanged"),
    ]


def test_without_prune_it_stays_and_is_marked(world: World) -> None:
    """OutOfSync with requiresPruning, and no operation for that alone."""
    world.commit(TWO)
    world.application(syncPolicy={"automated": {"selfHeal": True}})
    world.wait()
    before = world.operation

    world.commit({"deploy/two.yaml": None})
    world.refresh()
    status = world.wait()

    assert world.find("ConfigMap", "two") is not None
    assert status["sync"]["status"] == "OutOfSync"
    assert [(r["name"], r["status"], r.get("requiresPruning")) for r in status["resources"]] == [
        ("one", "Synced", None),
        ("two", "OutOfSync", True),
    ]
    assert world.operation == before


def test_sync_that_would_wipe_out_everything_is_not_begun(world: World) -> None:
    """The last manifest's removal needs a person, or allowEmpty."""
    world.commit({"deploy/settings.yaml": config(), "deploy/README.md": "here\n"})
    world.application()
    world.wait()

    commit = world.commit({"deploy/settings.yaml": None})
    world.refresh()
    world.wait()
    refusal = f"Skipping sync attempt to [{commit}]: auto-sync will wipe out all resources"
    assert world.conditions["SyncError"] == refusal
    assert world.find("ConfigMap", "settings") is not None

    world.change("Application", NAME, {"spec": {"syncPolicy": {"automated": {"allowEmpty": True}}}})
    world.refresh()
    world.wait()
    assert world.find("ConfigMap", "settings") is None
    assert world.conditions == {}


def test_object_may_forbid_its_pruning(world: World) -> None:
    """`Prune=false` on the object wins."""
    keep = config(name="two", **{"argocd.argoproj.io/sync-options": "Prune=false"})
    world.commit({**TWO, "deploy/two.yaml": keep})
    world.application()
    world.wait()

    world.commit({"deploy/two.yaml": None})
    world.refresh()
    world.wait()

    assert world.find("ConfigMap", "two") is not None
    assert ("two", "PruneSkipped", "ignored (no prune)") in [
        (r["name"], r["status"], r["message"]) for r in world.operation["syncResult"]["resources"]
    ]


def test_deny_window_keeps_the_policy_from_syncing(world: World) -> None:
    """OutOfSync and no operation until the window goes; then the next poll syncs."""
    set_windows(world, window("deny"))
    world.commit({"deploy/settings.yaml": config()})
    world.application()

    assert world.wait(30)["sync"]["status"] == "OutOfSync"
    assert world.operation == {}
    set_windows(world)
    assert world.wait(12)["sync"]["status"] == "Synced"


def test_person_in_a_deny_window_waits(world: World) -> None:
    """The operation is Running and says what blocks it; it goes on once the window is gone."""
    set_windows(world, window("deny"))
    world.commit({"deploy/settings.yaml": config()})
    world.application(syncPolicy={})
    world.wait()

    world.sync()
    world.wait()
    assert (world.operation["phase"], world.operation["message"]) == (
        "Running",
        "Sync operation blocked by sync window",
    )
    assert world.find("ConfigMap", "settings") is None
    set_windows(world)
    world.wait(12)
    assert world.operation["phase"] == "Succeeded"


def test_person_may_sync_where_the_window_lets_people(world: World) -> None:
    """`manualSync: true`."""
    set_windows(world, window("deny", manualSync=True))
    world.commit({"deploy/settings.yaml": config()})
    world.application(syncPolicy={})
    world.wait()

    world.sync()
    world.wait()

    assert world.operation["phase"] == "Succeeded"


def test_outside_an_allow_window_nothing_is_synced(world: World) -> None:
    """The clock stands at nine in the morning; the window opens at ten."""
    set_windows(world, window("allow", "0 10 * * *"))
    world.commit({"deploy/settings.yaml": config()})
    world.application()

    assert world.wait(50 * 60)["sync"]["status"] == "OutOfSync"
    assert world.wait(11 * 60)["sync"]["status"] == "Synced"


def test_window_that_cannot_be_read_is_said(world: World) -> None:
    """A schedule that is none makes the Application's state unknown."""
    set_windows(world, window("deny", "every night"))
    world.commit({"deploy/settings.yaml": config()})
    world.application()
    world.wait()

    assert world.conditions["UnknownError"] == "invalid sync windows: cannot parse schedule 'every night'"


def test_option_that_the_sandbox_lacks_is_refused(world: World) -> None:
    """Replace=true would do something else than an apply."""
    world.commit({"deploy/settings.yaml": config()})
    retry = {"limit": 0}
    world.application(syncPolicy={**AUTOMATED, "retry": retry, "syncOptions": ["Replace=true"]})
    world.wait()

    assert world.operation["phase"] == "Error"
    assert world.operation["message"] == "the sandbox does not implement sync options: Replace=true"
    assert world.find("ConfigMap", "settings") is None


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"sourceRepos": ["https://elsewhere.example/*"]}, "application repo https://git.example/shop.git is not"),
        ({"destinations": [{"server": "*", "namespace": "stag*"}]}, "do not match any of the allowed destinations"),
        ({"destinations": [{"server": "*", "namespace": "!production"}]}, "do not match any of the allowed"),
    ],
)
def test_project_limits_sources_and_destinations(world: World, spec: dict[str, object], message: str) -> None:
    """What the project does not permit is an invalid specification."""
    world.commit({"deploy/settings.yaml": config()})
    world.change("AppProject", "default", {"spec": spec})
    world.application()
    status = world.wait()

    assert message in world.conditions["InvalidSpecError"]
    assert (status["sync"]["status"], status["health"]["status"]) == ("Unknown", "Unknown")


def test_kind_that_the_project_forbids_is_not_synced(world: World) -> None:
    """The operation fails before anything is written."""
    denied = [{"group": "", "kind": "ConfigMap"}]
    world.change("AppProject", "default", {"spec": {"namespaceResourceBlacklist": denied}})
    world.commit({"deploy/settings.yaml": config()})
    world.application(syncPolicy={**AUTOMATED, "retry": {"limit": 0}})
    world.wait()

    assert world.operation["message"] == "one or more synchronization tasks are not valid"
    (result,) = world.operation["syncResult"]["resources"]
    assert result["message"] == "resource :ConfigMap is not permitted in project default"
