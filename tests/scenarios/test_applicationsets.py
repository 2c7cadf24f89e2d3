"""The line behind an Application that an ApplicationSet generates, on the real controller: from trouble to verified."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from reconciler.model.operation import Outcome, Phase
from tests.beds import manifests
from tests.scenarios.test_sources import CHART, application, see_it_through
from tests.testbed import argocd, build

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.scenarios.conftest import Worlds
    from tests.scenarios.world import World

pytestmark = pytest.mark.beds("testbed")

PARAMETER = {"name": "resources.limits.memory", "value": "{{.memory}}"}


def application_set(world: World, *generators: dict[str, Any], go: bool = True, **helm: Any) -> str:  # noqa: ANN401
    """Return an ApplicationSet's manifest whose elements hold `name`, `namespace` and what the options read."""
    made = application(world, "{{.name}}" if go else "{{name}}", "{{.namespace}}", {"path": "chart", "helm": helm})
    made["spec"]["destination"]["namespace"] = "{{.namespace}}" if go else "{{namespace}}"
    template = {"metadata": {"name": made["metadata"]["name"]}, "spec": made["spec"]}
    options = {"goTemplate": True, "goTemplateOptions": ["missingkey=error"]} if go else {}
    return yaml.safe_dump(
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "ApplicationSet",
            "metadata": {"name": f"{world.place.application}-set", "namespace": argocd.NAMESPACE},
            "spec": options | {"generators": list(generators), "template": template},
        },
        sort_keys=False,
    )


@contextmanager
def generated(worlds: Worlds, files: dict[str, str]) -> Iterator[World]:
    """Give a world, and take away what delivers in it: the root Application and the ApplicationSet."""
    tools = {name: str(build.tool(name)) for name in ("kustomize", "helm")}
    world = worlds(CHART | files, application=False, rendering=tools)
    root = f"{world.place.application}-root"
    try:
        yield world
    finally:
        world.place.kube.delete("Application", root, argocd.NAMESPACE)
        world.place.kube.delete("ApplicationSet", f"{world.place.application}-set", argocd.NAMESPACE)


def deliver(world: World, manifest: str, **files: str) -> None:
    """Commit the ApplicationSet and its files, let a root Application deliver it, and wait until `web` fails."""
    world.place.commit({"apps/set.yaml": manifest} | files)
    world.place.kube.apply(application(world, f"{world.place.application}-root", argocd.NAMESPACE, {"path": "apps"}))
    world.place.wait_for(lambda: world.place.live("Application", world.place.application), 40, "it is generated")
    world.place.wait_for_sync(health=None)
    world.place.wait_until_waiting("CrashLoopBackOff", restarts=1)


def element(world: World, **values: str) -> dict[str, str]:
    """Return this world's element."""
    return {"name": world.place.application, "namespace": world.place.namespace} | values


def test_element_of_a_list_is_edited_in_the_application_sets_manifest(worlds: Worlds) -> None:
    """Another element says the same and feeds another Application, which stays as it is."""
    with generated(worlds, {}) as world:
        other = {"name": f"{world.place.application}-b", "namespace": "nowhere", "memory": "256Mi"}
        elements = {"list": {"elements": [element(world, memory="512Mi"), other]}}
        manifest = application_set(world, elements, parameters=[PARAMETER])
        deliver(world, manifest)
        see_it_through(world, "apps/set.yaml")
        live = world.place.live("Application", other["name"])
        world.place.kube.delete("Application", other["name"], argocd.NAMESPACE)

    assert live is not None
    assert live["spec"]["source"]["helm"]["parameters"][0]["value"] == "256Mi"


def test_element_is_edited_where_placeholders_without_go_are_filled(worlds: Worlds) -> None:
    """The older templates: `{{memory}}`, here into values written as YAML."""
    with generated(worlds, {}) as world:
        elements = {"list": {"elements": [element(world, memory="512Mi")]}}
        values = "resources:\n  limits:\n    memory: {{memory}}\n"
        deliver(world, application_set(world, elements, go=False, values=values))
        see_it_through(world, "apps/set.yaml")


def test_file_that_a_git_generator_reads_is_edited(worlds: Worlds) -> None:
    """The value goes from the file over the template's `valuesObject` to the workload."""
    with generated(worlds, {}) as world:
        files = {"git": {"repoURL": world.place.repository_url, "revision": "main", "requeueAfterSeconds": 3}}
        files["git"]["files"] = [{"path": "clusters/*/config.yaml"}]
        values = {"resources": {"limits": {"memory": "{{.limits.memory}}"}}}
        config = yaml.safe_dump(element(world) | {"limits": {"memory": "512Mi"}})
        manifest = application_set(world, files, valuesObject=values)
        deliver(world, manifest, **{"clusters/prod/config.yaml": f"# one cluster\n{config}"})
        see_it_through(world, "clusters/prod/config.yaml")


def test_value_in_the_generated_applications_own_source_is_edited_there(worlds: Worlds) -> None:
    """By directory: nothing of the ApplicationSet decides the value, so the child's file is edited as usual."""
    web = manifests.deployment("web", memory="512Mi", faults={"needs-memory": "1Gi"})
    with generated(worlds, {"sites/prod/web.yaml": web}) as world:
        found = {"git": {"repoURL": world.place.repository_url, "revision": "main", "requeueAfterSeconds": 3}}
        found["git"]["directories"] = [{"path": "sites/*"}]
        manifest = yaml.safe_load(application_set(world, found))
        template = manifest["spec"]["template"]
        template["metadata"]["name"] = world.place.application
        template["spec"]["destination"]["namespace"] = world.place.namespace
        template["spec"]["source"] |= {"path": "{{.path.path}}", "helm": None}
        deliver(world, yaml.safe_dump(manifest))
        see_it_through(world, "sites/prod/web.yaml")


def test_value_that_several_generated_applications_get_is_refused_with_all_named(worlds: Worlds) -> None:
    """A literal of the template reaches every Application; nothing is changed for one of them unseen."""
    with generated(worlds, {}) as world:
        other = {"name": f"{world.place.application}-b", "namespace": "nowhere"}
        elements = {"list": {"elements": [element(world), other]}}
        parameters = [PARAMETER | {"value": "512Mi"}]
        deliver(world, application_set(world, elements, parameters=parameters))
        world.place.wait_for(lambda: world.place.live("Application", other["name"]), 30, "the other one is there")
        operation = world.run_until_outcome(Outcome.REFUSED)
        world.place.kube.delete("Application", other["name"], argocd.NAMESPACE)

    assert "locate.shared_base" in operation.outcome_reason
    assert other["name"] in operation.outcome_reason
    assert world.phase is Phase.CLOSED
