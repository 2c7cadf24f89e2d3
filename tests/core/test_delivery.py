"""Repository addresses that compare, and whom an object belongs to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.model.delivery import normalized_repository, owning_applications, tracked_by
from reconciler.model.objects import ObjectRef
from tests.worlds import APPLICATION, WEBAPP, application

TRACKED = "webapp:apps/Deployment:production/webapp"
ROLE = ObjectRef(
    cluster="default", group="rbac.authorization.k8s.io", kind="ClusterRole", namespace="", name="system:a:b"
)


@pytest.mark.parametrize(
    "url",
    [
        "https://git.example/platform/web.git",
        "https://git.example/platform/web",
        "https://git.example/platform/web/",
        "https://GIT.example/platform/web.git/",
        "https://bot:secret@git.example/platform/web.git",
        "ssh://git@git.example/platform/web.git",
        "git@git.example:platform/web.git",
        " https://git.example/platform/web.git\n",
    ],
)
def test_addresses_of_one_repository_are_the_same(url: str) -> None:
    """Scheme, user, suffix and the host's case say nothing about which repository it is."""
    assert normalized_repository(url) == "git.example/platform/web"


@pytest.mark.parametrize(
    "url",
    [
        "https://git.example/platform/Web",
        "https://git.example:8443/platform/web",
        "https://git.example/other/web",
        "https://git.example.evil/platform/web",
        "https://evil/git.example/platform/web",
    ],
)
def test_addresses_of_other_repositories_are_not(url: str) -> None:
    """Host, port and path must agree; the path's case counts."""
    assert normalized_repository(url) != "git.example/platform/web"


@pytest.mark.parametrize(
    ("tracking_id", "application_name"),
    [
        (TRACKED, "webapp"),
        ("team_webapp:apps/Deployment:production/webapp", "team_webapp"),
        (None, None),
        ("", None),
        ("webapp", None),
        (":apps/Deployment:production/webapp", None),
        ("webapp:apps/Deployment:staging/webapp", None),
        ("webapp:apps/StatefulSet:production/webapp", None),
        ("webapp:/Deployment:production/webapp", None),
        ("webapp:apps/Deployment:production/cart", None),
    ],
)
def test_tracking_id_counts_only_on_its_own_object(tracking_id: str | None, application_name: str | None) -> None:
    """A copied id, by an operator or a Helm lookup, means nothing."""
    assert tracked_by(WEBAPP, tracking_id) == application_name


def test_tracking_id_of_a_cluster_role_holds_colons_and_a_foreign_namespace() -> None:
    """Split at most twice; the namespace is the Application's destination."""
    said = "platform:rbac.authorization.k8s.io/ClusterRole:argocd/system:a:b"

    assert tracked_by(ROLE, said) == "platform"


def test_application_that_lists_the_object_owns_it() -> None:
    """`status.resources` decides, with or without a tracking id."""
    mine, other = application(), application(ref=replace(APPLICATION, name="cart"), objects=frozenset())

    assert owning_applications(WEBAPP, None, (mine, other)) == (mine,)
    assert owning_applications(WEBAPP, TRACKED, (mine, other)) == (mine,)


def test_tracking_id_alone_makes_no_owner() -> None:
    """An id that names an Application which does not list the object proves nothing."""
    assert owning_applications(WEBAPP, TRACKED, (application(objects=frozenset()),)) == ()


def test_two_applications_that_list_the_object_are_a_conflict_even_with_a_tracking_id() -> None:
    """Invariant 4: who owns it is not for us to choose."""
    both = (application(), application(ref=replace(APPLICATION, name="cart")))

    assert owning_applications(WEBAPP, TRACKED, both) == both


@pytest.mark.parametrize("tracking_id", [TRACKED, "argocd_" + TRACKED])
def test_tracking_id_tells_apart_the_same_object_in_two_clusters(tracking_id: str) -> None:
    """An Application may deliver an object of the same name elsewhere."""
    here = application()
    there = application(ref=replace(APPLICATION, name="webapp-eu"), destination_server="https://eu.example")

    assert owning_applications(WEBAPP, tracking_id, (here, there)) == (here,)
    assert owning_applications(WEBAPP, None, (here, there)) == (here, there)
