"""What a Kustomization of Flux sets itself, kept behind kustomizations or as a variable: merged, live and verified."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from reconciler.propose.workshop import Workshop
from tests.scenarios.flux import PATCH, delivered, flux_world, kustomization, see_it_through, seen_when
from tests.scenarios.world import hungry

if TYPE_CHECKING:
    from tests.scenarios.conftest import Worlds

pytestmark = [pytest.mark.beds("testbed"), pytest.mark.usefixtures("flux_runs")]

EXPRESSIONS = {
    "plain": "${name}",
    "inside": "a-${name}-${count}",
    "quoted": "${quoted}",
    "missing": "${missing:=two}",
    "dash": "${missing:-two three}",
    "equals": "${missing=two}",
    "empty": "${empty:=two}",
    "nothing": "x${missing:=}",
    "dollars": "x${missing:=a$$b}",
    "folded": "${folded}",
    "escaped": "$${name}",
    "twice": "$$${name}",
    "bare": "$name $",
    "pair": "a$$b",
    "lines": "one ${name}\ntwo $${name}\n",
}
VARIABLES = {"name": "web", "count": "3", "quoted": '"7"', "empty": "", "folded": "a\nb"}


def test_a_kustomization_behind_a_kustomization_is_fixed_in_its_base(worlds: Worlds) -> None:
    """The cluster's folder lists and patches what it delivers; `spec.patches` of one of those sets the value."""
    world = flux_world(worlds, hungry(memory="256Mi"))
    child = kustomization(world.place, "./deploy", targetNamespace=world.place.namespace)
    patch = "".join(f"        {line}\n" for line in PATCH.splitlines())
    timing = {key: child[key] for key in ("apiVersion", "kind", "metadata")} | {"spec": {"interval": "7s"}}
    world.place.commit(
        {
            "clusters/base/web.yaml": f"{yaml.safe_dump(child, sort_keys=False)}  patches:\n    - patch: |-\n{patch}",
            "clusters/base/kustomization.yaml": "resources:\n  - web.yaml\n",
            "clusters/prod/kustomization.yaml": "resources:\n  - ../base\npatches:\n  - path: timing.yaml\n",
            "clusters/prod/timing.yaml": yaml.safe_dump(timing),
        }
    )
    delivered(world, kustomization(world.place, "./clusters/prod", "root"))

    see_it_through(world, "clusters/base/web.yaml")


def test_a_variable_is_fixed_where_the_kustomization_gives_it(worlds: Worlds) -> None:
    """`spec.postBuild.substitute`, in the manifest that the root delivers; one more comes from a ConfigMap."""
    world = flux_world(worlds, hungry(memory="${memory}"))
    place = world.place
    place.kube.apply(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "vars", "namespace": place.namespace},
            "data": {"team": "shop"},
        }
    )
    after = {"substitute": {"memory": "512Mi"}, "substituteFrom": [{"kind": "ConfigMap", "name": "vars"}]}
    child = kustomization(place, "./deploy", targetNamespace=place.namespace, postBuild=after)
    team = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: team\ndata:\n  team: ${team}\n"
    place.commit({"clusters/prod/web.yaml": yaml.safe_dump(child, sort_keys=False), "deploy/team.yaml": team})
    delivered(world, kustomization(place, "./clusters/prod", "root"))

    see_it_through(world, "clusters/prod/web.yaml")

    live = place.live("ConfigMap", "team")
    assert live is not None
    assert live["data"] == {"team": "shop"}


def test_what_we_fill_in_is_what_flux_fills_in(worlds: Worlds) -> None:
    """Every expression that is not refused, an object that is switched off, and text that becomes a number."""
    world = flux_world(worlds, {})
    place = world.place
    table: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "table"},
        "data": EXPRESSIONS,
    }
    off = {"name": "off", "annotations": {"kustomize.toolkit.fluxcd.io/substitute": "disabled"}}
    job = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "number"},
        "spec": {"minAvailable": "${count}"},
    }
    place.commit({"deploy/all.yaml": yaml.safe_dump_all([table, {**table, "metadata": off}, job])})
    after = {"substitute": VARIABLES}
    place.kube.apply(kustomization(place, "./deploy", targetNamespace=place.namespace, postBuild=after))
    found = seen_when(place, lambda application: application.sync_status == "Synced" and bool(application.objects))
    ports = world.made().ports()
    commit = ports.repository.fetch()
    shop = Workshop(repository=ports.repository, renderer=ports.renderer, settings=world.settings, commit=commit)

    rendering, _ = shop.job(found, 0)
    rendered = {made["metadata"]["name"]: made for made in ports.renderer.render(rendering)}

    assert set(rendered) == {"table", "off", "number"}
    for name in ("table", "off"):
        live = place.live("ConfigMap", name)
        assert live is not None
        assert live["data"] == rendered[name]["data"]
    assert rendered["off"]["data"] == EXPRESSIONS
    number = place.live("PodDisruptionBudget", "number")
    assert number is not None
    assert (number["spec"]["minAvailable"], rendered["number"]["spec"]["minAvailable"]) == (3, 3)


def test_what_we_leave_out_is_what_flux_leaves_out(worlds: Worlds) -> None:
    """Lists in folders, and the GitRepository's own; what is built is what the others leave."""
    paths = [
        *("a.yaml", "b.yml", "one/c.yaml", "one/two/d.yaml", "one/two/e.yaml", "more/f.yaml", "more/deep/one/g.yaml"),
        *("x/y/h.yaml", "x/y/z/i.yaml", "x/j.yaml", ".github/k.yaml", "m/.sops.yaml", "n/o.yaml", "n/p/o.yaml"),
    ]
    lists = {
        "deploy/.sourceignore": "# words\n**/two/d.*\n/more\n!g.yaml\nx/**/z/\n",
        "deploy/n/.sourceignore": "/o.yaml\n",
        "elsewhere/.sourceignore": "*\n",
    }
    made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}
    world = flux_world(worlds, lists)
    place = world.place
    place.kube.patch("GitRepository", "web", {"spec": {"ignore": "b.*\n!/deploy/more/deep\n"}}, place.namespace)
    for path in paths:
        name = path.strip(".").replace("/", "-").replace(".", "-")
        made = {**made, "metadata": {"name": name}}
        lists[f"deploy/{path}"] = yaml.safe_dump(made)
    commit = place.commit(lists)
    place.kube.apply(kustomization(place, "./deploy", targetNamespace=place.namespace))
    found = seen_when(place, lambda a: a.sync_status == "Synced" and a.revisions == (commit,) and bool(a.objects))
    ports = world.made().ports()
    shop = Workshop(
        repository=ports.repository, renderer=ports.renderer, settings=world.settings, commit=ports.repository.fetch()
    )

    job, _ = shop.job(found, 0)
    rendered = {each["metadata"]["name"] for each in ports.renderer.render(job)}

    assert rendered == {name for _, _, _, name in found.objects}
    assert {"a-yaml", "github-k-yaml", "more-deep-one-g-yaml", "n-p-o-yaml", "x-y-h-yaml"} <= rendered
    assert rendered.isdisjoint({"b-yml", "one-two-d-yaml", "more-f-yaml", "x-y-z-i-yaml", "n-o-yaml"})
