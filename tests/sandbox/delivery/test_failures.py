"""What goes wrong is said in Argo CD's words, where the product looks for it."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

from tests.sandbox.delivery.world import AUTOMATED, NAME, URL, World, config, web

BROKEN = web().replace("spec:", "spec: [", 1)
LOAD = "Failed to load target state: failed to generate manifest for source 1 of 1: rpc error: code = "


def unreadable(world: World) -> str:
    """Return why the target state could not be loaded, after a refresh."""
    world.refresh()
    status = world.wait()
    assert status["sync"]["status"] == "Unknown"
    message = world.conditions["ComparisonError"]
    assert message.startswith(LOAD)
    return message.removeprefix(LOAD)


def synced(world: World, **spec: Any) -> str:  # noqa: ANN401 - JSON
    """Bring one ConfigMap to the cluster and return the commit."""
    commit = world.commit({"deploy/settings.yaml": config()})
    world.application(**spec)
    world.wait()
    return commit


def test_broken_manifest_is_a_comparison_error(world: World) -> None:
    """With the parser's own words, file and line; what lives stays; mended, the condition goes."""
    synced(world)
    world.commit({"deploy/web.yaml": BROKEN})

    assert unreadable(world) == (
        'FailedPrecondition desc = Failed to unmarshal "web.yaml": failed to unmarshal manifest: '
        "error converting YAML to JSON: yaml: line 6: did not find expected ',' or ']'"
    )
    assert world.status["sync"]["revision"] == "main"
    assert world.find("ConfigMap", "settings") is not None
    world.commit({"deploy/web.yaml": web()})
    world.refresh()
    world.wait()
    assert world.conditions == {}
    assert world.status["sync"]["status"] == "Synced"


def test_git_that_fails_for_a_moment_is_not_heard_of(world: World) -> None:
    """Nobody asked: for three minutes the last comparison stands, then it is said."""
    commit = synced(world)
    world.commit({"deploy/web.yaml": BROKEN})

    status = world.wait(120)
    assert (status["sync"]["status"], status["sync"]["revision"], world.conditions) == ("Synced", commit, {})
    world.wait(100)
    assert "ComparisonError" in world.conditions


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"path": "elsewhere"}, "Unknown desc = elsewhere: app path does not exist"),
        ({"path": "README.md"}, "Unknown desc = README.md: app path is not a directory"),
        ({"targetRevision": "next"}, "Unknown desc = unable to resolve 'next' to a commit SHA"),
        ({"targetRevision": "1.*"}, "Unimplemented desc = the sandbox does not choose a tag from a range of versions"),
        (
            {"targetRevision": "b" * 40},
            "Unknown desc = failed to initialize repository resources: rpc error: code = Internal desc = ",
        ),
        (
            {"repoURL": "https://git.example/none.git"},
            "Unknown desc = failed to list refs: authentication required: ",
        ),
        ({"directory": {"jsonnet": {"libs": ["x"]}}}, "Unimplemented desc = the sandbox does not evaluate Jsonnet"),
        ({"helm": {"releaseName": "x"}}, "Unimplemented desc = the sandbox does not render Helm"),
        ({"kustomize": {"namePrefix": "x-"}}, "Unimplemented desc = the sandbox does not render Kustomize"),
        ({"plugin": {"name": "x"}}, "Unimplemented desc = the sandbox does not run config management plugins"),
    ],
)
def test_source_that_gives_nothing_says_why(world: World, change: dict[str, object], message: str) -> None:
    """One text for each reason."""
    world.commit({"README.md": "# shop\n"})
    synced(world)
    world.change("Application", NAME, {"spec": {"source": change}})

    assert unreadable(world).startswith(message)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"deploy/kustomization.yaml": "resources: []\n"}, "does not render Kustomize"),
        ({"deploy/Chart.yaml": "name: x\n"}, "does not render Helm"),
        ({"deploy/x.jsonnet": "{}\n"}, "does not evaluate Jsonnet"),
        ({"deploy/.argocd-source.yaml": "{}\n"}, "does not read parameter overrides"),
        ({"deploy/x.yaml": config(**{"argocd.argoproj.io/hook": "PreSync"})}, "does not run hooks, and ConfigMap"),
    ],
)
def test_what_the_sandbox_cannot_render_is_refused(world: World, files: dict[str, str], message: str) -> None:
    """Never a wrong rendering."""
    synced(world)
    world.commit(files)

    assert message in unreadable(world)


def test_repository_that_is_gone_is_a_comparison_error(world: World) -> None:
    """Deleted while Argo CD follows it."""
    synced(world)
    shutil.rmtree(world.repositories[URL])

    assert "Repository not found." in unreadable(world)


def test_missing_project_is_an_invalid_specification(world: World) -> None:
    """Nothing is compared."""
    synced(world, project="none")

    assert world.conditions == {"InvalidSpecError": "Application referencing project none which does not exist"}
    assert world.find("ConfigMap", "settings") is None


