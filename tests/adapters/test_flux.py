"""Flux through the Kubernetes API: three lists, one write, and both systems as one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reconciler.adapters.clock import SystemClock
from reconciler.adapters.deliveries import Deliveries
from reconciler.adapters.flux import Flux, flux
from reconciler.adapters.flux_objects import application_of
from reconciler.errors import Conflict
from reconciler.model.facts import Unknown
from tests.adapters import kubernetes_json as kubernetes
from tests.adapters.flux_json import kustomization, release, repository
from tests.adapters.kubernetes_json import api_on, ref
from tests.adapters.wire import Answer, Json, Script, Wire

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REPOSITORIES = "/apis/source.toolkit.fluxcd.io/v1/gitrepositories"
KUSTOMIZATIONS = "/apis/kustomize.toolkit.fluxcd.io/v1/kustomizations"
RELEASES = "/apis/helm.toolkit.fluxcd.io/v2/helmreleases"


def page(kind: str, *items: Json, version: str) -> Answer:
    """Return one page of a list."""
    return Answer(kubernetes.listing(kind, *items, api_version=version))


@pytest.fixture
def wire() -> Iterator[Wire]:
    """An API server with Flux's objects."""
    names = ("source.toolkit.fluxcd.io", "kustomize.toolkit.fluxcd.io", "helm.toolkit.fluxcd.io")
    groups = {"kind": "APIGroupList", "groups": [{"name": name} for name in names]}
    script: dict[str, Script | list[Answer]] = {
        f"GET {REPOSITORIES}": page("GitRepository", repository(), version=f"{names[0]}/v1"),
        f"GET {KUSTOMIZATIONS}": page("Kustomization", kustomization(), version=f"{names[1]}/v1"),
        f"GET {RELEASES}": page("HelmRelease", release(), version=f"{names[2]}/v2"),
        "GET /apis": Answer(groups),
    }
    with Wire(script) as server:
        yield server


def adapter(wire: Wire, folder: Path) -> Flux:
    """Return the adapter on the scripted wire."""
    return flux(api_on(wire, folder), "test", SystemClock())


def test_flux_is_read_in_three_lists(wire: Wire, tmp_path: Path) -> None:
    """One request a kind, whatever the number; releases last, so none is older than what its parent applied."""
    found = adapter(wire, tmp_path).applications()

    assert not isinstance(found, Unknown)
    assert [a.ref.kind for a in found] == ["Kustomization", "HelmRelease"]
    assert [r.path for r in wire.requests] == [REPOSITORIES, KUSTOMIZATIONS, RELEASES]


def test_a_cluster_without_flux_has_nothing_of_it(wire: Wire, tmp_path: Path) -> None:
    """Only the list of groups can say so."""
    wire.script = {"GET /apis": Answer({"kind": "APIGroupList", "groups": [{"name": "apps"}]})}

    assert adapter(wire, tmp_path).applications() == ()


def test_a_failed_list_is_unknown(wire: Wire, tmp_path: Path) -> None:
    """Invariant 3: what is not known owns perhaps everything."""
    wire.script[f"GET {RELEASES}"] = Answer({"kind": "Status", "message": "no"}, status=403)

    assert isinstance(adapter(wire, tmp_path).applications(), Unknown)


def test_a_refresh_asks_for_the_repository_behind_a_kustomization(wire: Wire, tmp_path: Path) -> None:
    """The Kustomization itself follows its source; only the source is asked."""
    wire.script["GET /apis/kustomize.toolkit.fluxcd.io/v1/namespaces/flux-system/kustomizations/web"] = Answer(
        kustomization()
    )
    patch = "/apis/source.toolkit.fluxcd.io/v1/namespaces/flux-system/gitrepositories/web"
    wire.script[f"PATCH {patch}"] = Answer(repository())

    adapter(wire, tmp_path).refresh(ref("web", "Kustomization", "kustomize.toolkit.fluxcd.io", "flux-system"))

    assert wire.requests[-1].path.partition("?")[0] == patch
    assert "reconcile.fluxcd.io/requestedAt" in str(wire.requests[-1].body)


def test_what_is_gone_cannot_be_refreshed(wire: Wire, tmp_path: Path) -> None:
    """That is no failure of Flux."""
    path = "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/flux-system/kustomizations/web"
    wire.script[f"GET {path}"] = Answer({"kind": "Status", "reason": "NotFound"}, status=404)

    with pytest.raises(Conflict):
        adapter(wire, tmp_path).refresh(ref("web", "Kustomization", "kustomize.toolkit.fluxcd.io", "flux-system"))


def test_doctor_tells_what_is_read_and_which_rights_are_missing(wire: Wire, tmp_path: Path) -> None:
    """Three lists are needed; the nudge is not."""
    review = "POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    wire.script[review] = lambda request: Answer(
        {"status": {"allowed": request.body["spec"]["resourceAttributes"]["verb"] == "list"}}, status=201
    )
    served = {"kind": "APIResourceList", "resources": [{"name": "kustomizations"}]}
    wire.script["GET /apis/kustomize.toolkit.fluxcd.io/v1"] = Answer(served)

    told = adapter(wire, tmp_path).examine()

    assert [(d.works, d.required) for d in told] == [(True, True)] * 4 + [(False, False)] * 3
    assert told[0].detail == "2 Kustomizations and HelmReleases"
    assert "patch" in told[-1].remedy


def test_doctor_says_that_there_is_no_flux(wire: Wire, tmp_path: Path) -> None:
    """That is no failure: nothing is delivered by it."""
    wire.script["GET /apis"] = Answer({"kind": "APIGroupList", "groups": []})

    (presence, *_) = adapter(wire, tmp_path).examine()

    assert (presence.works, presence.required) == (False, False)
    assert "delivery.kinds" in presence.remedy


class Told:
    """A delivery that only answers and remembers."""

    def __init__(self, answer: Any) -> None:  # noqa: ANN401 - a fact
        self.answer = answer
        self.refreshed: list[object] = []

    def applications(self) -> Any:  # noqa: ANN401 - as above
        """Return what it was made with."""
        return self.answer

    def refresh(self, application: object) -> None:
        """Remember it."""
        self.refreshed.append(application)

    def examine(self) -> tuple[()]:
        """Say nothing."""
        return ()


def test_two_systems_are_one_delivery() -> None:
    """Their objects together, each refreshed by its own system."""
    found = application_of("Kustomization", kustomization(), {}, "test")
    argo, other = Told(()), Told((found,))
    both = Deliveries({("argoproj.io",): argo, ("kustomize.toolkit.fluxcd.io",): other})

    both.refresh(found.ref)

    assert both.applications() == (found,)
    assert (argo.refreshed, other.refreshed) == ([], [found.ref])


@pytest.mark.parametrize("first", [True, False])
def test_one_silent_system_makes_everything_unknown(*, first: bool) -> None:
    """Invariant 3: nobody knows what it owns."""
    answers = [Unknown("flux", "timeout"), ()] if first else [(), Unknown("flux", "timeout")]
    both = Deliveries({("a",): Told(answers[0]), ("b",): Told(answers[1])})

    assert isinstance(both.applications(), Unknown)
