"""The line behind what Argo CD renders: found, proven, proposed, merged and verified, on the real components."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from reconciler.model.operation import Outcome, Phase
from tests.beds import manifests
from tests.testbed import argocd, build

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.scenarios.conftest import Worlds
    from tests.scenarios.world import World

pytestmark = pytest.mark.beds("testbed")

WEB = manifests.deployment("web", memory="512Mi", faults={"needs-memory": "1Gi"})
BASE = {"base/web.yaml": WEB, "base/kustomization.yaml": "resources:\n  - web.yaml\n"}
OVERLAY = "resources:\n  - ../../base\n"
PATCH = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    spec:
      containers:
        - name: web
          resources:
            limits:
              memory: 512Mi  # for this environment
"""
JSON_PATCH = """\
- op: replace
  path: /spec/template/spec/containers/0/resources/limits/memory
  value: 512Mi
"""
CHART = {
    "chart/Chart.yaml": "apiVersion: v2\nname: web\nversion: 0.1.0\n",
    "chart/templates/web.yaml": WEB.replace("memory: 512Mi", "memory: {{ .Values.resources.limits.memory }}"),
    "chart/values.yaml": "resources:\n  limits:\n    memory: 256Mi\n",
    "envs/common.yaml": "resources:\n  limits:\n    memory: 384Mi\n",
    "envs/prod.yaml": "# production\nresources:\n  limits:\n    memory: 512Mi  # the one that wins\n",
}


def delivered(worlds: Worlds, files: Mapping[str, str], *sources: dict[str, Any]) -> World:
    """Return a world that Argo CD delivers from these sources, in which `web` is being OOMKilled."""
    tools = {name: str(build.tool(name)) for name in ("kustomize", "helm")}
    world = worlds(files, application=False, rendering=tools)
    world.place.kube.apply(application(world, world.place.application, world.place.namespace, *sources))
    world.place.wait_for_sync(health=None)
    world.place.wait_until_waiting("CrashLoopBackOff", restarts=1)
    return world


def application(world: World, name: str, namespace: str, *sources: dict[str, Any]) -> dict[str, Any]:
    """Return an Application of this world's repository with other sources."""
    made: dict[str, Any] = world.place.application_manifest
    made["metadata"]["name"] = name
    made["spec"]["destination"]["namespace"] = namespace
    del made["spec"]["source"]
    common = {"repoURL": world.place.repository_url, "targetRevision": "main"}
    found = [common | source for source in sources]
    return made | {"spec": made["spec"] | ({"source": found[0]} if len(found) == 1 else {"sources": found})}


def see_it_through(world: World, path: str) -> None:
    """Let the reconciler find and change the value in a file, and nothing else, and take it to the end."""
    before = world.place.text(path)
    world.run_until_phase(Phase.AWAITING_GIT_PR)
    (pull,) = world.place.pull_requests()
    branch = pull["head"]["ref"]
    assert world.place.text(path, branch) == before.replace("512Mi", "1Gi")
    assert f"`{path}`" in pull["body"]
    world.place.merge(pull["number"])
    operation = world.run_until_outcome(Outcome.VERIFIED)
    assert world.limit() == "1Gi"
    assert operation.pull_request is not None
    assert operation.pull_request.located.paths == (path,)
    world.assert_whole()


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ({"overlays/prod/kustomization.yaml": OVERLAY}, "base/web.yaml"),
        (
            {
                "overlays/prod/kustomization.yaml": OVERLAY + "patches:\n  - path: web.yaml\n",
                "overlays/prod/web.yaml": PATCH,
            },
            "overlays/prod/web.yaml",
        ),
        (
            {
                "overlays/prod/kustomization.yaml": OVERLAY
                + "patches:\n  - path: web.yaml\n    target:\n      kind: Deployment\n",
                "overlays/prod/web.yaml": JSON_PATCH,
            },
            "overlays/prod/web.yaml",
        ),
        (
            {
                "overlays/prod/kustomization.yaml": OVERLAY
                + "patches:\n  - patch: |-\n"
                + "".join(f"      {line}\n" for line in PATCH.splitlines())
            },
            "overlays/prod/kustomization.yaml",
        ),
    ],
    ids=["base", "strategic patch", "JSON 6902 patch", "inline patch"],
)
def test_kustomize_value_is_changed_where_it_is_decided(worlds: Worlds, more: dict[str, str], path: str) -> None:
    """The base where nothing overrides it, the patch where one does."""
    world = delivered(worlds, BASE | more, {"path": "overlays/prod"})

    see_it_through(world, path)