@pytest.mark.parametrize(
    ("destination", "message"),
    [
        ({"server": "https://elsewhere:6443"}, 'error getting cluster by server "https://elsewhere:6443"'),
        ({"name": "elsewhere"}, "there are no clusters with this name: elsewhere"),
        ({}, "Destination server missing from app spec"),
        ({"name": "in-cluster", "server": "https://kubernetes.default.svc"}, "can't have both name and server"),
    ],
)
def test_unknown_cluster_is_an_invalid_specification(world: World, destination: dict[str, str], message: str) -> None:
    """Only this cluster is known, by its addresses and names."""
    synced(world, destination={**destination, "namespace": "production"})

    assert message in world.conditions["InvalidSpecError"]


def test_cluster_goes_by_every_name_it_is_given(world: World) -> None:
    """By a name of the sandbox's own, and by a Secret as `argocd cluster add` leaves it."""
    world.argocd.clusters["sandbox"] = "http://127.0.0.1:6443"
    labels = {"argocd.argoproj.io/secret-type": "cluster"}
    data = {"name": "testbed", "server": "https://127.0.0.1:6443"}
    metadata = {"name": "cluster", "namespace": "argocd", "labels": labels}
    world.create({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data})
    synced(world, destination={"server": "http://127.0.0.1:6443", "namespace": "production"})
    assert world.status["sync"]["status"] == "Synced"

    for destination in ({"name": "testbed"}, {"server": "https://127.0.0.1:6443"}):
        world.change("Application", NAME, {"spec": {"destination": {"name": None, "server": None, **destination}}})
        assert world.wait()["sync"]["status"] == "Synced"


def test_object_that_the_server_refuses_fails_the_sync(world: World) -> None:
    """The refusal is in the result and the message; the others are written; the same revision is not tried again."""
    policy = {**AUTOMATED, "retry": {"limit": 0}}
    bad = config(name="Bad_Name")
    commit = world.commit({"deploy/bad.yaml": bad, "deploy/settings.yaml": config()})
    world.application(syncPolicy=policy)
    world.wait()

    state = world.operation
    assert state["phase"] == "Failed"
    assert state["message"].startswith('one or more objects failed to apply, reason: ConfigMap "Bad_Name" is invalid')
    results = {r["name"]: r["status"] for r in state["syncResult"]["resources"]}
    assert results == {"Bad_Name": "SyncFailed", "settings": "Synced"}
    assert world.conditions["SyncError"] == f"Failed last sync attempt to [{commit}]: {state['message']}"
    world.refresh()
    world.wait(60)
    assert world.operation == state
    world.commit({"deploy/bad.yaml": config(name="good")})
    world.refresh()
    world.wait()
    assert world.operation["phase"] == "Succeeded"
    assert world.conditions == {}


def test_failed_sync_is_tried_again_as_its_strategy_says(world: World) -> None:
    """After ten seconds, then after twenty; what is mended meanwhile in the cluster lets it succeed."""
    policy = {**AUTOMATED, "retry": {"limit": 2}}
    world.commit({"deploy/settings.yaml": config()})
    destination = {"server": "https://kubernetes.default.svc", "namespace": "late"}
    world.application(syncPolicy=policy, destination=destination)

    world.wait(2)
    assert world.operation["phase"] == "Running"
    assert world.operation["message"].endswith('namespaces "late" not found. Retrying attempt #1 at 9:00AM.')
    world.wait(8.1)
    assert world.operation["message"] == "Retrying operation. Attempt #1"
    world.wait(2)
    assert world.operation["retryCount"] == 2
    world.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "late"}})
    world.wait(22)

    assert (world.operation["phase"], world.operation["retryCount"]) == ("Succeeded", 2)
    assert world.store.get("ConfigMap", "late", "settings") is not None


def test_retries_end(world: World) -> None:
    """The last failure is final and counts the tries."""
    policy = {**AUTOMATED, "retry": {"limit": 1, "backoff": {"duration": "1s"}}}
    world.commit({"deploy/settings.yaml": config()})
    destination = {"server": "https://kubernetes.default.svc", "namespace": "none"}
    world.application(syncPolicy=policy, destination=destination)
    world.wait(10)

    assert world.operation["phase"] == "Failed"
    assert world.operation["message"].endswith('namespaces "none" not found (retried 1 times).')


def test_kind_that_the_cluster_lacks_is_named(world: World) -> None:
    """Its definition is missing."""
    manifest = "apiVersion: example.com/v1\nkind: Widget\nmetadata:\n  name: one\n"
    world.commit({"deploy/widget.yaml": manifest})
    world.application(syncPolicy={**AUTOMATED, "retry": {"limit": 0}})
    world.wait()

    (result,) = world.operation["syncResult"]["resources"]
    assert result["message"].startswith("The Kubernetes API could not find example.com/Widget for requested resource")


def test_running_operation_can_be_ended(world: World) -> None:
    """As `argocd app terminate-op` does it."""
    later = config(**{"argocd.argoproj.io/sync-wave": "1"})
    world.commit({"deploy/web.yaml": web(), "deploy/settings.yaml": later})
    world.application()
    world.wait(3)

    world.change("Application", NAME, {"status": {"operationState": {"phase": "Terminating"}}})
    world.wait(0.1)

    assert (world.operation["phase"], world.operation["message"]) == ("Failed", "Operation terminated")
