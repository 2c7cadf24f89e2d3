"""The Delivery port against the sandbox and a real Argo CD: one contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.adapters.argocd import ArgoCd, argocd
from reconciler.adapters.flux import flux
from reconciler.adapters.kubernetes_api import kubernetes_api
from reconciler.errors import Unauthorized
from reconciler.model.delivery import Application, normalized_repository, tracked_by
from reconciler.model.facts import Unknown
from reconciler.model.objects import ObjectRef
from reconciler.settings import ClusterSettings, DeliverySettings
from tests.beds.manifests import deployment

if TYPE_CHECKING:
    from tests.beds.place import Place


def adapter(place: Place, user: str = "reconciler") -> ArgoCd:
    """Return the adapter as one of the testbed's users."""
    settings = ClusterSettings(name="test", kubeconfig=str(place.bed.kubeconfigs[user]))
    return argocd(DeliverySettings(), kubernetes_api(settings), settings.name)


@pytest.mark.beds("sandbox")  # the testbed has Flux's kinds once a test has wanted them
def test_a_cluster_without_flux_has_nothing_of_it(place: Place) -> None:
    """An API server that does not serve its kinds is an answer, and no failure."""
    settings = ClusterSettings(name="test", kubeconfig=str(place.bed.kubeconfigs["reconciler"]))

    assert flux(kubernetes_api(settings), settings.name, place.bed.clock).applications() == ()


def application(place: Place) -> Application:
    """Return the test's own Application as the adapter sees it."""
    found = adapter(place).applications()
    assert not isinstance(found, Unknown)
    return next(a for a in found if a.ref.name == place.application)


def test_synced_application_is_seen_whole(place: Place) -> None:
    """Sources, revision, health and objects, as Argo CD writes them."""
    place.wait_for_sync()

    def finished() -> Application | None:
        found = application(place)  # it is Synced and Healthy a moment before its operation counts as done
        return found if found.operation_phase == "Succeeded" else None

    seen = place.wait_for(finished, what="the operation has ended")
    (source,) = seen.sources
    assert normalized_repository(source.repository) == normalized_repository(place.repository_url)
    assert (source.path, source.target_revision, source.kind, source.recurse) == ("deploy", "main", "Directory", True)
    assert seen.sources_current
    assert seen.automated
    assert (seen.sync_status, seen.health) == ("Synced", "Healthy")
    assert seen.revisions == seen.operation_revisions == (place.application_status["sync"]["revision"],)
    assert len(seen.revisions[0]) == 40
    assert seen.objects == frozenset({("apps", "Deployment", place.namespace, "web")})
    assert (seen.destination_server, seen.destination_namespace) == (place.bed.server, place.namespace)
    assert seen.reconciled_at is not None
    assert seen.operation_finished_at is not None
    live = place.live("Deployment", "web")
    assert live is not None
    tracking_id = live["metadata"]["annotations"]["argocd.argoproj.io/tracking-id"]
    target = ObjectRef(cluster="test", group="apps", kind="Deployment", namespace=place.namespace, name="web")
    assert tracked_by(target, tracking_id) == place.application


def test_refresh_brings_a_commit_to_the_cluster(place: Place) -> None:
    """Argo CD takes the annotation away when it has reread Git, and syncs by its own policy."""
    place.wait_for_sync()
    commit = place.commit({"deploy/web.yaml": deployment(memory="1Gi")})

    adapter(place).refresh(application(place).ref)

    place.wait_for_sync(commit)
    seen = place.wait_for(lambda: None if application(place).refresh_pending else application(place), what="refreshed")
    assert seen.revisions == (commit,)


def test_object_that_git_gave_up_is_all_that_differs_without_pruning(place: Place) -> None:
    """Everything of Git's is live, and the Application is OutOfSync until somebody prunes."""
    place.wait_for_sync()
    place.patch("Application", place.application, {"spec": {"syncPolicy": {"automated": {"prune": False}}}})
    place.commit({"deploy/more.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: more\n"})
    adapter(place).refresh(application(place).ref)
    place.wait_for(lambda: place.live("ConfigMap", "more"), what="it is there")
    place.wait_for_sync(health=None)

    place.commit({"deploy/more.yaml": None})
    adapter(place).refresh(application(place).ref)

    def differs() -> Application | None:
        found = application(place)
        return found if found.sync_status == "OutOfSync" else None

    assert place.wait_for(differs, what="it differs").only_leftovers
    assert place.live("ConfigMap", "more") is not None


def test_application_that_cannot_be_rendered_says_why(place: Place) -> None:
    """A broken manifest becomes a condition, and the sync status is not Synced."""
    place.wait_for_sync()
    place.commit({"deploy/web.yaml": deployment().replace("spec:", "spec: [", 1)})
    adapter(place).refresh(application(place).ref)

    def failed() -> Application | None:
        seen = application(place)
        return seen if "ComparisonError" in dict(seen.conditions) else None

    seen = place.wait_for(failed, what="the comparison fails")
    assert "web.yaml" in dict(seen.conditions)["ComparisonError"]
    assert seen.sync_status == "Unknown"


def test_user_who_may_only_look_cannot_refresh(place: Place) -> None:
    """Reading needs no more than list; the error names verb and kind."""
    place.wait_for_sync()
    delivery = adapter(place, "readonly")

    assert not isinstance(delivery.applications(), Unknown)
    with pytest.raises(Unauthorized, match=r"patch applications\.argoproj\.io"):
        delivery.refresh(application(place).ref)
    assert [d.required for d in delivery.examine() if not d.works] == [False]


def test_doctor_is_content_with_the_rights_of_a_real_installation(place: Place) -> None:
    """Everything that is asked for is granted by the documented role."""
    assert [d.subject for d in adapter(place).examine() if not d.works] == []