def test_helm_value_is_changed_in_the_value_file_that_wins(worlds: Worlds) -> None:
    """Of the chart's own values and two files, the last file decides."""
    files = {"valueFiles": ["../envs/common.yaml", "../envs/prod.yaml"]}
    world = delivered(worlds, CHART, {"path": "chart", "helm": files})

    see_it_through(world, "envs/prod.yaml")


def test_value_file_of_another_source_is_found_through_its_ref(worlds: Worlds) -> None:
    """Several sources: the chart from one, its values from another by `$values`."""
    helm = {"valueFiles": ["$values/envs/common.yaml", "$values/envs/prod.yaml"]}
    world = delivered(worlds, CHART, {"path": "chart", "helm": helm}, {"ref": "values"})

    see_it_through(world, "envs/prod.yaml")


def test_base_that_another_environment_reads_is_left_alone_and_the_overlay_changes(worlds: Worlds) -> None:
    """Both Applications render the base: the value goes into a patch of this one's overlay, and is verified."""
    overlays = {f"overlays/{name}/kustomization.yaml": OVERLAY for name in ("prod", "staging")}
    world = delivered(worlds, BASE | overlays, {"path": "overlays/prod"})
    with beside(world, {"path": "overlays/staging"}):
        world.run_until_phase(Phase.AWAITING_GIT_PR)
        (pull,) = world.place.pull_requests()
        world.place.merge(pull["number"])
        world.run_until_outcome(Outcome.VERIFIED)

    assert world.limit() == "1Gi"
    assert world.place.text("base/web.yaml") == WEB
    assert "memory: 1Gi" in world.place.text("overlays/prod/deployment-web-values.yaml")
    assert "deployment-web-values.yaml" in world.place.text("overlays/prod/kustomization.yaml")
    world.assert_whole()


def test_value_file_that_another_environment_reads_is_left_alone_and_the_own_one_changes(worlds: Worlds) -> None:
    """The key goes into the last file, which is this one's alone, and is verified; the shared file stays."""
    files = CHART | {"envs/prod.yaml": "# production\n", "envs/common.yaml": CHART["envs/prod.yaml"]}
    names = ["../envs/common.yaml", "../envs/prod.yaml"]
    world = delivered(worlds, files, {"path": "chart", "helm": {"valueFiles": names}})
    with beside(world, {"path": "chart", "helm": {"valueFiles": names[:1]}}):
        world.run_until_phase(Phase.AWAITING_GIT_PR)
        (pull,) = world.place.pull_requests()
        world.place.merge(pull["number"])
        world.run_until_outcome(Outcome.VERIFIED)

    assert world.limit() == "1Gi"
    assert world.place.text("envs/common.yaml") == files["envs/common.yaml"]
    assert world.place.text("envs/prod.yaml") == "# production\nresources:\n  limits:\n    memory: 1Gi\n"
    world.assert_whole()


def test_value_file_that_another_environment_reads_is_refused_with_everybody_named(worlds: Worlds) -> None:
    """No file is this one's own, so there is no pull request: the refusal names the other Application."""
    files = CHART | {"envs/prod.yaml": "other: 1\n", "envs/common.yaml": CHART["envs/prod.yaml"]}
    names = ["../envs/common.yaml", "../envs/prod.yaml"]
    world = delivered(worlds, files, {"path": "chart", "helm": {"valueFiles": names}})
    with beside(world, {"path": "chart", "helm": {"valueFiles": names}}) as other:
        operation = world.run_until_outcome(Outcome.REFUSED)

    assert "locate.shared_base" in operation.outcome_reason
    assert other in operation.outcome_reason
    assert world.place.pull_requests("all") == []


def test_reviewers_value_in_a_patch_becomes_the_expected_one(worlds: Worlds) -> None:
    """Invariant 7: what was merged is read by rendering the merge commit."""
    more = {
        "overlays/prod/kustomization.yaml": OVERLAY + "patches:\n  - path: web.yaml\n",
        "overlays/prod/web.yaml": PATCH,
    }
    world = delivered(worlds, BASE | more, {"path": "overlays/prod"})
    world.run_until_phase(Phase.AWAITING_GIT_PR)
    (pull,) = world.place.pull_requests()
    edited = world.place.text("overlays/prod/web.yaml", pull["head"]["ref"]).replace("1Gi", "1536Mi")
    world.place.commit({"overlays/prod/web.yaml": edited}, branch=pull["head"]["ref"])
    world.run()
    world.place.merge(pull["number"])

    operation = world.run_until_outcome(Outcome.VERIFIED)

    assert operation.expected == ("1536Mi",)
    assert world.limit() == "1536Mi"


