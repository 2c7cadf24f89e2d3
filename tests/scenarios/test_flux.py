"""What Flux's own controllers deliver: found, changed in Git, merged, and followed until it is live."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from reconciler.errors import Conflict
from reconciler.model.objects import ObjectRef
from reconciler.model.operation import Outcome, Phase
from reconciler.propose.workshop import Workshop
from tests.beds import manifests
from tests.scenarios.flux import (
    PATCH,
    adapter,
    delivered,
    flux_world,
    kustomization,
    see_it_through,
    seen,
    seen_when,
)
from tests.scenarios.world import hungry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.beds.place import Place
    from tests.scenarios.conftest import Worlds
    from tests.scenarios.world import World

pytestmark = [pytest.mark.beds("testbed"), pytest.mark.usefixtures("flux_runs")]

WEB = hungry()["deploy/web.yaml"]
OVERLAY = {
    "base/web.yaml": WEB,
    "base/kustomization.yaml": "resources:\n  - web.yaml\n",
    "overlays/prod/kustomization.yaml": "resources:\n  - ../../base\npatches:\n  - path: memory.yaml\n",
    "overlays/prod/memory.yaml": PATCH,
}


def test_a_plain_folder_is_fixed_to_the_end(worlds: Worlds) -> None:
    """Objects that name their namespace, in a folder without a kustomization: the file itself is edited."""
    world = flux_world(worlds, {"deploy/README.md": "# web\n"})
    manifest = WEB.replace("  name: web\n", f"  name: web\n  namespace: {world.place.namespace}\n", 1)
    world.place.commit({"deploy/web.yaml": manifest})
    delivered(world, kustomization(world.place, "./deploy"))

    see_it_through(world, "deploy/web.yaml")


def test_a_folder_whose_namespace_flux_sets_is_fixed_to_the_end(worlds: Worlds) -> None:
    """Flux makes a kustomization for `targetNamespace`; what it makes is rendered, and the file edited."""
    world = flux_world(worlds, hungry())
    delivered(world, kustomization(world.place, "./deploy", targetNamespace=world.place.namespace))

    see_it_through(world, "deploy/web.yaml")


def test_an_overlays_patch_is_fixed_to_the_end(worlds: Worlds) -> None:
    """A kustomization in Git is rendered as Argo CD's are; the patch decides, so the patch is edited."""
    world = flux_world(worlds, OVERLAY)
    delivered(world, kustomization(world.place, "./overlays/prod", targetNamespace=world.place.namespace))

    see_it_through(world, "overlays/prod/memory.yaml")


def test_a_patch_of_the_kustomization_itself_is_fixed_where_its_parent_keeps_it(worlds: Worlds) -> None:
    """Flux's usual layout: a root Kustomization delivers the one whose `spec.patches` sets the value."""
    world = flux_world(worlds, hungry(memory="256Mi"))
    child = kustomization(world.place, "./deploy", targetNamespace=world.place.namespace)
    patch = "".join(f"        {line}\n" for line in PATCH.splitlines())
    text = f"{yaml.safe_dump(child, sort_keys=False)}  patches:\n    - patch: |-\n{patch}"
    world.place.commit({"clusters/prod/web.yaml": text})
    delivered(world, kustomization(world.place, "./clusters/prod", "root"))

    see_it_through(world, "clusters/prod/web.yaml")


def test_a_suspended_kustomization_is_waited_for_by_name(worlds: Worlds) -> None:
    """Merged while suspended: the operation waits and says why, and goes on when Flux does."""
    world = flux_world(worlds, hungry())
    delivered(world, kustomization(world.place, "./deploy", targetNamespace=world.place.namespace))
    world.run_until_phase(Phase.AWAITING_GIT_PR)
    suspend(world.place, suspended=True)
    world.place.merge(world.place.pull_requests()[0]["number"])

    world.run_until(lambda: "on_hold: web is suspended" in waiting(world), "the wait says why")

    assert world.phase is Phase.AWAITING_SYNC
    suspend(world.place, suspended=False)
    world.run_until_outcome(Outcome.VERIFIED)


def test_what_a_kustomization_waits_for_is_seen(worlds: Worlds) -> None:
    """A dependency that is not ready, a repository that cannot be fetched: in the controllers' own words."""
    place = flux_world(worlds, {"deploy/web.yaml": manifests.deployment()}).place
    place.kube.apply(kustomization(place, "./deploy", targetNamespace=place.namespace, dependsOn=[{"name": "gone"}]))

    assert "gone" in seen_when(place, lambda application: "depends on" in application.hold).hold

    place.kube.patch("GitRepository", "web", {"spec": {"url": f"{place.repository_url}x"}}, place.namespace)
    place.kube.patch("Kustomization", "web", {"spec": {"dependsOn": None}}, place.namespace)
    assert "web is not fetched: " in seen_when(place, lambda application: "fetched" in application.hold).hold


def test_what_argo_cd_and_flux_both_claim_is_left_alone(worlds: Worlds) -> None:
    """Neither hand of ours writes: no pull request, and the reason is told."""
    world = flux_world(worlds, hungry())
    delivered(world, kustomization(world.place, "./deploy", targetNamespace=world.place.namespace))
    world.place.kube.apply(world.place.application_manifest)
    world.place.wait_for_sync(health=None)

    operation = world.run_until_outcome(Outcome.REFUSED)

    assert "claimed by Argo CD and by Flux" in (operation.outcome_reason or "")
    assert world.place.pull_requests("all") == []


