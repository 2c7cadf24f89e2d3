"""Applications are read from the API server, refreshed by one annotation, and examined."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.adapters.argocd import ArgoCd, argocd
from reconciler.errors import Conflict, Unauthorized
from reconciler.model.facts import Unknown
from reconciler.settings import DeliverySettings
from tests.adapters import kubernetes_json as kubernetes
from tests.adapters.argocd_json import WEB, application
from tests.adapters.kubernetes_json import api_on
from tests.adapters.wire import Answer, Wire

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ALL = "/apis/argoproj.io/v1alpha1/applications"


@pytest.fixture
def wire() -> Iterator[Wire]:
    """An API server with one Application."""
    page = kubernetes.listing("Application", application(), api_version="argoproj.io/v1alpha1")
    groups = {"kind": "APIGroupList", "groups": [{"name": "apps"}, {"name": "argoproj.io"}]}
    with Wire({f"GET {ALL}": Answer(page), "GET /apis": Answer(groups)}) as server:
        yield server


def adapter(wire: Wire, folder: Path, namespace: str | None = None) -> ArgoCd:
    """Return the adapter on the scripted wire."""
    return argocd(DeliverySettings(namespace=namespace), api_on(wire, folder), "test")


def test_all_applications_are_read_in_one_list(wire: Wire, tmp_path: Path) -> None:
    """One request, whatever their number."""
    applications = adapter(wire, tmp_path).applications()

    assert not isinstance(applications, Unknown)
    assert [a.ref for a in applications] == [WEB]
    assert len(wire.requests) == 1


def test_only_the_configured_namespace_is_read(wire: Wire, tmp_path: Path) -> None:
    """A role in Argo CD's own namespace is enough."""
    wire.script["GET /apis/argoproj.io/v1alpha1/namespaces/argocd/applications"] = wire.script[f"GET {ALL}"]

    assert not isinstance(adapter(wire, tmp_path, "argocd").applications(), Unknown)
    assert [r.path for r in wire.requests] == ["/apis/argoproj.io/v1alpha1/namespaces/argocd/applications"]


def test_cluster_without_the_applications_api_has_no_argo(wire: Wire, tmp_path: Path) -> None:
    """The server's own list of groups says so; then no object is delivered by Argo CD."""
    del wire.script[f"GET {ALL}"]
    wire.script["GET /apis"] = Answer({"kind": "APIGroupList", "groups": [{"name": "apps"}]})

    assert adapter(wire, tmp_path).applications() == ()


def test_not_found_of_something_in_between_is_unknown(wire: Wire, tmp_path: Path) -> None:
    """Invariant 3: a 404 alone does not make Argo CD absent, or its objects would count as nobody's."""
    wire.script[f"GET {ALL}"] = Answer("no such page", 404)
    api = adapter(wire, tmp_path)
    served = {"kind": "APIResourceList", "resources": [{"name": "applications"}]}
    wire.script["GET /apis/argoproj.io/v1alpha1"] = Answer(served)

    assert isinstance(api.applications(), Unknown)
    wire.script["GET /apis"] = Answer("no such page", 404)
    assert isinstance(api.applications(), Unknown)


@pytest.mark.parametrize("status", [401, 403, 500])
def test_applications_that_may_not_be_read_are_unknown(wire: Wire, tmp_path: Path, status: int) -> None:
    """Invariant 3: unread is not none."""
    wire.script[f"GET {ALL}"] = kubernetes.status(status, "No", "no")

    assert isinstance(adapter(wire, tmp_path).applications(), Unknown)


def test_refresh_sets_the_annotation_and_nothing_else(wire: Wire, tmp_path: Path) -> None:
    """A normal refresh: hard would empty the manifest cache, a sync would bypass the owner's policy."""
    path = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/web"
    wire.script[f"PATCH {path}"] = Answer({"kind": "Application"})

    adapter(wire, tmp_path).refresh(WEB)

    (patch,) = wire.asked("PATCH", path)
    assert patch.body == {"metadata": {"annotations": {"argocd.argoproj.io/refresh": "normal"}}}
    assert patch.headers["Content-Type"] == "application/merge-patch+json"


def test_refresh_of_a_vanished_application_is_a_conflict(wire: Wire, tmp_path: Path) -> None:
    """The world moved; the next pass sees it."""
    with pytest.raises(Conflict) as raised:
        adapter(wire, tmp_path).refresh(WEB)

    assert raised.value.code == "target.gone"


def test_refresh_without_permission_says_what_is_missing(wire: Wire, tmp_path: Path) -> None:
    """An error that names verb and kind."""
    path = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/web"
    wire.script[f"PATCH {path}"] = kubernetes.status(403, "Forbidden", 'User "bot" cannot patch resource')

    with pytest.raises(Unauthorized, match=r"patch applications\.argoproj\.io web"):
        adapter(wire, tmp_path).refresh(WEB)


def test_doctor_tells_absence_from_a_missing_permission(wire: Wire, tmp_path: Path) -> None:
    """Both come with what a person can do."""
    review = "POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    wire.script[review] = Answer({"status": {"allowed": False}}, 201)
    served = {"kind": "APIResourceList", "resources": [{"name": "applications"}]}
    wire.script["GET /apis/argoproj.io/v1alpha1"] = Answer(served)
    api = adapter(wire, tmp_path)

    presence, reading, refreshing = api.examine()

    assert presence.works
    assert presence.detail == "1 Application"
    assert (reading.works, reading.required, refreshing.required) == (False, True, False)
    assert 'verbs: ["patch"]' in refreshing.remedy
    wire.script["GET /apis"] = Answer({"kind": "APIGroupList", "groups": []})
    absence = api.examine()[0]
    assert (absence.works, absence.required) == (False, False)
    assert "no Applications API" in absence.detail
