"""Worlds in which Flux delivers, and how a test sees what its own controllers say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.adapters.flux import Flux, flux
from reconciler.adapters.kubernetes_api import kubernetes_api
from reconciler.model.facts import Unknown
from reconciler.model.operation import Outcome, Phase
from reconciler.settings import ClusterSettings
from tests.testbed import build
from tests.testbed import flux as controllers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.model.delivery import Application
    from tests.beds.place import Place
    from tests.scenarios.conftest import Worlds
    from tests.scenarios.world import World

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
              memory: 512Mi
"""


def flux_world(worlds: Worlds, files: Mapping[str, str], *, kinds: tuple[str, ...] = ("argocd", "flux")) -> World:
    """Return a world without an Application, whose reconciler reads both systems."""
    kustomize = str(build.tool("kustomize"))
    world = worlds(files, application=False, delivery={"kinds": list(kinds)}, rendering={"kustomize": kustomize})
    world.place.kube.apply(
        {
            "apiVersion": "source.toolkit.fluxcd.io/v1",
            "kind": "GitRepository",
            "metadata": {"name": "web", "namespace": world.place.namespace},
            "spec": {
                "url": world.place.repository_url,
                "ref": {"branch": "main"},
                "interval": controllers.INTERVAL,
            },
        }
    )
    return world


def kustomization(place: Place, path: str, name: str = "web", **spec: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return a Kustomization of the place's repository."""
    return {
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {"name": name, "namespace": place.namespace},
        "spec": {
            "interval": controllers.INTERVAL,
            "retryInterval": "5s",
            "path": path,
            "prune": True,
            "sourceRef": {"kind": "GitRepository", "name": "web"},
            **spec,
        },
    }


def delivered(world: World, made: dict[str, Any]) -> World:
    """Let Flux deliver it, and wait until `web` is being OOMKilled."""
    world.place.kube.apply(made)
    world.place.wait_until_waiting("CrashLoopBackOff", restarts=1, deadline=60)
    return world


def see_it_through(world: World, path: str) -> None:
    """Let the reconciler change the value in this file alone, and take it to the end."""
    before = world.place.text(path)
    world.run_until_phase(Phase.AWAITING_GIT_PR)
    (pull,) = world.place.pull_requests()
    assert world.place.text(path, pull["head"]["ref"]) == before.replace("512Mi", "1Gi")
    world.place.merge(pull["number"])
    operation = world.run_until_outcome(Outcome.VERIFIED)
    assert world.limit() == "1Gi"
    assert operation.pull_request is not None
    assert operation.pull_request.located.paths == (path,)
    world.assert_whole()


def adapter(place: Place) -> Flux:
    """Return the adapter with the rights of a real installation."""
    settings = ClusterSettings(name="test", kubeconfig=str(place.bed.kubeconfigs["reconciler"]))
    return flux(kubernetes_api(settings), settings.name, place.bed.clock)


def seen(place: Place, name: str = "web") -> Application:
    """Return a Kustomization of the place as the adapter sees it."""
    found = adapter(place).applications()
    assert not isinstance(found, Unknown)
    return next(a for a in found if (a.ref.namespace, a.ref.name) == (place.namespace, name))


def seen_when(place: Place, condition: Callable[[Application], bool]) -> Application:
    """Wait until the Kustomization is as wanted, and return it as it was then."""

    def met() -> Application | None:
        found = seen(place)
        return found if condition(found) else None

    return place.wait_for(met, 60, "the Kustomization is as wanted")