def test_a_kustomization_is_seen_whole(worlds: Worlds) -> None:
    """Source, revision, readiness and inventory, as the real controllers write them."""
    world = flux_world(worlds, {"deploy/web.yaml": manifests.deployment()})
    place = world.place
    place.kube.apply(kustomization(place, "./deploy", targetNamespace=place.namespace))
    place.wait_until_ready(deadline=60)

    found = seen_when(
        place, lambda application: application.sync_status == "Synced" and application.objects != frozenset()
    )

    (source,) = found.sources
    assert (source.repository, source.path, source.target_revision) == (place.repository_url, "deploy", "main")
    assert (found.health, found.operation_phase, found.hold, found.sources_current) == (
        "Healthy",
        "Succeeded",
        "",
        True,
    )
    assert found.objects == frozenset({("apps", "Deployment", place.namespace, "web")})
    assert [len(revision) for revision in found.revisions] == [40]


def test_what_we_render_is_what_flux_applies(worlds: Worlds) -> None:
    """Every option of a Kustomization at once, over a folder with a nested kustomization and files that count not."""
    files = {
        "deploy/web.yaml": manifests.deployment(),
        "deploy/more/db.yml": manifests.deployment("db", image="registry.testbed.invalid/db:1.0"),
        "deploy/own/kustomization.yaml": "configMapGenerator:\n  - name: made\n    literals: [A=b]\n",
        "deploy/own/unused.yaml": manifests.deployment("unused"),
        "deploy/README.md": "# words\n",
        "deploy/.sops.yaml": "creation_rules: []\n",
        "part/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nreplicas:\n"
        "  - name: db\n    count: 2\n",
    }
    world = flux_world(worlds, files)
    place = world.place
    options: dict[str, Any] = {
        "targetNamespace": place.namespace,
        "namePrefix": "a-",
        "nameSuffix": "-z",
        "images": [
            {"name": "registry.testbed.invalid/web", "newTag": "2.0"},
            {"name": "registry.testbed.invalid/db", "newName": "registry.testbed.invalid/other"},
        ],
        "patches": [{"patch": PATCH.replace("512Mi", "640Mi"), "target": {"kind": "Deployment", "name": "web"}}],
        "components": ["../part"],
        "commonMetadata": {"labels": {"team": "shop"}},
    }
    place.kube.apply(kustomization(place, "./deploy", **options))
    found = seen_when(
        place, lambda application: application.sync_status == "Synced" and application.objects != frozenset()
    )
    ports = world.made().ports()
    commit = ports.repository.fetch()
    shop = Workshop(repository=ports.repository, renderer=ports.renderer, settings=world.settings, commit=commit)

    job, _ = shop.job(found, 0)
    rendered = ports.renderer.render(job)

    names = {(r["kind"], r["metadata"]["namespace"], r["metadata"]["name"]) for r in rendered}
    assert names == {(kind, namespace, name) for _, kind, namespace, name in found.objects}
    assert len(names) == 3
    for made in (r for r in rendered if r["kind"] == "Deployment"):
        live = place.live("Deployment", made["metadata"]["name"])
        assert live is not None
        assert (live["spec"]["replicas"], told(live)) == (made["spec"]["replicas"], told(made))


def told(deployment: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return image and resources of a Deployment's container."""
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    return container["image"], container["resources"]


def test_a_refresh_brings_a_commit_before_its_time(worlds: Worlds) -> None:
    """The request is on the GitRepository until source-controller has fetched; the Kustomization follows by itself."""
    world = flux_world(worlds, {"deploy/web.yaml": manifests.deployment()})
    place = world.place
    place.kube.patch("GitRepository", "web", {"spec": {"interval": "1h"}}, place.namespace)
    place.kube.apply(kustomization(place, "./deploy", targetNamespace=place.namespace))
    place.wait_until_ready(deadline=60)
    commit = place.commit({"deploy/web.yaml": manifests.deployment(memory="1Gi")})

    adapter(place).refresh(seen(place).ref)

    place.wait_for(lambda: seen(place).revisions == (commit,), what="the commit is applied")
    place.wait_for(lambda: not seen(place).refresh_pending, what="the request is handled")


def test_a_build_that_fails_says_why(worlds: Worlds) -> None:
    """Ready is False: the phase is Failed and the message is Flux's."""
    world = flux_world(worlds, {"deploy/web.yaml": manifests.deployment().replace("kind: Deployment\n", "")})
    world.place.kube.apply(kustomization(world.place, "./deploy"))

    found = seen_when(world.place, lambda application: "web.yaml" in application.operation_message)

    assert (found.sync_status, found.operation_phase, found.hold) == ("OutOfSync", "Failed", "")


def test_a_kustomization_that_is_gone_cannot_be_refreshed(worlds: Worlds) -> None:
    """That is no failure of Flux."""
    world = flux_world(worlds, {})
    gone = ObjectRef(
        cluster="test",
        group="kustomize.toolkit.fluxcd.io",
        kind="Kustomization",
        namespace=world.place.namespace,
        name="gone",
    )

    with pytest.raises(Conflict):
        adapter(world.place).refresh(gone)


def suspend(place: Place, *, suspended: bool) -> None:
    """Suspend the Kustomization, or let it go on."""
    place.kube.patch("Kustomization", "web", {"spec": {"suspend": suspended}}, place.namespace)


def waiting(world: World) -> str:
    """Make a pass and return what it waits for."""
    return " ".join(reason for _, reason in world.run().waiting)