def test_change_of_a_patch_that_does_not_help_is_taken_back(worlds: Worlds) -> None:
    """The revert finds the same line by rendering, and puts the old value there."""
    files = {name: text.replace('needs-memory: "1Gi"', 'needs-memory: "2Gi"') for name, text in BASE.items()}
    more = {
        "overlays/prod/kustomization.yaml": OVERLAY + "patches:\n  - path: web.yaml\n",
        "overlays/prod/web.yaml": PATCH,
    }
    world = delivered(worlds, files | more, {"path": "overlays/prod"})
    world.run_until_phase(Phase.AWAITING_GIT_PR)
    world.place.merge(world.place.pull_requests()[0]["number"])
    world.run_until_outcome(Outcome.FAILED, of=0)
    world.run_until_phase(Phase.AWAITING_GIT_PR)
    world.place.merge(world.place.pull_requests()[0]["number"])

    world.run_until_outcome(Outcome.VERIFIED)

    assert world.place.text("overlays/prod/web.yaml") == PATCH
    assert world.limit() == "512Mi"


def test_value_that_an_application_sets_itself_is_changed_in_its_manifest(worlds: Worlds) -> None:
    """App of apps: the parent's folder holds the Application, whose parameter wins over every file."""
    parameter = {"helm": {"parameters": [{"name": "resources.limits.memory", "value": "512Mi"}]}}
    with kept_in_git(worlds, CHART, {"path": "chart"} | parameter) as world:
        see_it_through(world, "apps/web.yaml")


@pytest.mark.long
def test_folder_that_another_environment_delivers_is_left_alone_and_the_applications_own_patch_changes(
    worlds: Worlds,
) -> None:
    """No file is this one's own but its manifest in Git: the value enters a patch there, and is verified."""
    files = BASE | {"overlays/prod/kustomization.yaml": OVERLAY}
    source = {"path": "overlays/prod"}
    with kept_in_git(worlds, files, source) as world, beside(world, source):
        before = world.place.text("apps/web.yaml")
        world.run_until_phase(Phase.AWAITING_GIT_PR)
        (pull,) = world.place.pull_requests()
        world.place.merge(pull["number"])
        world.run_until_outcome(Outcome.VERIFIED)

        assert world.limit() == "1Gi"
        assert {path: world.place.text(path) for path in files} == files
        after = yaml.safe_load(world.place.text("apps/web.yaml"))
        assert after["spec"]["source"].pop("kustomize").keys() == {"patches"}
        assert after == yaml.safe_load(before)
        world.assert_whole()


@contextmanager
def kept_in_git(worlds: Worlds, files: Mapping[str, str], source: dict[str, Any]) -> Iterator[World]:
    """Return a world in which `web` is being OOMKilled, and whose Application is what another one delivers from Git."""
    tools = {name: str(build.tool(name)) for name in ("kustomize", "helm")}
    world = worlds(files, application=False, rendering=tools)
    child = application(world, world.place.application, world.place.namespace, source)
    world.place.commit({"apps/web.yaml": yaml.safe_dump(child, sort_keys=False)})
    parent = application(world, f"{world.place.application}-root", argocd.NAMESPACE, {"path": "apps"})
    world.place.kube.apply(parent)
    try:
        world.place.wait_for(lambda: _compared(world, child["metadata"]["name"]), 30, "the child is compared")
        world.place.wait_until_waiting("CrashLoopBackOff", restarts=1)
        yield world
    finally:
        world.place.kube.delete("Application", parent["metadata"]["name"], argocd.NAMESPACE)


@contextmanager
def beside(world: World, source: dict[str, Any]) -> Iterator[str]:
    """Keep another Application of the repository, compared and never synced, and tell its name."""
    other = application(world, f"{world.place.application}-staging", "default", source)
    del other["spec"]["syncPolicy"]
    name: str = other["metadata"]["name"]
    world.place.kube.apply(other)
    try:
        world.place.wait_for(lambda: _compared(world, name), 30, "the other one is compared")
        yield name
    finally:
        world.place.kube.delete("Application", name, argocd.NAMESPACE)


def _compared(world: World, name: str) -> bool:
    found = world.place.live("Application", name) or {}
    return bool(found.get("status", {}).get("sync", {}).get("revision"))
